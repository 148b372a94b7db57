"""Cash that a postman collects with a result (thu hộ): paid at the door, owed to us by the operator until it remits.

What confirms it is the operator's transfer with its collection report, which is a payout as a gateway's is.
"""

from typing import Any, Final

from hub.clock import local
from hub.db import one
from hub.events import ConsignmentDelivered, Event
from hub.fees import bookings, cases, notified, payments, store
from hub.fees.payments import Payment
from hub.work import Work
from schemas.identifiers import Prefix, new_id

SOURCE: Final = "postman"
PROVIDER: Final = "postal."
"""with the operator's code behind it, who says so; its name of a payment is the order number"""

_DEMAND: Final = """
SELECT id, account, reference FROM fee_demand WHERE dossier_id = %s
ORDER BY status IN ('issued', 'part_paid', 'reopened') DESC, issued_at DESC, id DESC LIMIT 1
"""


def collected(work: Work, event: ConsignmentDelivered) -> list[Event]:
    """The postman has the money: it is paid, once however often its delivery is told."""
    if not event.cash:
        return []
    order = one(work.conn, "SELECT operator, order_number FROM consignment WHERE id = %s", (event.consignment_id,))
    demand = work.conn.execute(_DEMAND, (event.dossier_id,)).fetchone()
    account = _account(work, demand)
    if account is None:
        work.note(event.consignment_id, "cash not booked", reason="the catalogue has no fees.toml any more")
        return []
    payment = Payment(
        id=new_id(Prefix.PAYMENT),
        source=SOURCE,
        provider=PROVIDER + order["operator"],
        provider_txn=order["order_number"],
        account=account,
        bank_ref=None,
        amount=event.cash,
        allocated=0,
        paid_at=event.at,
        business_date=local(event.at).date(),
        reference=demand["reference"] if demand else None,
        status="notified",
    )
    if demand:
        store.lock(work.conn, demand["id"])
    if not payments.add(work.conn, payment, ""):
        return []
    work.note(payment.id, "collected", after="notified", reason=event.consignment_id)
    return _counted(work, payment, demand, event)


def _account(work: Work, demand: dict[str, Any] | None) -> str | None:
    """Where the operator pays it in."""
    if demand:
        return str(demand["account"])
    return work.catalogue.fee_desk.account.number if work.catalogue.fee_desk else None


def _counted(work: Work, payment: Payment, demand: dict[str, Any] | None, event: ConsignmentDelivered) -> list[Event]:
    """As far as the demand takes it; without any nobody knows what was collected for (R01)."""
    facts = {"consignment": event.consignment_id, "amount": payment.amount, "account": payment.account}
    if demand:
        return notified.count(work, payment, demand["id"], facts)
    bookings.notified(work, payment)
    cases.open_case(work, "R01", "payment", payment.id, payment.amount, facts)
    return []
