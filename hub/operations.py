"""Operators' commands on transfers, counterparties and dead letters. Each writes who, what and why to the audit log."""

from datetime import datetime
from typing import Any, Final

from config.catalogue import Idempotency
from hub import audit, delivery, dispatch, feeds, flow
from hub.app import Hub
from hub.audit import AuditAction
from hub.codes import HubCode
from hub.db import Connection
from hub.errors import InvalidState, KeyReused, NotFound, ReferenceReused
from hub.events import Event
from hub.flow import OUTBOUND
from hub.messages import inbox, set_aside
from hub.messages.model import Arrival, TransferState, Wakeup
from hub.unit_of_work import UnitOfWork
from schemas.replies import UnreadableEntry

PARKABLE: Final = (TransferState.QUEUED, TransferState.RETRYING, TransferState.UNKNOWN, TransferState.STUCK)
CANCELLABLE: Final = (
    TransferState.QUEUED,
    TransferState.RETRYING,
    TransferState.UNKNOWN,
    TransferState.STUCK,
    TransferState.PARKED,
)
REPLAYABLE: Final = (TransferState.RETRYING, TransferState.UNKNOWN, TransferState.STUCK)


def replay(hub: Hub, transfer_id: str, *, actor: str, reason: str) -> None:
    """Send the transfer again now: a new attempt with the same idempotency key.

    Where it may have arrived before, the counterparty is asked first, if it can be.
    Raises NotFound, or InvalidState where the transfer is under way, parked or ended.
    """
    _change(
        hub,
        transfer_id,
        REPLAYABLE,
        _due_state(hub, transfer_id),
        action=AuditAction.TRANSFER_REPLAYED,
        actor=actor,
        reason=reason,
    )
    _wake(hub, transfer_id)


def park(hub: Hub, transfer_id: str, *, actor: str, reason: str, review_at: datetime) -> None:
    """Park the transfer until it is unparked; its ordering key waits. Raises NotFound, InvalidState."""
    _change(
        hub,
        transfer_id,
        PARKABLE,
        TransferState.PARKED,
        action=AuditAction.TRANSFER_PARKED,
        actor=actor,
        reason=reason,
        review_at=review_at,
    )


def unpark(hub: Hub, transfer_id: str, *, actor: str, reason: str) -> None:
    """Make a parked transfer due again. Raises NotFound, InvalidState."""
    state = _due_state(hub, transfer_id)
    _change(
        hub,
        transfer_id,
        (TransferState.PARKED,),
        state,
        action=AuditAction.TRANSFER_UNPARKED,
        actor=actor,
        reason=reason,
    )
    _wake(hub, transfer_id)


def cancel(hub: Hub, transfer_id: str, *, actor: str, reason: str) -> None:
    """End the transfer unsent, for good; its ordering key goes on. Raises NotFound, InvalidState."""
    _change(
        hub,
        transfer_id,
        CANCELLABLE,
        TransferState.CANCELLED,
        action=AuditAction.TRANSFER_CANCELLED,
        actor=actor,
        reason=reason,
    )


def check(hub: Hub, transfer_id: str, *, actor: str) -> TransferState:
    """Ask the counterparty now whether it has the transfer; nothing is sent. Returns the state afterwards.

    Raises NotFound, or InvalidState where there is nothing to ask.
    """
    with hub.db.transaction() as conn:
        row = _locked(conn, transfer_id)
        if OUTBOUND[row["kind"]].find is None or hub.profile(row["counterparty"]) is Idempotency.NONE:
            raise InvalidState(f"{row['counterparty']} cannot be asked what it has")
        audit.write(conn, transfer_id, actor, AuditAction.TRANSFER_QUERIED, before=row["state"])
    state = delivery.ask(hub, transfer_id)
    if state is None:
        raise InvalidState(f"the transfer is {row['state']}: there is nothing to ask")
    return state


