"""What a notification does: a payment, credited to the demand that its reference names; or an exception for a person.

An authenticated notification releases the dossier; only the statement confirms it. Nothing is ever overwritten: what
does not follow from what was told before becomes an exception.
"""

from typing import Any, Final

from config.banks import bare
from hub.audit import AuditAction
from hub.clock import local
from hub.codes import HubCode
from hub.db import one
from hub.errors import RetryLater
from hub.events import Event
from hub.fees import exceptions, payments
from hub.fees.demands import demand_commands, demand_store
from hub.fees.ledger.normalise import normalise
from hub.fees.payments import Payment
from hub.fees.reconciliation.matching import late_notifications
from hub.fees.reconciliation.matching.references import MatchMethod
from hub.fees.reconciliation.matching.references import references as written_in
from hub.messages.model import Message
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id
from schemas.payment import Notification, NotificationKind
from schemas.payment_reference import is_reference


def references(notification: Notification, prefix: str | None) -> list[str]:
    """The references of ours that it names, with their check digits right; ``prefix``: the letters of ours.

    What we gave the provider goes before words.
    """
    if notification.reference is not None and is_reference(notification.reference):
        return [notification.reference]
    return [value for value in _written(notification, prefix) if prefix and value.startswith(prefix)]


def is_of_others(notification: Notification, prefix: str | None) -> bool:
    """It names another centre's demand, and nothing that could be one of ours."""
    return bool(_written(notification, prefix)) and not references(notification, prefix)


def _written(notification: Notification, prefix: str | None) -> list[str]:
    """Whatever is written like a reference, of whichever centre."""
    if prefix is None:
        return []
    clues = written_in(normalise(f"{notification.reference or ''} {notification.text}"), (prefix,))
    return [clue.value for clue in clues if clue.how is MatchMethod.STRICT]


PATIENCE: Final = 5
"""tries to find the payment that is taken back: it may have been told later than its end (about half an hour)"""
ANSWERED_YES: Final = "accepted"
_AUDIT_ACTIONS: Final = {
    NotificationKind.REFUND: AuditAction.PAYMENT_REFUNDED,
    NotificationKind.REVERSAL: AuditAction.PAYMENT_REVERSED,
}
ENDS: Final = {NotificationKind.REFUND: "refunded", NotificationKind.REVERSAL: "reversed"}


def notified(uow: UnitOfWork, message: Message) -> list[Event]:
    """One movement of money was told under its provider's signature."""
    notification = Notification.model_validate_json(message.body)
    match notification.kind:
        case NotificationKind.PAYMENT:
            return _paid(uow, notification, message)
        case NotificationKind.FAILED:
            return _failed(uow, notification, message)
        case NotificationKind.REFUND | NotificationKind.REVERSAL:
            return _taken_back(uow, notification, message)


def conflict(uow: UnitOfWork, message: Message) -> list[Event]:
    """The same movement was told in other words: what was said first stands, and a person asks the provider (N03)."""
    notification = Notification.model_validate_json(message.body)
    first = one(
        uow.conn,
        "SELECT id, amount FROM notify_event WHERE provider = %s AND provider_txn = %s AND kind = %s",
        (notification.provider, notification.provider_txn, notification.kind),
    )
    facts = _facts(notification) | {"first_amount": first["amount"], "message": message.id}
    return _open_exception(
        uow, "N03", "notify_event", str(first["id"]), max(notification.amount, first["amount"]), facts
    )


def _paid(uow: UnitOfWork, notification: Notification, message: Message) -> list[Event]:
    account = _account(uow, notification)
    if notification.currency != "VND" or account is None:
        why = "currency" if notification.currency != "VND" else "account"
        at_risk = notification.amount if notification.currency == "VND" else 0
        return _open_exception(
            uow, "R09", "notify_event", _event(uow, message), at_risk, _facts(notification) | {"why": why}
        )
    prefix = uow.catalogue.fee_settings.prefix if uow.catalogue.fee_settings else None
    named = references(notification, prefix)
    paid_at = notification.paid_at or message.received_at
    day = local(paid_at).date()
    if len(named) == 1 and late_notifications.joined(uow, notification, account, named[0], day, message):
        return []
    payment = Payment(
        id=new_id(Prefix.PAYMENT),
        source="notification",
        provider=notification.provider,
        provider_txn=notification.provider_txn,
        account=account,
        bank_ref=notification.bank_ref,
        amount=notification.amount,
        allocated=0,
        paid_at=paid_at,
        business_date=day,
        reference=named[0] if len(named) == 1 else None,
        status="notified",
    )
    if not payments.add(uow.conn, payment, notification.text):
        return _known(uow, notification, payment, message)
    uow.write_audit(
        payment.id,
        AuditAction.PAYMENT_NOTIFIED,
        after="notified",
        reason=message.id,
        details={"message_id": message.id},
    )
    if not notification.proven:
        uow.write_audit(payment.id, AuditAction.PAYMENT_AWAITS_STATEMENT, reason="that it succeeded is not signed")
        return []
    answered = one(uow.conn, "SELECT verdict FROM notify_event WHERE inbox_id = %s", (message.id,))["verdict"]
    return _credit(
        uow, payment, named, unnamed="R09" if is_of_others(notification, prefix) else "R01", answered=answered
    )


