"""What happens to a demand: money is credited to it, confirmed and taken back; it is waived, expires, ends.

Every verb locks the dossier first, writes a line in the audit log, and gives the events that its caller hands on.
"""

from dataclasses import dataclass, field
from datetime import datetime

from hub.errors import InvalidState, MoveRefused, NotFound
from hub.events import Event, FeeChanged, FeePaid, FeeReopened, FeeWaived
from hub.fees.demands import demand_store, issuing, payer_notice
from hub.fees.demands.model import COLLECTING, Amounts, Demand, DemandStatusCode
from hub.locale import vi
from hub.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Credited:
    """What became of money that named a demand: ``taken`` counts for it, ``rest`` does not. Both in đồng.

    ``case`` is the code of the exception that it calls for (payments: R03 twice, R04 short, R05 over, R06 late,
    R07 ended); None: none.
    """

    taken: int
    rest: int
    case: str | None = None
    events: list[Event] = field(default_factory=list)


def credit(
    uow: UnitOfWork,
    demand_id: str,
    amount: int,
    evidence: str,
    *,
    paid_at: datetime | None = None,
    confirmed: bool = False,
) -> Credited:
    """``amount`` has come for this demand by ``evidence`` (a payment), which counts once however often it is said.

    As much as is outstanding is taken. ``confirmed``: a statement says so, not only a notification. A demand that has
    expired or ended takes nothing: money never changes that by itself. Raises NotFound.
    """
    if amount <= 0:
        raise ValueError("only money that has come can be credited")
    before = demand_store.lock(uow.conn, demand_id)
    known = demand_store.credit_by(uow.conn, demand_id, evidence)
    if known is not None:
        return Credited(known.amount, amount - known.amount)
    taken, case = weighed(before, amount)
    if not taken:
        uow.note(demand_id, "not credited", before=before.status, reason=f"{case} {evidence}")
        return Credited(0, amount, case)
    at = paid_at or uow.now
    demand_store.add_credit(uow.conn, demand_id, evidence, taken, paid_at=at, at=uow.now, confirmed=confirmed)
    events = _stand(uow, before, before.amounts.credited(taken, confirmed=confirmed), "credited", evidence, at=at)
    return Credited(taken, amount - taken, case, events)


def weighed(demand: Demand, amount: int) -> tuple[int, str | None]:
    """How much of ``amount`` the demand takes as it stands, and the case that the money calls for."""
    status = DemandStatusCode(demand.status)
    return min(amount, demand.outstanding) if status in COLLECTING else 0, _case(demand, status, amount)


def _case(demand: Demand, status: DemandStatusCode, amount: int) -> str | None:
    if status in COLLECTING:
        difference = amount - demand.outstanding
        return None if not difference else "R04" if difference < 0 else "R05"
    if status in payer_notice.PAID:
        return "R03"
    return {DemandStatusCode.EXPIRED: "R06", DemandStatusCode.WAIVED: "R05"}.get(status, "R07")


def confirm(uow: UnitOfWork, demand_id: str, evidence: str) -> list[Event]:
    """A statement shows what ``evidence`` had credited. Raises NotFound, or InvalidState where that was taken back."""
    before = demand_store.lock(uow.conn, demand_id)
    credited = standing(demand_store.credit_by(uow.conn, demand_id, evidence), demand_id, evidence)
    if credited.confirmed_at is not None:
        return []
    demand_store.confirm_credit(uow.conn, demand_id, evidence, at=uow.now)
    return _stand(uow, before, before.amounts.shown(credited.amount), "confirmed", evidence)


def reverse(uow: UnitOfWork, demand_id: str, evidence: str, *, by: str) -> list[Event]:
    """The money that ``evidence`` had credited is taken back: by the bank, or moved to another demand by a person.

    ``by`` is the evidence for that. Raises NotFound, or InvalidState where it was taken back before.
    """
    before = demand_store.lock(uow.conn, demand_id)
    credited = standing(demand_store.credit_by(uow.conn, demand_id, evidence), demand_id, evidence)
    demand_store.end_credits(uow.conn, demand_id, by=by, at=uow.now, evidence=evidence)
    after = before.amounts.reversed(credited.amount, confirmed=credited.confirmed_at is not None)
    return _stand(uow, before, after, "reversed", f"{evidence} by {by}")


def waive(uow: UnitOfWork, demand_id: str, exemption: str, reason: str) -> list[Event]:
    """What this exemption of the procedure lifts need not be paid.

    Raises NotFound, or InvalidState if it is too late.
    """
    before = demand_store.lock(uow.conn, demand_id)
    procedure = uow.conn.execute("SELECT procedure FROM dossier WHERE id = %s", (before.dossier_id,)).fetchone()
    found = uow.catalogue.procedures.get(procedure["procedure"]) if procedure else None
    provision = found.exemption(exemption) if found else None
    if provision is None:
        raise NotFound(vi("the procedure has no exemption {exemption}", exemption=exemption))
    lines = [one for one in demand_store.lines(uow.conn, demand_id) if provision.lifts(one.fee_code) and not one.waived]
    amount = sum(line.amount for line in lines)
    if before.status not in COLLECTING or not 0 < amount <= before.outstanding:
        raise InvalidState(
            vi("the demand is {status}: nothing is left to waive for this exemption", status=before.status)
        )
    for line in lines:
        demand_store.lift(uow.conn, demand_id, line.fee_code, exemption=provision.code, basis=provision.basis)
    because = f"{provision.code}, {provision.basis}: {reason}"
    return _stand(uow, before, before.amounts.lifted(amount), "waived", because)


