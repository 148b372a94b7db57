"""What persons do about matches: confirm or reject what is proposed, revoke what was confirmed.

A confirmation looks again at all that the proposal stood on, in the transaction in which it takes effect. Class B takes
one person, class C two; to revoke takes two.
"""

from collections.abc import Mapping
from typing import Any, Final

from hub.audit import AuditAction
from hub.errors import InvalidState, NotFound
from hub.events import Event
from hub.fees import clerks, payments
from hub.fees.demands import demand_commands, demand_store
from hub.fees.demands.model import COLLECTING
from hub.fees.ledger import LedgerEntry, Origin, postings
from hub.fees.reconciliation.matching import effects, match_store
from hub.fees.reconciliation.matching.effects import MatchRun, standing
from hub.fees.reconciliation.matching.match_store import MatchLeg
from hub.fees.reconciliation.matching.passes import Scope
from hub.locale import vi
from hub.unit_of_work import UnitOfWork

SOURCE: Final = "match_group"
"""of what the book says of a person's match"""
_REVOCABLE: Final = frozenset({"P2", "P3", "P4", "P5", "P6", "P7", "P8", "P11"})
_OVER: Final = ["R03", "R05", "R06", "R07"]
"""exceptions about what a demand did not take: over when the match is"""

_GROUP: Final = """
SELECT g.id, g.run_id, g.pass, g.class, g.state, g.maker, g.checker, g.revoke_maker, leg.line_id, leg.payment_id,
    leg.demand_id, leg.amount, l.account, l.booking_date, l.amount AS came, l.state AS line_state, p.source, p.paid_at,
    p.allocated, p.status AS payment_status
FROM match_group g JOIN match_leg leg ON leg.group_id = g.id AND leg.number = 1
JOIN statement_line l ON l.id = leg.line_id JOIN payment p ON p.id = leg.payment_id
WHERE g.id = %s
"""

_STANDS: Final = """
SELECT g.id, g.pass, leg.demand_id FROM match_leg leg JOIN match_group g ON g.id = leg.group_id
WHERE leg.line_id = %s AND leg.confirmed
"""

_SUPERSEDE: Final = """
UPDATE match_group SET state = 'superseded' WHERE id <> %(id)s AND state IN ('proposed', 'confirmed') AND id IN (
    SELECT group_id FROM match_leg WHERE line_id = %(line)s)
"""


