"""Transfers to counterparties: claim a batch, send each outside any transaction, write down how that ended.

``deliver``: claim (tx) → send (no tx, side by side) → what the outcomes mean and the ends of the attempts (one tx for
all that have been answered meanwhile). ``send`` and ``find`` speak with the counterparty and touch no database.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, Final

import structlog
from psycopg.errors import OperationalError
from pydantic import BaseModel

from config.catalogue import Idempotency
from connectors.errors import ConnectorError, ContractBroken, Duplicate, Rejected, Unavailable
from connectors.transport.exchange import Exchange, recording
from hub import crashpoints
from hub.app import Hub
from hub.codes import HubCode
from hub.crashpoints import Point
from hub.db import ASYNC_COMMIT, retried
from hub.dispatch import crash_detail, new_unit_of_work, notify_subscribers, release_claim, retry_pause, run_each
from hub.errors import ManualAction, RetryLater, StaleClaim
from hub.flow import OUTBOUND, Outbound
from hub.messages import claim, outbox
from hub.messages.claim import Limits
from hub.messages.model import MAX_CRASHES, Outcome, Transfer, TransferState, Wakeup
from hub.messages.outbox import Ending, StoredExchange
from hub.unit_of_work import UnitOfWork

GATHER: Final = 0.003
"""seconds that an answer waits for others, to be written in one transaction with them"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DeliveredTransfer:
    """The counterparty has it; ``reply`` is its answer."""

    reply: Any


