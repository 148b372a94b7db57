"""What has happened, as frozen facts in the past tense. hub/routing.py says who reacts."""

from dataclasses import dataclass
from datetime import datetime


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
