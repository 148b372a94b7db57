"""Matches as people look at them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from hub.db import Connection
from hub.locale import vi

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
