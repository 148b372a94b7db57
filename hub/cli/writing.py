"""Commands that change something: who does it, why, and whether it is meant."""

import os
import pwd
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from typer import Option, Typer
from typer.core import TyperCommand
from typer.main import get_command

from hub.cli import environment
from hub.cli.exits import ExitCode, code_of, leave
from hub.cli.output import say

if TYPE_CHECKING:
    from hub.events import Event
    from hub.unit_of_work import UnitOfWork

Given = TypeVar("Given")

Reason = Annotated[str, Option("--reason", "-r", help="Why; stands in the audit log.")]
Yes = Annotated[bool, Option("--yes", "-y", help="Do not ask; needed where nobody can be asked.")]
_Taken = Annotated[bool, Option("--yes", "-y", help="Taken by every command that writes; this one never asks.")]
DryRun = Annotated[bool, Option("--dry-run", help="Say what would be done, and do nothing.")]


class Verb(TyperCommand):
    """A command that writes and asks nothing: it takes --yes as well, so that a script need not know which ones ask.

    One that asks takes ``Yes`` and goes through ``confirm``.
    """

    def __init__(self, *args: Any, params: list[Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, params=[*(params or ()), _yes()], **kwargs)


def _yes() -> Any:
    """--yes as Typer makes it, of which no function is told."""
    app = Typer()

    @app.command()
    def _(*, yes: _Taken = False) -> None:
        raise NotImplementedError

    [yes] = (one for one in get_command(app).params if one.name == "yes")
    yes.expose_value = False
    return yes


_LOGIN: Final = Path("/proc/self/loginuid")
"""who logged in, as the kernel keeps it through sudo and su"""
_NOBODY: Final = 2**32 - 1
"""in that file: nobody logged in (a service, a container)"""


def actor() -> str:
    """Who acts, for the audit log: HUB_ACTOR, else the account. In production the account, and nothing else.

    Leaves with exit 2 where production is told a name.
    """
    from hub.app import read_settings

    told = os.environ.get("HUB_ACTOR")
    if told and read_settings().production:
        leave(
            ExitCode.USAGE, "hub: HUB_ACTOR is not believed in production: log in with your own account, and unset it"
        )
    if told:
        return told
    return f"cli:{account(os.environ, os.getuid(), _logged_in())}"


def act(verb: "Callable[[UnitOfWork], tuple[Given, list[Event]]]") -> Given:
    """``verb`` in one transaction, in the name of whoever types; what it gives beside its events."""
    from hub import dispatch

    with environment.hub() as hub:
        return dispatch.run_command(hub, actor(), verb)


def account(environ: Mapping[str, str], uid: int, login: int | None) -> str:
    """The account at the operating system; where sudo was used, of whoever used it.

    ``login``: who logged in, if the kernel knows. Leaves with exit 2 where it is another than the environment's.
    """
    if "SUDO_USER" not in environ:
        return pwd.getpwuid(uid).pw_name
    said = environ["SUDO_USER"]
    try:
        known = pwd.getpwnam(said).pw_uid
    except KeyError:
        leave(ExitCode.USAGE, "hub: SUDO_USER is no account of this machine")
    if login not in (None, known):
        leave(ExitCode.USAGE, "hub: SUDO_USER is another account than the one that logged in: use sudo from your own")
    return said


def _logged_in() -> int | None:
    try:
        login = int(_LOGIN.read_text(encoding="ascii"))
    except OSError:
        return None
    return None if login == _NOBODY else login


def each(what: str, ids: Iterable[str], act: Callable[[str], object], *, yes: bool, dry_run: bool) -> None:
    """``act`` on every id after asking once; ``what`` is the verb for the question. See each_of for what fails."""
    wanted = list(ids)
    if not wanted:
        leave(ExitCode.NOT_FOUND, f"nothing to {what}")
    if dry_run:
        say(f"would {what}: {', '.join(wanted)}")
        return
    confirm(f"{what} {', '.join(wanted) if len(wanted) < 4 else f'{len(wanted)} items'}?", yes=yes)  # noqa: PLR2004

    def acted(one: str) -> None:
        act(one)
        say(f"{what}: {one} ✔")

    each_of(what, wanted, acted)


def each_of(what: str, ids: Sequence[str], act: Callable[[str], object]) -> None:
    """``act`` on every id, whatever becomes of the others. A single one's error is raised.

    Of several, each error is said on its line, and at the end the command leaves with the first one's exit code.
    """
    from connectors.errors import ConnectorError
    from hub.errors import HubError

    failed: list[Exception] = []
    for one in ids:
        try:
            act(one)
        except (HubError, ConnectorError) as error:
            if len(ids) == 1:
                raise
            failed.append(error)
            say(f"{what}: {one} ✗ {error}")
    if failed:
        leave(code_of(failed[0]) or ExitCode.UNEXPECTED, f"hub: {len(failed)} of {len(ids)} not done")


def confirm(question: str, *, yes: bool) -> None:
    """Ask whoever types, unless ``yes``. Leaves with exit 5 at a no, with exit 2 where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        leave(ExitCode.USAGE, "hub: nobody can be asked here; say --yes if it is meant")
    import typer

    if not typer.confirm(question, err=True):
        leave(ExitCode.REFUSED, "nothing done")
