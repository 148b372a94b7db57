"""The two verbs that run the hub: handle what came in, deliver what goes out.

handle: claim (tx) → the verb, its reactions and the end of the message (one tx).
deliver: claim (tx) → speak (no tx) → what the reply means and the end of the attempt (one tx).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import structlog
from psycopg.errors import OperationalError
from psycopg_pool import PoolTimeout

from connectors.transport.exchange import Exchange, recording
from hub import clock, crashpoints, delivery, routing
from hub.calls import CALLS
from hub.codes import HubCode
from hub.context import HubContext
from hub.crashpoints import Point
from hub.db import BUSY, Connection, Done, retried
from hub.delivery import BrokenTransfer, DeferredTransfer, DeliveredTransfer, DeliveryOutcome, RefusedTransfer
from hub.errors import ManualAction, MessageRefused, RetryLater, StaleClaim
from hub.events import Event
from hub.messages import claim, evidence, inbox, outbox
from hub.messages.claim import Limits
from hub.messages.model import MOST_DEATHS, Message, Outcome, Transfer, TransferState, Wakeup
from hub.messages.outbox import Ending
from hub.messages.schedule import pause
from hub.unit_of_work import UnitOfWork

log = structlog.get_logger(__name__)


def handle(hub: HubContext, message_id: str) -> None:
    """Do what an inbox message asks for, once. Never raises for what the message itself brings about."""
    with hub.db.connection() as conn:
        message = inbox.claim(conn, message_id, lease=hub.settings.inbox_lease)
    if message is None:
        return
    if message.deaths >= MOST_DEATHS:
        _bury(hub, message, HubCode.PROCESS_DIED, _of_deaths(message.deaths))
        return
    try:
        wakeups = retried(lambda: _act(hub, message))
    except (RetryLater, ManualAction, MessageRefused) as error:
        _put_off(hub, message, error)
    except StaleClaim:
        log.warning("inbox_overtaken", message=message.id)
        _release(hub, lambda conn: inbox.release(conn, message))
    except BUSY as error:
        log.warning("inbox_busy", message=message.id, error=type(error).__name__)
        _postpone(hub, message, HubCode.DATABASE_BUSY, type(error).__name__)
    except OperationalError:
        # The database is away: the lease runs out and the sweep brings the message back.
        _release(hub, lambda conn: inbox.release(conn, message))
        raise
    except Exception as error:
        log.exception("inbox_failed", message=message.id, error=type(error).__name__)
        _postpone(hub, message, HubCode.HANDLER_FAILED, type(error).__name__)
    else:
        crashpoints.reached(Point.HANDLE_AFTER_COMMIT)
        log.info("inbox_handled", message=message.id, kind=message.kind, source=message.source)
        hub.wake(wakeups)


def _act(hub: HubContext, message: Message) -> list[Wakeup]:
    with hub.db.transaction() as conn:
        inbox.hold(conn, message)
        uow = _work(hub, conn, message.source)
        _react(uow, routing.INBOUND[message.kind](uow, message))
        inbox.settle(conn, message)
        if message.lane:
            uow.wakeups.extend(inbox.wake(conn, message.source, message.lane))
        crashpoints.reached(Point.HANDLE_BEFORE_COMMIT)
    return uow.wakeups


def _of_deaths(deaths: int) -> str:
    return f"the process that had it ended without a word {deaths} times in a row"


def _release(hub: HubContext, release: Callable[[Connection], None]) -> None:
    """This process lives, so that nobody may take the claim for one that it died of. The database may not hear it."""
    try:
        with hub.db.connection() as conn:
            release(conn)
    except (OperationalError, PoolTimeout) as error:
        log.warning("claim_not_released", error=type(error).__name__)


def _put_off(hub: HubContext, message: Message, error: RetryLater | ManualAction | MessageRefused) -> None:
    """The message is not handled: now, or without a person, or ever."""
    match error:
        case RetryLater():
            _postpone(hub, message, error.code, str(error))
        case ManualAction():
            _bury(hub, message, error.code, str(error))
        case MessageRefused():
            _turn_down(hub, message, error)


def _postpone(hub: HubContext, message: Message, code: str, detail: str) -> None:
    seconds = pause(message.tries, hub.settings.inbox_pauses)
    if seconds is None:
        _bury(hub, message, code, detail)
        return
    log.info("inbox_postponed", message=message.id, code=code, seconds=round(seconds, 1))
    with hub.db.transaction() as conn:
        wakeups = inbox.postpone(conn, message, seconds=seconds, code=code, detail=detail)
        wakeups += inbox.next_in_lane(conn, message.source, message.lane)
    hub.wake(wakeups)


def _bury(hub: HubContext, message: Message, code: str, detail: str) -> None:
    log.error("inbox_dead", message=message.id, kind=message.kind, source=message.source, code=code)
    with hub.db.transaction() as conn:
        inbox.dead_letter(conn, message, code=code, detail=detail)
        wakeups = inbox.next_in_lane(conn, message.source, message.lane)
    hub.wake(wakeups)


def _turn_down(hub: HubContext, message: Message, error: MessageRefused) -> None:
    log.warning("inbox_refused", message=message.id, kind=message.kind, source=message.source, code=error.code)
    with hub.db.transaction() as conn:
        uow = _work(hub, conn, "hub")
        fence, code = message.fence, error.code
        if inbox.refuse(conn, message.id, actor="hub", code=code, reason=error.reason, fence=fence):
            _react(uow, routing.REFUSED[message.kind](uow, message.id, error.reason))
        uow.wakeups.extend(inbox.next_in_lane(conn, message.source, message.lane))
    hub.wake(uow.wakeups)


def run_command(hub: HubContext, actor: str, verb: Callable[[UnitOfWork], tuple[Done, list[Event]]]) -> Done:
    """Let a person do ``verb``, with everything that reacts to it, in one transaction. What it gives."""

    def transaction() -> tuple[Done, list[Wakeup]]:
        with hub.db.transaction() as conn:
            uow = _work(hub, conn, actor)
            done, events = verb(uow)
            _react(uow, events)
        return done, uow.wakeups

    done, wakeups = retried(transaction)
    hub.wake(wakeups)
    return done


def deliver(hub: HubContext, transfer_id: str) -> None:
    """Send what is due to its counterparty, once, if it is ready for it. Never raises for what the wire brings."""
    transfer, limits = retried(lambda: _claim(hub, transfer_id))
    if transfer is None:
        return
    if transfer.deaths >= MOST_DEATHS:
        _set_aside(hub, transfer, limits)
        return
    crashpoints.reached(Point.CLAIM_AFTER_COMMIT)
    call, profile = CALLS[transfer.kind], hub.profile(limits.counterparty)
    with recording() as exchanges:
        fate = delivery.send(call, hub.port(limits.counterparty), transfer, profile)
    crashpoints.reached(Point.SEND_AFTER_ANSWER)
    _settle(hub, transfer, fate, exchanges, limits)


def _claim(hub: HubContext, transfer_id: str) -> tuple[Transfer | None, Limits]:
    with hub.db.transaction() as conn:
        standing = claim.lock_counterparty(conn, transfer_id)
        limits = hub.limits(standing.counterparty)
        transfer = claim.claim(conn, transfer_id, standing, limits)
        crashpoints.reached(Point.CLAIM_BEFORE_COMMIT)
    return transfer, limits


def _set_aside(hub: HubContext, transfer: Transfer, limits: Limits) -> None:
    """Sending it has ended processes: a person has to look, and its lane waits for that. Nothing is sent."""
    ending = Ending(TransferState.STUCK, Outcome.UNKNOWN, HubCode.PROCESS_DIED, _of_deaths(transfer.deaths))
    log.error("outbox_set_aside", transfer=transfer.id, counterparty=limits.counterparty, code=ending.code)
    with hub.db.transaction() as conn:
        outbox.settle(conn, transfer, ending)
        wakeups = claim.wake(conn, limits)
    hub.wake(wakeups)


def ask(hub: HubContext, transfer_id: str) -> TransferState | None:
    """Ask the counterparty now whether it has this; send nothing. The new state, or None if there is nothing to ask.

    What is found is delivered. What is not found is stuck with the code NOT_THERE: sending it again is safe.
    """
    with hub.db.transaction() as conn:
        limits = hub.limits(claim.lock_counterparty(conn, transfer_id).counterparty)
        transfer = claim.claim_to_ask(conn, transfer_id, limits)
    if transfer is None:
        return None
    with recording() as exchanges:
        fate = delivery.ask(CALLS[transfer.kind], hub.port(limits.counterparty), transfer)
    fate = fate or BrokenTransfer(HubCode.NOT_THERE, "the counterparty does not have it: sending it again is safe")
    return _settle(hub, transfer, fate, exchanges, limits).state


def _settle(
    hub: HubContext, transfer: Transfer, fate: DeliveryOutcome, exchanges: list[Exchange], limits: Limits
) -> Ending:
    fate = delivery.bounded(fate, hub.settings.retry_after_at_most)
    ending = delivery.ending(transfer, fate, hub.settings.pauses)
    try:
        wakeups = _write(hub, transfer, fate, ending, exchanges, limits)
    except StaleClaim:
        log.warning("outbox_overtaken", transfer=transfer.id, attempt=transfer.attempt_id)
        _release(hub, lambda conn: outbox.release(conn, transfer))
        return ending
    except OperationalError:
        _release(hub, lambda conn: outbox.release(conn, transfer))
        raise
    except (ManualAction, RetryLater) as error:
        # The counterparty has acted, and its answer is not what it has to be; or that cannot be told yet: asked later.
        fate = (
            DeferredTransfer(error.code, str(error), unknown=True)
            if isinstance(error, RetryLater)
            else BrokenTransfer(error.code, str(error))
        )
        ending = delivery.ending(transfer, fate, hub.settings.pauses)
        wakeups = _write(hub, transfer, fate, ending, exchanges, limits)
    except Exception as error:
        # The reply cannot be processed here (a fault of ours): the counterparty has acted, a person must look.
        log.exception("reply_failed", transfer=transfer.id, error=type(error).__name__)
        fate = BrokenTransfer(HubCode.REPLY_FAILED, type(error).__name__)
        ending = delivery.ending(transfer, fate, hub.settings.pauses)
        wakeups = _write(hub, transfer, fate, ending, exchanges, limits)
    crashpoints.reached(Point.SETTLE_AFTER_COMMIT)
    log.info(
        "outbox_attempted",
        transfer=transfer.id,
        attempt=transfer.attempt_id,
        counterparty=limits.counterparty,
        state=ending.state.value,
        code=ending.code,
    )
    hub.wake(wakeups)
    return ending


def _write(
    hub: HubContext,
    transfer: Transfer,
    fate: DeliveryOutcome,
    ending: Ending,
    exchanges: list[Exchange],
    limits: Limits,
) -> list[Wakeup]:
    return retried(lambda: _written(hub, transfer, fate, ending, exchanges, limits))


def _written(
    hub: HubContext,
    transfer: Transfer,
    fate: DeliveryOutcome,
    ending: Ending,
    exchanges: list[Exchange],
    limits: Limits,
) -> list[Wakeup]:
    with hub.db.transaction() as conn:
        uow = _work(hub, conn, limits.counterparty)
        reply = routing.OUTBOUND[transfer.kind]
        if isinstance(fate, DeliveredTransfer):
            _react(uow, reply.delivered(uow, transfer, fate.reply))
        elif isinstance(fate, RefusedTransfer):
            _react(uow, reply.refused(uow, transfer, fate.reason))
        outbox.settle(conn, transfer, ending)
        evidence.keep(conn, transfer.attempt_id, limits.counterparty, _records(exchanges))
        # The counterparty's row is locked last: claims wait for it, and must not wait for the domain's work.
        if isinstance(fate, DeferredTransfer):
            uow.wakeups.extend(claim.failed(conn, limits, fate.retry_after))
        else:
            uow.wakeups.extend(claim.succeeded(conn, limits))
        crashpoints.reached(Point.SETTLE_BEFORE_COMMIT)
    return uow.wakeups


def _records(exchanges: list[Exchange]) -> list[tuple[str, datetime, dict[str, Any]]]:
    return [
        (exchange.id, exchange.started_at, asdict(exchange) | {"started_at": exchange.started_at.isoformat()})
        for exchange in exchanges
    ]


def _work(hub: HubContext, conn: Connection, actor: str) -> UnitOfWork:
    return UnitOfWork(
        conn=conn,
        catalogue=hub.catalogue,
        calendar=hub.calendar,
        now=clock.now(),
        signer=hub.signer,
        actor=actor,
        read_statements=hub.read_statements,
        clock_skew=timedelta(seconds=hub.settings.clock_skew),
        public_url=str(hub.settings.public_url).rstrip("/"),
    )


def _react(uow: UnitOfWork, events: list[Event]) -> None:
    ahead: deque[Any] = deque(events)
    while ahead:
        event = ahead.popleft()
        for reaction in routing.REACTIONS[type(event)]:
            ahead.extend(reaction(uow, event))
