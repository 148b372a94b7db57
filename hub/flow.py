"""The flow tables: the handler of each inbox message, the subscribers of each event, how each transfer is sent.

Nothing here decides anything. An event with an empty row has no subscriber on purpose.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.ports import DepartmentPort, PortalPort, PostalPort, ReceiptPort, StampPort
from hub import events
from hub.consignments import ordering
from hub.consignments import service as consignments
from hub.dossiers import portal_view
from hub.dossiers import service as dossiers
from hub.events import Event
from hub.fees.demands import issuing
from hub.fees.exceptions import dossier_events
from hub.fees.payouts import orders, refunds
from hub.fees.payouts.orders import PurposeHandler
from hub.fees.receipts import issuing as issuer_messages
from hub.fees.receipts import store as receipts
from hub.fees.reconciliation import cash, notification_intake, notifications
from hub.fees.reconciliation.matching import run
from hub.fees.reconciliation.statements import importing
from hub.fees.settlements import answers as settlement_answers
from hub.fees.settlements import remitting
from hub.handoffs import handbacks
from hub.handoffs import service as handoffs
from hub.messages import set_aside
from hub.messages.model import Message, Transfer
from hub.signing import anchoring, checkpoints, crl_store
from hub.unit_of_work import UnitOfWork
from schemas.custody import WitnessedCheckpoint, WitnessReceipt
from schemas.department import Handoff, HandoffReceipt
from schemas.fee_receipt import FeeReceipt, Issued, Voided, Voiding
from schemas.postal import ConsignmentAccepted, ConsignmentOrder
from schemas.settlement import HandedTable, TableReceipt

INBOUND: Final[Mapping[str, Callable[[UnitOfWork, Message], list[Event]]]] = {
    "portal.submission": dossiers.open_dossier,
    "department.status": dossiers.report,
    dossiers.RELEASE: dossiers.release_paid,
    crl_store.KIND: crl_store.keep_fetched,
    "postal.event": consignments.record_event,
    set_aside.KIND: set_aside.unreadable,
    set_aside.OLDER_KIND: set_aside.unreadable,
    set_aside.CONFLICTS["department.status"]: set_aside.conflict,
    set_aside.CONFLICTS["postal.event"]: consignments.conflicting_event,
    notification_intake.KIND: notifications.notified,
    notification_intake.CONFLICT: notifications.conflict,
    importing.KIND: importing.arrived,
    run.KIND: run.asked,
    settlement_answers.KIND: settlement_answers.answered,
}
"""kind of an inbox message → its handler"""

RESERVED: Final[Mapping[str, Callable[[UnitOfWork, Sequence[Message]], None]]] = {
    "portal.submission": dossiers.reserve_codes,
}
"""kind of an inbox message → called in a short transaction before a batch is handled, for what all handlers compete
for: handling takes long and must not hold it"""

REFUSED: Final[Mapping[str, Callable[[UnitOfWork, str, str], list[Event]]]] = {
    "portal.submission": portal_view.tell_refused,
}
"""kind of an inbox message → called with (its id, the reason) to tell its sender that it is refused for good. Only the
portal has a channel for that."""

SUBSCRIBERS: Final[Mapping[type[Event], tuple[Callable[[UnitOfWork, Any], list[Event]], ...]]] = {
    events.DossierOpened: (issuing.demand, portal_view.tell_portal),
    events.FeeNotDue: (dossiers.release,),
    events.FeeDemanded: (portal_view.tell_fee, dossiers.release_or_wait),
    events.FeePaid: (portal_view.tell_fee, dossiers.covered),
    events.FeeWaived: (portal_view.tell_fee, dossiers.covered),
    events.FeeReopened: (portal_view.tell_fee, dossiers.reopened, dossier_events.unpaid_again),
    events.FeeChanged: (portal_view.tell_fee,),
    events.DossierReleased: (handoffs.prepare,),
    events.HandoffPrepared: (ordering.carry_papers,),
    events.HandoffAcknowledged: (dossiers.taken,),
    events.HandoffRefused: (dossiers.not_taken,),
    events.HandoffCompleted: (),
    events.HandedBack: (handbacks.handed_back,),
    events.ConsignmentDelivered: (handoffs.papers_delivered, cash.collected),
    events.StatusMoved: (portal_view.tell_portal, ordering.send_result, dossier_events.follow),
}
"""event → its subscribers, called in this order in the transaction that raised it"""


@dataclass(frozen=True, slots=True)
class Outbound:
    """How one kind of transfer is sent, and what its end means to us."""

    send: Callable[[Any, Transfer], Any]
    """(the counterparty's port, the transfer) → the counterparty's reply"""
    on_delivered: Callable[[UnitOfWork, Transfer, Any], list[Event]]
    """called with the reply"""
    on_refused: Callable[[UnitOfWork, Transfer, str], list[Event]]
    """called with the counterparty's reason"""
    find: Callable[[Any, Transfer], Any] | None = None
    """asks whether it has arrived; None: this kind cannot be asked about, its idempotency key protects it"""


def _submit(port: DepartmentPort, transfer: Transfer) -> HandoffReceipt:
    return port.submit(Handoff.model_validate_json(transfer.body), transfer.key)


def _find_handoff(port: DepartmentPort, transfer: Transfer) -> HandoffReceipt | None:
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


OUTBOUND: Final[Mapping[str, Outbound]] = {
    handoffs.KIND: Outbound(
        send=_submit, find=_find_handoff, on_delivered=handoffs.acknowledged, on_refused=handoffs.refused
    ),
    portal_view.KIND: Outbound(send=_tell, on_delivered=portal_view.notified, on_refused=portal_view.declined),
    consignments.ORDER: Outbound(send=_order, on_delivered=consignments.accepted, on_refused=consignments.refused),
    consignments.CANCEL: Outbound(
        send=_cancel, on_delivered=consignments.cancelled, on_refused=consignments.not_cancelled
    ),
    checkpoints.STAMP: Outbound(send=_stamp, on_delivered=anchoring.keep_stamp, on_refused=anchoring.note_no_stamp),
    checkpoints.WITNESS: Outbound(
        send=_witness, on_delivered=anchoring.keep_witness_receipt, on_refused=anchoring.keep_witness_refusal
    ),
    settlement_answers.HAND: Outbound(
        send=_settle, on_delivered=settlement_answers.received, on_refused=settlement_answers.not_received
    ),
    receipts.ISSUE: Outbound(
        send=_issue, find=_find_receipt, on_delivered=issuer_messages.issued, on_refused=issuer_messages.not_issued
    ),
    receipts.VOID: Outbound(send=_void, on_delivered=issuer_messages.voided, on_refused=issuer_messages.not_voided),
}
"""kind of a transfer → how it is sent and what its end means"""

PURPOSE_HANDLERS: Final[Mapping[str, PurposeHandler]] = {"refund": refunds, "remittance": remitting}
"""payment order's purpose → the module that handles its approval, payment and return"""
orders.register(PURPOSE_HANDLERS)
