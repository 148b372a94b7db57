"""The two verbs that run the house: handle what came in, deliver what goes out.

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
from hub import clock, crashpoints, routing, speaking
from hub.calls import CALLS
from hub.codes import Code
from hub.crashpoints import Point
from hub.db import BUSY, Connection, Done, retried
from hub.errors import NeedsAPerson, NotYet, Overtaken, TurnedDown
from hub.events import Event
from hub.house import House
from hub.messages import claim, evidence, inbox, outbox
from hub.messages.claim import Limits
from hub.messages.model import MOST_DEATHS, Message, Nudge, Outcome, State, Transfer
from hub.messages.outbox import Ending
from hub.messages.schedule import pause
from hub.speaking import Broken, Delivered, Fate, Later, Refused
from hub.work import Work

log = structlog.get_logger(__name__)


def handle(house: House, message_id: str) -> None:
    """Do what an inbox message asks for, once. Never raises for what the message itself brings about."""
    with house.db.connection() as conn:
        message = inbox.claim(conn, message_id, lease=house.settings.inbox_lease)
    if message is None:
        return
    if message.deaths >= MOST_DEATHS:
        _bury(house, message, Code.PROCESS_DIED, _of_deaths(message.deaths))
        return
    try:
        nudges = retried(lambda: _act(house, message))
    except (NotYet, NeedsAPerson, TurnedDown) as error:
        _put_off(house, message, error)
    except Overtaken:
        log.warning("inbox_overtaken", message=message.id)
        _release(house, lambda conn: inbox.release(conn, message))
    except BUSY as error:
        log.warning("inbox_busy", message=message.id, error=type(error).__name__)
        _postpone(house, message, Code.DATABASE_BUSY, type(error).__name__)
    except OperationalError:
        # The database is away: the lease runs out and the sweep brings the message back.
        _release(house, lambda conn: inbox.release(conn, message))
        raise
    except Exception as error:
        log.exception("inbox_failed", message=message.id, error=type(error).__name__)
        _postpone(house, message, Code.HANDLER_FAILED, type(error).__name__)
    else:
        crashpoints.reached(Point.HANDLE_AFTER_COMMIT)
        log.info("inbox_handled", message=message.id, kind=message.kind, source=message.source)
        house.nudge(nudges)


def _act(house: House, message: Message) -> list[Nudge]:
    with house.db.transaction() as conn:
        inbox.hold(conn, message)
        work = _work(house, conn, message.source)
        _react(work, routing.INBOUND[message.kind](work, message))
        inbox.settle(conn, message)
        if message.lane:
            work.nudges.extend(inbox.wake(conn, message.source, message.lane))
        crashpoints.reached(Point.HANDLE_BEFORE_COMMIT)
    return work.nudges


def _of_deaths(deaths: int) -> str:
    return f"the process that had it ended without a word {deaths} times in a row"


def _release(house: House, release: Callable[[Connection], None]) -> None:
    """This process lives, so that nobody may take the claim for one that it died of. The database may not hear it."""
    try:
        with house.db.connection() as conn:
            release(conn)
    except (OperationalError, PoolTimeout) as error:
        log.warning("claim_not_released", error=type(error).__name__)


def _put_off(house: House, message: Message, error: NotYet | NeedsAPerson | TurnedDown) -> None:
    """The message is not handled: now, or without a person, or ever."""
    match error:
        case NotYet():
            _postpone(house, message, error.code, str(error))
        case NeedsAPerson():
            _bury(house, message, error.code, str(error))
        case TurnedDown():
            _turn_down(house, message, error)


def _postpone(house: House, message: Message, code: str, detail: str) -> None:
    seconds = pause(message.tries, house.settings.inbox_pauses)
    if seconds is None:
        _bury(house, message, code, detail)
        return
    log.info("inbox_postponed", message=message.id, code=code, seconds=round(seconds, 1))
    with house.db.transaction() as conn:
        nudges = inbox.postpone(conn, message, seconds=seconds, code=code, detail=detail)
        nudges += inbox.next_in_lane(conn, message.source, message.lane)
    house.nudge(nudges)


def _bury(house: House, message: Message, code: str, detail: str) -> None:
    log.error("inbox_dead", message=message.id, kind=message.kind, source=message.source, code=code)
    with house.db.transaction() as conn:
        inbox.bury(conn, message, code=code, detail=detail)
        nudges = inbox.next_in_lane(conn, message.source, message.lane)
    house.nudge(nudges)


def _turn_down(house: House, message: Message, error: TurnedDown) -> None:
    log.warning("inbox_refused", message=message.id, kind=message.kind, source=message.source, code=error.code)
    with house.db.transaction() as conn:
        work = _work(house, conn, "hub")
        fence, code = message.fence, error.code
        if inbox.refuse(conn, message.id, actor="hub", code=code, reason=error.reason, fence=fence):
            _react(work, routing.REFUSED[message.kind](work, message.id, error.reason))
        work.nudges.extend(inbox.next_in_lane(conn, message.source, message.lane))
    house.nudge(work.nudges)


def act(house: House, actor: str, verb: Callable[[Work], tuple[Done, list[Event]]]) -> Done:
    """Let a person do ``verb``, with everything that reacts to it, in one transaction. What it gives."""

    def transaction() -> tuple[Done, list[Nudge]]:
        with house.db.transaction() as conn:
            work = _work(house, conn, actor)
            done, events = verb(work)
            _react(work, events)
        return done, work.nudges

    done, nudges = retried(transaction)
    house.nudge(nudges)
    return done


def deliver(house: House, transfer_id: str) -> None:
    """Send what is due to its counterparty, once, if it is ready for it. Never raises for what the wire brings."""
    transfer, limits = retried(lambda: _claim(house, transfer_id))
    if transfer is None:
        return
    if transfer.deaths >= MOST_DEATHS:
        _set_aside(house, transfer, limits)
        return
    crashpoints.reached(Point.CLAIM_AFTER_COMMIT)
    call, profile = CALLS[transfer.kind], house.profile(limits.counterparty)
    with recording() as exchanges:
        fate = speaking.speak(call, house.port(limits.counterparty), transfer, profile)
    crashpoints.reached(Point.SEND_AFTER_ANSWER)
    _settle(house, transfer, fate, exchanges, limits)


def _claim(house: House, transfer_id: str) -> tuple[Transfer | None, Limits]:
    with house.db.transaction() as conn:
        standing = claim.approach(conn, transfer_id)
        limits = house.limits(standing.counterparty)
        transfer = claim.claim(conn, transfer_id, standing, limits)
        crashpoints.reached(Point.CLAIM_BEFORE_COMMIT)
    return transfer, limits


def _set_aside(house: House, transfer: Transfer, limits: Limits) -> None:
    """Sending it has ended processes: a person has to look, and its lane waits for that. Nothing is sent."""
    ending = Ending(State.STUCK, Outcome.UNKNOWN, Code.PROCESS_DIED, _of_deaths(transfer.deaths))
    log.error("outbox_set_aside", transfer=transfer.id, counterparty=limits.counterparty, code=ending.code)
    with house.db.transaction() as conn:
        outbox.settle(conn, transfer, ending)
        nudges = claim.wake(conn, limits)
    house.nudge(nudges)


def ask(house: House, transfer_id: str) -> State | None:
    """Ask the counterparty now whether it has this; send nothing. The new state, or None if there is nothing to ask.

    What is found is delivered. What is not found is stuck with the code NOT_THERE: sending it again is safe.
    """
    with house.db.transaction() as conn:
        limits = house.limits(claim.approach(conn, transfer_id).counterparty)
        transfer = claim.claim_to_ask(conn, transfer_id, limits)
    if transfer is None:
        return None
    with recording() as exchanges:
        fate = speaking.ask(CALLS[transfer.kind], house.port(limits.counterparty), transfer)
    fate = fate or Broken(Code.NOT_THERE, "the counterparty does not have it: sending it again is safe")
    return _settle(house, transfer, fate, exchanges, limits).state


def _settle(house: House, transfer: Transfer, fate: Fate, exchanges: list[Exchange], limits: Limits) -> Ending:
    fate = speaking.bounded(fate, house.settings.retry_after_at_most)
    ending = speaking.ending(transfer, fate, house.settings.pauses)
    try:
        nudges = _write(house, transfer, fate, ending, exchanges, limits)
    except Overtaken:
        log.warning("outbox_overtaken", transfer=transfer.id, attempt=transfer.attempt_id)
        _release(house, lambda conn: outbox.release(conn, transfer))
        return ending
    except OperationalError:
        _release(house, lambda conn: outbox.release(conn, transfer))
        raise
    except (NeedsAPerson, NotYet) as error:
        # The counterparty has acted, and its answer is not what it has to be; or that cannot be told yet: asked later.
        fate = (
            Later(error.code, str(error), unknown=True) if isinstance(error, NotYet) else Broken(error.code, str(error))
        )
        ending = speaking.ending(transfer, fate, house.settings.pauses)
        nudges = _write(house, transfer, fate, ending, exchanges, limits)
    except Exception as error:
        # The reply cannot be processed here (a fault of ours): the counterparty has acted, a person must look.
        log.exception("reply_failed", transfer=transfer.id, error=type(error).__name__)
        fate = Broken(Code.REPLY_FAILED, type(error).__name__)
        ending = speaking.ending(transfer, fate, house.settings.pauses)
        nudges = _write(house, transfer, fate, ending, exchanges, limits)
    crashpoints.reached(Point.SETTLE_AFTER_COMMIT)
    log.info(
        "outbox_attempted",
        transfer=transfer.id,
        attempt=transfer.attempt_id,
        counterparty=limits.counterparty,
        state=ending.state.value,
        code=ending.code,
    )
    house.nudge(nudges)
    return ending


def _write(
    house: House, transfer: Transfer, fate: Fate, ending: Ending, exchanges: list[Exchange], limits: Limits
) -> list[Nudge]:
    return retried(lambda: _written(house, transfer, fate, ending, exchanges, limits))


def _written(
    house: House, transfer: Transfer, fate: Fate, ending: Ending, exchanges: list[Exchange], limits: Limits
) -> list[Nudge]:
    with house.db.transaction() as conn:
        work = _work(house, conn, limits.counterparty)
        reply = routing.OUTBOUND[transfer.kind]
        if isinstance(fate, Delivered):
            _react(work, reply.delivered(work, transfer, fate.reply))
        elif isinstance(fate, Refused):
            _react(work, reply.refused(work, transfer, fate.reason))
        outbox.settle(conn, transfer, ending)
        evidence.keep(conn, transfer.attempt_id, limits.counterparty, _records(exchanges))
        # The counterparty's row is locked last: claims wait for it, and must not wait for the domain's work.
        if isinstance(fate, Later):
            work.nudges.extend(claim.failed(conn, limits, fate.retry_after))
        else:
            work.nudges.extend(claim.succeeded(conn, limits))
        crashpoints.reached(Point.SETTLE_BEFORE_COMMIT)
    return work.nudges


def _records(exchanges: list[Exchange]) -> list[tuple[str, datetime, dict[str, Any]]]:
    return [
        (exchange.id, exchange.started_at, asdict(exchange) | {"started_at": exchange.started_at.isoformat()})
        for exchange in exchanges
    ]


def _work(house: House, conn: Connection, actor: str) -> Work:
    return Work(
        conn=conn,
        catalogue=house.catalogue,
        calendar=house.calendar,
        now=clock.now(),
        signer=house.signer,
        actor=actor,
        read_statements=house.read_statements,
        clock_skew=timedelta(seconds=house.settings.clock_skew),
        public_url=str(house.settings.public_url).rstrip("/"),
    )


def _react(work: Work, events: list[Event]) -> None:
    ahead: deque[Any] = deque(events)
    while ahead:
        event = ahead.popleft()
        for reaction in routing.REACTIONS[type(event)]:
            ahead.extend(reaction(work, event))