@dataclass(frozen=True, slots=True)
class RefusedTransfer:
    """The counterparty refuses it for good, for ``reason``."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeferredTransfer:
    """It is retried later. ``unknown`` if the counterparty may have it all the same."""

    code: str
    detail: str
    unknown: bool
    retry_after: float | None = None
    """seconds, as the counterparty asked"""


@dataclass(frozen=True, slots=True)
class BrokenTransfer:
    """A person must look."""

    code: str
    detail: str


DeliveryOutcome = DeliveredTransfer | RefusedTransfer | DeferredTransfer | BrokenTransfer


@dataclass(frozen=True, slots=True)
class Attempt:
    """One conversation that has ended, to be written down."""

    transfer: Transfer
    limits: Limits
    outcome: DeliveryOutcome
    exchanges: list[Exchange]


# --- transfers, from their claim to the end of the attempt


def deliver(hub: Hub, *transfer_ids: str) -> None:
    """Claim transfers and send each once, if it is due and its counterparty has capacity. Never raises for an outcome.

    1. Claim them under a lease in one transaction.
    2. Set aside those whose earlier claims crashed their processes, or that a person holds.
    3. Send the others side by side, outside any transaction; where an earlier outcome is unknown, ask first.
    4. Whenever some have been answered, run what their outcomes mean to us and end their attempts, in one transaction.
       An error of the database keeps no later answer from being written; the first is raised at the end.
    """
    # 1.
    transfers = retried(lambda: _claim(hub, transfer_ids))
    crashpoints.reached(Point.CLAIM_AFTER_COMMIT)
    # 2.
    set_aside = [transfer for transfer in transfers if transfer.held or transfer.crashes >= MAX_CRASHES]
    sound = [transfer for transfer in transfers if transfer not in set_aside]
    # 3. and 4.
    run_each(
        chain(
            (partial(_set_aside, hub, transfer) for transfer in set_aside),
            (partial(_settle, hub, answered) for answered in _attempts(hub, sound)),
        )
    )


def ask(hub: Hub, transfer_id: str) -> TransferState | None:
    """Ask the counterparty now whether it has this; send nothing. The new state, or None if there is nothing to ask.

    What it has is delivered. What it does not have is stuck with the code NOT_THERE: sending it again is safe. Where it
    does not answer, what was stuck or parked remains so.
    """
    with hub.db.transaction() as conn:
        [counterparty] = claim.lock_counterparties(conn, [transfer_id])
        limits = hub.limits(counterparty.counterparty)
        transfer = claim.claim_to_ask(conn, transfer_id, limits)
    if transfer is None:
        return None
    with recording() as exchanges:
        outcome = find(OUTBOUND[transfer.kind], hub.port(limits.counterparty), transfer)
    outcome = outcome or BrokenTransfer(
        HubCode.NOT_THERE, "the counterparty does not have it: sending it again is safe"
    )
    return _settle_alone(hub, Attempt(transfer, limits, outcome, exchanges)).state


def _claim(hub: Hub, transfer_ids: Sequence[str]) -> list[Transfer]:
    """Claim what can be claimed, durably unless every counterparty recognises a repetition.

    A claim that a crash of the database loses is made again: with the same key it is the same call to who honours it.
    What is owed to a counterparty that has left the catalogue waits.
    """
    with hub.db.transaction() as conn:
        counterparties = [
            state for state in claim.lock_counterparties(conn, transfer_ids) if state.counterparty in hub.queues
        ]
        transfers = claim.claim(conn, transfer_ids, counterparties, hub.limits)
        if all(hub.profile(transfer.counterparty) in (Idempotency.KEY, Idempotency.NATURAL) for transfer in transfers):
            conn.execute(ASYNC_COMMIT)
        crashpoints.reached(Point.CLAIM_BEFORE_COMMIT)
    return transfers


def _set_aside(hub: Hub, transfer: Transfer) -> None:
    """A person must look, and its ordering key waits for that. Nothing is sent.

    Sending it has crashed processes, or the process of whoever asked about a parked one has died.
    """
    state = TransferState(transfer.held or TransferState.STUCK)
    ending = Ending(state, Outcome.UNKNOWN, HubCode.PROCESS_DIED, crash_detail(transfer.crashes))
    log.error("outbox_set_aside", transfer=transfer.id, counterparty=transfer.counterparty, code=ending.code)
    with hub.db.transaction() as conn:
        claim.lock_counterparties(conn, [transfer.id])
        outbox.settle(conn, [(transfer, ending)])
        wakeups = claim.wake(conn, hub.limits(transfer.counterparty))
    hub.wake(wakeups)


def _attempts(hub: Hub, transfers: Sequence[Transfer]) -> Iterator[list[Attempt]]:
    """Send the transfers side by side. Yields those that have been answered, as soon as some have been."""
    if len(transfers) == 1:
        yield [_attempt(hub, transfers[0])]
        return
    pending = {hub.senders(transfer.counterparty).submit(_attempt, hub, transfer) for transfer in transfers}
    while pending:
        _, pending_now = wait(pending, return_when=FIRST_COMPLETED)
        if pending_now:
            # Those that are answered within a moment are written with it.
            _, pending_now = wait(pending, timeout=GATHER)
        answered, pending = pending - pending_now, pending_now
        yield [attempt.result() for attempt in answered]


def _attempt(hub: Hub, transfer: Transfer) -> Attempt:
    """Send the transfer. Never raises."""
    limits = hub.limits(transfer.counterparty)
    with recording() as exchanges:
        outcome = _outcome(hub, transfer)
    crashpoints.reached(Point.SEND_AFTER_ANSWER)
    return Attempt(transfer, limits, bounded(outcome, hub.settings.retry_after_at_most), exchanges)


def _outcome(hub: Hub, transfer: Transfer) -> DeliveryOutcome:
    try:
        outbound, port = OUTBOUND[transfer.kind], hub.port(transfer.counterparty)
    except Exception as error:
        # Its kind is of a later release, or its counterparty's port cannot be built: nothing has been sent.
        log.exception("sending_failed", transfer=transfer.id, error=type(error).__name__)
        return DeferredTransfer(HubCode.HUB_FAILED, type(error).__name__, unknown=transfer.ask_first)
    return send(outbound, port, transfer, hub.profile(transfer.counterparty))


def _settle(hub: Hub, attempts: Sequence[Attempt]) -> None:
    """End the attempts in one transaction; where that fails, each in its own, so that one harms no other."""
    if len(attempts) > 1:
        endings = [ending_of(attempt.transfer, attempt.outcome, hub.settings.pauses) for attempt in attempts]
        try:
            wakeups = _write(hub, list(zip(attempts, endings, strict=True)))
        except Exception as error:  # noqa: BLE001 - each is written alone below, and says there what is wrong with it
            log.info("outbox_batch_divided", count=len(attempts), error=type(error).__name__)
        else:
            crashpoints.reached(Point.SETTLE_AFTER_COMMIT)
            _end(hub, attempts, endings, wakeups)
            return
    run_each(partial(_settle_alone, hub, attempt) for attempt in attempts)


def _settle_alone(hub: Hub, attempt: Attempt) -> Ending:
    """End one attempt. Returns how it ended.

    1. Write outcome, domain and evidence in one transaction, retried where other transactions are in the way.
    2. Where the claim is stale, or the database away, nothing is written: whoever has the claim now, or the next, asks.
    3. Where the domain rejects the reply, or fails at it, write that instead; the counterparty has acted already.
    4. Let the counterparty's other transfers go on, and publish the wake-ups.
    """
    transfer = attempt.transfer
    ending = ending_of(transfer, attempt.outcome, hub.settings.pauses)
    try:
        # 1.
        wakeups = retried(lambda: _write(hub, [(attempt, ending)]))
    # 2.
    except StaleClaim:
        log.warning("outbox_claim_stale", transfer=transfer.id, attempt=transfer.attempt_id)
        release_claim(hub, lambda conn: outbox.release(conn, transfer))
        return ending
    except OperationalError:
        release_claim(hub, lambda conn: outbox.release(conn, transfer))
        raise
    # 3.
    except Exception as error:  # noqa: BLE001 - logged below; whatever failed, the counterparty has acted
        failed = replace(attempt, outcome=_outcome_of_failed_reply(transfer, error))
        ending = ending_of(transfer, failed.outcome, hub.settings.pauses)
        wakeups = retried(lambda: _write(hub, [(failed, ending)]))
    crashpoints.reached(Point.SETTLE_AFTER_COMMIT)
    # 4.
    _end(hub, [attempt], [ending], wakeups)
    return ending


def _write(hub: Hub, attempts: Sequence[tuple[Attempt, Ending]]) -> list[Wakeup]:
    """Write the outcomes and what they mean to us in one transaction. Raises StaleClaim if a claim is not ours now.

    1. Hold the claims.
    2. Run what each outcome means to us, dossier by dossier in one order, against deadlocks.
    3. End the attempts, with their evidence.
    """
    in_order = sorted(attempts, key=lambda attempted: attempted[0].transfer.subject)
    with hub.db.transaction() as conn:
        uow = new_unit_of_work(hub, conn, "hub")
        # 1.
        outbox.hold(conn, [attempt.transfer for attempt, _ in in_order])
        # 2.
        for attempt, _ in in_order:
            _apply(replace(uow, actor=attempt.limits.counterparty), attempt)
        uow.flush()
        # 3.
        outbox.settle(conn, [(attempt.transfer, ending) for attempt, ending in in_order])
        outbox.store_exchanges(conn, _records(in_order))
        crashpoints.reached(Point.SETTLE_BEFORE_COMMIT)
    return uow.wakeups


def _apply(uow: UnitOfWork, attempt: Attempt) -> None:
    """What the outcome means to the domain."""
    outbound = OUTBOUND[attempt.transfer.kind]
    match attempt.outcome:
        case DeliveredTransfer(reply):
            notify_subscribers(uow, outbound.on_delivered(uow, attempt.transfer, reply))
        case RefusedTransfer(_, reason):
            notify_subscribers(uow, outbound.on_refused(uow, attempt.transfer, reason))


def _end(hub: Hub, attempts: Sequence[Attempt], endings: Sequence[Ending], wakeups: list[Wakeup]) -> None:
    """Let the counterparties' other transfers go on, and publish the wake-ups."""
    for attempt, ending in zip(attempts, endings, strict=True):
        log.info(
            "outbox_attempted",
            transfer=attempt.transfer.id,
            attempt=attempt.transfer.attempt_id,
            counterparty=attempt.limits.counterparty,
            state=ending.state.value,
            code=ending.code,
        )
    # After the commit: the counterparty's row, which every claim locks, is never held while a commit is written.
    with hub.db.transaction(durable=False) as conn:
        for limits, outcomes in _by_counterparty(attempts):
            failures = [outcome.retry_after for outcome in outcomes if isinstance(outcome, DeferredTransfer)]
            if len(failures) < len(outcomes):
                wakeups = wakeups + claim.succeeded(conn, limits)
            if failures:
                asked = max((seconds for seconds in failures if seconds is not None), default=None)
                wakeups = wakeups + claim.failed(conn, limits, len(failures), asked)
    hub.wake(wakeups)


