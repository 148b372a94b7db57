"""Every command that writes takes --yes, whether it asks or not."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from typer.main import get_command

from hub.cli.main import app

READING = {"hub fee days"}
"""It looks in the way in which its neighbours write."""


def commands(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    for word, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


def writes(function: Callable[..., Any]) -> bool:
    """Whether a command does something in the name of whoever types, by itself or by a function of its file."""
    module, names, seen = inspect.getmodule(function), {function.__name__}, set[str]()
    while names:
        name = names.pop()
        seen.add(name)
        source = inspect.getsource(getattr(module, name))
        if re.search(r"\bwriting\.(act|actor|each)\b", source):
            return True
        called = set(re.findall(r"\b(_\w+)\(", source)) - seen
        names |= {one for one in called if inspect.isfunction(getattr(module, one, None))}
    return False


def test_every_command_that_writes_takes_yes() -> None:
    all_ = dict(commands(get_command(app), "hub"))
    writing_ = {
        name: command
        for name, command in all_.items()
        if name not in READING and writes(inspect.unwrap(command.callback))
    }
    assert len(writing_) > 40
    without = [name for name, one in writing_.items() if not any("--yes" in param.opts for param in one.params)]
    assert without == []


def test_yes_reaches_no_command_that_asks_nothing() -> None:
    [command] = [one for name, one in commands(get_command(app), "hub") if name == "hub fee exceptions assign"]
    params = command.make_context("assign", ["--yes", "ex_01ARZ3NDEKTSV4RRFFQ69G5FAV", "ai-do"]).params
    assert params == {"name": "ex_01ARZ3NDEKTSV4RRFFQ69G5FAV", "person": "ai-do"}
