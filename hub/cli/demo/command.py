"""hub demo: invented submissions from the portal to the departments and their statuses back, proved at both ends."""

import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

from typer import Argument, Exit, Option, Typer

from hub.cli import environment
from hub.cli.exits import ExitCode, code_of, leave
from hub.cli.output import duration, say
from hub.locale import vi

if TYPE_CHECKING:
    from hub.cli.demo.rehearsal import RehearsalResult
    from hub.embedded.stack_folder import Addresses, StackFolder

app: Final = Typer()

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
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(os.cpu_count() or 1)]  # noqa: S603 - fixed
    rounds = sum(int(one.communicate()[0]) for one in running)
    return rounds / SECONDS / _ROUNDS_A_SECOND


def takes(count: int, cores: float) -> float:
    """Seconds."""
    return _PAUSES + (_START + count * _EACH) / min(cores, _USABLE)


def fitting(cores: float) -> int:
    """How many submissions are over in time; it may be too few, or none."""
    return int(((WITHIN - _PAUSES) * min(cores, _USABLE) - _START) / _EACH) // 10 * 10


_STOPPED_WITHIN: Final = 60.0


class DemoKind(StrEnum):
    """What is rehearsed."""

    DAY = "day"
    MONTH = "month"


@app.command()
def demo(
    what: Annotated[
        DemoKind, Argument(help="day: as told here. month: the end of last month, in var/month.")
    ] = DemoKind.DAY,
    *,
    count: Annotated[
        int | None, Option(min=30, max=2000, help="How many submissions; else as many as this machine does in time.")
    ] = None,
    patience: Annotated[int, Option(min=10, help="Seconds in which nothing moves, after which it gives up.")] = 60,
    keep: Annotated[bool, Option("--keep", help="Leave everything running afterwards, to look around.")] = False,
) -> None:
    """Push invented submissions through the whole hub; prove that each arrived once, every status came back,
    and every đồng paid for them is where it should be.

    Uses the stack that runs in ./var with its sandbox, or starts one and stops it. Exit 3 if something does not hold.
    """
    if what is DemoKind.MONTH:
        _month()
        return
    began = time.monotonic()
    place = environment.place()
    was_running = place.running() is not None
    plan = planned(count)
    say(_announcement(plan))
    try:
        with _stack(place, keep=keep) as addresses:
            environment.adopt()
            from hub.cli.demo.rehearsal import rehearse

            say(f"Flower {addresses.flower} · API {addresses.docs}")
            rehearsed = rehearse(addresses, place.sandbox, count=plan.count, still=patience)
    except Exception as error:
        _explain(error, place)
        raise
    _tell(rehearsed, plan.count, place, runs_on=was_running or keep)
    say(f"Xong sau {duration(time.monotonic() - began)}")
    if was_running:
        say(vi("Still running: {flower}, {docs}; stop: hub down", flower=addresses.flower, docs=addresses.docs))
    elif not keep:
        say(
            vi(
                "Look further: hub up --sandbox (at the same addresses: {flower}, {docs}); stop: hub down",
                flower=addresses.flower,
                docs=addresses.docs,
            )
        )


def _announcement(plan: DemoPlan) -> str:
    return vi(
        "{count} dossiers, about {seconds} on this machine now (about {cores} cores free)",
        count=plan.count,
        seconds=duration(plan.seconds),
        cores=f"{plan.cores:.1f}".replace(".", ","),
    )


def _tell(rehearsed: "RehearsalResult", count: int, place: "StackFolder", *, runs_on: bool) -> None:
    """What came of it; leaves where something does not hold. ``runs_on``: the stack is still there to be asked."""
    for line in (line for trouble in rehearsed.wrong for line in trouble.lines):
        say(line)
    if rehearsed.wrong:
        stopped = "" if runs_on else vi(" (after starting again: hub up --sandbox --detach)")
        leave(ExitCode.FINDING, vi("Logs in {folder}{stopped}", folder=place.folder / "log", stopped=stopped))
    say(
        vi(
            "✔ {count} dossiers: each reached its department exactly once; every status is back at the portal",
            count=count,
        )
    )
    if rehearsed.shown:
        say(
            vi(
                "✔ A signed handoff, verified independently: {answer}. Verify it yourself:",
                answer=rehearsed.shown.answer,
            )
        )
        for command in rehearsed.shown.commands:
            say(f"    {command}")