def _outcome_of_failed_reply(transfer: Transfer, error: Exception) -> DeliveryOutcome:
    """The outcome where our own handling of the counterparty's reply failed."""
    match error:
        case RetryLater():
            return DeferredTransfer(error.code, str(error), unknown=True)
        case ManualAction():
            return BrokenTransfer(error.code, str(error))
    # A fault of ours: the counterparty has acted, a person must look.
    log.error("reply_failed", transfer=transfer.id, error=type(error).__name__, exc_info=error)
    return BrokenTransfer(HubCode.REPLY_FAILED, type(error).__name__)


def _by_counterparty(attempts: Sequence[Attempt]) -> Iterator[tuple[Limits, list[DeliveryOutcome]]]:
    outcomes_of: dict[str, list[DeliveryOutcome]] = {}
    for attempt in attempts:
        outcomes_of.setdefault(attempt.limits.counterparty, []).append(attempt.outcome)
    limits_of = {attempt.limits.counterparty: attempt.limits for attempt in attempts}
    # In one order, against deadlocks.
    yield from ((limits_of[counterparty], outcomes_of[counterparty]) for counterparty in sorted(outcomes_of))


def _records(attempts: Sequence[tuple[Attempt, Ending]]) -> list[StoredExchange]:
    return [
        StoredExchange(
            id=exchange.id,
            at=exchange.started_at,
            attempt_id=attempt.transfer.attempt_id,
            counterparty=attempt.limits.counterparty,
            record=asdict(exchange) | {"started_at": exchange.started_at.isoformat()},
        )
        for attempt, _ in attempts
        for exchange in attempt.exchanges
    ]


