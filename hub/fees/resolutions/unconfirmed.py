"""N01, P01: money that was notified and is on no statement is an unplaced line, or does not exist."""

from collections.abc import Mapping
from typing import Any, Final

from hub.audit import AuditAction
from hub.errors import InvalidState
from hub.events import Event
from hub.fees import exceptions, payments
from hub.fees.demands import demand_commands, demand_store
from hub.fees.exceptions.store import FeeException
from hub.fees.ledger import post, postings
from hub.fees.payments import Payment
from hub.fees.reconciliation.matching import match_store
from hub.fees.resolutions import positions
from hub.locale import vi
from hub.unit_of_work import UnitOfWork

WAITING: Final = frozenset({"notified", "unconfirmed_overdue"})
_OVER: Final = ["R01", "R02", "R03", "R05", "R06", "R07", "R09", "N03"]
"""exceptions about a payment that end when it is voided"""
_FOUND: Final = ["R01", "R02", "R06", "R09", "N02", "N03", "P01"]
"""exceptions about a line that end when it is matched with the notified payment"""


def confirm(uow: UnitOfWork, exception: FeeException, details: Mapping[str, str]) -> list[Event]:
    """Match the notified payment with this ``line``, which is unplaced."""
    payment = _waiting(positions.payment_of(uow, exception))
    line = _unplaced(uow, details["line"])
    if (line["account"], line["amount"]) != (payment.account, payment.amount):
        raise InvalidState(
            vi(
                "the statement line is {amount} VND of account {account}, the payment is {amount2} VND",
                amount=line["amount"],
                account=line["account"],
                amount2=payment.amount,
            )
        )
    replaced = _replace(uow, exception, line)
    group = _group(uow, exception, line, "P11")
    events = _join(uow, group, payment, 1, line["id"])
    positions.settle_line(uow, str(line["id"]), "matched")
    positions.close_others(uow, exception, replaced, _FOUND)
    entry = postings.found_notified(
        positions.origin(uow, exception, payment.account), replaced, [(payment.id, payment.amount)]
    )
    post(uow.conn, entry)
    return events


def void(uow: UnitOfWork, exception: FeeException, _: Mapping[str, str]) -> list[Event]:
    """Void the payment: no money arrived, and what it had paid is due again."""
    payment = _waiting(positions.payment_of(uow, exception))
    position = positions.position_of(uow, payment.id)
    if position.total != payment.amount:
        raise InvalidState(
            vi(
                "the ledger has only {total} VND of this item, not {amount} VND: a part has been moved",
                total=position.total,
                amount=payment.amount,
            )
        )
    events = [
        event
        for demand in payments.paid_for(uow.conn, payment.id)
        for event in demand_commands.reverse(uow, demand, payment.id, by=exception.id)
    ]
    payments.end(uow.conn, payment.id, "voided")
    uow.write_audit(payment.id, AuditAction.PAYMENT_VOIDED, before=payment.status, after="voided", reason=exception.id)
    positions.close_others(uow, exception, payment.id, _OVER)
    today = positions.origin(uow, exception, payment.account)
    post(uow.conn, postings.unconfirmed(today, payment.id, position.owed, position.over, position.unidentified))
    return events


def book_payout(uow: UnitOfWork, exception: FeeException, _: Mapping[str, str]) -> list[Event]:
    """Book the gateway's payout as the items of its report, less a charge that the report does not name."""
    line = _unplaced(uow, exception.line or "")
    provider, name = exception.facts.get("provider"), exception.facts.get("report")
    reported = match_store.reported_payments(uow.conn, str(provider), str(name))
    ids = [payment for payment in reported if payment is not None]
    if not ids or len(ids) != len(reported):
        raise InvalidState(vi("the report has payments that nobody notified, or that are on a statement already"))
    paid = [_waiting(positions.payment_by(uow, payment)) for payment in ids]
    charge = sum(payment.amount for payment in paid) - line["amount"]
    if charge < 0:
        raise InvalidState(vi("the payout is {charge} VND more than the items of the report", charge=-charge))
    replaced = _replace(uow, exception, line)
    evidence = {"provider": provider, "report": name, "charge": charge}
    group = _group(uow, exception, line, "P9", **evidence)
    match_store.add_leg(uow.conn, group, 1, line=line["id"])
    events = [event for number, payment in enumerate(paid, 2) for event in _join(uow, group, payment, number, None)]
    positions.settle_line(uow, str(line["id"]), "matched")
    positions.close_others(uow, exception, replaced, _FOUND)
    amounts = [(payment.id, payment.amount) for payment in paid]
    post(
        uow.conn, postings.found_notified(positions.origin(uow, exception, line["account"]), replaced, amounts, charge)
    )
    return events


def _waiting(payment: Payment) -> Payment:
    if payment.status not in WAITING:
        raise InvalidState(
            vi(
                "payment {id} is {status}; it does not wait for a statement any more",
                id=payment.id,
                status=payment.status,
            )
        )
    return payment


def _unplaced(uow: UnitOfWork, name: str) -> Mapping[str, Any]:
    line = positions.line_by(uow, name)
    if line["state"] != "in_exception" or line["joined_by"] != "P0" or line["demand_id"] is not None:
        raise InvalidState(vi("statement line {name} is matched already", name=name))
    return line


def _replace(uow: UnitOfWork, exception: FeeException, line: Mapping[str, Any]) -> str:
    """Void the placeholder payment of the unplaced line, and supersede its match; returns the payment's id."""
    payment = positions.payment_by(uow, line["payment_id"])
    if payment.allocated or positions.position_of(uow, payment.id).unidentified != line["amount"]:
        raise InvalidState(vi("a part of statement line {id} is matched already", id=line["id"]))
    match_store.end_group(uow.conn, line["group_id"], "superseded", exception.id)
    payments.end(uow.conn, payment.id, "voided")
    uow.write_audit(payment.id, AuditAction.PAYMENT_VOIDED, before=payment.status, after="voided", reason=exception.id)
    return payment.id


def _group(uow: UnitOfWork, exception: FeeException, line: Mapping[str, Any], name: str, **evidence: Any) -> int:
    evidence = {"how": "case", "case": exception.id, **evidence}
    decided = {"maker": exception.maker, "checker": exception.checker, "reason": exception.reason}
    return match_store.add_group(uow.conn, line["run_id"], name, evidence, **decided)


def _join(uow: UnitOfWork, group: int, payment: Payment, number: int, line: int | None) -> list[Event]:
    """Confirm the payment by the line, with the demand that it was credited to."""
    paid = payments.paid_for(uow.conn, payment.id)
    credited = demand_store.credit_by(uow.conn, paid[0], payment.id) if paid else None
    demand, amount = (paid[0], credited.amount) if credited else (None, 0)
    match_store.add_leg(uow.conn, group, number, line=line, payment=payment.id, demand=demand, amount=amount)
    payments.confirm(uow.conn, [payment.id])
    uow.write_audit(
        payment.id,
        AuditAction.PAYMENT_CONFIRMED_BY_CLERK,
        before=payment.status,
        after="confirmed",
        reason=f"match {group}",
    )
    exceptions.resolve_about(uow.conn, "payment", [payment.id], f"match {group}", codes=["N01"])
    return [event for one in paid for event in demand_commands.confirm(uow, one, payment.id)]
