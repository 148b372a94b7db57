"""Inbox messages and commands of people: each runs in one transaction, with the subscribers of its events.

``handle``: claim (tx) → handlers, subscribers and the ends of a batch of messages (one tx).
``run_command``: command and subscribers (one tx).
What goes out is hub.delivery.
"""

import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

import structlog
from psycopg.errors import OperationalError
from psycopg_pool import PoolTimeout

from hub import clock, crashpoints, flow
from hub.app import Hub
from hub.codes import HubCode
from hub.crashpoints import Point
from hub.db import BUSY, Connection, Done, retried
from hub.errors import ManualAction, MessageRefused, RetryLater, StaleClaim
from hub.events import Event
from hub.messages import inbox
from hub.messages.model import MAX_CRASHES, Message, Wakeup
from hub.unit_of_work import UnitOfWork

JITTER: Final = 0.2
"""up to this share is added to a pause, so that what failed together does not come back together"""

_random: Final = random.SystemRandom()

log = structlog.get_logger(__name__)


def handle(hub: Hub, *message_ids: str) -> None:
    """Claim inbox messages and run their handlers, each once. Never raises for what a message itself brings about.

    1. Claim them under a lease, in the order of their arrival.
    2. Dead-letter those whose earlier claims crashed their processes.
    3. Reserve for the others what all handlers compete for.
    4. Run their handlers in one transaction; where that fails, each in its own.
    """
    # 1.
    messages = retried(lambda: _claim(hub, message_ids))
    crashed = [message for message in messages if message.crashes >= MAX_CRASHES]
    sound = [message for message in messages if message.crashes < MAX_CRASHES]
    # 2.
    steps = [
        partial(_dead_letter, hub, message, HubCode.PROCESS_DIED, crash_detail(message.crashes)) for message in crashed
    ]
    # 3. and 4.
    run_each([*steps, partial(_handle_claimed, hub, sound)])


def run_each(steps: Iterable[Callable[[], object]]) -> None:
    """Run every step, whatever another one raises. Raises the first error when all have run."""
    errors = []
    for step in steps:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - raised below
            errors.append(error)
    if errors:
        raise errors[0]


def _claim(hub: Hub, message_ids: Sequence[str]) -> list[Message]:
    with hub.db.connection() as conn:
        return inbox.claim(conn, message_ids, lease=hub.settings.inbox_lease)


def _handle_claimed(hub: Hub, messages: Sequence[Message]) -> None:
    try:
        _reserve(hub, messages)
    except OperationalError:
        for message in messages:
            release_claim(hub, partial(inbox.release, message=message))
        raise
    except Exception as error:
        # A handler that finds nothing reserved takes it itself; if it fails too, it says there what is wrong.
        log.exception("inbox_not_reserved", count=len(messages), error=type(error).__name__)
    if len(messages) > 1 and _handled_together(hub, messages):
        return
    run_each(partial(_handle_alone, hub, message) for message in messages)


def _reserve(hub: Hub, messages: Sequence[Message]) -> None:
    for kind, reserve in flow.RESERVED.items():
        own = [message for message in messages if message.kind == kind]
        if own:
            # Before the messages' own commit in the database's log, so that it is on disk as soon as that is.
            with hub.db.transaction(durable=False) as conn:
                reserve(new_unit_of_work(hub, conn, "hub"), own)


def _handled_together(hub: Hub, messages: Sequence[Message]) -> bool:
    """Whether one transaction handled all of them; if not, nothing was written."""
    try:
        wakeups = _run_handlers(hub, messages)
    except Exception as error:  # noqa: BLE001 - each is handled alone next, and says there what is wrong with it
        log.info("inbox_batch_divided", count=len(messages), error=type(error).__name__)
        return False
    _handled(hub, messages, wakeups)
    return True


def _handle_alone(hub: Hub, message: Message) -> None:
    """Handle one message in a transaction of its own; where that fails, postpone, dead-letter or refuse it."""
    try:
        wakeups = retried(lambda: _run_handlers(hub, [message]))
    except (RetryLater, ManualAction, MessageRefused) as error:
        _not_handled(hub, message, error)
    except StaleClaim:
        log.warning("inbox_claim_stale", message=message.id)
        release_claim(hub, lambda conn: inbox.release(conn, message))
    except BUSY as error:
        log.warning("inbox_busy", message=message.id, error=type(error).__name__)
        _postpone(hub, message, HubCode.DATABASE_BUSY, type(error).__name__)
    except OperationalError:
        # The database is away: the lease runs out and the sweep brings the message back.
        release_claim(hub, lambda conn: inbox.release(conn, message))
        raise
    except Exception as error:
        log.exception("inbox_failed", message=message.id, error=type(error).__name__)
        _postpone(hub, message, HubCode.HANDLER_FAILED, type(error).__name__)
    else:
        _handled(hub, [message], wakeups)


def _handled(hub: Hub, messages: Sequence[Message], wakeups: list[Wakeup]) -> None:
    crashpoints.reached(Point.HANDLE_AFTER_COMMIT)
    for message in messages:
        log.info("inbox_handled", message=message.id, kind=message.kind, source=message.source)
    hub.wake(wakeups)


