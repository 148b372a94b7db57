"""Commands about exceptions: assign, propose a resolution, agree to it, carry one over a close, withdraw, reopen.

A resolution of two persons is proposed by the first and takes effect when another gives the same command; all its
conditions are checked again then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from psycopg import Rollback

from hub.audit import AuditAction
from hub.db import Connection
from hub.errors import InvalidState
from hub.events import Event
from hub.fees import clerks, payments
from hub.fees.demands import demand_store as demands
from hub.fees.exceptions import store
from hub.fees.exceptions.codes import ExceptionCode, severity
from hub.fees.exceptions.store import FeeException
from hub.fees.resolutions.table import RESOLUTIONS, Resolution
from hub.locale import vi
from hub.unit_of_work import UnitOfWork

_NOTHING: Final[Mapping[str, Any]] = {
    "resolution": None, "details": {}, "reason": None, "persons": None, "maker": None, "checker": None,
}  # fmt: skip
_CLEARING: Final = frozenset({"338", "339", "341"})
"""accounts on which an exception's money waits; once it is gone from there, no resolution can move it"""
_NOTED: Final = "noted"
_ANOTHER: Final = "another person"


@dataclass(frozen=True, slots=True)
class _Decision:
    """A person's decision about an exception: the resolution, its details, and the reason."""

    resolution: str
    details: Mapping[str, str]
    reason: str


def assign(uow: UnitOfWork, exception_id: str, person: str) -> list[Event]:
    """Assign the exception to ``person``. Raises NotFound, InvalidState, Forbidden."""
    clerks.check_clerk(uow)
    exception = _open(store.lock(uow.conn, exception_id))
    state = "assigned" if exception.state == "open" else exception.state
    store.change(uow.conn, exception_id, assigned_to=person, state=state)
    uow.write_audit(exception_id, AuditAction.EXCEPTION_ASSIGNED, before=exception.state, after=state, reason=person)
    return []


def carry(uow: UnitOfWork, exception_id: str, reason: str) -> list[Event]:
    """Let it stay open over the close of its day (treo sang kỳ sau). Raises NotFound, InvalidState, Forbidden."""
    clerks.check_clerk(uow)
    exception = _open(store.lock(uow.conn, exception_id))
    store.change(uow.conn, exception_id, carried_by=uow.actor, carried_reason=reason)
    uow.write_audit(
        exception_id, AuditAction.EXCEPTION_CARRIED_OVER, before=exception.state, after=exception.state, reason=reason
    )
    return []


def resolve(uow: UnitOfWork, exception_id: str, name: str, details: Mapping[str, str], reason: str) -> list[Event]:
    """Resolve it by the resolution ``name``; one that takes two persons is proposed by the first.

    1. Check that the exception allows the resolution with these details.
    2. Lock the demands that it may touch, then the exception.
    3. Of two persons: the second has to give the same command; the first proposes. What a person has requested before
       (a refund) counts as that person's proposal.
    4. Mark it as resolved and carry the resolution out.
    5. Reopen it for the rest where money is left on a clearing account.

    Raises NotFound, Forbidden; InvalidState for what this exception does not allow, what cannot be done now, and where
    one person would be both.
    """
    clerks.check_clerk(uow)
    # 1.
    resolution = _allowed(uow.conn, store.find(uow.conn, exception_id), name, details)
    # 2.
    exception = _locked(uow, exception_id, details)
    # 3.
    if exception.state == "proposed":
        _check_second(uow, exception, name, details)
    elif resolution.persons > 1:
        asker = resolution.asked_by(uow, exception) if resolution.asked_by else None
        if asker is None or clerks.is_maker(uow, asker):
            return _propose(uow, exception, resolution, details, reason)
        clerks.check_agrees(uow, asker)
        exception = replace(exception, maker=asker)
    # 4.
    decision = {"resolution": name, "details": details, "reason": reason, "persons": resolution.persons}
    who = {"maker": exception.maker or uow.actor, "checker": uow.actor if exception.maker else None}
    store.change(uow.conn, exception_id, state="resolved", **decision, **who)
    events = resolution.act(uow, store.find(uow.conn, exception_id), details)
    # 5.
    _check_left(uow, exception, _Decision(name, details, reason))
    return events


