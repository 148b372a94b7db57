"""Running the proof: every check over one reading of the database."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from hub.calendar import WorkingCalendar
from hub.db import Connection, one
from hub.fees import exceptions
from hub.fees.proof import findings, ledger_checks, payment_checks, payout_checks, statement_checks
from hub.fees.proof.findings import Check, CheckOutcome, Invariant, Offender, ProofReport, digest_of

MOST: Final = 100
"""offenders of a check that are told; more say nothing new"""
CHECKS: Final[Sequence[Check]] = (
    *ledger_checks.BOOK_CHECKS,
    *ledger_checks.CLOSE_CHECKS,
    *payment_checks.NOTIFICATION_CHECKS,
    *payment_checks.CASH_CHECKS,
    *payment_checks.DEMAND_CHECKS,
    *payment_checks.ITEM_CHECKS,
    *payment_checks.SOURCE_CHECKS,
    *statement_checks.STATEMENT_CHECKS,
    *statement_checks.MATCH_CHECKS,
    *payout_checks.ORDER_CHECKS,
    *payout_checks.SETTLEMENT_CHECKS,
    *payout_checks.RECEIPT_CHECKS,
)


def prove(conn: Connection) -> ProofReport:
    """All of it, read at one moment. Changes nothing."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return proven(conn)


def proven(conn: Connection) -> ProofReport:
    """All of it, as the caller's transaction sees it."""
    results = [*(_looked_at(conn, check) for check in CHECKS), *ledger_checks.check_anchors(conn)]
    seen = {result.invariant for result in results}
    return ProofReport(
        results=sorted(results, key=lambda result: list(Invariant).index(result.invariant)),
        digest=digest_of(findings.lines(conn)),
        last_seq=int(one(conn, "SELECT coalesce(max(seq), 0) AS seq FROM ledger_entry", ())["seq"]),
        missing=[invariant for invariant in Invariant if invariant not in seen],
    )


def _looked_at(conn: Connection, check: Check) -> CheckOutcome:
    found = conn.execute(check.query).fetchall()
    offenders = [Offender(row["what"], row["how"]) for row in found[:MOST]]
    return CheckOutcome(check.invariant, check.name, check.code, offenders, len(found))


# What is kept of a proof, and what follows from a red one: exceptions, which stop every close and transfer.

_SHOWN: Final = 20
"""offenders that an exception names; `hub fee prove` names more"""


def was_proven_on(conn: Connection, day: date) -> bool:
    """Whether the book was proven on this day."""
    return conn.execute("SELECT 1 FROM proof_run WHERE day = %s LIMIT 1", (day,)).fetchone() is not None


def record(conn: Connection, calendar: WorkingCalendar, proof: ProofReport, day: date) -> list[str]:
    """Write the run down and open an exception for each check that is red and has none. The new exceptions' ids."""
    red = sorted({result.invariant.value for result in proof.red})
    conn.execute(
        "INSERT INTO proof_run (day, last_seq, digest, red) VALUES (%s, %s, %s, %s)",
        (day, proof.last_seq, proof.digest, red),
    )
    opened = exceptions.open_all(conn, calendar, [_case(result) for result in proof.red])
    return [case for case in opened if case is not None]


def is_stopped(conn: Connection) -> bool:
    """Whether nothing may be closed or transferred: an exception of the proof is open."""
    row = conn.execute(
        "SELECT 1 FROM fee_exception WHERE code IN ('L01', 'L02', 'L03', 'L04') AND state <> 'resolved' LIMIT 1"
    ).fetchone()
    return row is not None


def _case(result: CheckOutcome) -> exceptions.Opening:
    facts = {
        "check": result.name,
        "count": result.count,
        "offenders": [[one.what, one.how] for one in result.offenders[:_SHOWN]],
    }
    return exceptions.Opening(result.code.value, "invariant", f"{result.invariant}: {result.name}", 0, facts)
