"""Transfers to counterparties: claim one, send it outside any transaction, write down how that ended.

``deliver``: claim (tx) → send (no tx) → what the outcome means and the end of the attempt (one tx).
``send`` and ``find`` speak with the counterparty and touch no database.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

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
from hub.db import retried
from hub.dispatch import crash_detail, new_unit_of_work, notify_subscribers, release_claim, retry_pause
from hub.errors import ManualAction, RetryLater, StaleClaim
from hub.flow import OUTBOUND, Outbound
from hub.messages import claim, outbox
from hub.messages.claim import Limits
from hub.messages.model import MAX_CRASHES, Outcome, Transfer, TransferState, Wakeup
from hub.messages.outbox import Ending

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


# --- one transfer, from its claim to the end of its attempt


def deliver(hub: Hub, transfer_id: str) -> None:
    """Claim a transfer and send it once, if it is due and its counterparty has capacity. Never raises for its outcome.

    1. Claim it under a lease, its counterparty's row locked; return if it cannot be claimed.
    2. Set it aside if the processes of its earlier claims crashed.
    3. Send it, outside any transaction; where an earlier outcome is unknown, ask the counterparty first.
    4. Run what the outcome means to us and end the attempt, in one transaction.
    """
    # 1.
    transfer, limits = retried(lambda: _claim(hub, transfer_id))
    if transfer is None:
        return
    # 2.
    if transfer.crashes >= MAX_CRASHES:
        _set_aside(hub, transfer, limits)
        return
    crashpoints.reached(Point.CLAIM_AFTER_COMMIT)
    # 3.
    outbound, profile = OUTBOUND[transfer.kind], hub.profile(limits.counterparty)
    with recording() as exchanges:
        outcome = send(outbound, hub.port(limits.counterparty), transfer, profile)
    crashpoints.reached(Point.SEND_AFTER_ANSWER)
    # 4.
    _settle(hub, transfer, outcome, exchanges, limits)


def ask(hub: Hub, transfer_id: str) -> TransferState | None:
    """Ask the counterparty now whether it has this; send nothing. The new state, or None if there is nothing to ask.

    What it has is delivered. What it does not have is stuck with the code NOT_THERE: sending it again is safe.
    """
    with hub.db.transaction() as conn:
        limits = hub.limits(claim.lock_counterparty(conn, transfer_id).counterparty)
        transfer = claim.claim_to_ask(conn, transfer_id, limits)
    if transfer is None:
        return None
    with recording() as exchanges:
        outcome = find(OUTBOUND[transfer.kind], hub.port(limits.counterparty), transfer)
    outcome = outcome or BrokenTransfer(
        HubCode.NOT_THERE, "the counterparty does not have it: sending it again is safe"
    )
    return _settle(hub, transfer, outcome, exchanges, limits).state


def _claim(hub: Hub, transfer_id: str) -> tuple[Transfer | None, Limits]:
    with hub.db.transaction() as conn:
        counterparty = claim.lock_counterparty(conn, transfer_id)
        limits = hub.limits(counterparty.counterparty)
        transfer = claim.claim(conn, transfer_id, counterparty, limits)
        crashpoints.reached(Point.CLAIM_BEFORE_COMMIT)
    return transfer, limits


def _set_aside(hub: Hub, transfer: Transfer, limits: Limits) -> None:
    """Sending it has crashed processes: a person must look, and its ordering key waits for that. Nothing is sent."""
    ending = Ending(TransferState.STUCK, Outcome.UNKNOWN, HubCode.PROCESS_DIED, crash_detail(transfer.crashes))
    log.error("outbox_set_aside", transfer=transfer.id, counterparty=limits.counterparty, code=ending.code)
    with hub.db.transaction() as conn:
        outbox.settle(conn, transfer, ending)
        wakeups = claim.wake(conn, limits)
    hub.wake(wakeups)


def _settle(
    hub: Hub, transfer: Transfer, outcome: DeliveryOutcome, exchanges: list[Exchange], limits: Limits
) -> Ending:
    """End the attempt with ``outcome``. Returns how it ended.

    1. Bound the counterparty's Retry-After and choose the transfer's next state.
    2. Write outcome, domain and evidence in one transaction, retried where other transactions are in the way.
    3. Where the claim is stale, or the database away, nothing is written: whoever has the claim now, or the next, asks.
    4. Where the domain rejects the reply, or fails at it, write that instead; the counterparty has acted already.
    5. Publish the wake-ups.
    """
    # 1.
    outcome = bounded(outcome, hub.settings.retry_after_at_most)
    ending = ending_of(transfer, outcome, hub.settings.pauses)

    def write() -> list[Wakeup]:
        return retried(lambda: _write(hub, transfer, outcome, ending, exchanges, limits))

    try:
        # 2.
        wakeups = write()
    # 3.
    except StaleClaim:
        log.warning("outbox_claim_stale", transfer=transfer.id, attempt=transfer.attempt_id)
        release_claim(hub, lambda conn: outbox.release(conn, transfer))
        return ending
    except OperationalError:
        release_claim(hub, lambda conn: outbox.release(conn, transfer))
        raise
    # 4.
    except Exception as error:  # noqa: BLE001 - logged below; whatever failed, the counterparty has acted
        outcome = _outcome_of_failed_reply(transfer, error)
        ending = ending_of(transfer, outcome, hub.settings.pauses)
        wakeups = write()
    crashpoints.reached(Point.SETTLE_AFTER_COMMIT)
    log.info(
        "outbox_attempted",
        transfer=transfer.id,
        attempt=transfer.attempt_id,
        counterparty=limits.counterparty,
        state=ending.state.value,
        code=ending.code,
    )
    # 5.
    hub.wake(wakeups)
    return ending


def _write(
    hub: Hub,
    transfer: Transfer,
    outcome: DeliveryOutcome,
    ending: Ending,
    exchanges: list[Exchange],
    limits: Limits,
) -> list[Wakeup]:
    """Write the outcome and what it means to us in one transaction. Raises StaleClaim if the claim is not ours now."""
    with hub.db.transaction() as conn:
        uow = new_unit_of_work(hub, conn, limits.counterparty)
        outbound = OUTBOUND[transfer.kind]
        if isinstance(outcome, DeliveredTransfer):
            notify_subscribers(uow, outbound.on_delivered(uow, transfer, outcome.reply))
        elif isinstance(outcome, RefusedTransfer):
            notify_subscribers(uow, outbound.on_refused(uow, transfer, outcome.reason))
        outbox.settle(conn, transfer, ending)
        outbox.store_exchanges(conn, transfer.attempt_id, limits.counterparty, _records(exchanges))
        # The counterparty's row is locked last: claims wait for it, and must not wait for the domain's work.
        if isinstance(outcome, DeferredTransfer):
            uow.wakeups.extend(claim.failed(conn, limits, outcome.retry_after))
        else:
            uow.wakeups.extend(claim.succeeded(conn, limits))
        crashpoints.reached(Point.SETTLE_BEFORE_COMMIT)
    return uow.wakeups


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


def _records(exchanges: list[Exchange]) -> list[tuple[str, datetime, dict[str, Any]]]:
    return [
        (exchange.id, exchange.started_at, asdict(exchange) | {"started_at": exchange.started_at.isoformat()})
        for exchange in exchanges
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
    """How the attempt ends: the transfer's next state, and when it is tried again (seconds, of ``pauses``)."""
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
            seconds = retry_pause(transfer.backoff_attempts, pauses, retry_after)
            if seconds is None:
                return Ending(TransferState.STUCK, result, code, detail)
            return Ending(
                TransferState.UNKNOWN if unknown else TransferState.RETRYING, result, code, detail, pause=seconds
            )
