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
"""offenders of a check that are listed; more say nothing new"""
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
    """Run every check over one snapshot of the database. Changes nothing."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return proven(conn)


def proven(conn: Connection) -> ProofReport:
    """Run every check in the caller's transaction.

    1. The checks that are queries, one after the other.
    2. The checkpoints: the entries lead to the signed roots, and the checkpoints lie in the custody log.
    3. The digest over the state, by which the replay compares; the last entry; invariants that nothing has checked.
    """
    # 1. and 2.
    results = [*(_run_check(conn, check) for check in CHECKS), *ledger_checks.check_anchors(conn)]
    seen = {result.invariant for result in results}
    # 3.
    return ProofReport(
        results=sorted(results, key=lambda result: list(Invariant).index(result.invariant)),
        digest=digest_of(findings.lines(conn)),
        last_seq=int(one(conn, "SELECT coalesce(max(seq), 0) AS seq FROM ledger_entry", ())["seq"]),
        missing=[invariant for invariant in Invariant if invariant not in seen],
    )


def _run_check(conn: Connection, check: Check) -> CheckOutcome:
    rows = conn.execute(check.query).fetchall()
    offenders = [Offender(row["what"], row["how"]) for row in rows[:MOST]]
    return CheckOutcome(check.invariant, check.name, check.code, offenders, len(rows))


# The record of a proof, and the exceptions that a red one opens: they stop every close and transfer.

_SHOWN: Final = 20
"""offenders that an exception names; `hub fee prove` names more"""


def was_proven_on(conn: Connection, day: date) -> bool:
    """Whether the ledger was proven on this day."""
    return conn.execute("SELECT 1 FROM proof_run WHERE day = %s LIMIT 1", (day,)).fetchone() is not None


def record(conn: Connection, calendar: WorkingCalendar, proof: ProofReport, day: date) -> list[str]:
    """Record the run, open an exception for each red check that has none, and return the new exceptions' ids."""
    red = sorted({result.invariant.value for result in proof.red})
    conn.execute(
        "INSERT INTO proof_run (day, last_seq, digest, red) VALUES (%s, %s, %s, %s)",
        (day, proof.last_seq, proof.digest, red),
    )
    opened = exceptions.open_all(conn, calendar, [_opening(result) for result in proof.red])
    return [exception for exception in opened if exception is not None]


def is_stopped(conn: Connection) -> bool:
    """Whether nothing may be closed or transferred: an exception of the proof is open."""
    row = conn.execute(
        "SELECT 1 FROM fee_exception WHERE code IN ('L01', 'L02', 'L03', 'L04') AND state <> 'resolved' LIMIT 1"
    ).fetchone()
    return row is not None


def _opening(result: CheckOutcome) -> exceptions.Opening:
    facts = {
        "check": result.name,
        "count": result.count,
        "offenders": [[one.what, one.how] for one in result.offenders[:_SHOWN]],
    }
    return exceptions.Opening(result.code.value, "invariant", f"{result.invariant}: {result.name}", 0, facts)
