"""Resolutions for money that is no fee: bank charges, interest, internal transfers, other units' money."""

from collections.abc import Mapping

from hub.errors import InvalidState
from hub.events import Event
from hub.fees import payments
from hub.fees.exceptions.store import FeeException
from hub.fees.ledger import balances, post, postings
from hub.fees.ledger.entry import posted
from hub.fees.resolutions import positions
from hub.locale import vi
from hub.unit_of_work import UnitOfWork


def charge(uow: UnitOfWork, exception: FeeException, _: Mapping[str, str]) -> list[Event]:
    """Confirm that the debit is a bank charge, as it was posted."""
    _debited(uow, exception)
    positions.settle_line(uow, exception.line, "not_fee")
    return []


def not_fee(uow: UnitOfWork, exception: FeeException, details: Mapping[str, str]) -> list[Event]:
    """Book money that is no fee: a credit leaves 338, a debit is no bank charge. ``kind``: one of KINDS."""
    if details["kind"] not in KINDS:
        raise InvalidState(vi("kind is one of: {listed}", listed=", ".join(KINDS)))
    if exception.code in ("P02", "V05"):
        amount, account = _debited(uow, exception)
        positions.settle_line(uow, exception.line, "not_fee")
        post(uow.conn, postings.no_charge(positions.origin(uow, exception, account), amount))
        return []
    item, account, amount = _unidentified(uow, exception)
    line = exception.line or positions.line_of(uow, item)
    positions.settle_line(uow, line, "not_fee", before=("in_exception", "matched"))
    positions.close_others(uow, exception, item, ["R01", "R02", "R06", "R09", "N02", "N03"])
    post(uow.conn, postings.not_ours(positions.origin(uow, exception, account), item, amount))
    return []


KINDS = {
    "interest": vi("interest on deposits"),
    "own_transfer": vi("internal transfer"),
    "not_ours": vi("money of another unit"),
    "other": vi("other money"),
}


def _debited(uow: UnitOfWork, exception: FeeException) -> tuple[int, str]:
    """The amount that was posted as a charge, and its account. Raises InvalidState."""
    line = positions.line_by(uow, exception.line or "")
    taken = posted(uow.conn, "line", str(line["id"]), "charged")
    if taken is None or line["state"] != "in_exception":
        raise InvalidState(vi("this statement line was handled another way: look at the exception again"))
    return taken.amount, str(line["account"])


def _unidentified(uow: UnitOfWork, exception: FeeException) -> tuple[str, str, int]:
    """The item on 338, its bank account and its balance. Raises InvalidState."""
    item = exception.payment or exception.line
    unidentified = -balances.item_balance(uow.conn, "338", item)
    if item is None or unidentified <= 0:
        raise InvalidState(vi("this item has no money on 338 any more"))
    if exception.payment is None:
        return item, str(positions.line_by(uow, item)["account"]), unidentified
    payment = positions.payment_by(uow, exception.payment)
    if payment.status not in payments.SHOWN:
        raise InvalidState(
            vi("the statement does not have this item yet: wait for the statement, or resolve it as exception N01")
        )
    return item, payment.account, unidentified
