"""What persons do about exceptions: take one, propose how it is settled, agree, let it stay open over a close.

A resolution of two persons is proposed by the first and takes effect when another says the same; everything that it
stands on is looked at again then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from psycopg import Rollback

from hub.db import Connection
from hub.errors import InvalidState
from hub.events import Event
from hub.fees import clerks
from hub.fees.demands import demand_store as demands
from hub.fees.exceptions import store
from hub.fees.exceptions.codes import ExceptionCode, severity
from hub.fees.exceptions.model import FeeException
from hub.fees.payments import payment_store
from hub.fees.resolutions.table import RESOLUTIONS, Resolution
from hub.locale import vi
from hub.unit_of_work import UnitOfWork

_NOTHING: Final[Mapping[str, Any]] = {
    "resolution": None, "details": {}, "reason": None, "persons": None, "maker": None, "checker": None,
}  # fmt: skip
_CLEARING: Final = frozenset({"338", "339", "341"})
"""where an exception's money waits for a person; once it is gone from there, nothing can be done with it"""
_NOTED: Final = "noted"
_ANOTHER: Final = "another person"


@dataclass(frozen=True, slots=True)
class _Decision:
    """What a person decided about an exception: the resolution, what it has to know, and why."""

    resolution: str
    details: Mapping[str, str]
    reason: str


def assign(uow: UnitOfWork, case_id: str, person: str) -> list[Event]:
    """``person`` settles it. Raises NotFound, InvalidState, Forbidden."""
    clerks.check_clerk(uow)
    case = _open(store.lock(uow.conn, case_id))
    state = "assigned" if case.state == "open" else case.state
    store.change(uow.conn, case_id, assigned_to=person, state=state)
    uow.note(case_id, "assigned", before=case.state, after=state, reason=person)
    return []


def carry(uow: UnitOfWork, case_id: str, reason: str) -> list[Event]:
    """It stays open over a close of its day: treo sang kỳ sau. Raises NotFound, InvalidState, Forbidden."""
    clerks.check_clerk(uow)
    case = _open(store.lock(uow.conn, case_id))
    store.change(uow.conn, case_id, carried_by=uow.actor, carried_reason=reason)
    uow.note(case_id, "carried", before=case.state, after=case.state, reason=reason)
    return []


def resolve(uow: UnitOfWork, case_id: str, name: str, details: Mapping[str, str], reason: str) -> list[Event]:
    """Settle it by the resolution ``name``; of two persons the first proposes and the second decides.

    What one person has asked for before (a refund) counts as proposed by that person. Raises NotFound, Forbidden;
    InvalidState for what this exception does not allow, what could not be done now, and where the same person would
    say it twice.
    """
    clerks.check_clerk(uow)
    resolution = _allowed(uow.conn, store.find(uow.conn, case_id), name, details)
    case = _locked(uow, case_id, details)
    if case.state == "proposed":
        _check_second(uow, case, name, details)
    elif resolution.persons > 1:
        asker = resolution.asked_by(uow, case) if resolution.asked_by else None
        if asker is None or clerks.is_maker(uow, asker):
            return _propose(uow, case, resolution, details, reason)
        clerks.check_agrees(uow, asker)
        case = replace(case, maker=asker)
    said = {"resolution": name, "details": details, "reason": reason, "persons": resolution.persons}
    who = {"maker": case.maker or uow.actor, "checker": uow.actor if case.maker else None}
    store.change(uow.conn, case_id, state="resolved", **said, **who)
    events = resolution.act(uow, store.find(uow.conn, case_id), details)
    _check_left(uow, case, _Decision(name, details, reason))
    return events


