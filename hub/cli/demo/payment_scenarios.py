"""How the citizens of the demo pay: as they are asked to, or in one of the ways in which that goes wrong."""

from enum import StrEnum
from typing import Final


class PaymentScenario(StrEnum):
    """How somebody pays."""

    EXACT = "exact"
    SHORT = "short"
    OVER = "over"
    TWICE = "twice"
    UNREADABLE = "unreadable"
    TAKEN_BACK = "taken back"
    LOST = "lost"


TROUBLES: Final = (
    PaymentScenario.SHORT,
    PaymentScenario.OVER,
    PaymentScenario.TWICE,
    PaymentScenario.UNREADABLE,
    PaymentScenario.TAKEN_BACK,
    PaymentScenario.LOST,
    PaymentScenario.LOST,
)
"""One of each trouble of a bank day, and a second notification that is lost."""
