"""How each kind of transfer is said to its counterparty, and how its counterparty is asked about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from connectors.ports import DepartmentPort, PortalPort, PostalPort, ReceiptPort, StampPort
from hub.consignments import service as consignments
from hub.dossiers import notices
from hub.fees.receipts import issuer_messages
from hub.fees.settlements import sending as settlements
from hub.handoffs import service as handoffs
from hub.messages.model import Transfer
from hub.signing import checkpoints
from schemas.custody import WitnessedCheckpoint, WitnessReceipt
from schemas.department import Handoff, HandoffReceipt
from schemas.fee_receipt import FeeReceipt, Issued, Voided, Voiding
from schemas.postal import ConsignmentAccepted, ConsignmentOrder
from schemas.settlement import HandedTable, TableReceipt


@dataclass(frozen=True, slots=True)
class Call:
    """``send`` says it; ``find`` asks whether it has arrived (None: this kind cannot be asked, its key protects it)."""

    send: Callable[[Any, Transfer], Any]
    find: Callable[[Any, Transfer], Any] | None


def _submit(port: DepartmentPort, transfer: Transfer) -> HandoffReceipt:
    return port.submit(Handoff.model_validate_json(transfer.body), transfer.key)


def _find(port: DepartmentPort, transfer: Transfer) -> HandoffReceipt | None:
    return port.find(Handoff.model_validate_json(transfer.body), transfer.key)


def _tell(port: PortalPort, transfer: Transfer) -> None:
    port.tell(transfer.body, transfer.key)


def _stamp(port: StampPort, transfer: Transfer) -> bytes:
    return port.stamp(transfer.body)


def _witness(port: DepartmentPort, transfer: Transfer) -> WitnessReceipt:
    return port.witness(WitnessedCheckpoint.model_validate_json(transfer.body), transfer.key)


def _settle(port: DepartmentPort, transfer: Transfer) -> TableReceipt:
    return port.settle(HandedTable.model_validate_json(transfer.body), transfer.key)


def _order(port: PostalPort, transfer: Transfer) -> ConsignmentAccepted:
    return port.order(ConsignmentOrder.model_validate_json(transfer.body), transfer.key)


def _cancel(port: PostalPort, transfer: Transfer) -> None:
    port.cancel(transfer.body.decode(), transfer.key)


def _issue(port: ReceiptPort, transfer: Transfer) -> Issued:
    return port.issue(FeeReceipt.model_validate_json(transfer.body), transfer.key)


def _find_receipt(port: ReceiptPort, transfer: Transfer) -> Issued | None:
    return port.find(FeeReceipt.model_validate_json(transfer.body), transfer.key)


def _void(port: ReceiptPort, transfer: Transfer) -> Voided:
    return port.void(Voiding.model_validate_json(transfer.body), transfer.key)


CALLS: Final[Mapping[str, Call]] = {
    handoffs.KIND: Call(send=_submit, find=_find),
    notices.KIND: Call(send=_tell, find=None),
    consignments.ORDER: Call(send=_order, find=None),
    consignments.CANCEL: Call(send=_cancel, find=None),
    checkpoints.STAMP: Call(send=_stamp, find=None),
    checkpoints.WITNESS: Call(send=_witness, find=None),
    settlements.HAND: Call(send=_settle, find=None),
    issuer_messages.ISSUE: Call(send=_issue, find=_find_receipt),
    issuer_messages.VOID: Call(send=_void, find=None),
}
