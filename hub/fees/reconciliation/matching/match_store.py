"""Match groups in the database: each joins lines of statements, payments and demands, by one leg or several.

Runs add them, and so do persons who resolve an exception (what a resolution decides and posts is in
hub.fees.resolutions). The reads at the end are for people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from psycopg.types.json import Jsonb

from hub.db import Connection, one
from hub.fees.reconciliation.matching.passes import RULES
from hub.locale import vi

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


_LINE: Final = """
SELECT l.id, l.account, l.booking_date, l.amount, l.state, g.id AS group_id, g.run_id, g.pass AS joined_by,
    leg.payment_id, leg.demand_id FROM statement_line l
LEFT JOIN match_leg leg ON leg.line_id = l.id AND leg.confirmed AND leg.number = 1
LEFT JOIN match_group g ON g.id = leg.group_id WHERE l.id = %s FOR UPDATE OF l
"""

_DEBIT: Final = """
SELECT l.account, l.amount, l.state, (SELECT max(id) FROM recon_run r
    WHERE (r.account, r.day) = (l.account, l.booking_date)) AS run
FROM statement_line l WHERE l.id = %s FOR UPDATE
"""

_UNPLACED: Final = """
SELECT g.run_id, leg.line_id FROM match_leg leg JOIN match_group g ON g.id = leg.group_id
WHERE leg.payment_id = %s AND leg.confirmed AND leg.number = 1 AND leg.line_id IS NOT NULL AND leg.demand_id IS NULL
    AND g.pass IN ('P0', 'P1')
"""

_PROPOSE: Final = """
WITH grouped AS (
    INSERT INTO match_group (run_id, pass, class, rule_version, state, evidence, maker)
    VALUES (%(run)s, 'P11', 'C', %(rules)s, 'proposed', %(evidence)s, %(maker)s) RETURNING id
)
INSERT INTO match_leg (group_id, number, line_id, payment_id, demand_id, amount, credited, confirmed)
SELECT id, 1, %(line)s, %(payment)s, %(demand)s, %(amount)s, false, false FROM grouped RETURNING group_id
"""

_CONFIRMED: Final = """
INSERT INTO match_group (run_id, pass, class, rule_version, state, evidence, maker, checker, reason)
VALUES (%(run)s, %(pass)s, 'C', %(rules)s, 'confirmed', %(evidence)s, %(maker)s, %(checker)s, %(reason)s) RETURNING id
"""

_LEG: Final = """
INSERT INTO match_leg (group_id, number, line_id, payment_id, demand_id, amount, credited, confirmed)
VALUES (%s, %s, %s, %s, %s, %s, true, true)
"""

_REPORTED: Final = """
SELECT i.provider_txn, i.amount, p.id AS payment_id FROM payout_item i
LEFT JOIN payment p ON p.provider = i.provider AND p.provider_txn = i.provider_txn AND p.amount = i.amount
    AND p.status IN ('notified', 'unconfirmed_overdue')
    AND NOT EXISTS (SELECT 1 FROM match_leg t WHERE t.payment_id = p.id AND t.confirmed)
    AND EXISTS (SELECT 1 FROM ledger_entry e
                WHERE (e.source_type, e.source_id, e.kind) = ('payment', p.id, 'notified'))
