"""``hub``: everything that a person or a service manager starts."""

import sys
from typing import Final

from typer import Typer

from hub.cli import (
    consignment,
    custody,
    database,
    doctor,
    events,
    extras,
    fee,
    handoff,
    inbox,
    keys,
    partner,
    processes,
    stack,
    submission,
    transfer,
)
from hub.cli.exits import ExitCode, code_of


def _demo() -> Typer:
    """The demo's commands; without the distribution lienthong-hub-sandbox one that says what to install."""
    if not extras.is_installed("hub.cli.demo"):
        return extras.app
    from hub.cli.demo.command import app as installed

    return installed


app: Final = Typer(
    help="Liên thông Hub: hands dossiers over to departments and tells the portal what became of them.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    epilog="Exit codes: 0 ok, 1 unexpected, 2 usage, 3 finding, 4 not found, 5 refused, 6 unreachable, 130 Ctrl-C.",
)
for group in (stack.app, _demo(), doctor.app, processes.app):
    app.registered_commands += group.registered_commands
app.add_typer(database.app, name="db")
app.add_typer(transfer.app, name="transfer")
app.add_typer(inbox.app, name="inbox")
app.add_typer(partner.app, name="partner")
app.add_typer(keys.app, name="keys")
app.add_typer(submission.app, name="submission")
app.add_typer(handoff.app, name="handoff")
app.add_typer(custody.app, name="custody")
app.add_typer(events.app, name="events")
app.add_typer(consignment.app, name="consignment")
app.add_typer(fee.app, name="fee")


def main() -> None:
    """Run the command. An expected error is one line on stderr and its exit code."""
    try:
        app(prog_name="hub")
    except ModuleNotFoundError as error:
        sentence = extras.sentence(error.name or "")
        if sentence is None:
            raise
        sys.stderr.write(f"hub: {sentence}\n")
        sys.exit(ExitCode.USAGE)
    except Exception as error:
        code = code_of(error)
        if code is None:
            raise
        sys.stderr.write(f"hub: {' '.join(str(error).split())}\n")
        sys.exit(code)
