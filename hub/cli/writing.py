"""Commands that write: the actor, the reason, the confirmation, and the run in one transaction."""

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

Result = TypeVar("Result")

Reason = Annotated[str, Option("--reason", "-r", help="Why; recorded in the audit log.")]
Yes = Annotated[bool, Option("--yes", "-y", help="Do not ask for confirmation; required without a terminal.")]
_IgnoredYes = Annotated[bool, Option("--yes", "-y", help="Accepted by every command that writes; this one never asks.")]
DryRun = Annotated[bool, Option("--dry-run", help="Show what would be done, and do nothing.")]


class WriteCommand(TyperCommand):
    """Command that writes without a confirmation. It accepts --yes, so that a script need not know which commands ask.

    A command that asks has a parameter ``Yes`` and calls ``confirm``.
    """

    def __init__(self, *args: Any, params: list[Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, params=[*(params or ()), _yes()], **kwargs)


def _yes() -> Any:
    """Build the option --yes as Typer does; its value reaches no function."""
    app = Typer()

    @app.command()
    def _(*, yes: _IgnoredYes = False) -> None:
        """Nobody calls it: Typer reads its parameter."""

    [yes] = (one for one in get_command(app).params if one.name == "yes")
    yes.expose_value = False
    return yes


_LOGIN: Final = Path("/proc/self/loginuid")
"""uid of the login, which the kernel keeps through sudo and su"""
_NOBODY: Final = 2**32 - 1
"""value of that file where nobody logged in (a service, a container)"""


def actor() -> str:
    """Return the actor for the audit log: HUB_ACTOR, else the account; in production the account only.

    Exits with 2 if HUB_ACTOR is set in production.
    """
    from hub.configuration import read_settings

    name = os.environ.get("HUB_ACTOR")
    if name and read_settings().production:
        leave(
            ExitCode.USAGE, "hub: HUB_ACTOR is not believed in production: log in with your own account, and unset it"
        )
    if name:
        return name
    return f"cli:{account(os.environ, os.getuid(), _logged_in())}"


def act(command: "Callable[[UnitOfWork], tuple[Result, list[Event]]]") -> Result:
    """``command`` in one transaction in the name of the actor, and return its result."""
    from hub import dispatch

    with environment.hub() as hub:
        return dispatch.run_command(hub, actor(), command)


def act_on_each(
    what: str,
    ids: Iterable[str],
    command: "Callable[[UnitOfWork, str], tuple[object, list[Event]]]",
    *,
    yes: bool,
    dry_run: bool,
) -> None:
    """Confirm once, then run ``command`` for each id in a transaction of its own. Failures: see each_of."""
    from hub import dispatch

    with environment.hub() as hub:
        each(
            what,
            ids,
            lambda one: dispatch.run_command(hub, actor(), lambda uow: command(uow, one)),
            yes=yes,
            dry_run=dry_run,
        )


def account(environ: Mapping[str, str], uid: int, login: int | None) -> str:
    """Return the account of the operating system; with sudo, that of its caller.

    ``login``: uid of the login, if the kernel knows it. Exits with 2 if it is not that of SUDO_USER.
    """
    if "SUDO_USER" not in environ:
        return pwd.getpwuid(uid).pw_name
    sudo_user = environ["SUDO_USER"]
    try:
        known = pwd.getpwnam(sudo_user).pw_uid
    except KeyError:
        leave(ExitCode.USAGE, "hub: SUDO_USER is no account of this machine")
    if login not in (None, known):
        leave(ExitCode.USAGE, "hub: SUDO_USER is another account than the one that logged in: use sudo from your own")
    return sudo_user


def _logged_in() -> int | None:
    try:
        login = int(_LOGIN.read_text(encoding="ascii"))
    except OSError:
        return None
    return None if login == _NOBODY else login


def each(what: str, ids: Iterable[str], act: Callable[[str], object], *, yes: bool, dry_run: bool) -> None:
    """Confirm once, then run ``act`` for each id. ``what`` names the action in the question. Failures: see each_of."""
    targets = list(ids)
    if not targets:
        leave(ExitCode.NOT_FOUND, f"nothing to {what}")
    if dry_run:
        say(f"would {what}: {', '.join(targets)}")
        return
    confirm(f"{what} {', '.join(targets) if len(targets) < 4 else f'{len(targets)} items'}?", yes=yes)  # noqa: PLR2004

    def acted(one: str) -> None:
        act(one)
        say(f"{what}: {one} ✔")

    each_of(what, targets, acted)


def each_of(what: str, ids: Sequence[str], act: Callable[[str], object]) -> None:
    """Run ``act`` for each id, also after one has failed. The error of a single id is raised.

    Of several ids each error is a line, and the command exits with the code of the first.
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
    """Ask for confirmation unless ``yes``. Exits with 5 on a no, with 2 without a terminal."""
    if yes:
        return
    if not sys.stdin.isatty():
        leave(ExitCode.USAGE, "hub: no terminal to ask for confirmation: add --yes")
    import typer

    if not typer.confirm(question, err=True):
        leave(ExitCode.REFUSED, "nothing done")
