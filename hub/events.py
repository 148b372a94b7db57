"""Events of the domain packages, in the past tense. hub/flow.py lists their subscribers."""

from dataclasses import dataclass
from datetime import datetime

from schemas.handoff import Carrier, CounterRecord
from schemas.portal import FeeNotice


@dataclass(frozen=True, slots=True)
class Event:
    """Base of the events, each about one dossier."""

    dossier_id: str


@dataclass(frozen=True, slots=True)
class DossierTerms:
    """What a dossier is and until when it is due: nothing that a status changes."""

    id: str
    code: str
    """normalised"""
    raw_code: str
    """as it was issued"""
    procedure: str
    department: str
    received_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class DossierOpened(Event):
    """A submission has become a dossier with a code and a due date."""

    procedure: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class DossierReleased(Event):
    """The dossier may be handed to its department."""

    dossier: DossierTerms


@dataclass(frozen=True, slots=True)
class FeeNotDue(Event):
    """Nothing is demanded for the dossier."""


@dataclass(frozen=True, slots=True)
class FeeEvent(Event):
    """Base of the events about the dossier's fee."""

    fee: FeeNotice
    """the fee's state now, for the notice to the portal"""


@dataclass(frozen=True, slots=True)
class FeeDemanded(FeeEvent):
    """The dossier's fees are demanded. ``pay_first``: until they are paid, it waits."""

    pay_first: bool


@dataclass(frozen=True, slots=True)
class FeePaid(FeeEvent):
    """The demand is paid in full, by an authenticated notification or a statement."""

    at: datetime
    """when it was paid"""


@dataclass(frozen=True, slots=True)
class FeeWaived(FeeEvent):
    """The fee is waived, by a recorded legal provision."""

    at: datetime


@dataclass(frozen=True, slots=True)
class FeeReopened(FeeEvent):
    """A payment was reversed: the fee is due again."""


@dataclass(frozen=True, slots=True)
class FeeChanged(FeeEvent):
    """Any other change of the demand that its payer sees: paid in part, expired, cancelled, refunded."""


@dataclass(frozen=True, slots=True)
class HandoffPrepared(Event):
    """A handoff is signed and in the outbox. ``carrier``: whether its papers go by post as well."""

    handoff_id: str
    carrier: Carrier


@dataclass(frozen=True, slots=True)
class HandoffCompleted(Event):
    """Both sides have signed for the dossier, and its papers have arrived where they went by post."""

    handoff_id: str


@dataclass(frozen=True, slots=True)
class HandedBack(Event):
    """A department's report carries a signed record with which it hands the dossier back."""

    department: str
    status: str
    """the dossier's new status, as reported"""
    at: datetime
    signed: CounterRecord


@dataclass(frozen=True, slots=True)
class HandoffAcknowledged(Event):
    """The department has the dossier and its receipt is stored."""

    at: datetime


@dataclass(frozen=True, slots=True)
class HandoffRefused(Event):
    """The department refuses the dossier."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class StatusMoved(Event):
    """The dossier's status has changed."""

    status: str


@dataclass(frozen=True, slots=True)
class ConsignmentDelivered(Event):
    """The operator has delivered the dossier's papers to their addressee."""

    consignment_id: str
    handoff_id: str | None
    """whose papers they were, where a handoff travelled by post"""
    at: datetime
    cash: int = 0
    """đồng that the postman has collected for the dossier"""