def _run_handlers(hub: Hub, messages: Sequence[Message]) -> list[Wakeup]:
    """Handlers, subscribers and the ends of the messages in one transaction. Raises what a handler raises."""
    with hub.db.transaction() as conn:
        inbox.hold(conn, messages)
        uow = new_unit_of_work(hub, conn, "hub")
        for message in messages:
            own = replace(uow, actor=message.source)
            notify_subscribers(own, flow.INBOUND[message.kind](own, message))
        uow.flush()
        inbox.settle(conn, messages)
        for source, ordering_key in {(message.source, message.ordering_key) for message in messages}:
            if ordering_key:
                uow.wakeups.extend(inbox.wake(conn, source, ordering_key))
        crashpoints.reached(Point.HANDLE_BEFORE_COMMIT)
    return uow.wakeups


def _not_handled(hub: Hub, message: Message, error: RetryLater | ManualAction | MessageRefused) -> None:
    """Do what the handler's error asks for: retry later, dead-letter for a person, or refuse for good."""
    match error:
        case RetryLater():
            _postpone(hub, message, error.code, str(error))
        case ManualAction():
            _dead_letter(hub, message, error.code, str(error))
        case MessageRefused():
            _refuse(hub, message, error)


def _postpone(hub: Hub, message: Message, code: str, detail: str) -> None:
    """Retry the message after a pause; dead-letter it when its pauses are used up."""
    seconds = retry_pause(message.backoff_attempts, hub.settings.inbox_pauses)
    if seconds is None:
        _dead_letter(hub, message, code, detail)
        return
    log.info("inbox_postponed", message=message.id, code=code, seconds=round(seconds, 1))
    with hub.db.transaction() as conn:
        wakeups = inbox.postpone(conn, message, seconds=seconds, code=code, detail=detail)
        wakeups += inbox.first_in_order(conn, message.source, message.ordering_key)
    hub.wake(wakeups)


def _dead_letter(hub: Hub, message: Message, code: str, detail: str) -> None:
    log.error("inbox_dead", message=message.id, kind=message.kind, source=message.source, code=code)
    with hub.db.transaction() as conn:
        inbox.dead_letter(conn, message, code=code, detail=detail)
        wakeups = inbox.first_in_order(conn, message.source, message.ordering_key)
    hub.wake(wakeups)


def _refuse(hub: Hub, message: Message, error: MessageRefused) -> None:
    """End the message for good and tell its sender why."""
    log.warning("inbox_refused", message=message.id, kind=message.kind, source=message.source, code=error.code)
    with hub.db.transaction() as conn:
        uow = new_unit_of_work(hub, conn, "hub")
        version, reason = message.claim_version, error.reason
        if inbox.refuse(conn, message.id, actor="hub", code=error.code, reason=reason, claim_version=version):
            notify_subscribers(uow, flow.REFUSED[message.kind](uow, message.id, reason))
            uow.flush()
        uow.wakeups.extend(inbox.first_in_order(conn, message.source, message.ordering_key))
    hub.wake(uow.wakeups)


def run_command(hub: Hub, actor: str, command: Callable[[UnitOfWork], tuple[Done, list[Event]]]) -> Done:
    """Run ``command`` and the subscribers of its events in one transaction. Returns the command's result.

    ``actor``: the person's account, a counterparty, or "hub".
    """

    def transaction() -> tuple[Done, list[Wakeup]]:
        with hub.db.transaction() as conn:
            uow = new_unit_of_work(hub, conn, actor)
            result, events = command(uow)
            notify_subscribers(uow, events)
            uow.flush()
        return result, uow.wakeups

    result, wakeups = retried(transaction)
    hub.wake(wakeups)
    return result


def new_unit_of_work(hub: Hub, conn: Connection, actor: str) -> UnitOfWork:
    """A unit of work in the transaction of ``conn``, at this moment."""
    return UnitOfWork(
        unflushed=conn,
        catalogue=hub.catalogue,
        calendar=hub.calendar,
        now=clock.now(),
        signer=hub.signer,
        actor=actor,
        read_statements=hub.read_statements,
        clock_skew=timedelta(seconds=hub.settings.clock_skew),
        public_url=str(hub.settings.public_url).rstrip("/"),
    )


def notify_subscribers(uow: UnitOfWork, events: list[Event]) -> None:
    """Call the subscribers of each event, and of the events that they raise in turn, breadth first."""
    pending: deque[Any] = deque(events)
    while pending:
        event = pending.popleft()
        for subscriber in flow.SUBSCRIBERS[type(event)]:
            pending.extend(subscriber(uow, event))


def release_claim(hub: Hub, release: Callable[[Connection], None]) -> None:
    """Release a claim whose work failed, so that it does not count as a crash of this process.

    While the database is away it cannot be released, and counts as one of MAX_CRASHES.
    """
    try:
        with hub.db.connection() as conn:
            release(conn)
    except (OperationalError, PoolTimeout) as error:
        log.warning("claim_not_released", error=type(error).__name__)


def retry_pause(backoff_attempts: int, pauses: Sequence[float], retry_after: float | None = None) -> float | None:
    """Seconds to wait after that many attempts (at least 1), or ``retry_after`` if that is more.

    None when the pauses are used up.
    """
    if backoff_attempts > len(pauses):
        return None
    jittered = pauses[backoff_attempts - 1] * (1 + JITTER * _random.random())
    return max(jittered, retry_after or 0.0)


def crash_detail(crashes: int) -> str:
    """The error detail of a row that was set aside for its crashes."""
    return f"the process that handled it died {crashes} times in a row"
