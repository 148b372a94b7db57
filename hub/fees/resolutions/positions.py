"""Where the money of an exception stands in the book, and how its resolution posts. Shared by the resolutions."""

from collections.abc import Sequence
from typing import Any, Final

from hub.clock import local
from hub.errors import InvalidState
from hub.fees import exceptions
from hub.fees.exceptions.model import FeeException
from hub.fees.ledger import Origin
from hub.fees.payments import bookings, payment_store
from hub.fees.payments.payment_store import Payment
from hub.fees.reconciliation.matching.payment_position import PaymentPosition, standing
from hub.locale import vi
from hub.unit_of_work import UnitOfWork

SOURCE: Final = "case"
"""of what the book says of a resolution; numbered, for an exception may be settled in parts"""

_LINE: Final = """
SELECT l.id, l.account, l.booking_date, l.amount, l.state, g.id AS group_id, g.run_id, g.pass AS joined_by,
    leg.payment_id, leg.demand_id FROM statement_line l
LEFT JOIN match_leg leg ON leg.line_id = l.id AND leg.confirmed AND leg.number = 1
LEFT JOIN match_group g ON g.id = leg.group_id WHERE l.id = %s FOR UPDATE OF l
"""


def stands(uow: UnitOfWork, payment: str) -> PaymentPosition:
    """Where this payment's money stands."""
    return standing(uow.conn, payment, line_of(uow, payment))


def payment_of(uow: UnitOfWork, case: FeeException) -> Payment:
    """The payment that the exception is about, ours until the transaction ends.

    Raises InvalidState where there is none.
    """
    if case.payment is None:
        raise InvalidState(vi("this exception is not about a payment"))
    return payment_by(uow, case.payment)


def payment_by(uow: UnitOfWork, payment: str) -> Payment:
    """The payment of this id, ours until the transaction ends. Raises InvalidState where there is none."""
    found = payment_store.lock(uow.conn, payment)
    if found is None:
        raise InvalidState(vi("there is no payment {payment_id}", payment_id=payment))
    return found


def line_by(uow: UnitOfWork, line: str) -> dict[str, Any]:
    """A statement line and what it is joined to, ours until the transaction ends. Raises InvalidState."""
    row = uow.conn.execute(_LINE, (int(line),)).fetchone() if line.isdecimal() else None
    if row is None:
        raise InvalidState(vi("there is no statement line {line}", line=line))
    return row


def line_of(uow: UnitOfWork, payment: str) -> str | None:
    """The line that shows a payment, or had shown it before that was revoked, by its number."""
    row = uow.conn.execute(
        "SELECT line_id FROM match_leg WHERE payment_id = %s AND number = 1 AND line_id IS NOT NULL"
        " ORDER BY confirmed DESC, group_id DESC LIMIT 1",
        (payment,),
    ).fetchone()
    return str(row["line_id"]) if row else None


def settle_line(uow: UnitOfWork, line: str | None, state: str, *, before: Sequence[str] = ("in_exception",)) -> None:
    """The line of an exception has its outcome now."""
    if line is not None:
        uow.conn.execute(
            "UPDATE statement_line SET state = %s, allocated = abs(amount) WHERE id = %s AND state = ANY(%s)",
            (state, int(line), list(before)),
        )


def origin(uow: UnitOfWork, case: FeeException, account: str) -> Origin:
    """What the resolution of an exception posts under, today: what is found out later goes to an open day."""
    row = uow.conn.execute(
        "SELECT count(*) + 1 AS number FROM ledger_entry WHERE source_type = %s AND source_id LIKE %s || ' %%'",
        (SOURCE, case.id),
    ).fetchone()
    number = row["number"] if row else 1
    return bookings.origin_on(uow, SOURCE, f"{case.id} {number}", account, local(uow.now).date())


def close_others(uow: UnitOfWork, case: FeeException, payment: str, codes: Sequence[str]) -> None:
    """Further exceptions about the payment are over with this one."""
    by = f"{case.resolution} of {case.id}"
    for other in exceptions.resolve_about(uow.conn, "payment", [payment], by, codes=codes, but=case.id):
        uow.note(other, "explained", after="resolved", reason=by)
