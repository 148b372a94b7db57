"""Running the proof: every check over one reading of the database."""

from collections.abc import Sequence
from typing import Final

from hub.db import Connection, one
from hub.fees.proof import (
    anchors,
    book,
    cash,
    closes,
    demands,
    items,
    matches,
    notifications,
    orders,
    receipts,
    settlements,
    sources,
    state,
    statements,
)
from hub.fees.proof.findings import Check, CheckOutcome, Invariant, Offender, ProofReport, digest_of

MOST: Final = 100
"""offenders of a check that are told; more say nothing new"""
CHECKS: Final[Sequence[Check]] = (
    *book.CHECKS,
    *closes.CHECKS,
    *notifications.CHECKS,
    *cash.CHECKS,
    *demands.CHECKS,
    *items.CHECKS,
    *sources.CHECKS,
    *statements.CHECKS,
    *matches.CHECKS,
    *orders.CHECKS,
    *settlements.CHECKS,
    *receipts.CHECKS,
)


def prove(conn: Connection) -> ProofReport:
    """All of it, read at one moment. Changes nothing."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return proven(conn)


def proven(conn: Connection) -> ProofReport:
    """All of it, as the caller's transaction sees it."""
    results = [*(_looked_at(conn, check) for check in CHECKS), *anchors.looked_at(conn)]
    seen = {result.invariant for result in results}
    return ProofReport(
        results=sorted(results, key=lambda result: list(Invariant).index(result.invariant)),
        digest=digest_of(state.lines(conn)),
        last_seq=int(one(conn, "SELECT coalesce(max(seq), 0) AS seq FROM ledger_entry", ())["seq"]),
        missing=[invariant for invariant in Invariant if invariant not in seen],
    )


def _looked_at(conn: Connection, check: Check) -> CheckOutcome:
    found = conn.execute(check.query).fetchall()
    offenders = [Offender(row["what"], row["how"]) for row in found[:MOST]]
    return CheckOutcome(check.invariant, check.name, check.code, offenders, len(found))
