"""Match groups in the database: each joins lines of statements, payments and demands, by one leg or several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from psycopg.types.json import Jsonb

from hub.db import Connection, one
from hub.fees.reconciliation.matching.passes import RULES

MatchClass = Literal["A", "B", "C", "D"]
"""A: joined by the hub itself; B: by one person; C: by two; D: of nobody"""

_ADD: Final = """
WITH added AS (
    INSERT INTO match_group (run_id, pass, class, rule_version, state, evidence, maker, checker, reason)
    VALUES (%(run)s, %(pass)s, %(class)s, %(rules)s, %(state)s, %(evidence)s, %(maker)s, %(checker)s, %(reason)s)
    RETURNING id
), legs AS (
    INSERT INTO match_leg (group_id, number, line_id, payment_id, demand_id, amount, credited, confirmed)
    SELECT id, number, line, payment, demand, amount, %(credited)s, %(state)s = 'confirmed'
    FROM added, unnest(%(lines)s::bigint[], %(payments)s::text[], %(demands)s::text[], %(amounts)s::bigint[])
        WITH ORDINALITY AS leg (line, payment, demand, amount, number)
)
SELECT id FROM added
"""


@dataclass(frozen=True, slots=True)
class MatchLeg:
    """A leg of a group. ``amount``: what of the money counts for the demand, in đồng."""

    line: int | None = None
    payment: str | None = None
    demand: str | None = None
    amount: int = 0


def add(
    conn: Connection,
    run: int,
    match_pass: str,
    match_class: MatchClass,
    legs: Sequence[MatchLeg],
    evidence: Mapping[str, Any],
    *,
    state: Literal["proposed", "confirmed"] = "confirmed",
    credited: bool = True,
    maker: str | None = None,
    checker: str | None = None,
    reason: str | None = None,
) -> int:
    """Add a group with its legs, numbered from 1. Returns its number.

    ``evidence``: what was seen, without the payer's words. ``credited``: the demands have the money already.
    """
    parameters = {
        "run": run,
        "pass": match_pass,
        "class": match_class,
        "rules": RULES,
        "state": state,
        "evidence": Jsonb(dict(evidence)),
        "maker": maker,
        "checker": checker,
        "reason": reason,
        "credited": credited,
        "lines": [leg.line for leg in legs],
        "payments": [leg.payment for leg in legs],
        "demands": [leg.demand for leg in legs],
        "amounts": [leg.amount for leg in legs],
    }
    return int(one(conn, _ADD, parameters)["id"])


def end(conn: Connection, group_id: int, state: Literal["rejected", "revoked", "superseded"], reason: str) -> None:
    """Move a group to a state in which it joins nothing; its legs follow by a trigger."""
    conn.execute("UPDATE match_group SET state = %s, reason = %s WHERE id = %s", (state, reason, group_id))
