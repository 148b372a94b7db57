"""The ledger position of an exception's money, and the postings of its resolution. Shared by the resolutions."""

from collections.abc import Sequence
from typing import Any, Final

from hub.audit import AuditAction
from hub.clock import local
from hub.errors import InvalidState
from hub.fees import exceptions, payments
from hub.fees.exceptions.store import FeeException
from hub.fees.ledger import Origin, balances
from hub.fees.payments import Payment
from hub.fees.reconciliation.matching import match_store
from hub.fees.reconciliation.matching.effects import PaymentPosition, standing
from hub.locale import vi
from hub.unit_of_work import UnitOfWork

SOURCE: Final = "case"
"""source type of a resolution's entries; their ids are numbered, for an exception may be resolved in parts"""


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
    row = payments.lock(uow.conn, payment)
    if row is None:
        raise InvalidState(vi("there is no payment {payment_id}", payment_id=payment))
    return row


def line_by(uow: UnitOfWork, line: str) -> dict[str, Any]:
    """Lock a statement line, and read what it is matched with. Raises InvalidState where there is none."""
    row = match_store.lock_line(uow.conn, int(line)) if line.isdecimal() else None
    if row is None:
        raise InvalidState(vi("there is no statement line {line}", line=line))
    return row


def line_of(uow: UnitOfWork, payment: str) -> str | None:
    """The id of the line that shows a payment, or did before its match was revoked."""
    return match_store.line_of(uow.conn, payment)


def settle_line(uow: UnitOfWork, line: str | None, state: str, *, before: Sequence[str] = ("in_exception",)) -> None:
    """Set the state of an exception's line, if it has one; all of it is allocated then."""
    if line is not None:
        match_store.settle_line(uow.conn, int(line), state, before=before)


def origin(uow: UnitOfWork, exception: FeeException, account: str) -> Origin:
    """The origin of the resolution's entries: today, or the next open day."""
    number = balances.numbered_sources(uow.conn, SOURCE, exception.id) + 1
    return payments.origin_on(uow, SOURCE, f"{exception.id} {number}", account, local(uow.now).date())


def close_others(uow: UnitOfWork, exception: FeeException, payment: str, codes: Sequence[str]) -> None:
    """End further exceptions about the payment together with this one."""
    by = f"{exception.resolution} of {exception.id}"
    for other in exceptions.resolve_about(uow.conn, "payment", [payment], by, codes=codes, but=exception.id):
        uow.write_audit(other, AuditAction.EXCEPTION_EXPLAINED, after="resolved", reason=by)
