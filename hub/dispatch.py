"""Inbox messages and commands of people: each runs in one transaction, with the subscribers of its events.

``handle``: claim (tx) → handler, subscribers and the end of the message (one tx).
``run_command``: command and subscribers (one tx).
What goes out is hub.delivery.
"""

import random
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
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


def handle(hub: Hub, message_id: str) -> None:
    """Claim an inbox message and run its handler, once. Never raises for what the message itself brings about.

    1. Claim it under a lease; return if it is not due or another worker has it.
    2. Dead-letter it if the processes of its earlier claims crashed.
    3. Run the handler, the subscribers of its events and the end of the message in one transaction.
    4. Where that fails: postpone, dead-letter or refuse the message, or let its lease run out.
    5. Publish the wake-ups.
    """
    # 1.
    with hub.db.connection() as conn:
        message = inbox.claim(conn, message_id, lease=hub.settings.inbox_lease)
    if message is None:
        return
    # 2.
    if message.crashes >= MAX_CRASHES:
        _dead_letter(hub, message, HubCode.PROCESS_DIED, crash_detail(message.crashes))
        return
    try:
        # 3.
        wakeups = retried(lambda: _run_handler(hub, message))
    # 4.
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
        crashpoints.reached(Point.HANDLE_AFTER_COMMIT)
        log.info("inbox_handled", message=message.id, kind=message.kind, source=message.source)
        # 5.
        hub.wake(wakeups)


def _run_handler(hub: Hub, message: Message) -> list[Wakeup]:
    with hub.db.transaction() as conn:
        inbox.hold(conn, message)
        uow = new_unit_of_work(hub, conn, message.source)
        notify_subscribers(uow, flow.INBOUND[message.kind](uow, message))
        inbox.settle(conn, message)
        if message.ordering_key:
            uow.wakeups.extend(inbox.wake(conn, message.source, message.ordering_key))
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
        return result, uow.wakeups

    result, wakeups = retried(transaction)
    hub.wake(wakeups)
    return result


def new_unit_of_work(hub: Hub, conn: Connection, actor: str) -> UnitOfWork:
    """A unit of work in the transaction of ``conn``, at this moment."""
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
    """Seconds to wait after that many attempts, at least ``retry_after``; None when the pauses are used up."""
    if backoff_attempts > len(pauses):
        return None
    jittered = pauses[backoff_attempts - 1] * (1 + JITTER * _random.random())
    return max(jittered, retry_after or 0.0)


def crash_detail(crashes: int) -> str:
    """The error detail of a row that was set aside for its crashes."""
    return f"the process that handled it died {crashes} times in a row"