def withdraw(uow: UnitOfWork, case_id: str, reason: str) -> list[Event]:
    """What was proposed is not done: its maker takes it back, or a second person says no.

    Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_clerk(uow)
    case = store.lock(uow.conn, case_id)
    if case.state != "proposed":
        raise InvalidState(vi("the exception is {state}; nothing has been proposed", state=case.state))
    state = _unproposed(case)
    store.change(uow.conn, case_id, state=state, **_NOTHING)
    uow.note(
        case_id,
        "withdrawn",
        before="proposed",
        after=state,
        reason=f"{case.resolution}: {reason}",
        details={"resolution": case.resolution},
    )
    return []


def reopen(uow: UnitOfWork, case_id: str, reason: str) -> list[Event]:
    """It was not settled after all. What its resolution did stays done. Raises NotFound, InvalidState, Forbidden."""
    clerks.check_clerk(uow)
    case = store.lock(uow.conn, case_id)
    if case.state != "resolved":
        raise InvalidState(vi("only a resolved exception can be reopened; this one is {state}", state=case.state))
    state = _unproposed(case)
    store.change(uow.conn, case_id, state=state, carried_by=None, carried_reason=None, **_NOTHING)
    uow.note(case_id, "reopened", before="resolved", after=state, reason=reason)
    return []


def _check_left(uow: UnitOfWork, case: FeeException, decision: _Decision) -> None:
    """Resolved; or open for what is left: no exception stays closed while its money waits on an account for items."""
    left = store.standing(uow.conn, case)
    if not left:
        _note(uow, case, "resolved", "resolved", decision)
        return
    if left >= case.at_risk:
        raise InvalidState(
            vi("{left} VND have no exception to handle them: resolve the whole amount of this one", left=left)
        )
    state = _unproposed(case)
    level = severity(ExceptionCode(case.code), left)
    store.change(uow.conn, case.id, state=state, at_risk=left, severity=level, **_NOTHING)
    _note(uow, case, "partly resolved", state, decision, left=left)


def _propose(
    uow: UnitOfWork, case: FeeException, resolution: Resolution, details: Mapping[str, str], reason: str
) -> list[Event]:
    """What could not be done now is not proposed: it is done by another, and taken back."""
    clerks.check_proposes(uow)
    said = {"resolution": resolution.name, "details": details, "reason": reason, "persons": resolution.persons}
    decision = _Decision(resolution.name, details, reason)
    trial = replace(uow, actor=_ANOTHER, replayed=True, wakeups=[])
    with uow.conn.transaction() as savepoint:
        store.change(uow.conn, case.id, state="resolved", maker=uow.actor, checker=_ANOTHER, **said)
        resolution.act(trial, store.find(uow.conn, case.id), details)
        _check_left(trial, case, decision)
        raise Rollback(savepoint)
    store.change(uow.conn, case.id, state="proposed", maker=uow.actor, **said)
    _note(uow, case, "proposed", "proposed", decision)
    return []


def _check_second(uow: UnitOfWork, case: FeeException, name: str, details: Mapping[str, str]) -> None:
    if (case.resolution, case.details) != (name, dict(details)):
        proposed = _told(case.resolution or "", case.details)
        raise InvalidState(
            vi(
                "{maker} has proposed: {proposed}; agree to exactly that, or withdraw that proposal first",
                maker=case.maker,
                proposed=proposed,
            )
        )
    clerks.check_agrees(uow, case.maker)


def ways(conn: Connection, case: FeeException) -> list[Resolution]:
    """What may be done about it. What has no money left where it waited, by an earlier decision, may be noted."""
    names = case.about.resolutions
    if case.about.sits in _CLEARING and _NOTED not in names and not store.standing(conn, case):
        names = (*names, _NOTED)
    return [RESOLUTIONS[name] for name in names if name in RESOLUTIONS]


def _allowed(conn: Connection, case: FeeException, name: str, details: Mapping[str, str]) -> Resolution:
    allowed = {way.name: way for way in ways(conn, case)}
    if name not in allowed:
        raise InvalidState(
            vi(
                "exception {code} is resolved by: {listed}",
                code=case.code,
                listed=", ".join(allowed) or case.about.elsewhere,
            )
        )
    resolution = allowed[name]
    if details.keys() != set(resolution.details):
        wanted = " ".join(f"--set {one}=…" for one in resolution.details)
        raise InvalidState(vi("{name} needs {details}", name=name, details=wanted or vi("no --set")))
    return resolution


def _locked(uow: UnitOfWork, case_id: str, details: Mapping[str, str]) -> FeeException:
    """The exception, open, and before it the dossiers of all demands that it may touch."""
    case = store.find(uow.conn, case_id)
    touched = {case.demand, case.facts.get("other"), details.get("demand")} - {None}
    for payment in {case.payment, details.get("payment")} - {None}:
        touched |= set(payment_store.paid_for(uow.conn, str(payment)))
    for demand in sorted(str(one) for one in touched):
        demands.lock(uow.conn, demand)
    return _open(store.lock(uow.conn, case_id))


def _unproposed(case: FeeException) -> str:
    """Where an exception stands of which nothing is proposed."""
    return "assigned" if case.assigned_to else "open"


def _open(case: FeeException) -> FeeException:
    if case.state == "resolved":
        raise InvalidState(
            vi(
                "the exception is resolved: {resolution}; to resolve it anew, reopen it first",
                resolution=case.resolution,
            )
        )
    return case


def _note(
    uow: UnitOfWork, case: FeeException, verb: str, after: str, decision: _Decision, *, left: int | None = None
) -> None:
    """All that was decided, in one line of the audit log; ``left``: đồng that no exception accounts for yet."""
    reason = f"{_told(decision.resolution, decision.details)}: {decision.reason}"
    uow.note(
        case.id,
        verb,
        before=case.state,
        after=after,
        reason=reason if left is None else f"{reason}; {left} VND are left",
        details={
            "resolution": decision.resolution,
            "details": dict(decision.details),
            "reason": decision.reason,
        },
    )


def _told(name: str, details: Mapping[str, str]) -> str:
    return " ".join([name, *(f"{key}={value}" for key, value in sorted(details.items()))])
