"""Resolutions that credit unidentified, late or surplus money to the demand that persons name."""

from collections.abc import Mapping, Sequence

from hub.audit import AuditAction
from hub.errors import InvalidState
from hub.events import Event
from hub.fees import exceptions, payments
from hub.fees.demands import demand_commands, demand_store
from hub.fees.demands.model import COLLECTING, Demand
from hub.fees.exceptions.store import FeeException
from hub.fees.ledger import Share, post, postings
from hub.fees.payments import Payment
from hub.fees.reconciliation.matching import commands, match_store
from hub.fees.resolutions import positions
from hub.locale import vi
from hub.unit_of_work import UnitOfWork


def assign(uow: UnitOfWork, exception: FeeException, details: Mapping[str, str]) -> list[Event]:
    """Credit the payment to this demand, by a match if it has a statement line (a gateway's payment has none)."""
    payment = positions.payment_of(uow, exception)
    demand = demand_store.lock(uow.conn, details["demand"])
    unplaced = match_store.unplaced_line(uow.conn, payment.id)
    if unplaced is None:
        return _credit(uow, exception, payment, demand)
    taken, evidence = _takes(demand, payment.amount), {"how": "case", "case": exception.id}
    group = match_store.propose(
        uow.conn, unplaced, payment.id, demand.id, taken, evidence=evidence, maker=exception.maker
    )
    return commands.confirm(uow, group, exception.reason or "")


def choose(uow: UnitOfWork, exception: FeeException, details: Mapping[str, str]) -> list[Event]:
    """Confirm one of the proposed matches; ``match``: its number."""
    payment = positions.payment_of(uow, exception)
    demand = match_store.proposed_demand(uow.conn, details["match"], payment.id)
    if demand is None:
        raise InvalidState(vi("match {match} is not a proposal for this money", match=details["match"]))
    return assign(uow, exception, {"demand": demand})


def renew(uow: UnitOfWork, exception: FeeException, _: Mapping[str, str]) -> list[Event]:
    """Renew the expired demand and credit the payment to it."""
    if exception.demand is None:
        raise InvalidState(vi("this exception is not about a payment reference"))
    payment = positions.payment_of(uow, exception)
    events = demand_commands.renew(uow, exception.demand, exception.reason or "")
    return [*events, *_credit(uow, exception, payment, demand_store.lock(uow.conn, exception.demand))]


def allocate(uow: UnitOfWork, exception: FeeException, details: Mapping[str, str]) -> list[Event]:
    """Credit a surplus to another demand, up to what that is due, as the payer asks."""
    payment = positions.payment_of(uow, exception)
    demand = demand_store.lock(uow.conn, details["demand"])
    over = positions.position_of(uow, payment.id).over
    taken = _takes(demand, over)
    events, owed = _count(uow, payment, demand, taken)
    if demand.outstanding > taken:
        _short(uow, exception, demand, taken)
    post(uow.conn, postings.allocated(positions.origin(uow, exception, payment.account), payment.id, owed))
    return events


def _credit(uow: UnitOfWork, exception: FeeException, payment: Payment, demand: Demand) -> list[Event]:
    """Credit what the payment has on 338 to the demand; a surplus is owed to the payer (R05)."""
    unknown = positions.position_of(uow, payment.id).unidentified
    taken = _takes(demand, unknown)
    events, owed = _count(uow, payment, demand, taken)
    over = unknown - taken
    positions.settle_line(uow, positions.line_of(uow, payment.id), "matched")
    if over:
        facts = {"demand": demand.id, "payment": payment.id, "taken": taken, "rest": over, "account": payment.account}
        exceptions.open_exception(uow, "R05", "payment", payment.id, over, facts)
    elif demand.outstanding > taken:
        _short(uow, exception, demand, taken)
    positions.close_others(uow, exception, payment.id, ["R01", "R02", "R06", "R09"])
    post(uow.conn, postings.identified_later(positions.origin(uow, exception, payment.account), payment.id, owed, over))
    return events


