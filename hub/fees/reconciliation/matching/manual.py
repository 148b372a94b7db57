"""Matches that persons make when they resolve an exception: the rows of groups, legs and lines that change with them.

What a resolution decides, and what it posts, is in hub.fees.resolutions.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from psycopg.types.json import Jsonb

from hub.db import Connection, one
from hub.fees.reconciliation.matching.passes import RULES

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
