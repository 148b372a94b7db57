"""A notification of money that is known already: a statement has shown it, or another provider has told of it.

A gateway's number and the bank's are two names of one movement: numbers contradict only where one issuer gave both.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from hub.audit import AuditAction
from hub.calendar import WorkingCalendar
from hub.fees import exceptions, payments
from hub.fees.demands import demand_store
from hub.fees.reconciliation.matching import passes
from hub.messages.model import Message
from hub.unit_of_work import UnitOfWork
from schemas.payment import Notification

_ALIKE: Final = """
SELECT p.id, p.source, p.provider, p.bank_ref, p.business_date, l.bank_ref AS shown_as, l.booking_date, s.bank
FROM payment p
LEFT JOIN match_leg t ON t.payment_id = p.id AND t.confirmed AND t.number = 1
LEFT JOIN statement_line l ON l.id = t.line_id LEFT JOIN statement s ON s.id = l.statement_id
WHERE (p.reference, p.account, p.amount) = (%(reference)s, %(account)s, %(amount)s) AND p.source <> 'postman'
    AND p.status IN ('notified', 'unconfirmed_overdue', 'confirmed', 'found_on_statement')
    AND NOT (p.source = 'notification' AND p.provider = %(provider)s)
    AND NOT EXISTS (SELECT 1 FROM late_notification n JOIN notify_event e ON e.id = n.event_id
                    WHERE n.payment_id = p.id AND e.provider = %(provider)s)
    AND NOT EXISTS (SELECT 1 FROM payment o WHERE (o.account, o.bank_ref) = (p.account, %(bank_ref)s) AND o.id <> p.id)
    AND (l.bank_ref IS NOT DISTINCT FROM %(bank_ref)s OR NOT EXISTS (
        SELECT 1 FROM statement_line o WHERE (o.account, o.bank_ref) = (p.account, %(bank_ref)s)))
ORDER BY l.bank_ref IS NOT DISTINCT FROM %(bank_ref)s DESC,
    abs(coalesce(l.booking_date, p.business_date) - %(day)s), p.business_date, p.id
"""
"""What this provider has not told of yet, and what nothing says to be another movement"""
_JOIN: Final = """
INSERT INTO late_notification (event_id, payment_id, joined_at)
SELECT id, %(payment)s, %(now)s FROM notify_event WHERE inbox_id = %(message)s
"""


def first_day(calendar: WorkingCalendar, booked: date) -> date:
    """The first day whose payments the bank may book as late as on ``booked``: the second working day before it."""
    return calendar.before(booked, 2)


def joined(
    uow: UnitOfWork, notification: Notification, account: str, reference: str, day: date, message: Message
) -> bool:
    """Whether it is a payment of the same reference, account, amount and day that is known already.

    A provider tells of each payment once, so of two that are alike its second notification is the second one.
    """
    demand = uow.conn.execute("SELECT id FROM fee_demand WHERE reference = %s", (reference,)).fetchone()
    if demand is not None:
        demand_store.lock(uow.conn, demand["id"])  # whoever matches the day at this moment has it until he has written
    else:
        passes.wait(uow.conn, account)
    parameters = {"reference": reference, "account": account, "amount": notification.amount, "day": day}
    parameters |= {"provider": notification.provider, "bank_ref": notification.bank_ref}
    alike = uow.conn.execute(_ALIKE, parameters).fetchall()
    known = next((row for row in alike if _is_the_same(uow, notification, day, row)), None)
    if known is None:
        return False
    uow.conn.execute(_JOIN, {"payment": known["id"], "now": uow.now, "message": message.id})
    if notification.bank_ref != known["bank_ref"] and _is_of_the_bank(uow, notification, account):
        payments.number(uow.conn, known["id"], notification.bank_ref)
    payment_ids = [known["id"], *told_of(uow, account, [known["id"]], known["booking_date"] or day)]
    exceptions.resolve_about(uow.conn, "payment", payment_ids, "notified late", codes=["N02"])
    uow.write_audit(
        known["id"], AuditAction.PAYMENT_NOTIFIED_LATE, reason=message.id, details={"message_id": message.id}
    )
    return True


def told_of(uow: UnitOfWork, account: str, payment_ids: Sequence[str], day: date) -> set[str]:
    """Payments like ``payments`` that only the statement of ``day`` or a little before shows, and a second provider
    notified: its notification was taken for another payment that is alike.
    """
    since = first_day(uow.calendar, day)
    parameters = {"payments": list(payment_ids), "account": account, "since": since, "day": day}
    return {row["id"] for row in uow.conn.execute(passes.text("told_of"), parameters)}


def _is_the_same(uow: UnitOfWork, notification: Notification, day: date, known: Mapping[str, Any]) -> bool:
    if known["source"] == "notification" and not (
        _watches(uow, notification.provider) and _watches(uow, known["provider"])
    ):
        return False
    if known["booking_date"] is None:
        return bool(known["business_date"] == day)
    if notification.bank_ref is None or known["shown_as"] in (None, notification.bank_ref):
        return True
    booked = known["booking_date"]
    return bool(known["bank"] != notification.provider and first_day(uow.calendar, booked) <= day <= booked)


def _watches(uow: UnitOfWork, provider: str) -> bool:
    bank = uow.catalogue.banks.get(provider)
    return bank is not None and bank.watches


def _is_of_the_bank(uow: UnitOfWork, notification: Notification, account: str) -> bool:
    """Its number is the one that will stand on the statement: the bank that keeps the account gave it."""
    bank = uow.catalogue.banks.get(notification.provider)
    return notification.bank_ref is not None and bank is not None and bank.account(account) is not None