def withdraw(uow: UnitOfWork, exception_id: str, reason: str) -> list[Event]:
    """Withdraw the proposal: its maker takes it back, or a second person refuses.

    Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_clerk(uow)
    exception = store.lock(uow.conn, exception_id)
    if exception.state != "proposed":
        raise InvalidState(vi("the exception is {state}; nothing has been proposed", state=exception.state))
    state = _unproposed(exception)
    store.change(uow.conn, exception_id, state=state, **_NOTHING)
    uow.write_audit(
        exception_id,
        AuditAction.EXCEPTION_PROPOSAL_WITHDRAWN,
        before="proposed",
        after=state,
        reason=f"{exception.resolution}: {reason}",
        details={"resolution": exception.resolution},
    )
    return []


def reopen(uow: UnitOfWork, exception_id: str, reason: str) -> list[Event]:
    """Reopen a resolved exception. What its resolution posted stays. Raises NotFound, InvalidState, Forbidden."""
    clerks.check_clerk(uow)
    exception = store.lock(uow.conn, exception_id)
    if exception.state != "resolved":
        raise InvalidState(vi("only a resolved exception can be reopened; this one is {state}", state=exception.state))
    state = _unproposed(exception)
    store.change(uow.conn, exception_id, state=state, carried_by=None, carried_reason=None, **_NOTHING)
    uow.write_audit(exception_id, AuditAction.EXCEPTION_REOPENED, before="resolved", after=state, reason=reason)
    return []


def _check_left(uow: UnitOfWork, exception: FeeException, decision: _Decision) -> None:
    """Reopen it for what is left: no exception is resolved while its money waits on a clearing account."""
    left = store.standing(uow.conn, exception)
    if not left:
        _write_audit(uow, exception, AuditAction.EXCEPTION_RESOLVED, "resolved", decision)
        return
    if left >= exception.at_risk:
        raise InvalidState(
            vi("{left} VND have no exception to handle them: resolve the whole amount of this one", left=left)
        )
    state = _unproposed(exception)
    level = severity(ExceptionCode(exception.code), left)
    store.change(uow.conn, exception.id, state=state, at_risk=left, severity=level, **_NOTHING)
    _write_audit(uow, exception, AuditAction.EXCEPTION_PARTLY_RESOLVED, state, decision, left=left)


def _propose(
    uow: UnitOfWork, exception: FeeException, resolution: Resolution, details: Mapping[str, str], reason: str
) -> list[Event]:
    """Record the proposal, after a trial: the resolution is carried out as if agreed, and rolled back.

    So what could not be done now is not proposed.
    """
    clerks.check_proposes(uow)
    columns = {"resolution": resolution.name, "details": details, "reason": reason, "persons": resolution.persons}
    decision = _Decision(resolution.name, details, reason)
    trial = replace(uow, actor=_ANOTHER, replayed=True, wakeups=[])
    with uow.savepoint() as savepoint:
        store.change(uow.conn, exception.id, state="resolved", maker=uow.actor, checker=_ANOTHER, **columns)
        resolution.act(trial, store.find(uow.conn, exception.id), details)
        _check_left(trial, exception, decision)
        raise Rollback(savepoint)
    store.change(uow.conn, exception.id, state="proposed", maker=uow.actor, **columns)
    _write_audit(uow, exception, AuditAction.EXCEPTION_RESOLUTION_PROPOSED, "proposed", decision)
    return []


def _check_second(uow: UnitOfWork, exception: FeeException, name: str, details: Mapping[str, str]) -> None:
    if (exception.resolution, exception.details) != (name, dict(details)):
        proposed = _as_command(exception.resolution or "", exception.details)
        raise InvalidState(
            vi(
                "{maker} has proposed: {proposed}; agree to exactly that, or withdraw that proposal first",
                maker=exception.maker,
                proposed=proposed,
            )
        )
    clerks.check_agrees(uow, exception.maker)


def ways(conn: Connection, exception: FeeException) -> list[Resolution]:
    """The resolutions that the exception allows. One whose money has left the clearing account may be noted."""
    names = exception.about.resolutions
    if exception.about.sits in _CLEARING and _NOTED not in names and not store.standing(conn, exception):
        names = (*names, _NOTED)
    return [RESOLUTIONS[name] for name in names if name in RESOLUTIONS]


def _allowed(conn: Connection, exception: FeeException, name: str, details: Mapping[str, str]) -> Resolution:
    allowed = {way.name: way for way in ways(conn, exception)}
    if name not in allowed:
        raise InvalidState(
            vi(
                "exception {code} is resolved by: {listed}",
                code=exception.code,
                listed=", ".join(allowed) or exception.about.elsewhere,
            )
        )
    resolution = allowed[name]
    if details.keys() != set(resolution.details):
        options = " ".join(f"--set {one}=…" for one in resolution.details)
        raise InvalidState(vi("{name} needs {details}", name=name, details=options or vi("no --set")))
    return resolution


def _locked(uow: UnitOfWork, exception_id: str, details: Mapping[str, str]) -> FeeException:
    """Lock the demands that the resolution may touch, with their dossiers, then the open exception."""
    exception = store.find(uow.conn, exception_id)
    touched = {exception.demand, exception.facts.get("other"), details.get("demand")} - {None}
    for payment in {exception.payment, details.get("payment")} - {None}:
        touched |= set(payments.paid_for(uow.conn, str(payment)))
    for demand in sorted(str(one) for one in touched):
        demands.lock(uow.conn, demand)
    return _open(store.lock(uow.conn, exception_id))


def _unproposed(exception: FeeException) -> str:
    """The status of an exception without a proposal."""
    return "assigned" if exception.assigned_to else "open"


def _open(exception: FeeException) -> FeeException:
    if exception.state == "resolved":
        raise InvalidState(
            vi(
                "the exception is resolved: {resolution}; to resolve it anew, reopen it first",
                resolution=exception.resolution,
            )
        )
    return exception


def _write_audit(
    uow: UnitOfWork,
    exception: FeeException,
    action: AuditAction,
    after: str,
    decision: _Decision,
    *,
    left: int | None = None,
) -> None:
    """Write the decision into the audit log; ``left``: đồng that no exception accounts for yet."""
    reason = f"{_as_command(decision.resolution, decision.details)}: {decision.reason}"
    uow.write_audit(
        exception.id,
        action,
        before=exception.state,
        after=after,
        reason=reason if left is None else f"{reason}; {left} VND are left",
        details={
            "resolution": decision.resolution,
            "details": dict(decision.details),
            "reason": decision.reason,
        },
    )


def _as_command(name: str, details: Mapping[str, str]) -> str:
    return " ".join([name, *(f"{key}={value}" for key, value in sorted(details.items()))])
