"""What an issuer's answer means for a receipt."""

from hub.events import Event
from hub.fees import cases
from hub.fees.receipts import store
from hub.fees.receipts.store import Receipt
from hub.messages.model import Transfer
from hub.work import Work
from schemas.fee_receipt import Issued, Voided


def issued(work: Work, transfer: Transfer, reply: Issued) -> list[Event]:
    """It is issued there. Under another number than ours it is, for the law, another receipt: a person looks (M03)."""
    receipt = store.lock(work.conn, transfer.key)
    store.published(work.conn, receipt.id, reply.number, work.now)
    work.note(receipt.id, "published", after=str(reply.number), reason=transfer.counterparty)
    there = f"{reply.template} {reply.symbol}"
    if (there, reply.number) != (receipt.series, receipt.number):
        _case(work, receipt, {"why": "other number", "ours": receipt.number, "theirs": reply.number, "series": there})
    return []


def not_issued(work: Work, transfer: Transfer, reason: str) -> list[Event]:
    """The issuer does not take it: it stands here alone, and a person looks (M03)."""
    receipt = store.lock(work.conn, transfer.key)
    work.note(receipt.id, "not published", reason=reason)
    _case(work, receipt, {"why": "refused", "series": receipt.series, "ours": receipt.number})
    return []


def voided(work: Work, transfer: Transfer, reply: Voided | None) -> list[Event]:  # noqa: ARG001 - a duplicate says none
    """It is void there too."""
    store.void_told(work.conn, transfer.key, work.now)
    work.note(transfer.key, "void published", reason=transfer.counterparty)
    return []


def not_voided(work: Work, transfer: Transfer, reason: str) -> list[Event]:
    """It stands there still: a person looks (M03)."""
    receipt = store.lock(work.conn, transfer.key)
    work.note(receipt.id, "void not published", reason=reason)
    _case(work, receipt, {"why": "void refused", "series": receipt.series, "ours": receipt.number})
    return []


def _case(work: Work, receipt: Receipt, facts: dict[str, object]) -> None:
    cases.open_case(work, "M03", "receipt", receipt.id, receipt.amount, facts)
