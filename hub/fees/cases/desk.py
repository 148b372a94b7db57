"""What persons do about cases: take one, propose how it is settled, agree, let it stay open over a close.

A resolution of two persons is proposed by the first and takes effect when another says the same; everything that it
stands on is looked at again then.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from psycopg import Rollback

from hub.db import Connection
from hub.errors import NotNow
from hub.events import Event
from hub.fees import payments, persons
from hub.fees import store as demands
from hub.fees.cases import store
from hub.fees.cases.codes import Code, severity
from hub.fees.cases.model import Case
from hub.fees.cases.resolutions import RESOLUTIONS, Resolution
from hub.work import Work

_NOTHING: Final[Mapping[str, Any]] = {
    "resolution": None, "details": {}, "reason": None, "persons": None, "maker": None, "checker": None,
}  # fmt: skip
_CLEARING: Final = frozenset({"338", "339", "341"})
"""where a case's money waits for a person; once it is gone from there, nothing can be done with it"""
_NOTED: Final = "noted"
_ANOTHER: Final = "another person"


def assign(work: Work, case_id: str, person: str) -> list[Event]:
    """``person`` settles it. Raises NotFound, NotNow, MayNot."""
    persons.check_clerk(work)
    case = _open(store.lock(work.conn, case_id))
    state = "assigned" if case.state == "open" else case.state
    store.change(work.conn, case_id, assigned_to=person, state=state)
    work.note(case_id, "assigned", before=case.state, after=state, reason=person)
    return []


def carry(work: Work, case_id: str, reason: str) -> list[Event]:
    """It stays open over a close of its day: treo sang kỳ sau. Raises NotFound, NotNow, MayNot."""
    persons.check_clerk(work)
    case = _open(store.lock(work.conn, case_id))
    store.change(work.conn, case_id, carried_by=work.actor, carried_reason=reason)
    work.note(case_id, "carried", before=case.state, after=case.state, reason=reason)
    return []


def resolve(work: Work, case_id: str, name: str, details: Mapping[str, str], reason: str) -> list[Event]:
    """Settle it by the resolution ``name``; of two persons the first proposes and the second decides.

    What one person has asked for before (a refund) counts as proposed by that person. Raises NotFound, MayNot; NotNow
    for what this case does not allow, what could not be done now, and where the same person would say it twice.
    """
    persons.check_clerk(work)
    resolution = _allowed(work.conn, store.find(work.conn, case_id), name, details)
    case = _locked(work, case_id, details)
    if case.state == "proposed":
        _check_second(work, case, name, details)
    elif resolution.persons > 1:
        asker = resolution.asked_by(work, case) if resolution.asked_by else None
        if asker is None or persons.is_maker(work, asker):
            return _propose(work, case, resolution, details, reason)
        persons.check_agrees(work, asker)
        case = replace(case, maker=asker)
    said = {"resolution": name, "details": details, "reason": reason, "persons": resolution.persons}
    who = {"maker": case.maker or work.actor, "checker": work.actor if case.maker else None}
    store.change(work.conn, case_id, state="resolved", **said, **who)
    events = resolution.act(work, store.find(work.conn, case_id), details)
    _check_left(work, case, _said(name, details, reason))
    return events


def withdraw(work: Work, case_id: str, reason: str) -> list[Event]:
    """What was proposed is not done: its maker takes it back, or a second person says no.

    Raises NotFound, NotNow, MayNot.
    """
    persons.check_clerk(work)
    case = store.lock(work.conn, case_id)
    if case.state != "proposed":
        raise NotNow(f"ca đang ở trạng thái {case.state}, chưa ai đề nghị gì")
    state = _unproposed(case)
    store.change(work.conn, case_id, state=state, **_NOTHING)
    work.note(case_id, "withdrawn", before="proposed", after=state, reason=f"{case.resolution}: {reason}")
    return []


def reopen(work: Work, case_id: str, reason: str) -> list[Event]:
    """It was not settled after all. What its resolution did stays done. Raises NotFound, NotNow, MayNot."""
    persons.check_clerk(work)
    case = store.lock(work.conn, case_id)
    if case.state != "resolved":
        raise NotNow(f"chỉ mở lại được ca đã xong; ca này đang {case.state}")
    state = _unproposed(case)
    store.change(work.conn, case_id, state=state, carried_by=None, carried_reason=None, **_NOTHING)
    work.note(case_id, "reopened", before="resolved", after=state, reason=reason)
    return []


