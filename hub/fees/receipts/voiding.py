"""A receipt becomes void: by itself when its money went away, or by two persons when it is wrong.

Where the demand is still paid, another receipt is issued in its place and says so; what was void stays in the log.
"""

from typing import Final

from hub.errors import InvalidState
from hub.events import Event
from hub.fees import clerks
from hub.fees.demands import demand_store as demands
from hub.fees.receipts import issuer_messages, store
from hub.fees.receipts.issuing import said
from hub.fees.receipts.policy import STANDS_WHILE
from hub.fees.receipts.store import FeeReceiptRow
from hub.signing import canonical
from hub.unit_of_work import UnitOfWork
from schemas.fee_receipt import Voiding

BY_ITSELF: Final = "hub"
"""who voids what has no money any more: nobody decides that"""


def lapse(uow: UnitOfWork, receipt_id: str) -> list[Event]:
    """Void it if its demand is not paid any more: reversed, moved away, given back. Raises NotFound."""
    demand = demands.lock(uow.conn, store.demand_of(uow.conn, receipt_id))
    receipt = store.lock(uow.conn, receipt_id)
    if receipt.voided_at is None and demand.status not in STANDS_WHILE:
        _void(uow, receipt, BY_ITSELF, f"the demand is {demand.status}")
    return []


def void(uow: UnitOfWork, receipt_id: str, reason: str) -> bool:
    """It is wrong: one person proposes, another says the same. Whether it is void now.

    Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_clerk(uow)
    receipt = store.lock(uow.conn, receipt_id)
    if receipt.voided_at is not None:
        raise InvalidState("biên lai đã hủy rồi")
    if receipt.void_maker is None:
        clerks.check_proposes(uow)
        store.void_proposed(uow.conn, receipt.id, uow.actor, reason)
        uow.note(receipt.id, "void proposed", before="stands", reason=reason)
        return False
    clerks.check_agrees(uow, receipt.void_maker)
    _void(uow, receipt, uow.actor, reason)
    return True


def _void(uow: UnitOfWork, receipt: FeeReceiptRow, by: str, reason: str) -> None:
    store.voided(uow.conn, receipt.id, by, reason, uow.now)
    uow.note(receipt.id, "voided", before="stands", after="void", reason=f"by {by}: {reason}")
    told = said(receipt)
    body = Voiding(receipt_id=receipt.id, template=told.template, symbol=told.symbol, number=told.number)
    issuer_messages.tell(uow, receipt, issuer_messages.VOID, canonical.encode(body.model_dump(mode="json")))
