"""The ledger position of an exception's money, and the postings of its resolution. Shared by the resolutions."""

from collections.abc import Sequence
from typing import Any, Final

from hub.audit import AuditAction
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
"""source type of a resolution's entries; their ids are numbered, for an exception may be resolved in parts"""

_LINE: Final = """
SELECT l.id, l.account, l.booking_date, l.amount, l.state, g.id AS group_id, g.run_id, g.pass AS joined_by,
    leg.payment_id, leg.demand_id FROM statement_line l
LEFT JOIN match_leg leg ON leg.line_id = l.id AND leg.confirmed AND leg.number = 1
LEFT JOIN match_group g ON g.id = leg.group_id WHERE l.id = %s FOR UPDATE OF l
"""


def position_of(uow: UnitOfWork, payment: str) -> PaymentPosition:
    """On which accounts the payment's money is."""
    return standing(uow.conn, payment, line_of(uow, payment))


def payment_of(uow: UnitOfWork, exception: FeeException) -> Payment:
    """Lock the payment that the exception is about. Raises InvalidState where there is none."""
    if exception.payment is None:
        raise InvalidState(vi("this exception is not about a payment"))
    return payment_by(uow, exception.payment)


def payment_by(uow: UnitOfWork, payment: str) -> Payment:
    """Lock the payment. Raises InvalidState where there is none."""
    row = payment_store.lock(uow.conn, payment)
    if row is None:
        raise InvalidState(vi("there is no payment {payment_id}", payment_id=payment))
    return row


def line_by(uow: UnitOfWork, line: str) -> dict[str, Any]:
    """Lock a statement line, and read what it is matched with. Raises InvalidState where there is none."""
    row = uow.conn.execute(_LINE, (int(line),)).fetchone() if line.isdecimal() else None
    if row is None:
        raise InvalidState(vi("there is no statement line {line}", line=line))
    return row


def line_of(uow: UnitOfWork, payment: str) -> str | None:
    """The id of the line that shows a payment, or did before its match was revoked."""
    row = uow.conn.execute(
        "SELECT line_id FROM match_leg WHERE payment_id = %s AND number = 1 AND line_id IS NOT NULL"
        " ORDER BY confirmed DESC, group_id DESC LIMIT 1",
        (payment,),
    ).fetchone()
    return str(row["line_id"]) if row else None


def settle_line(uow: UnitOfWork, line: str | None, state: str, *, before: Sequence[str] = ("in_exception",)) -> None:
    """Set the state of an exception's line, which is allocated now."""
    if line is not None:
        uow.conn.execute(
            "UPDATE statement_line SET state = %s, allocated = abs(amount) WHERE id = %s AND state = ANY(%s)",
            (state, int(line), list(before)),
        )


def origin(uow: UnitOfWork, exception: FeeException, account: str) -> Origin:
    """The origin of the resolution's entries: today, or the next open day."""
    row = uow.conn.execute(
        "SELECT count(*) + 1 AS number FROM ledger_entry WHERE source_type = %s AND source_id LIKE %s || ' %%'",
        (SOURCE, exception.id),
    ).fetchone()
    number = row["number"] if row else 1
    return bookings.origin_on(uow, SOURCE, f"{exception.id} {number}", account, local(uow.now).date())


def close_others(uow: UnitOfWork, exception: FeeException, payment: str, codes: Sequence[str]) -> None:
    """End further exceptions about the payment together with this one."""
    by = f"{exception.resolution} of {exception.id}"
    for other in exceptions.resolve_about(uow.conn, "payment", [payment], by, codes=codes, but=exception.id):
        uow.write_audit(other, AuditAction.EXCEPTION_EXPLAINED, after="resolved", reason=by)
