"""What an issuer's answer means for a receipt."""

from hub.events import Event
from hub.fees import exceptions
from hub.fees.receipts import store
from hub.fees.receipts.store import FeeReceiptRow
from hub.messages.model import Transfer
from hub.unit_of_work import UnitOfWork
from schemas.fee_receipt import Issued, Voided


def issued(uow: UnitOfWork, transfer: Transfer, reply: Issued) -> list[Event]:
    """It is issued there. Under another number than ours it is, for the law, another receipt: a person looks (M03)."""
    receipt = store.lock(uow.conn, transfer.key)
    store.published(uow.conn, receipt.id, reply.number, uow.now)
    uow.note(receipt.id, "published", after=str(reply.number), reason=transfer.counterparty)
    there = f"{reply.template} {reply.symbol}"
    if (there, reply.number) != (receipt.series, receipt.number):
        _case(uow, receipt, {"why": "other number", "ours": receipt.number, "theirs": reply.number, "series": there})
    return []


def not_issued(uow: UnitOfWork, transfer: Transfer, reason: str) -> list[Event]:
    """The issuer does not take it: it stands here alone, and a person looks (M03)."""
    receipt = store.lock(uow.conn, transfer.key)
    uow.note(receipt.id, "not published", reason=reason)
    _case(uow, receipt, {"why": "refused", "series": receipt.series, "ours": receipt.number})
    return []


def voided(uow: UnitOfWork, transfer: Transfer, reply: Voided | None) -> list[Event]:  # noqa: ARG001 - a duplicate says none
    """It is void there too."""
    store.void_told(uow.conn, transfer.key, uow.now)
    uow.note(transfer.key, "void published", reason=transfer.counterparty)
    return []


def not_voided(uow: UnitOfWork, transfer: Transfer, reason: str) -> list[Event]:
    """It stands there still: a person looks (M03)."""
    receipt = store.lock(uow.conn, transfer.key)
    uow.note(receipt.id, "void not published", reason=reason)
    _case(uow, receipt, {"why": "void refused", "series": receipt.series, "ours": receipt.number})
    return []


def _case(uow: UnitOfWork, receipt: FeeReceiptRow, facts: dict[str, object]) -> None:
    exceptions.open_case(uow, "M03", "receipt", receipt.id, receipt.amount, facts)