def _credit(uow: UnitOfWork, payment: Payment, named: list[str], *, unnamed: str, answered: str) -> list[Event]:
    """To the one demand that is named; whatever else it is, a person decides (``unnamed``: where none is named).

    ``answered``: the verdict that its provider heard. Where that was no, nothing is credited, whatever holds by now.
    """
    demanded = uow.conn.execute(
        "SELECT id, account FROM fee_demand WHERE reference = ANY(%s) ORDER BY id", (named,)
    ).fetchall()
    facts: dict[str, Any] = {"references": named, "amount": payment.amount, "account": payment.account}
    code = unnamed if not demanded else "R02" if len(demanded) > 1 else None
    if code is None and demanded[0]["account"] != payment.account:
        code = "R09"
    if code is None and answered != ANSWERED_YES:
        facts["answered"] = answered
        takes, _ = demand_commands.weighed(demand_store.lock(uow.conn, demanded[0]["id"]), payment.amount)
        code = "R01" if takes else None
    if code is not None:
        payments.notified(uow, payment)
        return _open_exception(uow, code, "payment", payment.id, payment.amount, facts)
    return count(uow, payment, demanded[0]["id"], facts)


def count(uow: UnitOfWork, payment: Payment, demand: str, facts: dict[str, Any]) -> list[Event]:
    """Credit the notified payment to the demand, up to what is outstanding; open an exception for the rest."""
    credited = demand_commands.credit(uow, demand, payment.amount, payment.id, paid_at=payment.paid_at)
    if credited.taken:
        payments.allocate(uow.conn, {payment.id: credited.taken})
        exceptions.resolve_paid(uow.conn, [demand])
    payments.notified(uow, payment, demand, credited.taken, credited.exception_code)
    if credited.exception_code is not None:
        kind, about = ("fee_demand", demand) if credited.exception_code == "R04" else ("payment", payment.id)
        facts |= {"demand": demand, "payment": payment.id, "taken": credited.taken, "rest": credited.rest}
        _open_exception(uow, credited.exception_code, kind, about, credited.rest or payment.amount, facts)
    return credited.events


def _known(uow: UnitOfWork, notification: Notification, payment: Payment, message: Message) -> list[Event]:
    """The bank's number of it is known: another provider or a statement told of the same money before."""
    before = payments.booked_as(uow.conn, payment.account, payment.bank_ref)
    if before is None:
        raise LookupError(message.id)
    if before.amount == notification.amount:
        uow.write_audit(
            before.id, AuditAction.PAYMENT_NOTIFIED_AGAIN, reason=message.id, details={"message_id": message.id}
        )
        return []
    facts = _facts(notification) | {"first_amount": before.amount, "message": message.id}
    return _open_exception(uow, "N03", "payment", before.id, max(notification.amount, before.amount), facts)


def _failed(uow: UnitOfWork, notification: Notification, message: Message) -> list[Event]:
    """No money moved. Told after a success of the same name, one of the two is wrong."""
    paid = payments.notified_as(uow.conn, notification.provider, notification.provider_txn)
    if paid is None:
        uow.write_audit(message.id, AuditAction.PAYMENT_FAILED_AT_PROVIDER, reason=notification.provider_txn)
        return []
    return _open_exception(uow, "N03", "payment", paid.id, paid.amount, _facts(notification) | {"message": message.id})


def _taken_back(uow: UnitOfWork, notification: Notification, message: Message) -> list[Event]:
    """The whole of a payment that no statement has shown yet is undone; anything else is for a person."""
    paid = payments.notified_as(uow.conn, notification.provider, notification.original or "")
    if paid is None:
        if message.backoff_attempts <= PATIENCE:
            raise RetryLater(HubCode.PAYMENT_UNKNOWN, "the payment that is taken back has not been told yet")
        return _open_exception(
            uow, "V01", "notify_event", _event(uow, message), notification.amount, _facts(notification)
        )
    for demand in payments.paid_for(uow.conn, paid.id):
        demand_store.lock(uow.conn, demand)
    paid = payments.notified_as(uow.conn, notification.provider, notification.original or "", lock=True) or paid
    whole = notification.amount == paid.amount and paid.status == "notified"
    if not whole or not payments.taken_back(uow, paid):
        facts = _facts(notification) | {"status": paid.status, "message": message.id}
        return _open_exception(uow, "V01", "payment", paid.id, notification.amount, facts)
    credited = payments.paid_for(uow.conn, paid.id)
    payments.end(uow.conn, paid.id, ENDS[notification.kind])
    status = ENDS[notification.kind]
    uow.write_audit(
        paid.id,
        _AUDIT_ACTIONS[notification.kind],
        before=paid.status,
        after=status,
        reason=message.id,
        details={"message_id": message.id},
    )
    return [event for demand in credited for event in demand_commands.reverse(uow, demand, paid.id, by=message.id)]


def _account(uow: UnitOfWork, notification: Notification) -> str | None:
    """Which account of ours it came into; None: none that this provider may speak of."""
    bank = uow.catalogue.banks.get(notification.provider)
    if bank is None:
        return None
    own = bank.account(notification.account)
    number = own.number if own else bare(notification.account)
    return number if number in bank.notified else None


def _event(uow: UnitOfWork, message: Message) -> str:
    return str(one(uow.conn, "SELECT id FROM notify_event WHERE inbox_id = %s", (message.id,))["id"])


def _facts(notification: Notification) -> dict[str, Any]:
    """What a person needs to see, without anybody's words."""
    return notification.model_dump(
        mode="json", include={"provider", "provider_txn", "kind", "amount", "currency", "account"}
    )


def _open_exception(
    uow: UnitOfWork, code: str, kind: str, about: str, at_risk: int, facts: dict[str, Any]
) -> list[Event]:
    exceptions.open_exception(uow, code, kind, about, at_risk, facts)
    return []
