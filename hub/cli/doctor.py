"""hub doctor: check this installation, and say what to fix."""

from typing import Final

from typer import Typer

from hub.cli import environment, output
from hub.cli.exits import ExitCode, leave
from hub.cli.output import AsJson, TableColumn
from hub.locale import vi

app: Final = Typer()

_COLUMNS: Final = (
    TableColumn("mark", ""),
    TableColumn("check", vi("Check")),
    TableColumn("finding", vi("Result")),
)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check configuration, database, broker, certificates, keys, custody log, clock, and what stands still.

    The latter: ticks, workers, inbox and its backlog, counterparties (breakers, backlog, feeds) and the disks of the
    data. Exit 3 if a check fails; one marked ! will fail soon.
    """
    environment.adopt()
    from hub.cli import checkup

    findings = checkup.run_checks()
    rows = [
        {
            "mark": "✗" if not one.ok else "!" if one.warns else "✔",
            "check": one.check,
            "ok": one.ok,
            "warns": one.warns,
            "finding": one.finding,
        }
        for one in findings
    ]
    output.listing(rows, _COLUMNS, as_json=as_json)
    if wrong := [one.check for one in findings if not one.ok]:
        leave(ExitCode.FINDING, vi("needs attention: {listed}", listed=", ".join(wrong)))