def confirm(uow: UnitOfWork, group_id: int, reason: str) -> list[Event]:
    """It is so. Of class C the first person proposes and the second decides.

    Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_clerk(uow)
    group = _locked(uow, group_id, "proposed")
    if group["class"] == "C" and group["maker"] is None:
        clerks.check_proposes(uow)
        uow.conn.execute("UPDATE match_group SET maker = %s WHERE id = %s", (uow.actor, group_id))
        uow.write_audit(_name(group_id), AuditAction.MATCH_CONFIRMATION_PROPOSED, reason=reason)
        return []
    if group["maker"] is not None:
        clerks.check_agrees(uow, group["maker"])
    demand = _look_again(uow, group)
    uow.conn.execute(_SUPERSEDE, {"id": group_id, "line": group["line_id"]})
    uow.conn.execute(
        "UPDATE match_group SET state = 'confirmed', checker = CASE WHEN maker IS NULL THEN checker ELSE %(by)s END,"
        " maker = coalesce(maker, %(by)s), reason = %(reason)s WHERE id = %(id)s",
        {"by": uow.actor, "reason": reason, "id": group_id},
    )
    uow.write_audit(_name(group_id), AuditAction.MATCH_CONFIRMED, before="proposed", after="confirmed", reason=reason)
    match_run, row = _match_run(uow, group), {**group, "booked": True, "legs": [(demand, group["amount"], False)]}
    effects.expect(match_run, [demand])
    effects.credit(match_run, row, [(demand, group["amount"])], _origin(uow, group, "confirm"))
    effects.explained(match_run, [row])
    effects.finish(match_run)
    uow.conn.execute("UPDATE match_leg SET credited = true WHERE group_id = %s", (group_id,))
    return match_run.events


def reject(uow: UnitOfWork, group_id: int, reason: str) -> list[Event]:
    """It is not so, and is not proposed again. Raises NotFound, InvalidState, Forbidden."""
    clerks.check_clerk(uow)
    _locked(uow, group_id, "proposed")
    match_store.end(uow.conn, group_id, "rejected", reason)
    uow.write_audit(_name(group_id), AuditAction.MATCH_REJECTED, before="proposed", after="rejected", reason=reason)
    return []


def revoke(uow: UnitOfWork, group_id: int, reason: str) -> list[Event]:
    """It was not so: what was paid by it is open again, and the money is nobody's. By two persons.

    Raises NotFound, Forbidden, and InvalidState for what a bank's own number or a report has joined: that is not a
    person's to undo.
    """
    clerks.check_clerk(uow)
    group = _locked(uow, group_id, "confirmed")
    if group["pass"] not in _REVOCABLE or not group["allocated"]:
        raise InvalidState(
            vi("a match by {method} cannot be revoked: resolve the exception of that item", method=group["pass"])
        )
    if group["revoke_maker"] is None:
        clerks.check_proposes(uow)
        uow.conn.execute("UPDATE match_group SET revoke_maker = %s WHERE id = %s", (uow.actor, group_id))
        uow.write_audit(_name(group_id), AuditAction.MATCH_REVOCATION_PROPOSED, reason=reason)
        return []
    clerks.check_agrees(uow, group["revoke_maker"])
    return _undo(uow, group, reason)


def _undo(uow: UnitOfWork, group: Mapping[str, Any], reason: str) -> list[Event]:
    match_run = _match_run(uow, group)
    paid_for = payments.paid_for(uow.conn, group["payment_id"])  # whatever an exception has moved it to by now
    locked = [demand_store.lock(uow.conn, demand) for demand in paid_for]
    match_run.entries.append(_taken_back(match_run, group))
    for demand in locked:
        match_run.events += demand_commands.reverse(uow, demand.id, group["payment_id"], by=_name(group["id"]))
    payments.allocate(uow.conn, {group["payment_id"]: -group["allocated"]})
    match_store.end(uow.conn, group["id"], "revoked", reason)
    leg = MatchLeg(line=group["line_id"], payment=group["payment_id"])
    evidence = {"how": "revoked", "group": group["id"]}
    match_store.add(uow.conn, group["run_id"], "P0", "D", [leg], evidence, credited=False)
    uow.write_audit(_name(group["id"]), AuditAction.MATCH_REVOKED, before="confirmed", after="revoked", reason=reason)
    effects.close(match_run, group["payment_id"], _OVER, "revocation")
    match_run.open_exception("R01", "payment", group["payment_id"], group["came"], group, why="its match was revoked")
    match_run.states[group["line_id"]] = "in_exception"
    effects.finish(match_run)
    return match_run.events


def _taken_back(match_run: MatchRun, group: Mapping[str, Any]) -> LedgerEntry:
    """What the book says of the money, back to where it was nobody's.

    Raises InvalidState where part of it has gone on.
    """
    position = standing(match_run.uow.conn, group["payment_id"], group["line_id"])
    if position.total != group["came"]:
        raise InvalidState(vi("a part of the money has been moved elsewhere: resolve the exception of that item"))
    origin = _origin(match_run.uow, group, "revoke")
    counted = postings.identified_later(origin, group["payment_id"], position.owed, position.over)
    return postings.mirrored(counted, "revoked", origin)


def _look_again(uow: UnitOfWork, group: Mapping[str, Any]) -> str:
    """All that the proposal stood on still holds; the demand. Raises InvalidState."""
    demand = demand_store.lock(uow.conn, group["demand_id"])
    current = uow.conn.execute(_STANDS, (group["line_id"],)).fetchone()
    is_open = current is not None and current["demand_id"] is None and current["pass"] in ("P0", "P1")
    if not is_open or group["allocated"] or group["payment_status"] not in payments.SHOWN:
        raise InvalidState(vi("the money has been matched since this was proposed"))
    if demand.account != group["account"]:
        raise InvalidState(vi("this reference has to be paid into another account"))
    takes = min(group["came"], demand.outstanding) if demand.status in COLLECTING else 0
    if takes != group["amount"]:
        raise InvalidState(
            vi(
                "the reference is only due {takes} VND now, not {amount} VND: match that day again",
                takes=takes,
                amount=group["amount"],
            )
        )
    return demand.id


def _locked(uow: UnitOfWork, group_id: int, state: str) -> Mapping[str, Any]:
    """The group, ours until the transaction ends; its demand's dossier before it."""
    group = uow.conn.execute(_GROUP, (group_id,)).fetchone()
    if group is None:
        raise NotFound(vi("there is no match {group_id}", group_id=group_id))
    if group["demand_id"] is not None:
        demand_store.lock(uow.conn, group["demand_id"])
    uow.conn.execute("SELECT 1 FROM match_group WHERE id = %s FOR UPDATE", (group_id,))
    again = uow.conn.execute(f"{_GROUP} FOR UPDATE OF l, p", (group_id,)).fetchone()
    if again is None or again["state"] != state:
        raise InvalidState(
            vi(
                "match {group_id} is {state}, not {expected}",
                group_id=group_id,
                state=again["state"] if again else vi("gone"),
                expected=state,
            )
        )
    return again


def _match_run(uow: UnitOfWork, group: Mapping[str, Any]) -> MatchRun:
    return MatchRun(uow, Scope(group["run_id"], group["account"], group["booking_date"], ()), notified=False)


def _origin(uow: UnitOfWork, group: Mapping[str, Any], action: str) -> Origin:
    return payments.origin_on(uow, SOURCE, f"{group['id']} {action}", group["account"], group["booking_date"])


def _name(group_id: int) -> str:
    return f"match {group_id}"
