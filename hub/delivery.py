"""One conversation with a counterparty, and what it comes to. No database, no transaction: only the wire."""

from dataclasses import dataclass, replace
from typing import Any

import structlog
from pydantic import BaseModel

from config.catalogue import Idempotency
from connectors.errors import ConnectorError, ContractBroken, Duplicate, Rejected, Unavailable
from hub.calls import Call
from hub.codes import HubCode
from hub.messages.model import Outcome, Transfer, TransferState
from hub.messages.outbox import Ending
from hub.messages.schedule import pause

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DeliveredTransfer:
    """The counterparty has it; ``reply`` is what it answered."""

    reply: Any


@dataclass(frozen=True, slots=True)
class RefusedTransfer:
    """The counterparty says no, for ``reason``."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeferredTransfer:
    """Not now. ``unknown`` if the counterparty may have it all the same."""

    code: str
    detail: str
    unknown: bool
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class BrokenTransfer:
    """A person must look."""

    code: str
    detail: str


DeliveryOutcome = DeliveredTransfer | RefusedTransfer | DeferredTransfer | BrokenTransfer


def bounded(fate: DeliveryOutcome, at_most: float) -> DeliveryOutcome:
    """No counterparty keeps itself quiet for longer than ``at_most`` seconds, whatever it asks for."""
    if not isinstance(fate, DeferredTransfer) or fate.retry_after is None or fate.retry_after <= at_most:
        return fate
    detail = f"{fate.detail}; it asked for {fate.retry_after:.0f} s and is asked again after {at_most:.0f} s"
    return replace(fate, retry_after=at_most, detail=detail)


def ending(transfer: Transfer, fate: DeliveryOutcome, pauses: tuple[float, ...]) -> Ending:
    """How the attempt ends: what becomes of the transfer, and when it is tried again (seconds, of ``pauses``)."""
    match fate:
        case DeliveredTransfer(reply):
            kept = reply.model_dump(mode="json") if isinstance(reply, BaseModel) else None
            return Ending(TransferState.DELIVERED, Outcome.OK, reply=kept)
        case RefusedTransfer(code):
            return Ending(TransferState.REFUSED, Outcome.REJECTED, code)
        case BrokenTransfer(code, detail):
            return Ending(TransferState.STUCK, Outcome.BROKEN, code, detail)
        case DeferredTransfer(code, detail, unknown, retry_after):
            outcome = Outcome.UNKNOWN if unknown else Outcome.FAILED
            seconds = pause(transfer.tries, pauses, retry_after)
            if seconds is None:
                return Ending(TransferState.STUCK, outcome, code, detail)
            return Ending(
                TransferState.UNKNOWN if unknown else TransferState.RETRYING, outcome, code, detail, pause=seconds
            )


def send(call: Call, port: Any, transfer: Transfer, profile: Idempotency) -> DeliveryOutcome:
    """Ask first if an earlier outcome is unknown, then send. Never raises."""
    if transfer.ask and call.find is not None:
        if profile is Idempotency.NONE:
            return BrokenTransfer(
                HubCode.OUTCOME_UNKNOWN, "sent before, outcome unknown, and this counterparty cannot be asked"
            )
        answer = ask(call, port, transfer)
        if answer is not None:
            return answer
    return _fate(lambda: call.send(port, transfer), call, port, transfer)


def ask(call: Call, port: Any, transfer: Transfer) -> DeliveryOutcome | None:
    """Whether the counterparty has it: its fate, or None if it says that it has not."""
    find = call.find
    if find is None:
        return BrokenTransfer(HubCode.OUTCOME_UNKNOWN, "this kind of transfer cannot be asked about")
    try:
        found = find(port, transfer)
    except ConnectorError as error:
        retry_after = error.retry_after if isinstance(error, Unavailable) else None
        if isinstance(error, ContractBroken):
            return BrokenTransfer(error.code, error.detail)
        return DeferredTransfer(error.code, error.detail, unknown=True, retry_after=retry_after)
    except Exception as error:
        log.exception("asking_failed", transfer=transfer.id, error=type(error).__name__)
        return DeferredTransfer(HubCode.HUB_FAILED, type(error).__name__, unknown=True)
    return None if found is None else DeliveredTransfer(found)


def _fate(say: Any, call: Call, port: Any, transfer: Transfer) -> DeliveryOutcome:
    try:
        reply = say()
    except Duplicate as error:
        return _already_there(error, call, port, transfer)
    except Rejected as error:
        return RefusedTransfer(error.code, error.reason or error.detail)
    except Unavailable as error:
        return DeferredTransfer(error.code, error.detail, unknown=error.outcome_unknown, retry_after=error.retry_after)
    except ConnectorError as error:
        return BrokenTransfer(error.code, error.detail)
    except Exception as error:
        # A fault of ours in mid-sentence: the bytes may have left.
        log.exception("speaking_failed", transfer=transfer.id, error=type(error).__name__)
        return DeferredTransfer(HubCode.HUB_FAILED, type(error).__name__, unknown=True)
    return DeliveredTransfer(reply)


def _already_there(error: Duplicate, call: Call, port: Any, transfer: Transfer) -> DeliveryOutcome:
    if error.reply is not None or call.find is None:
        return DeliveredTransfer(error.reply)
    answer = ask(call, port, transfer)
    return answer or BrokenTransfer(error.code, "the counterparty says that it has this already, and does not find it")
