"""``python -m tests.fuzz READER... --seconds 600 --seed 1``: spoils files and has them read, for so long.

Prints how many were read, and each finding with its number: ``--seed 1 --only 4711`` makes that file again.
Exit 3 if there is one.
"""

import argparse
import os
import resource
import signal
import struct
import sys
import time
import traceback
from collections import Counter
from mmap import mmap
from random import Random
from typing import Final

from tests.fuzz import endpoints, mutations
from tests.fuzz.subject import FuzzSubject
from tests.fuzz.subjects import SUBJECTS

MEMORY: Final = 4 * 1024 * 1024 * 1024
MOST: Final = 100
_SHARED: Final = struct.Struct("QQ")
"""the number of the file that is being read, and how many were taken"""
SLOW: Final = 10
"""seconds of processor time for one small file: a finding too"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("reader", nargs="*", choices=[*SUBJECTS, *endpoints.SUBJECTS, []], help="all, if none is named")
    parser.add_argument("--seconds", type=int, default=600, help="for each reader")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="write this file to standard output instead")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    if arguments.only is not None:
        subject, random = SUBJECTS[arguments.reader[0]](), Random(f"{arguments.seed}:{arguments.only}")  # noqa: S311
        sys.stdout.buffer.write(mutations.spoilt(random.choice(subject.seeds), subject.ways, random))
        return 0
    findings = [
        _run(name, SUBJECTS[name](), arguments.seconds, arguments.seed)
        if name in SUBJECTS
        else endpoints.run(name, arguments.seconds, arguments.seed)
        for name in arguments.reader or [*SUBJECTS, *endpoints.SUBJECTS]
    ]
    return 3 if sum(findings) else 0


def _run(name: str, subject: FuzzSubject, seconds: int, seed: int) -> int:
    """How many kinds of findings there are."""
    shared, ends, ended = mmap(-1, _SHARED.size), time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        fork = os.fork()
        if fork == 0:
            os._exit(min(_until(ends, name, subject, seed, shared), MOST))
        status = os.waitpid(fork, 0)[1]
        number, taken = _SHARED.unpack(shared[:])
        if os.WIFSIGNALED(status):
            ended += 1
            print(
                f"{name} --seed {seed} --only {number}: ended by {signal.Signals(os.WTERMSIG(status)).name}", flush=True
            )
            shared[:] = _SHARED.pack(number + 1, taken)
        else:
            ended += os.waitstatus_to_exitcode(status)
    print(f"{name}: {number} files in {seconds} s, seed {seed}, {taken} taken, {ended} findings", flush=True)
    return ended


def _until(ends: float, name: str, subject: FuzzSubject, seed: int, shared: mmap) -> int:
    """Go on from the number in ``shared``; how many kinds of findings there are. May end this process."""
    findings: Counter[str] = Counter()
    number, taken = _SHARED.unpack(shared[:])
    while time.monotonic() < ends:
        shared[:] = _SHARED.pack(number, taken)
        started = time.process_time()
        try:
            taken += subject.try_one(Random(f"{seed}:{number}"))  # noqa: S311 - the same file for the same number
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            _tell(name, seed, number, error, findings)
        if time.process_time() - started > SLOW:
            findings["slow"] += 1
            print(f"{name} --seed {seed} --only {number}: {time.process_time() - started:.0f} s", flush=True)
        number += 1
    return len(findings)


def _tell(name: str, seed: int, number: int, error: BaseException, findings: Counter[str]) -> None:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    kind = f"{type(error).__name__} at {frame.filename}:{frame.lineno}"
    findings[kind] += 1
    if findings[kind] == 1:
        print(f"{name} --seed {seed} --only {number}: {kind}", flush=True)
        traceback.print_exception(error)


if __name__ == "__main__":
    sys.exit(main())