def _check_left(work: Work, case: Case, said: str) -> None:
    """Resolved; or open for what is left: no case stays closed while its money waits on an account for items."""
    left = store.standing(work.conn, case)
    if not left:
        work.note(case.id, "resolved", before=case.state, after="resolved", reason=said)
        return
    if left >= case.at_risk:
        raise NotNow(f"còn {left} đ chưa có ca nào xử lý: xử lý hết số tiền của ca này")
    state = _unproposed(case)
    level = severity(Code(case.code), left)
    store.change(work.conn, case.id, state=state, at_risk=left, severity=level, **_NOTHING)
    work.note(case.id, "partly resolved", before=case.state, after=state, reason=f"{said}; {left} đ are left")


def _propose(work: Work, case: Case, resolution: Resolution, details: Mapping[str, str], reason: str) -> list[Event]:
    """What could not be done now is not proposed: it is done by another, and taken back."""
    persons.check_proposes(work)
    said = {"resolution": resolution.name, "details": details, "reason": reason, "persons": resolution.persons}
    trial = replace(work, actor=_ANOTHER, replayed=True, nudges=[])
    with work.conn.transaction() as savepoint:
        store.change(work.conn, case.id, state="resolved", maker=work.actor, checker=_ANOTHER, **said)
        resolution.act(trial, store.find(work.conn, case.id), details)
        _check_left(trial, case, "")
        raise Rollback(savepoint)
    store.change(work.conn, case.id, state="proposed", maker=work.actor, **said)
    said_so = _said(resolution.name, details, reason)
    work.note(case.id, "proposed", before=case.state, after="proposed", reason=said_so)
    return []


def _check_second(work: Work, case: Case, name: str, details: Mapping[str, str]) -> None:
    if (case.resolution, case.details) != (name, dict(details)):
        proposed = _told(case.resolution or "", case.details)
        raise NotNow(f"{case.maker} đã đề nghị: {proposed}; đồng ý đúng như vậy, hoặc rút đề nghị đó trước")
    persons.check_agrees(work, case.maker)


def ways(conn: Connection, case: Case) -> list[Resolution]:
    """What may be done about it. What has no money left where it waited, by an earlier decision, may be noted."""
    names = case.about.resolutions
    if case.about.sits in _CLEARING and _NOTED not in names and not store.standing(conn, case):
        names = (*names, _NOTED)
    return [RESOLUTIONS[name] for name in names if name in RESOLUTIONS]


def _allowed(conn: Connection, case: Case, name: str, details: Mapping[str, str]) -> Resolution:
    allowed = {way.name: way for way in ways(conn, case)}
    if name not in allowed:
        raise NotNow(f"ca {case.code} xử lý bằng: {', '.join(allowed) or case.about.elsewhere}")
    resolution = allowed[name]
    if details.keys() != set(resolution.details):
        wanted = " ".join(f"--set {one}=…" for one in resolution.details)
        raise NotNow(f"{name} cần {wanted or 'không --set nào'}")
    return resolution


def _locked(work: Work, case_id: str, details: Mapping[str, str]) -> Case:
    """The case, open, and before it the dossiers of all demands that it may touch."""
    case = store.find(work.conn, case_id)
    touched = {case.demand, case.facts.get("other"), details.get("demand")} - {None}
    for payment in {case.payment, details.get("payment")} - {None}:
        touched |= set(payments.paid_for(work.conn, str(payment)))
    for demand in sorted(str(one) for one in touched):
        demands.lock(work.conn, demand)
    return _open(store.lock(work.conn, case_id))


def _unproposed(case: Case) -> str:
    """Where a case stands of which nothing is proposed."""
    return "assigned" if case.assigned_to else "open"


def _open(case: Case) -> Case:
    if case.state == "resolved":
        raise NotNow(f"ca đã xử lý xong: {case.resolution}; muốn xử lý lại thì mở lại ca trước")
    return case


def _said(name: str, details: Mapping[str, str], reason: str) -> str:
    """All that was decided, in one line of the journal."""
    return f"{_told(name, details)}: {reason}"


def _told(name: str, details: Mapping[str, str]) -> str:
    return " ".join([name, *(f"{key}={value}" for key, value in sorted(details.items()))])