def _count(uow: UnitOfWork, payment: Payment, demand: Demand, taken: int) -> tuple[list[Event], list[Share]]:
    is_shown = payment.status in payments.SHOWN
    credited = demand_commands.credit(uow, demand.id, taken, payment.id, paid_at=payment.paid_at, confirmed=is_shown)
    payments.allocate(uow.conn, {payment.id: credited.taken})
    exceptions.resolve_paid(uow.conn, [demand.id])
    return credited.events, payments.shares(uow, demand.id, credited.taken)


def _takes(demand: Demand, amount: int) -> int:
    """How much of ``amount`` the demand takes. Raises InvalidState where that is nothing."""
    takes = min(amount, demand.outstanding) if demand.status in COLLECTING else 0
    if takes <= 0:
        raise InvalidState(
            vi("the demand is {status}; it takes nothing of {amount} VND", status=demand.status, amount=amount)
        )
    return takes


def _short(uow: UnitOfWork, exception: FeeException, demand: Demand, taken: int) -> None:
    facts = {"demand": demand.id, "payment": exception.payment, "taken": taken, "rest": 0}
    exceptions.open_exception(uow, "R04", "fee_demand", demand.id, taken, facts)


# R08: money that was paid for the wrong dossier is moved to the right one.


def report(uow: UnitOfWork, demand: str, other: str, reason: str, payment: str | None = None) -> str:
    """Open R08: the money of ``demand`` was meant for ``other``. Returns its id. Raises NotFound, InvalidState.

    ``payment``: which of the demand's, where several count for it.
    """
    if demand == other:
        raise InvalidState(vi("both references are of the same demand"))
    locked = {name: demand_store.lock(uow.conn, name) for name in sorted({demand, other})}
    paid = demand_store.payments_of(uow.conn, demand, payment)
    if len(paid) != 1:
        raise InvalidState(
            vi("say which payment of this reference (--payment)")
            if paid
            else vi("there is no payment for this reference yet")
        )
    _moving_takes(locked[other].outstanding if locked[other].status in COLLECTING else 0, paid[0].amount)
    facts = {"other": other, "payment": paid[0].evidence, "demand_status": locked[demand].status}
    at_risk = paid[0].amount
    opened = exceptions.open_exception(uow, "R08", "fee_demand", demand, at_risk, facts)
    if opened is None:
        raise InvalidState(vi("this was reported before; the exception is still open"))
    uow.write_audit(other, AuditAction.EXCEPTION_OPENED, after="R08", reason=opened)
    uow.write_audit(
        opened, AuditAction.EXCEPTION_REPORTED, after="open", reason=f"demand={demand} other={other}: {reason}"
    )
    return opened


def move(uow: UnitOfWork, exception: FeeException, _: Mapping[str, str]) -> list[Event]:
    """Move the payment to the other demand: the first is due again, the other is paid."""
    payment = positions.payment_of(uow, exception)
    demand, other = exception.object_id, demand_store.lock(uow.conn, str(exception.facts["other"]))
    away = _owed(uow, payment.id, demand)
    amount = sum(share.amount for share in away)
    if demand not in payments.paid_for(uow.conn, payment.id) or not amount:
        raise InvalidState(vi("the payment no longer counts for this reference"))
    if demand_store.credit_by(uow.conn, other.id, payment.id) is not None:
        raise InvalidState(vi("the payment was moved away from the other reference before; it cannot be moved back"))
    _moving_takes(other.outstanding if other.status in COLLECTING else 0, amount)
    events = demand_commands.reverse(uow, demand, payment.id, by=exception.id)
    is_shown = payment.status in payments.SHOWN
    credited = demand_commands.credit(uow, other.id, amount, payment.id, paid_at=payment.paid_at, confirmed=is_shown)
    exceptions.resolve_paid(uow.conn, [other.id])
    to = payments.shares(uow, other.id, credited.taken)
    post(uow.conn, postings.moved(positions.origin(uow, exception, payment.account), payment.id, away, to))
    return [*events, *credited.events]


def _owed(uow: UnitOfWork, payment: str, demand: str) -> Sequence[Share]:
    return [share for share in positions.position_of(uow, payment).owed if share.demand_id == demand]


def _moving_takes(outstanding: int, amount: int) -> None:
    if outstanding < amount:
        raise InvalidState(
            vi(
                "the other reference is only due {outstanding} VND, not {amount} VND",
                outstanding=outstanding,
                amount=amount,
            )
        )
