"""The floor plan: which verb answers what comes in, what reacts to what happened, and what a reply to us means.

Four tables and nothing else. An event with an empty row is silent on purpose.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hub import events
from hub.consignments import arranging, tracking_events
from hub.consignments import service as consignments
from hub.dossiers import notices, releasing
from hub.dossiers import service as dossiers
from hub.events import Event
from hub.fees.demands import issuing
from hub.fees.exceptions import dossier_events
from hub.fees.payouts.orders import handlers
from hub.fees.payouts.orders.model import PurposeHandler
from hub.fees.payouts.refunds import order_events as refunds
from hub.fees.receipts import answers as receipts
from hub.fees.receipts import issuer_messages
from hub.fees.reconciliation import cash, notification_intake, notifications
from hub.fees.reconciliation.matching import run_requests
from hub.fees.reconciliation.statements import importing
from hub.fees.settlements import answers as settlement_answers
from hub.fees.settlements import remitting
from hub.fees.settlements import sending as settlements
from hub.handoffs import completion, returns
from hub.handoffs import service as handoffs
from hub.messages import set_aside
from hub.messages.model import Message, Transfer
from hub.signing import anchoring, checkpoints, crl_store
from hub.unit_of_work import UnitOfWork

Reaction = Callable[[UnitOfWork, Any], list[Event]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What to do when a transfer ends: delivered (with the counterparty's answer), or refused (with its reason)."""

    delivered: Callable[[UnitOfWork, Transfer, Any], list[Event]]
    refused: Callable[[UnitOfWork, Transfer, str], list[Event]]


INBOUND: Final[Mapping[str, Callable[[UnitOfWork, Message], list[Event]]]] = {
    "portal.submission": dossiers.open_dossier,
    "department.status": dossiers.report,
    releasing.RELEASE: releasing.release_paid,
    crl_store.KIND: crl_store.arrived,
    "postal.event": tracking_events.follow,
    set_aside.KIND: set_aside.unreadable,
    set_aside.OLDER_KIND: set_aside.unreadable,
    set_aside.CONFLICTS["department.status"]: set_aside.conflict,
    set_aside.CONFLICTS["postal.event"]: tracking_events.told_again,
    notification_intake.KIND: notifications.notified,
    notification_intake.CONFLICT: notifications.conflict,
    importing.KIND: importing.arrived,
    run_requests.KIND: run_requests.asked,
    settlement_answers.KIND: settlement_answers.answered,
}

REFUSED: Final[Mapping[str, Callable[[UnitOfWork, str, str], list[Event]]]] = {
    "portal.submission": notices.tell_refused,
}
"""What is said to the sender of a message that is refused for good, by its id and the reason. No other can be told."""

REACTIONS: Final[Mapping[type[Event], tuple[Reaction, ...]]] = {
    events.DossierOpened: (issuing.demand, notices.tell_portal),
    events.FeeNotDue: (releasing.release,),
    events.FeeDemanded: (notices.tell_fee, releasing.release_or_wait),
    events.FeePaid: (notices.tell_fee, releasing.covered),
    events.FeeWaived: (notices.tell_fee, releasing.covered),
    events.FeeReopened: (notices.tell_fee, releasing.reopened, dossier_events.unpaid_again),
    events.FeeChanged: (notices.tell_fee,),
    events.DossierReleased: (handoffs.prepare,),
    events.HandoffPrepared: (arranging.carry_papers,),
    events.HandoffAcknowledged: (dossiers.taken,),
    events.HandoffRefused: (dossiers.not_taken,),
    events.HandoffCompleted: (),
    events.HandedBack: (returns.handed_back,),
    events.ConsignmentDelivered: (completion.delivered, cash.collected),
    events.StatusMoved: (notices.tell_portal, arranging.send_result, dossier_events.follow),
}

OUTBOUND: Final[Mapping[str, Reply]] = {
    handoffs.KIND: Reply(delivered=handoffs.acknowledged, refused=handoffs.refused),
    notices.KIND: Reply(delivered=notices.told, refused=notices.declined),
    consignments.ORDER: Reply(delivered=consignments.accepted, refused=consignments.refused),
    checkpoints.STAMP: Reply(delivered=anchoring.stamped, refused=anchoring.not_stamped),
    checkpoints.WITNESS: Reply(delivered=anchoring.witnessed, refused=anchoring.not_witnessed),
    settlements.HAND: Reply(delivered=settlements.received, refused=settlements.not_received),
    consignments.CANCEL: Reply(delivered=consignments.cancelled, refused=consignments.not_cancelled),
    issuer_messages.ISSUE: Reply(delivered=receipts.issued, refused=receipts.not_issued),
    issuer_messages.VOID: Reply(delivered=receipts.voided, refused=receipts.not_voided),
}

PURPOSE_HANDLERS: Final[Mapping[str, PurposeHandler]] = {"refund": refunds, "remittance": remitting}
"""payment order's purpose → the module that handles its approval, payment and return"""
handlers.register(PURPOSE_HANDLERS)
