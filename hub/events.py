"""What has happened, as frozen facts in the past tense. hub/flow.py lists their subscribers."""

from dataclasses import dataclass
from datetime import datetime

from schemas.handoff import Carrier, CounterRecord
from schemas.portal import FeeNotice


@dataclass(frozen=True, slots=True)
class Event:
    """A fact about one dossier."""

    dossier_id: str


@dataclass(frozen=True, slots=True)
class DossierOpened(Event):
    """A submission has become a dossier with a code and a due date."""


@dataclass(frozen=True, slots=True)
class DossierReleased(Event):
    """Nothing holds the dossier back: it may go to its department."""


@dataclass(frozen=True, slots=True)
class FeeNotDue(Event):
    """Nothing is demanded for the dossier."""


@dataclass(frozen=True, slots=True)
class FeeEvent(Event):
    """Something about what is demanded for the dossier."""

    fee: FeeNotice
    """as it stands now, to be told"""


@dataclass(frozen=True, slots=True)
class FeeDemanded(FeeEvent):
    """The dossier's fees are demanded. ``pay_first``: until they are paid, it waits."""

    pay_first: bool


@dataclass(frozen=True, slots=True)
class FeePaid(FeeEvent):
    """Money has come, by an authenticated notification or a statement, and nothing is outstanding any more."""

    at: datetime
    """when it was paid"""


@dataclass(frozen=True, slots=True)
class FeeWaived(FeeEvent):
    """Nothing need be paid, by a provision that is written down."""

    at: datetime


@dataclass(frozen=True, slots=True)
class FeeReopened(FeeEvent):
    """What was paid has been taken back: it is to be paid again."""


@dataclass(frozen=True, slots=True)
class FeeChanged(FeeEvent):
    """Something else about the demand that its payer sees: paid in part, expired, cancelled, given back."""


@dataclass(frozen=True, slots=True)
class HandoffPrepared(Event):
    """A handoff is signed and goes out. ``carrier``: whether its papers go by post as well."""

    handoff_id: str
    carrier: Carrier


@dataclass(frozen=True, slots=True)
class HandoffCompleted(Event):
    """Both sides have signed for the dossier, and its papers have arrived where they went by post."""

    handoff_id: str


@dataclass(frozen=True, slots=True)
class HandedBack(Event):
    """A department's report comes with a record of its own: it hands the dossier back, signed."""

    department: str
    status: str
    """the dossier's, that is reported"""
    at: datetime
    signed: CounterRecord


@dataclass(frozen=True, slots=True)
class HandoffAcknowledged(Event):
    """The department has the dossier and gave its receipt."""

    at: datetime


@dataclass(frozen=True, slots=True)
class HandoffRefused(Event):
    """The department does not take the dossier, and says why."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class StatusMoved(Event):
    """The dossier stands somewhere else than before."""


@dataclass(frozen=True, slots=True)
class ConsignmentDelivered(Event):
    """The operator has delivered what was in it of this dossier, to whom it was addressed."""

    consignment_id: str
    handoff_id: str | None
    """whose papers they were, where a handoff travelled by post"""
    at: datetime
    cash: int = 0
    """đồng that the postman has collected for the dossier"""
