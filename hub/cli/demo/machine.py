"""How fast this machine is just now, beside whatever else runs on it, and how long a demo takes on it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

SECONDS: Final = 1.0
"""that the measurement takes"""
MOST: Final = 200
"""submissions, unless somebody asks for more"""
FEWEST: Final = 30
"""with fewer not every department meets every trouble"""
WITHIN: Final = 150.0
"""seconds in which a demo should be over, if nobody asks for a certain number"""
_ROUNDS_A_SECOND: Final = 11_500
"""rounds of the measurement that one core does in a second, on the machine on which the demo's seconds were measured"""
_USABLE: Final = 2.0
"""cores; the demo is a chain, and more do not make it faster"""
_START: Final = 22.0
"""seconds of one core for the start, the bank's day and the proof, with as many submissions as you like"""
_EACH: Final = 0.3
"""the same for each submission"""
_PAUSES: Final = 25.0
"""seconds that it waits on purpose: a department's pace, a retry, a checkpoint"""

_WORK: Final = f"""
import json, time
until, rounds = time.monotonic() + {SECONDS}, 0
while time.monotonic() < until:
    json.loads(json.dumps([{{"number": number, "text": str(number)}} for number in range(100)]))
    rounds += 1
print(rounds)
"""


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What the demo is going to do. ``cores``: as fast as so many free cores of the machine it was tuned on."""

    cores: float
    count: int
    seconds: float


def planned(count: int | None) -> DemoPlan:
    """A second's measurement, and what follows. ``count``: None: as many as are over in time, within bounds."""
    cores = measured()
    chosen = count or max(FEWEST, min(MOST, fitting(cores)))
    return DemoPlan(cores, chosen, takes(chosen, cores))


def measured() -> float:
    """How many free cores there seem to be: one process on each does the same work, beside all others."""
    command = [sys.executable, "-I", "-S", "-c", _WORK]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(os.cpu_count() or 1)]
    rounds = sum(int(one.communicate()[0]) for one in running)
    return rounds / SECONDS / _ROUNDS_A_SECOND


def takes(count: int, cores: float) -> float:
    """Seconds."""
    return _PAUSES + (_START + count * _EACH) / min(cores, _USABLE)


def fitting(cores: float) -> int:
    """How many submissions are over in time; it may be too few, or none."""
    return int(((WITHIN - _PAUSES) * min(cores, _USABLE) - _START) / _EACH) // 10 * 10