# --- the call itself, and its outcome


def send(outbound: Outbound, port: Any, transfer: Transfer, profile: Idempotency) -> DeliveryOutcome:
    """Send the transfer, after asking for it where an earlier outcome is unknown. Never raises."""
    if transfer.ask_first and outbound.find is not None:
        if profile is Idempotency.NONE:
            return BrokenTransfer(
                HubCode.OUTCOME_UNKNOWN, "sent before, outcome unknown, and this counterparty cannot be asked"
            )
        outcome = find(outbound, port, transfer)
        if outcome is not None:
            return outcome
    return _outcome_of(lambda: outbound.send(port, transfer), outbound, port, transfer)


def find(outbound: Outbound, port: Any, transfer: Transfer) -> DeliveryOutcome | None:
    """Ask the counterparty whether it has the transfer: the outcome, or None if it says that it has not."""
    if outbound.find is None:
        return BrokenTransfer(HubCode.OUTCOME_UNKNOWN, "this kind of transfer cannot be asked about")
    try:
        reply = outbound.find(port, transfer)
    except ConnectorError as error:
        retry_after = error.retry_after if isinstance(error, Unavailable) else None
        if isinstance(error, ContractBroken):
            return BrokenTransfer(error.code, error.detail)
        return DeferredTransfer(error.code, error.detail, unknown=True, retry_after=retry_after)
    except Exception as error:
        log.exception("asking_failed", transfer=transfer.id, error=type(error).__name__)
        return DeferredTransfer(HubCode.HUB_FAILED, type(error).__name__, unknown=True)
    return None if reply is None else DeliveredTransfer(reply)


def _outcome_of(call: Callable[[], Any], outbound: Outbound, port: Any, transfer: Transfer) -> DeliveryOutcome:
    try:
        reply = call()
    except Duplicate as error:
        return _outcome_of_duplicate(error, outbound, port, transfer)
    except Rejected as error:
        return RefusedTransfer(error.code, error.reason or error.detail)
    except Unavailable as error:
        return DeferredTransfer(error.code, error.detail, unknown=error.outcome_unknown, retry_after=error.retry_after)
    except ConnectorError as error:
        return BrokenTransfer(error.code, error.detail)
    except Exception as error:
        # An internal error while sending: the bytes may have left.
        log.exception("sending_failed", transfer=transfer.id, error=type(error).__name__)
        return DeferredTransfer(HubCode.HUB_FAILED, type(error).__name__, unknown=True)
    return DeliveredTransfer(reply)


def _outcome_of_duplicate(error: Duplicate, outbound: Outbound, port: Any, transfer: Transfer) -> DeliveryOutcome:
    if error.reply is not None or outbound.find is None:
        return DeliveredTransfer(error.reply)
    outcome = find(outbound, port, transfer)
    return outcome or BrokenTransfer(error.code, "the counterparty says that it has this already, and does not find it")


def bounded(outcome: DeliveryOutcome, at_most: float) -> DeliveryOutcome:
    """The outcome with its Retry-After cut to ``at_most`` seconds."""
    if not isinstance(outcome, DeferredTransfer) or outcome.retry_after is None or outcome.retry_after <= at_most:
        return outcome
    detail = f"{outcome.detail}; it asked for {outcome.retry_after:.0f} s and is asked again after {at_most:.0f} s"
    return replace(outcome, retry_after=at_most, detail=detail)


def ending_of(transfer: Transfer, outcome: DeliveryOutcome, pauses: tuple[float, ...]) -> Ending:
    """How the attempt ends: the transfer's next state, and when it is tried again (seconds, of ``pauses``).

    What a person holds, he still holds after he has asked about it in vain.
    """
    match outcome:
        case DeliveredTransfer(reply):
            stored = reply.model_dump(mode="json") if isinstance(reply, BaseModel) else None
            return Ending(TransferState.DELIVERED, Outcome.OK, reply=stored)
        case RefusedTransfer(code):
            return Ending(TransferState.REFUSED, Outcome.REJECTED, code)
        case BrokenTransfer(code, detail):
            return Ending(TransferState.STUCK, Outcome.BROKEN, code, detail)
        case DeferredTransfer(code, detail, unknown, retry_after):
            result = Outcome.UNKNOWN if unknown else Outcome.FAILED
            if transfer.held:
                return Ending(TransferState(transfer.held), result, code, detail)
            seconds = retry_pause(transfer.backoff_attempts, pauses, retry_after)
            if seconds is None:
                return Ending(TransferState.STUCK, result, code, detail)
            return Ending(
                TransferState.UNKNOWN if unknown else TransferState.RETRYING, result, code, detail, pause=seconds
            )
