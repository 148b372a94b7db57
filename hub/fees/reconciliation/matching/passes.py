"""The passes, in their order: each a text of set-based SQL in sql/, which sees what the ones before it have left open.

Identity goes before amount: nothing joins itself to a demand without the bank's number of the movement, a virtual
account or a reference with its check digits (docs/decisions/0018).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from hub.db import Connection, one
from hub.fees import payments
from hub.fees.reconciliation.matching import reading
from schemas.identifiers import Prefix, new_id

RULES: Final = 2
"""The version of the passes. It goes up with every change of what they join; what was confirmed before stays."""

LINE_AND_PAYMENT: Final = ("p1_bank_reference", "p3_notified_reference")
LINE_AND_DEMAND: Final = (
    "identity",
    "p4_other_amount",
    "p8_several_lines",
    "p7_several_references",
    "p5_repaired",
)

_WITHOUT: Final = """
SELECT l.id FROM statement_line l
WHERE l.account = %(account)s AND l.booking_date = %(day)s AND l.state = 'new' AND l.status = 'BOOK' AND l.amount > 0
    AND NOT l.reversal AND NOT EXISTS (SELECT 1 FROM match_leg t WHERE t.line_id = l.id AND t.confirmed)
ORDER BY l.booking_date, l.line_key
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run looks at."""

    run: int
    account: str
    day: date
    prefixes: tuple[str, ...]
    """the letters of our references"""
    since: date = date.min
    """the first day whose payments may be booked on this one"""

    @property
    def parameters(self) -> Mapping[str, Any]:
        return {
            "run": self.run,
            "account": self.account,
            "day": self.day,
            "since": self.since,
            "rules": RULES,
            "texts": reading.VERSION,
            "prefixes": list(self.prefixes),
        }


@lru_cache(maxsize=64)
def text(name: str) -> bytes:
    """The SQL of this name, with its parts (``@open@``) put in: views in all but name, so that wherever the tables
    are found by another path (as in the proof's replay), so are these.
    """
    query = (Path(__file__).with_name("sql") / f"{name}.sql").read_text(encoding="utf-8")
    for part in ("named", "open", "original"):
        if f"@{part}@" in query:
            query = query.replace(f"@{part}@", text(part).decode())
    return query.replace("@add_found@", payments.ADD_FOUND).encode()


def execute(conn: Connection, name: str, scope: Scope, **more: Any) -> int:
    """Run it; how many rows it was about."""
    return conn.execute(text(name), {**scope.parameters, **more}).rowcount


def rows(conn: Connection, name: str, scope: Scope, **more: Any) -> Sequence[Mapping[str, Any]]:
    return conn.execute(text(name), {**scope.parameters, **more}).fetchall()


def pair(conn: Connection, scope: Scope) -> None:
    """Lines and the payments that were notified: P1, P3."""
    for name in LINE_AND_PAYMENT:
        execute(conn, name, scope)


def add_unnotified(conn: Connection, scope: Scope) -> bool:
    """Every line that is left is a payment of its own: its notification was lost, or there never was one.

    False where one of them was notified while we looked, so that its money would count twice: nothing of it may stay.
    """
    lines = [row["id"] for row in conn.execute(_WITHOUT, scope.parameters)]
    if not lines:
        return True
    execute(conn, "p0_found", scope, lines=lines, payments=[new_id(Prefix.PAYMENT) for _ in lines])
    return not rows(conn, "overtaken", scope, lines=lines)


def identify(conn: Connection, scope: Scope) -> None:
    """Payments that are nobody's yet, and the demands that they name; then proposals for what is left."""
    execute(conn, "unproven", scope)
    for name in LINE_AND_DEMAND:
        execute(conn, name, scope)
    reading.read_nearly(conn, scope.account, rows(conn, "unread", scope))
    execute(conn, "proposals", scope)


# One transaction at a time looks at what an account shows: PostgreSQL's advisory lock, which goes with the commit.

_LOCK: Final = 7_310_010
"""with an account's hash"""


def taken(conn: Connection, account: str) -> bool:
    """Whether it is ours; False where somebody has it at this moment."""
    return bool(one(conn, "SELECT pg_try_advisory_xact_lock(%s, hashtext(%s)) AS mine", (_LOCK, account))["mine"])


def wait(conn: Connection, account: str) -> None:
    """Until it is ours."""
    conn.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_LOCK, account))
