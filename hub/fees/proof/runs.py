"""What is kept of a proof, and what follows from a red one: cases, which stop every close and transfer."""

from datetime import date
from typing import Final

from hub.calendar import WorkingCalendar
from hub.db import Connection
from hub.fees import exceptions
from hub.fees.proof.findings import CheckOutcome, ProofReport

_SHOWN: Final = 20
"""offenders that a case names; `hub fee prove` names more"""


def made(conn: Connection, day: date) -> bool:
    """Whether the book was proven on this day."""
    return conn.execute("SELECT 1 FROM proof_run WHERE day = %s LIMIT 1", (day,)).fetchone() is not None


def keep(conn: Connection, calendar: WorkingCalendar, proof: ProofReport, day: date) -> list[str]:
    """Write the run down and open a case for each check that is red and has none. The new cases' ids."""
    red = sorted({result.invariant.value for result in proof.red})
    conn.execute(
        "INSERT INTO proof_run (day, last_seq, digest, red) VALUES (%s, %s, %s, %s)",
        (day, proof.last_seq, proof.digest, red),
    )
    opened = exceptions.open_all(conn, calendar, [_case(result) for result in proof.red])
    return [case for case in opened if case is not None]


def stopped(conn: Connection) -> bool:
    """Whether nothing may be closed or transferred: a case of the proof is open."""
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