WHERE i.provider = %s AND i.report = %s ORDER BY i.provider_txn
"""

_END_LINE: Final = """
UPDATE statement_line SET state = %(state)s, allocated = CASE %(state)s WHEN 'vanished' THEN 0 ELSE allocated END
WHERE id = %(line)s
"""


def lock_line(conn: Connection, line: int) -> dict[str, Any] | None:
    """Lock a statement line, and read the confirmed match that it is in."""
    return conn.execute(_LINE, (line,)).fetchone()


def lock_debit(conn: Connection, line: int) -> dict[str, Any]:
    """Lock a debit line: its account, amount, state, and the last matching run of its day."""
    return one(conn, _DEBIT, (line,))


def line_of(conn: Connection, payment: str) -> str | None:
    """The id of the line that shows a payment, or did before its match was revoked."""
    row = conn.execute(
        "SELECT line_id FROM match_leg WHERE payment_id = %s AND number = 1 AND line_id IS NOT NULL"
        " ORDER BY confirmed DESC, group_id DESC LIMIT 1",
        (payment,),
    ).fetchone()
    return str(row["line_id"]) if row else None


def settle_line(conn: Connection, line: int, state: str, *, before: Sequence[str]) -> None:
    """Set the state of a line that is in one of the states ``before``, and count all of it as allocated."""
    conn.execute(
        "UPDATE statement_line SET state = %s, allocated = abs(amount) WHERE id = %s AND state = ANY(%s)",
        (state, line, list(before)),
    )


def end_line(conn: Connection, line: int, state: Literal["reversed", "vanished"]) -> None:
    """Set the state of a line whose money was taken back; one that has vanished has nothing allocated."""
    conn.execute(_END_LINE, {"state": state, "line": line})


def unplaced_line(conn: Connection, payment: str) -> dict[str, Any] | None:
    """``line_id`` and ``run_id`` of the line that shows the payment, if it is matched with no demand."""
    return conn.execute(_UNPLACED, (payment,)).fetchone()


def propose(
    conn: Connection,
    unplaced: Mapping[str, Any],
    payment: str,
    demand: str,
    amount: int,
    *,
    evidence: Mapping[str, Any],
    maker: str | None,
) -> int:
    """Propose to match an unplaced line's payment with ``demand``, đồng; the group's id."""
    match = {
        "run": unplaced["run_id"],
        "rules": RULES,
        "evidence": Jsonb(dict(evidence)),
        "maker": maker,
        "line": unplaced["line_id"],
        "payment": payment,
        "demand": demand,
        "amount": amount,
    }
    return int(one(conn, _PROPOSE, match)["group_id"])


def proposed_demand(conn: Connection, group: str, payment: str) -> str | None:
    """The demand of a proposed match of this payment; None: the group is no such match."""
    row = conn.execute(
        "SELECT leg.demand_id FROM match_group g JOIN match_leg leg ON leg.group_id = g.id AND leg.number = 1"
        " WHERE g.id::text = %s AND g.state = 'proposed' AND leg.payment_id = %s",
        (group, payment),
    ).fetchone()
    return row["demand_id"] if row else None


def add_group(conn: Connection, run: int, name: str, evidence: Mapping[str, Any], **decided: str | None) -> int:
    """Insert a confirmed group of the pass ``name``; ``decided``: maker, checker and reason. Its id."""
    group = {"run": run, "pass": name, "rules": RULES, "evidence": Jsonb(dict(evidence)), **decided}
    return int(one(conn, _CONFIRMED, group)["id"])


def add_leg(
    conn: Connection,
    group: int,
    number: int,
    *,
    line: int | None,
    payment: str | None = None,
    demand: str | None = None,
    amount: int = 0,
) -> None:
    """Insert a confirmed leg of a group; ``amount``: what it credits to ``demand``, đồng."""
    conn.execute(_LEG, (group, number, line, payment, demand, amount))


def end_group(conn: Connection, group: int | None, state: Literal["superseded", "revoked"], reason: str) -> None:
    """End a confirmed match."""
    conn.execute("UPDATE match_group SET state = %s, reason = %s WHERE id = %s", (state, reason, group))


def reported_payments(conn: Connection, provider: str, report: str) -> list[str | None]:
    """For each item of a gateway's payout report its notified payment; None: it has none that waits for a statement."""
    return [row["payment_id"] for row in conn.execute(_REPORTED, (provider, report)).fetchall()]


_WAITING: Final = """
SELECT DISTINCT account, booking_date AS day FROM statement_line
WHERE status = 'BOOK' AND state = 'new' AND (amount > 0 OR reversal) ORDER BY account, day
"""

_GROUPS: Final = """
SELECT g.id, g.pass, g.class, g.state, l.id AS line, l.account, l.booking_date AS day, l.amount AS came,
    d.reference, d.dossier_id, leg.amount, g.evidence ->> 'how' AS how, g.evidence ->> 'shown' AS shown,
    (g.evidence ->> 'errors')::int AS errors, (g.evidence ->> 'place')::int AS place, g.maker, g.checker, g.reason
FROM match_group g JOIN match_leg leg ON leg.group_id = g.id JOIN statement_line l ON l.id = coalesce(leg.line_id, (
    SELECT first.line_id FROM match_leg first WHERE first.group_id = g.id AND first.number = 1))
LEFT JOIN fee_demand d ON d.id = leg.demand_id
WHERE g.state = %(state)s AND (%(account)s::text IS NULL OR l.account = %(account)s)
    AND (%(day)s::date IS NULL OR l.booking_date = %(day)s)
ORDER BY l.booking_date, l.line_key, (g.evidence ->> 'place')::int, g.id, leg.number LIMIT %(limit)s
"""


def waiting(conn: Connection) -> list[tuple[str, date]]:
    """Accounts and days with lines that no run has looked at."""
    return [(row["account"], row["day"]) for row in conn.execute(_WAITING)]


def groups(
    conn: Connection, *, state: str, account: str | None = None, day: date | None = None, limit: int
) -> Sequence[dict[str, Any]]:
    """Groups that stand so, in the order of booking; of proposals the likeliest first."""
    asked = {"state": state, "account": account, "day": day, "limit": limit}
    return conn.execute(_GROUPS, asked).fetchall()


# What accountants read about passes and classes.

PASSES: Final[Mapping[str, str]] = {
    "P0": vi("on the statement, whose it is is not known"),
    "P1": vi("the bank's transaction number of the notification"),
    "P2": vi("virtual account"),
    "P3": vi("reference written correctly"),
    "P4": vi("right reference, another amount"),
    "P5": vi("reference had to be mended (look-alike letters, gaps, lost beginning)"),
    "P6": vi("dossier code only"),
    "P7": vi("one line, several references"),
    "P8": vi("several payments of one reference"),
    "P9": vi("batch payout of a gateway, by its report"),
    "P10": vi("taken back by the bank"),
    "P11": vi("close to one reference"),
    "PO": vi("payment order of the Centre"),
}
CLASSES: Final[Mapping[str, str]] = {
    "A": vi("automatically"),
    "B": vi("one person"),
    "C": vi("two persons"),
    "D": vi("not proposed"),
}
STATES: Final[Mapping[str, str]] = {
    "proposed": vi("proposed"),
    "confirmed": vi("matched"),
    "revoked": vi("revoked"),
    "rejected": vi("match rejected"),
    "superseded": vi("replaced"),
}