def waive_rest(uow: UnitOfWork, demand_id: str, decision: str, reason: str) -> list[Event]:
    """What is outstanding need not be paid, by a decision.

    Raises NotFound, or InvalidState where nothing is collected.
    """
    before = demand_store.lock(uow.conn, demand_id)
    if before.status not in COLLECTING:
        raise InvalidState(vi("the demand is {status}: nothing is collected any more", status=before.status))
    rest = before.outstanding
    for line in reversed(demand_store.lines(uow.conn, demand_id)):  # what came has filled the first
        lifted = min(rest, line.amount - line.waived)
        if lifted:
            demand_store.lift_part(uow.conn, demand_id, line.fee_code, lifted, basis=decision)
        rest -= lifted
    return _stand(uow, before, before.amounts.lifted(before.outstanding), "rest waived", f"{decision}: {reason}")


def expire(uow: UnitOfWork, demand_id: str) -> list[Event]:
    """Its time is over, if it still is when we have it to ourselves."""
    before = demand_store.lock(uow.conn, demand_id)
    if before.status not in COLLECTING or before.expires_at is None or before.expires_at > uow.now:
        return []
    return _stand(uow, before, before.amounts.closed(DemandStatusCode.EXPIRED), "expired")


def renew(uow: UnitOfWork, demand_id: str, reason: str) -> list[Event]:
    """An expired demand may be paid again, as long as a new one. Raises NotFound, InvalidState."""
    before = demand_store.lock(uow.conn, demand_id)
    desk = uow.catalogue.fee_desk
    if desk is None or before.status != DemandStatusCode.EXPIRED:
        raise InvalidState(vi("only an expired demand can be renewed; this one is {status}", status=before.status))
    until = issuing.expiry(desk, uow.now)
    return _stand(uow, before, before.amounts.renewed(), "renewed", reason, expires_at=until)


def cancel(uow: UnitOfWork, demand_id: str, reason: str) -> list[Event]:
    """It is not collected on any more; what had come of it stays allocated until it is given back."""
    before = demand_store.lock(uow.conn, demand_id)
    try:
        after = before.amounts.closed(DemandStatusCode.CANCELLED)
    except MoveRefused as error:
        raise InvalidState(str(error)) from None
    return _stand(uow, before, after, "cancelled", reason)


def order_refund(uow: UnitOfWork, demand_id: str, reason: str) -> list[Event]:
    """All that is allocated goes back. Raises InvalidState where there is nothing to give back."""
    before = demand_store.lock(uow.conn, demand_id)
    if not before.allocated or before.status == DemandStatusCode.REFUND_PENDING:
        raise InvalidState(vi("the demand is {status}: there is nothing to refund", status=before.status))
    return _stand(uow, before, before.amounts.moved(DemandStatusCode.REFUND_PENDING), "refund ordered", reason)


def refunded(uow: UnitOfWork, demand_id: str, *, by: str) -> list[Event]:
    """The money has left: ``by`` is the refund that our own statement shows. Raises InvalidState."""
    before = demand_store.lock(uow.conn, demand_id)
    if before.status != DemandStatusCode.REFUND_PENDING:
        raise InvalidState(vi("the demand is {status}: no refund is under way", status=before.status))
    demand_store.end_credits(uow.conn, demand_id, by=by, at=uow.now)
    return _stand(uow, before, before.amounts.refunded(), "refunded", by)


def keep(uow: UnitOfWork, demand_id: str, reason: str) -> list[Event]:
    """The refund is not made after all. Raises InvalidState where none is under way."""
    before = demand_store.lock(uow.conn, demand_id)
    return _stand(uow, before, before.amounts.kept(), "refund withdrawn", reason)


def standing(credited: demand_store.Credit | None, demand_id: str, evidence: str) -> demand_store.Credit:
    """``credited``, if it is there and counts. Raises NotFound, InvalidState."""
    if credited is None:
        raise NotFound(vi("{evidence} allocates nothing to demand {demand_id}", evidence=evidence, demand_id=demand_id))
    if credited.reversed_at is not None:
        raise InvalidState(
            vi(
                "{evidence} of {demand_id} has been taken back by {reversed_by}",
                evidence=evidence,
                demand_id=demand_id,
                reversed_by=credited.reversed_by,
            )
        )
    return credited


def _stand(
    uow: UnitOfWork,
    before: Demand,
    after: Amounts,
    verb: str,
    reason: str | None = None,
    *,
    at: datetime | None = None,
    expires_at: datetime | None = None,
) -> list[Event]:
    """Write down where it stands now, and say what a payer sees of it."""
    demand = demand_store.stand(uow.conn, before, after, expires_at=expires_at)
    uow.note(demand.id, verb, before=before.status, after=demand.status, reason=reason)
    return seen(before, demand, at or uow.now)


def seen(before: Demand, demand: Demand, at: datetime) -> list[Event]:
    """What a payer sees of a demand's move from ``before``; ``at``: when what moved it happened."""
    after = demand.amounts
    if not payer_notice.differs(before.amounts, after):
        return []
    fee = payer_notice.notice(demand)
    if after.status is DemandStatusCode.REOPENED and before.status != DemandStatusCode.REOPENED:
        return [FeeReopened(demand.dossier_id, fee)]
    if before.outstanding and not after.outstanding:
        made = FeeWaived if after.status is DemandStatusCode.WAIVED else FeePaid
        return [made(demand.dossier_id, fee, at)]
    return [FeeChanged(demand.dossier_id, fee)]
