"""hub partner: list, pause, resume and test counterparties."""

import os
import time
from typing import Annotated, Final

from typer import Argument, Typer

from hub.cli import environment, output, writing
from hub.cli.exits import ExitCode, leave
from hub.cli.output import AsJson, TableColumn
from hub.cli.writing import DryRun, Reason, Yes
from hub.locale import vi

app: Final = Typer(help="Counterparties (đối tác): list, pause, resume, test.", no_args_is_help=True)

Counterparty = Annotated[str, Argument(metavar="COUNTERPARTY", help="department.so-tu-phap, portal.cong-dvc")]

LABELS: Final = {"open": vi("available"), "paused": vi("paused"), "broken off": vi("circuit open")}
_COLUMNS: Final = (
    TableColumn("code", vi("Partner")),
    TableColumn("state", vi("Status"), lambda state: LABELS[state]),
    TableColumn("waiting", vi("Waiting")),
    TableColumn("held", vi("Held")),
    TableColumn("sending", vi("In flight")),
    TableColumn("stuck", vi("Stuck")),
    TableColumn("oldest", vi("Oldest"), output.since),
    TableColumn("failures", vi("Consecutive failures")),
    TableColumn("breaker_open_until", vi("Next attempt at"), output.moment),
    TableColumn("last_success_at", vi("Last success"), output.moment),
    TableColumn("pause_reason", vi("Reason for the pause")),
    TableColumn("finding", vi("To check")),
)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List counterparties: backlog, paused or circuit breaker open, and what needs a person.

    Exit 3 if one does: an open breaker, an aged backlog, a silent feed.
    """
    environment.adopt()
    from config.catalogue import load
    from hub import standstill
    from hub.configuration import read_settings

    settings = read_settings()
    catalogue = load(settings.catalogue, os.environ)
    with environment.database() as conn:
        rows = standstill.counterparties(conn, catalogue, settings)
    output.listing(rows, _COLUMNS, as_json=as_json)
    if still := [row["code"] for row in rows if row["finding"]]:
        leave(ExitCode.FINDING, vi("needs attention: {listed}", listed=", ".join(still)))


@app.command()
def pause(counterparty: Counterparty, *, reason: Reason, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Pause a counterparty: its transfers are held until it is resumed."""
    from hub import operations

    with environment.hub() as hub:
        writing.each(
            "pause",
            [counterparty],
            lambda one: operations.pause(hub, one, actor=writing.actor(), reason=reason),
            yes=yes,
            dry_run=dry_run,
        )


@app.command()
def resume(counterparty: Counterparty, *, reason: Reason, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Resume a counterparty; the most urgent transfers leave first."""
    from hub import operations

    with environment.hub() as hub:
        writing.each(
            "resume",
            [counterparty],
            lambda one: operations.resume(hub, one, actor=writing.actor(), reason=reason),
            yes=yes,
            dry_run=dry_run,
        )


@app.command("test")
def try_(counterparty: Counterparty, as_json: AsJson = False) -> None:
    """Test address, certificate and credentials with a call that changes nothing. Exit 6 if it is unreachable."""
    from hub import operations

    started = time.monotonic()
    with environment.hub() as hub:
        answer = operations.test(hub, counterparty)
    took = round(time.monotonic() - started, 3)
    if as_json:
        output.document({"counterparty": counterparty, "answer": answer, "seconds": took})
    else:
        output.say(f"{counterparty} ✔ {answer} ({took:.2f} s)")
