"""How the citizens of the demo pay: as they are asked to, or in one of the ways in which that goes wrong."""

from enum import StrEnum
from typing import Final


class Way(StrEnum):
    """How somebody pays."""

    EXACT = "exact"
    SHORT = "short"
    OVER = "over"
    TWICE = "twice"
    UNREADABLE = "unreadable"
    TAKEN_BACK = "taken back"
    LOST = "lost"


TROUBLES: Final = (Way.SHORT, Way.OVER, Way.TWICE, Way.UNREADABLE, Way.TAKEN_BACK, Way.LOST, Way.LOST)
"""One of each trouble of a bank day, and a second notification that is lost."""
