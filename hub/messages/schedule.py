"""When to try again: one table of pauses, spread by jitter, longer where the counterparty asks for it."""

import random
from collections.abc import Sequence
from typing import Final

JITTER: Final = 0.2
"""Up to this share is added to a pause, so that what failed together does not come back together."""

_random: Final = random.SystemRandom()


def pause(tries: int, pauses: Sequence[float], retry_after: float | None = None) -> float | None:
    """Seconds to wait after ``tries`` attempts; None when the pauses are used up and a person has to look."""
    if tries > len(pauses):
        return None
    wanted = pauses[tries - 1] * (1 + JITTER * _random.random())
    return max(wanted, retry_after or 0.0)
