"""Commands that change something: who does it, why, and whether it is meant."""

import getpass
import os
import sys
from collections.abc import Callable, Iterable
from typing import Annotated

from typer import Option

from hub.cli.exits import Code, leave
from hub.cli.output import say

Reason = Annotated[str, Option("--reason", "-r", help="Why; stands in the journal.")]
Yes = Annotated[bool, Option("--yes", "-y", help="Do not ask; needed where nobody can be asked.")]
DryRun = Annotated[bool, Option("--dry-run", help="Say what would be done, and do nothing.")]


def actor() -> str:
    """Who acts, for the journal: HUB_ACTOR, else the account."""
    return os.environ.get("HUB_ACTOR") or f"cli:{getpass.getuser()}"


def each(what: str, ids: Iterable[str], act: Callable[[str], object], *, yes: bool, dry_run: bool) -> None:
    """``act`` on every id after asking once; ``what`` is the verb for the question."""
    wanted = list(ids)
    if not wanted:
        leave(Code.NOT_FOUND, f"nothing to {what}")
    if dry_run:
        say(f"would {what}: {', '.join(wanted)}")
        return
    _confirm(f"{what} {', '.join(wanted) if len(wanted) < 4 else f'{len(wanted)} items'}?", yes=yes)  # noqa: PLR2004
    for one in wanted:
        act(one)
        say(f"{what}: {one} ✔")


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        leave(Code.USAGE, "hub: nobody can be asked here; say --yes if it is meant")
    import typer

    if not typer.confirm(question, err=True):
        leave(Code.REFUSED, "nothing done")
