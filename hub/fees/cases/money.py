"""Where the money of a case stands in the book, and how its resolution posts. Shared by the resolutions."""

from collections.abc import Sequence
from typing import Any, Final

from hub.clock import local
from hub.errors import NotNow
from hub.fees import bookings, payments
from hub.fees.cases.ending import explained
from hub.fees.cases.model import Case
from hub.fees.ledger import Origin
from hub.fees.matching.standing import Standing, standing
from hub.fees.payments import Payment
from hub.work import Work

SOURCE: Final = "case"
"""of what the book says of a resolution; numbered, for a case may be settled in parts"""

_LINE: Final = """
SELECT l.id, l.account, l.booking_date, l.amount, l.state, g.id AS group_id, g.run_id, g.pass AS joined_by,
    leg.payment_id, leg.demand_id FROM statement_line l
LEFT JOIN match_leg leg ON leg.line_id = l.id AND leg.confirmed AND leg.number = 1
LEFT JOIN match_group g ON g.id = leg.group_id WHERE l.id = %s FOR UPDATE OF l
"""


def stands(work: Work, payment: str) -> Standing:
    """Where this payment's money stands."""
    return standing(work.conn, payment, line_of(work, payment))


def payment_of(work: Work, case: Case) -> Payment:
    """The payment that the case is about, ours until the transaction ends. Raises NotNow where there is none."""
    if case.payment is None:
        raise NotNow("ca này không gắn với khoản nộp nào")
    return payment_by(work, case.payment)


def payment_by(work: Work, payment: str) -> Payment:
    """The payment of this id, ours until the transaction ends. Raises NotNow where there is none."""
    found = payments.lock(work.conn, payment)
    if found is None:
        raise NotNow(f"không có khoản nộp {payment}")
    return found


def line_by(work: Work, line: str) -> dict[str, Any]:
    """A statement line and what it is joined to, ours until the transaction ends. Raises NotNow."""
    row = work.conn.execute(_LINE, (int(line),)).fetchone() if line.isdecimal() else None
    if row is None:
        raise NotNow(f"không có dòng sao kê {line}")
    return row


def line_of(work: Work, payment: str) -> str | None:
    """The line that shows a payment, or had shown it before that was revoked, by its number."""
    row = work.conn.execute(
        "SELECT line_id FROM match_leg WHERE payment_id = %s AND number = 1 AND line_id IS NOT NULL"
        " ORDER BY confirmed DESC, group_id DESC LIMIT 1",
        (payment,),
    ).fetchone()
    return str(row["line_id"]) if row else None


def settle_line(work: Work, line: str | None, state: str, *, before: Sequence[str] = ("in_case",)) -> None:
    """The line of a case has its outcome now."""
    if line is not None:
        work.conn.execute(
            "UPDATE statement_line SET state = %s, allocated = abs(amount) WHERE id = %s AND state = ANY(%s)",
            (state, int(line), list(before)),
        )


def origin(work: Work, case: Case, account: str) -> Origin:
    """What the resolution of a case posts under, today: what is found out later goes to an open day."""
    row = work.conn.execute(
        "SELECT count(*) + 1 AS number FROM journal_entry WHERE source_type = %s AND source_id LIKE %s || ' %%'",
        (SOURCE, case.id),
    ).fetchone()
    number = row["number"] if row else 1
    return bookings.origin_on(work, SOURCE, f"{case.id} {number}", account, local(work.now).date())


def close_others(work: Work, case: Case, payment: str, codes: Sequence[str]) -> None:
    """Further cases about the payment are over with this one."""
    by = f"{case.resolution} of {case.id}"
    for other in explained(work.conn, codes, "payment", [payment], by, but=case.id):
        work.note(other, "explained", after="resolved", reason=by)
