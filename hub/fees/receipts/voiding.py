"""A receipt becomes void: by itself when its money went away, or by two persons when it is wrong.

Where the demand is still paid, another receipt is issued in its place and says so; what was void stays in the log.
"""

from typing import Final

from hub.errors import NotNow
from hub.events import Event
from hub.fees import persons
from hub.fees import store as demands
from hub.fees.receipts import store, telling
from hub.fees.receipts.issuing import said
from hub.fees.receipts.policy import STANDS_WHILE
from hub.fees.receipts.store import Receipt
from hub.signing import canonical
from hub.work import Work
from schemas.fee_receipt import Voiding

BY_ITSELF: Final = "hub"
"""who voids what has no money any more: nobody decides that"""


def lapse(work: Work, receipt_id: str) -> list[Event]:
    """Void it if its demand is not paid any more: reversed, moved away, given back. Raises NotFound."""
    demand = demands.lock(work.conn, store.demand_of(work.conn, receipt_id))
    receipt = store.lock(work.conn, receipt_id)
    if receipt.voided_at is None and demand.status not in STANDS_WHILE:
        _void(work, receipt, BY_ITSELF, f"the demand is {demand.status}")
    return []


def void(work: Work, receipt_id: str, reason: str) -> bool:
    """It is wrong: one person proposes, another says the same. Whether it is void now.

    Raises NotFound, NotNow, MayNot.
    """
    persons.check_clerk(work)
    receipt = store.lock(work.conn, receipt_id)
    if receipt.voided_at is not None:
        raise NotNow("biên lai đã hủy rồi")
    if receipt.void_maker is None:
        persons.check_proposes(work)
        store.void_proposed(work.conn, receipt.id, work.actor, reason)
        work.note(receipt.id, "void proposed", before="stands", reason=reason)
        return False
    persons.check_agrees(work, receipt.void_maker)
    _void(work, receipt, work.actor, reason)
    return True


def _void(work: Work, receipt: Receipt, by: str, reason: str) -> None:
    store.voided(work.conn, receipt.id, by, reason, work.now)
    work.note(receipt.id, "voided", before="stands", after="void", reason=f"by {by}: {reason}")
    told = said(receipt)
    body = Voiding(receipt_id=receipt.id, template=told.template, symbol=told.symbol, number=told.number)
    telling.tell(work, receipt, telling.VOID, canonical.encode(body.model_dump(mode="json")))