def _month() -> None:
    """On a stack of its own that begins anew each time: nobody can close last month where it is closed already."""
    place = environment.place().beside("month")
    if place.supervisor() is not None:
        leave(ExitCode.REFUSED, f"hub: a stack is running already; stop it first: HUB_VAR={place.folder} hub down")
    shutil.rmtree(place.folder, ignore_errors=True)
    os.environ["HUB_VAR"] = str(place.folder)
    try:
        with _tethered(place):
            environment.adopt()
            from hub.cli.demo.month import rehearse

            packages = rehearse(_ready(place), place.folder)
    except Exception as error:
        _explain(error, place)
        raise
    say(
        vi(
            "✔ Last month is closed, handed over, answered and transferred; {packages} packages"
            " verified independently: VALID",
            packages=len(packages),
        )
    )
    for package in packages:
        say(f"    {package}")


def _explain(error: Exception, place: "StackFolder") -> None:
    """One line for what nobody expected; how it came to it stands in a log, which is no newcomer's reading."""
    if code_of(error) is not None or isinstance(error, Exit):
        return
    log = place.log("demo")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    leave(
        ExitCode.UNEXPECTED,
        vi(
            "✗ {name}: {error}; probably a fault of the program, see: {log}",
            name=type(error).__name__,
            error=error,
            log=log,
        ),
    )


@contextmanager
def _stack(place: "StackFolder", *, keep: bool) -> Iterator["Addresses"]:
    """The running stack, or one of our own that ends with us (unless it is kept)."""
    running = place.running()
    if running is not None:
        if not running.partners:
            leave(
                ExitCode.REFUSED, f"hub: the stack in {place.folder} runs without its sandbox; stop it first: hub down"
            )
        if running.themselves:
            left_out = ", ".join(running.themselves)
            leave(
                ExitCode.REFUSED, f"hub: {left_out} plays itself and no witness of ours; stop the stack first: hub down"
            )
        yield running
        return
    from hub.cli.stack import start_detached

    if keep:
        start_detached(place, sandbox=True, workers=2)
        yield _ready(place)
        return
    with _tethered(place):
        yield _ready(place)


@contextmanager
def _tethered(place: "StackFolder") -> Iterator[None]:
    from signal import SIGTERM

    from hub.embedded.process import Process, Program, last_line
    from hub.embedded.supervisor import WAITING

    say(vi("starting PostgreSQL, Valkey, API, worker, beat, Flower and the sandbox departments …"))
    log = place.log("supervisor")
    heard = last_line(log)

    def is_ready() -> bool:
        """What it says that it waits for, a person shall hear."""
        nonlocal heard
        if (line := last_line(log)) != heard:
            heard = line
            say(vi("waiting for {what} …", what=line.removeprefix(WAITING)) if line.startswith(WAITING) else line)
        return place.running() is not None

    stack = Process(
        Program(
            name="supervisor",
            # What `up` prints holds Flower's password, so it is not for a log.
            command=("/bin/sh", "-c", 'exec "$0" "$@" >/dev/null', sys.executable, "-m", "hub.cli", "up", "--sandbox"),
            log=log,
            grace=_STOPPED_WITHIN,
            orphan_signal=SIGTERM,
        )
    )
    try:
        stack.wait_until(is_ready)
        yield
    finally:
        stack.stop()


def _ready(place: "StackFolder") -> "Addresses":
    running = place.running()
    assert running is not None  # noqa: S101 - it has just said so
    return running
