"""hub fee profile try: how a bank's file is read, line by line, and which profile fits it. Nothing is kept."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from typer import Argument, Option, Typer

from hub.cli import output
from hub.cli.exits import ExitCode, leave
from hub.cli.files import read_sent
from hub.cli.output import AsJson, TableColumn
from schemas.figures import grouped

if TYPE_CHECKING:
    from config.statements import Statements
    from hub.fees.reconciliation.statements.trying import ProfileTrial

app: Final = Typer(help="Profiles: how banks' files read (docs/integrators/banks.md).", no_args_is_help=True)

_FITS: Final = (
    TableColumn("profile", "Cách đọc"),
    TableColumn("fits", "Hợp", lambda fits: "✔" if fits else "✗"),
    TableColumn("format", "Dạng"),
    TableColumn("statements", "Số sao kê"),
    TableColumn("lines", "Số dòng"),
    TableColumn("why", "Vì sao không"),
)
_ROWS: Final = (
    TableColumn("row", "Dòng"),
    TableColumn("taken", "Được hiểu là"),
    TableColumn("account", "Tài khoản"),
    TableColumn("day", "Ngày"),
    TableColumn("amount", "Số tiền", grouped),
    TableColumn("balance", "Số dư", grouped),
    TableColumn("text", "Trong tệp"),
)


@app.callback()
def profiles() -> None:
    """Profiles: how banks' files read."""


@app.command("try")
def try_(
    file: Annotated[Path, Argument(metavar="FILE", exists=True, dir_okay=False, readable=True)],
    *,
    profile: Annotated[
        str | None, Option(help="A shipped one, a bank's code, or a .toml file; without it all are tried.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how a file is read, and which profile fits; nothing is booked or kept. Exit 3 if none fits."""
    from config.catalogue import CatalogueError
    from hub.fees.reconciliation.statements import trying
    from hub.untrusted import files

    try:
        tried = _tried(profile)
    except CatalogueError as error:
        leave(ExitCode.USAGE, f"hub: {error}")
    raw = read_sent(file)
    trials = {name: trying.trial(said, raw, files.trial) for name, said in tried.items()}
    fitting = [name for name, trial in trials.items() if trial.fits]
    shown = fitting[0] if fitting else min(trials, key=lambda name: trials[name].rank)
    _show(trials, shown, as_json=as_json)
    if not fitting:
        leave(ExitCode.FINDING, f"{file.name}: không cách đọc nào hợp; gần nhất là {shown}: {trials[shown].why}")


def _tried(profile: str | None) -> "Mapping[str, Statements]":
    from config import profiles
    from config.settings import PACKAGED

    if profile is not None and profile.endswith(".toml"):
        return {profile: profiles.of_file(Path(profile))}
    known = profiles.known(Path(os.environ.get("HUB_CATALOGUE") or PACKAGED))
    if profile is None:
        return known
    if profile not in known:
        leave(ExitCode.USAGE, f"hub: không có cấu hình {profile}; có: {', '.join(known)}, hoặc một tệp .toml")
    return {profile: known[profile]}


def _show(trials: "Mapping[str, ProfileTrial]", shown: str, *, as_json: bool) -> None:
    fits = [
        {
            "profile": name,
            "fits": trial.fits,
            "format": trial.format,
            "statements": len(trial.statements),
            "lines": sum(len(one.entries) for one in trial.statements),
            "why": trial.why,
        }
        for name, trial in trials.items()
    ]
    rows = _rows(trials[shown])
    if as_json:
        output.document({"profiles": fits, "shown": shown, "rows": rows})
        return
    output.listing(fits, _FITS, as_json=False)
    output.say(f"\n{shown}:")
    output.listing(rows, _ROWS, as_json=False)


def _rows(trial: "ProfileTrial") -> list[dict[str, Any]]:
    entries = {entry.line: (one.account, entry) for one in trial.statements for entry in one.entries}
    numbers = sorted({*trial.rows, *entries})
    made = []
    for number in numbers:
        taken, text = trial.rows.get(number, ("line", ""))
        account, entry = entries.get(number, ("", None))
        made.append(
            {
                "row": number,
                "taken": taken,
                "account": account,
                "day": entry.booking_date.isoformat() if entry else None,
                "amount": entry.amount if entry else None,
                "balance": entry.balance if entry else None,
                "text": text or (entry.text.replace("\n", " ")[:80] if entry else ""),
            }
        )
    return made