def pause(hub: Hub, counterparty: str, *, actor: str, reason: str) -> None:
    """Send nothing to this counterparty until it is resumed; its transfers wait (held).

    Raises NotFound, InvalidState.
    """
    _set_pause(
        hub,
        counterparty,
        actor,
        AuditAction.COUNTERPARTY_PAUSED,
        reason,
        "paused_at IS NULL",
        "now(), %(actor)s, %(reason)s",
    )


def resume(hub: Hub, counterparty: str, *, actor: str, reason: str) -> None:
    """End a pause, an open breaker or a Retry-After: what waits is due now, and the failures are reset.

    Raises NotFound, InvalidState.
    """
    silenced = "(paused_at IS NOT NULL OR breaker_open_until > now())"
    _set_pause(hub, counterparty, actor, AuditAction.COUNTERPARTY_RESUMED, reason, silenced, "NULL, NULL, NULL")
    with hub.db.transaction() as conn:
        conn.execute("UPDATE counterparty SET failures = 0, breaker_open_until = NULL WHERE code = %s", (counterparty,))
        conn.execute(
            "UPDATE outbox SET due_at = now() WHERE counterparty = %s AND state IN ('retrying', 'unknown')"
            " AND due_at > now()",
            (counterparty,),
        )
    hub.sweep()


def test(hub: Hub, counterparty: str) -> str:
    """Call the counterparty without changing anything there; its answer. Raises NotFound, ConnectorError."""
    answer = hub.port(counterparty).check()
    assert isinstance(answer, str)  # noqa: S101 - connectors.ports says so
    return answer


def requeue(hub: Hub, message_id: str, *, actor: str, reason: str) -> None:
    """Handle a dead inbox message again; read an entry of a feed again.

    Raises InvalidState if it is not dead, or still cannot be read.

    One that conflicts with an earlier one of its id is handled as a new one beside it. One that was dead for its time
    (DATED_AHEAD, REPORT_LATE) is applied: a person has decided.
    """
    with hub.db.transaction() as conn:
        message = inbox.dead(conn, message_id)
        if message is not None and message.kind in (set_aside.KIND, set_aside.OLDER_KIND):
            message_id = _read_again(hub, conn, message, actor=actor, reason=reason)
        elif message is not None and (another := set_aside.as_new(message)) is not None:
            message_id = inbox.accept(conn, another).id
            inbox.end(conn, message.id, actor=actor, action=AuditAction.MESSAGE_TAKEN_AS_NEW, reason=reason)
        elif not inbox.requeue(conn, message_id, actor=actor, reason=reason):
            raise InvalidState(f"no dead message has the id {message_id}")
    hub.wake([Wakeup(inbox.QUEUE, message_id)])


def refuse(hub: Hub, message_id: str, *, actor: str, reason: str) -> bool:
    """Refuse a message that waits or is dead, for good. Returns whether its sender can be told.

    Raises NotFound, or InvalidState where it is not waiting.
    """

    def command(uow: UnitOfWork) -> tuple[bool, list[Event]]:
        row = uow.conn.execute(
            "SELECT kind, source, ordering_key, state FROM inbox WHERE id = %s", (message_id,)
        ).fetchone()
        if row is None:
            raise NotFound(f"no message has the id {message_id}")
        if not inbox.refuse(uow.conn, message_id, actor=actor, code=HubCode.REFUSED, reason=reason):
            raise InvalidState(f"{message_id} is {row['state']}: this is for messages that wait or are dead")
        uow.wakeups.extend(inbox.first_in_order(uow.conn, row["source"], row["ordering_key"]))
        tell = flow.REFUSED.get(row["kind"])
        return tell is not None, tell(uow, message_id, reason) if tell else []

    return dispatch.run_command(hub, actor, command)


