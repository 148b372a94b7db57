"""Cash on delivery (thu hộ): a postman collects the fee with a result, and its operator owes it until it remits it.

The operator's transfer with its collection report confirms the payments, as a gateway's payout does.
"""

from typing import Any, Final

from hub.audit import AuditAction
from hub.clock import local
from hub.db import one
from hub.events import ConsignmentDelivered, Event
from hub.fees import exceptions, payments
from hub.fees.demands import demand_store
from hub.fees.payments import Payment
from hub.fees.reconciliation import notifications
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id

SOURCE: Final = "postman"
PROVIDER: Final = "postal."
"""with the operator's code behind it, who says so; its name of a payment is the order number"""

_DEMAND: Final = """
SELECT id, account, reference FROM fee_demand WHERE dossier_id = %s
ORDER BY status IN ('issued', 'part_paid', 'reopened') DESC, issued_at DESC, id DESC LIMIT 1
"""


def collected(uow: UnitOfWork, event: ConsignmentDelivered) -> list[Event]:
    """The postman has the money: it is paid, once however often its delivery is told."""
    if not event.cash:
        return []
    order = one(uow.conn, "SELECT operator, order_number FROM consignment WHERE id = %s", (event.consignment_id,))
    demand = uow.conn.execute(_DEMAND, (event.dossier_id,)).fetchone()
    account = _account(uow, demand)
    if account is None:
        uow.write_audit(
            event.consignment_id,
            AuditAction.PAYMENT_COLLECTION_NOT_BOOKED,
            reason="the catalogue has no fees.toml any more",
        )
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
        demand_store.lock(uow.conn, demand["id"])
    if not payments.add(uow.conn, payment, ""):
        return []
    details = {"consignment_id": event.consignment_id}
    uow.write_audit(
        payment.id, AuditAction.PAYMENT_COLLECTED, after="notified", reason=event.consignment_id, details=details
    )
    return _counted(uow, payment, demand, event)


def _account(uow: UnitOfWork, demand: dict[str, Any] | None) -> str | None:
    """Where the operator pays it in."""
    if demand:
        return str(demand["account"])
    return uow.catalogue.fee_settings.account.number if uow.catalogue.fee_settings else None


def _counted(
    uow: UnitOfWork, payment: Payment, demand: dict[str, Any] | None, event: ConsignmentDelivered
) -> list[Event]:
    """As far as the demand takes it; without any nobody knows what was collected for (R01)."""
    facts = {"consignment": event.consignment_id, "amount": payment.amount, "account": payment.account}
    if demand:
        return notifications.count(uow, payment, demand["id"], facts)
    payments.notified(uow, payment)
    exceptions.open_exception(uow, "R01", "payment", payment.id, payment.amount, facts)
    return []
