"""hub demo: invented submissions from the portal to the departments and their statuses back, proved at both ends."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

from typer import Option, Typer

from hub.cli import environment
from hub.cli.exits import Code, leave
from hub.cli.output import say

if TYPE_CHECKING:
    from hub.embedded.place import Addresses, Place

app: Final = Typer()

FINDINGS_SHOWN: Final = 20
_STOPPED_WITHIN: Final = 60.0


@app.command()
def demo(
    count: Annotated[int, Option(min=30, max=2000, help="How many submissions.")] = 200,
    patience: Annotated[int, Option(min=10, help="Seconds after which it gives up waiting.")] = 150,
    keep: Annotated[bool, Option("--keep", help="Leave everything running afterwards, to look around.")] = False,
) -> None:
    """Push invented submissions through the whole hub; prove that each arrived once, every status came back,
    and every đồng paid for them is where it should be.

    Uses the stack that runs in ./var with its sandbox, or starts one and stops it. Exit 3 if something does not hold.
    """
    place = environment.place()
    was_running = place.running() is not None
    with _stack(place, keep=keep) as addresses:
        environment.adopt()
        from hub.cli.demo.rehearsal import rehearse

        say(f"Flower {addresses.flower} · API {addresses.docs}")
        rehearsed = rehearse(addresses, place.sandbox, count=count, patience=patience)
    wrong = rehearsed.wrong
    for sentence in wrong[:FINDINGS_SHOWN]:
        say(f"✗ {sentence}")
    if wrong:
        leave(Code.FINDING, f"✗ {len(wrong)} điều không đúng; nhật ký ở {place.folder / 'log'}")
    say(f"✔ {count} hồ sơ: mỗi hồ sơ đến đúng sở, đúng một lần; mọi trạng thái đã về đến Cổng")
    if rehearsed.shown:
        say(f"✔ Một bàn giao đã ký, kiểm tra độc lập: {rehearsed.shown.answer}. Tự kiểm tra lại:")
        for command in rehearsed.shown.commands:
            say(f"    {command}")
    if was_running:
        say(f"Vẫn đang chạy: {addresses.flower}, {addresses.docs}; dừng: hub down")
    elif not keep:
        say(f"Xem tiếp: hub up --sandbox (cùng địa chỉ: {addresses.flower}, {addresses.docs}); dừng: hub down")


@contextmanager
def _stack(place: "Place", *, keep: bool) -> Iterator["Addresses"]:
    """The running stack, or one of our own that ends with us (unless it is kept)."""
    running = place.running()
    if running is not None:
        if not running.partners:
            leave(Code.REFUSED, f"hub: the stack in {place.folder} runs without its sandbox; stop it first: hub down")
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
def _tethered(place: "Place") -> Iterator[None]:
    from signal import SIGTERM

    from hub.embedded.process import Process, Program

    say("khởi động PostgreSQL, Valkey, API, worker, beat, Flower và các sở giả lập …")
    stack = Process(
        Program(
            name="supervisor",
            command=(sys.executable, "-m", "hub.cli", "up", "--sandbox"),
            log=place.log("supervisor"),
            grace=_STOPPED_WITHIN,
            orphan_signal=SIGTERM,
        )
    )
    try:
        stack.wait_until(lambda: place.running() is not None)
        yield
    finally:
        stack.stop()


def _ready(place: "Place") -> "Addresses":
    running = place.running()
    assert running is not None  # noqa: S101 - it has just said so
    return running