def _read_again(hub: Hub, conn: Connection, message: Arrival, *, actor: str, reason: str) -> str:
    """Read the entry again and store what it says now. Returns the new message's id. Raises InvalidState."""
    party, feed = feeds.polled(hub.catalogue).get(message.source, (None, None))
    if feed is None or feed.again is None:
        raise InvalidState(f"the catalogue has no feed of {message.source} any more: refuse it")
    entry = UnreadableEntry.model_validate_json(message.body)
    arrival = feed.again(party, hub.port(message.source), entry.document)
    if arrival.kind == set_aside.KIND:
        raise InvalidState(f"it still cannot be read: {UnreadableEntry.model_validate_json(arrival.body).why}")
    try:
        accepted = inbox.accept(conn, arrival)
    except (KeyReused, ReferenceReused):
        raise InvalidState(f"{message.source} has sent other content under the same id since: refuse it") from None
    inbox.end(conn, message.id, actor=actor, action=AuditAction.MESSAGE_READ_AGAIN, reason=reason)
    return accepted.id


def _change(
    hub: Hub,
    transfer_id: str,
    allowed: tuple[TransferState, ...],
    to: TransferState,
    *,
    action: AuditAction,
    actor: str,
    reason: str,
    review_at: datetime | None = None,
) -> None:
    with hub.db.transaction() as conn:
        row = _locked(conn, transfer_id)
        if TransferState(row["state"]) not in allowed:
            raise InvalidState(f"{transfer_id} is {row['state']}; this is for transfers that are {', '.join(allowed)}")
        conn.execute(
            "UPDATE outbox SET state = %(to)s, due_at = now(), wakeup_sent_at = NULL, waiting_for_capacity = false,"
            " backoff_attempts = 0, unsettled_claims = 0, reason = %(reason)s, review_at = %(review_at)s,"
            " settled_at = CASE WHEN %(ends)s THEN now() END WHERE id = %(id)s",
            {
                "to": to,
                "reason": reason,
                "review_at": review_at,
                "ends": to is TransferState.CANCELLED,
                "id": transfer_id,
            },
        )
        audit.write(conn, transfer_id, actor, action, before=row["state"], after=to, reason=reason)


def _due_state(hub: Hub, transfer_id: str) -> TransferState:
    """The state in which a transfer is due: asked about first, unless it was never sent or cannot be asked about."""
    with hub.db.connection() as conn:
        row = conn.execute("SELECT attempts, counterparty FROM outbox WHERE id = %s", (transfer_id,)).fetchone()
    if row is None or row["attempts"] == 0:
        return TransferState.QUEUED
    return TransferState.RETRYING if hub.profile(row["counterparty"]) is Idempotency.NONE else TransferState.UNKNOWN


def _locked(conn: Connection, transfer_id: str) -> dict[str, Any]:
    row = conn.execute(
        "SELECT kind, counterparty, state FROM outbox WHERE id = %s FOR UPDATE", (transfer_id,)
    ).fetchone()
    if row is None:
        raise NotFound(f"no transfer has the id {transfer_id}")
    return row


def _wake(hub: Hub, transfer_id: str) -> None:
    with hub.db.connection() as conn:
        row = conn.execute("SELECT counterparty FROM outbox WHERE id = %s", (transfer_id,)).fetchone()
    if row is not None:
        hub.wake([Wakeup(hub.queues[row["counterparty"]], transfer_id)])


def _set_pause(
    hub: Hub, counterparty: str, actor: str, action: AuditAction, reason: str, when: Any, values: Any
) -> None:
    if counterparty not in hub.catalogue.counterparties:
        raise NotFound(f"the catalogue has no counterparty {counterparty!r}")
    with hub.db.transaction() as conn:
        changed = conn.execute(
            f"UPDATE counterparty SET (paused_at, paused_by, pause_reason) = ROW({values})"
            f" WHERE code = %(code)s AND {when} RETURNING code",
            {"code": counterparty, "actor": actor, "reason": reason},
        )
        if changed.fetchone() is None:
            raise InvalidState(
                f"{counterparty} is {'paused' if action is AuditAction.COUNTERPARTY_PAUSED else 'resumed'} already"
            )
        audit.write(conn, counterparty, actor, action, reason=reason)
