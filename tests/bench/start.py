"""Start of a command: the slowest of all ``hub`` commands with --help, and one that looks for its stack.

Processor time, because a start waits for nothing.
"""

import os
import subprocess
import sys
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from tempfile import TemporaryDirectory

from hub.cli.main import COMMANDS
from tests.bench.rows import BenchRow, at_most

ROUNDS = 5
LIMIT = 0.5
"""seconds"""


def rows() -> list[BenchRow]:
    helped = {name: _seconds(name, "--help") for name in COMMANDS}
    slowest = max(helped, key=lambda name: helped[name])
    return [
        _row(f"hub {slowest} --help, the slowest of {len(helped)}", helped[slowest]),
        _row("hub transfer list, where no stack runs", _seconds("transfer", "list")),
    ]


def _row(name: str, seconds: float) -> BenchRow:
    return at_most(name, "s of CPU", LIMIT, round(seconds, 2), LIMIT, f"<= {LIMIT} s")


def _seconds(*words: str) -> float:
    with TemporaryDirectory() as nowhere:
        environment = {"PATH": os.environ["PATH"], "HUB_VAR": nowhere}
        return median(_once(words, environment) for _ in range(ROUNDS))


def _once(words: tuple[str, ...], environment: dict[str, str]) -> float:
    before = getrusage(RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "hub.cli", *words]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
