"""hub partner: the departments and the portal's endpoints, as the hub finds them."""

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
    """Each counterparty: what waits for it (the backlog), whether it is paused or cut off, and what stands still.

    Exit 3 if something does: an open breaker, an aged backlog, a feed that is silent.
    """
    environment.adopt()
    from config.catalogue import load
    from hub import standstill
    from hub.app import read_settings

    settings = read_settings()
    catalogue = load(settings.catalogue, os.environ)
    with environment.database() as conn:
        rows = standstill.counterparties(conn, catalogue, settings)
    output.listing(rows, _COLUMNS, as_json=as_json)
    if still := [row["code"] for row in rows if row["finding"]]:
        leave(ExitCode.FINDING, vi("needs attention: {listed}", listed=", ".join(still)))


@app.command()
def pause(counterparty: Counterparty, *, reason: Reason, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Send nothing to it until it is resumed; what comes up is held."""
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
    """Send again, the most urgent first."""
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
    """A call that changes nothing: address, certificate, credentials. Exit 6 if it cannot be reached."""
    from hub import operations

    started = time.monotonic()
    with environment.hub() as hub:
        answer = operations.test(hub, counterparty)
    took = round(time.monotonic() - started, 3)
    if as_json:
        output.document({"counterparty": counterparty, "answer": answer, "seconds": took})
    else:
        output.say(f"{counterparty} ✔ {answer} ({took:.2f} s)")
