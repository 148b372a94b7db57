"""hub fee import, statements, profile: import and approve bank statements; try how a bank's file is read."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from typer import Argument, Option, Typer

from hub.cli import environment, output, writing
from hub.cli.arguments import whole_id
from hub.cli.exits import ExitCode, leave
from hub.cli.files import read_file
from hub.cli.output import AUDIT_LOG, AsJson, Limit, TableColumn
from hub.cli.writing import Reason, WriteCommand
from hub.fees.reconciliation.statements.model import FileStatus
from hub.locale import vi
from schemas.figures import grouped

if TYPE_CHECKING:
    from config.statements import Statements
    from hub.events import Event
    from hub.fees.reconciliation.statements.gates import ProfileTrial
    from hub.fees.reconciliation.statements.importing import ImportResult, Verdict
    from hub.unit_of_work import UnitOfWork

profiles_app: Final = Typer(
    help="Profiles: how banks' files are parsed (docs/integrators/banks.md).", no_args_is_help=True
)
app: Final = Typer(help="Files of bank statements (sao kê): list, show, reread, approve, reject.", no_args_is_help=True)


_FITS: Final = (
    TableColumn("profile", vi("Profile")),
    TableColumn("fits", vi("Fits"), lambda fits: "✔" if fits else "✗"),
    TableColumn("format", vi("Format")),
    TableColumn("statements", vi("Statements")),
    TableColumn("lines", vi("Lines")),
    TableColumn("why", vi("Why not")),
)
_ROWS: Final = (
    TableColumn("row", vi("Row")),
    TableColumn("taken", vi("Read as")),
    TableColumn("account", vi("Account")),
    TableColumn("day", vi("Day")),
    TableColumn("amount", vi("Amount"), grouped),
    TableColumn("balance", vi("Balance"), grouped),
    TableColumn("text", vi("In the file")),
)


@profiles_app.callback()
def profiles_group() -> None:
    """Profiles: how banks' files are parsed."""


@profiles_app.command("try")
def try_(
    file: Annotated[Path, Argument(metavar="FILE", exists=True, dir_okay=False, readable=True)],
    *,
    profile: Annotated[
        str | None, Option(help="A packaged profile, a bank's code, or a .toml file; default: all are tried.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how a file is parsed, and which profile fits; nothing is booked or stored. Exit 3 if none fits."""
    from config.catalogue import CatalogueError
    from hub.fees.reconciliation.statements import gates
    from hub.untrusted import files

    try:
        profiles_ = _profiles(profile)
    except CatalogueError as error:
        leave(ExitCode.USAGE, f"hub: {error}")
    raw = read_file(file)
    trials = {name: gates.trial(profile_, raw, files.trial) for name, profile_ in profiles_.items()}
    fitting = [name for name, trial in trials.items() if trial.fits]
    shown = fitting[0] if fitting else min(trials, key=lambda name: trials[name].rank)
    _show_trials(trials, shown, as_json=as_json)
    if not fitting:
        leave(
            ExitCode.FINDING,
            vi(
                "{name}: no profile fits; the nearest is {shown}: {why}",
                name=file.name,
                shown=shown,
                why=trials[shown].why,
            ),
        )


def _profiles(profile: str | None) -> "Mapping[str, Statements]":
    from config import profiles
    from config.settings import PACKAGED

    if profile is not None and profile.endswith(".toml"):
        return {profile: profiles.of_file(Path(profile))}
    known = profiles.known(Path(os.environ.get("HUB_CATALOGUE") or PACKAGED))
    if profile is None:
        return known
    if profile not in known:
        leave(
            ExitCode.USAGE,
            vi(
                "hub: there is no profile {profile}; there are: {listed}, or a .toml file",
                profile=profile,
                listed=", ".join(known),
            ),
        )
    return {profile: known[profile]}


def _show_trials(trials: "Mapping[str, ProfileTrial]", shown: str, *, as_json: bool) -> None:
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
    rows = []
    for number in numbers:
        taken, text = trial.rows.get(number, ("line", ""))
        account, entry = entries.get(number, ("", None))
        rows.append(
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
    return rows


STATES: Final[Mapping[FileStatus, str]] = {
    FileStatus.BALANCED: vi("waiting for the previous statement"),
    FileStatus.ACCEPTED: vi("booked"),
    FileStatus.QUARANTINED: vi("held back"),
    FileStatus.ACCEPTED_WITH_APPROVAL: vi("booked, approved by two persons"),
    FileStatus.REJECTED: vi("discarded"),
    FileStatus.SUPERSEDED: vi("replaced"),
}
Name = Annotated[str, Argument(metavar="FILE", parser=whole_id, help="sf_…, from: hub fee statements list")]


def _state(state: str) -> str:
    return STATES[FileStatus(state)]


def _meaning(code: str) -> str:
    from hub.fees.reconciliation.statements.model import MEANING

    return f"{code} {MEANING[next(one for one in MEANING if one.value == code)]}"


_STATEMENTS: Final = (
    TableColumn("file", vi("File")),
    TableColumn("state", vi("Status"), _state),
    TableColumn("account", vi("Account")),
    TableColumn("bank_id", vi("Statements")),
    TableColumn("from", vi("From day")),
    TableColumn("to", vi("To day")),
    TableColumn("opening", vi("Opening balance"), grouped),
    TableColumn("total", vi("Movements"), grouped),
    TableColumn("closing", vi("Closing balance"), grouped),
    TableColumn("new", vi("New lines")),
    TableColumn("known", vi("Known lines")),
)
_FINDINGS: Final = (
    TableColumn("file", vi("File")),
    TableColumn("code", vi("Error"), _meaning),
    TableColumn("line", vi("Row")),
    TableColumn("sentence", vi("Details")),
    TableColumn("opening", vi("Opening balance"), grouped),
    TableColumn("total", vi("Movements"), grouped),
    TableColumn("closing", vi("Closing balance"), grouped),
)
_FILES: Final = (
    TableColumn("id", vi("Code")),
    TableColumn("bank", vi("Bank")),
    TableColumn("name", vi("File")),
    TableColumn("format", vi("Format")),
    TableColumn("state", vi("Status"), _state),
    TableColumn("received_at", vi("Received at"), output.moment),
    TableColumn("statements", vi("Statements")),
    TableColumn("codes", vi("Error")),
    TableColumn("proposal", vi("Proposal")),
    TableColumn("maker", vi("By")),
)
_FIELDS: Final = (
    *_FILES[:6],
    TableColumn("sha256", "SHA-256"),
    TableColumn("submitted_by", "Do"),
    *_FILES[8:],
    TableColumn("reason", vi("Reason")),
    TableColumn("checker", vi("Approved by")),
    TableColumn("settled_at", vi("Done at"), output.moment),
)


def import_(
    files: Annotated[list[Path], Argument(metavar="FILE...", exists=True, dir_okay=False, readable=True)],
    *,
    bank: Annotated[str, Option(help="Its code in the catalogue.")],
    dry_run: Annotated[bool, Option("--dry-run", help="Show the result, and store nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import bank statements (camt, MT940, CSV, XLSX). Exit 3 if a file is not accepted; nothing of it is booked then.

    A file that is quarantined, or was rejected unread, is parsed again if its bank's profile was corrected since.
    """
    from hub import dispatch
    from hub.errors import NotFound
    from hub.fees.reconciliation.statements import importing

    with environment.hub() as hub:
        known = hub.catalogue.banks.get(bank)
        if known is None:
            raise NotFound(vi("the catalogue has no bank {bank}", bank=bank))
        named_files = [(path.name, read_file(path)) for path in files]

        def try_out(uow: "UnitOfWork") -> tuple[list["ImportResult"], list["Event"]]:
            return importing.try_out(uow, known, named_files), []

        def bring(name: str, body: bytes) -> "ImportResult":
            return dispatch.run_command(hub, writing.actor(), lambda uow: (importing.bring(uow, known, name, body), []))

        results = (
            dispatch.run_command(hub, writing.actor(), try_out) if dry_run else [bring(*one) for one in named_files]
        )
    _show(results, as_json=as_json)
    held = [result for result in results if not result.is_accepted]
    if held and dry_run:
        leave(ExitCode.FINDING, vi("dry run: {held} files would not be booked", held=len(held)))
    if dry_run:
        output.say(vi("dry run: nothing is booked"))
    elif held:
        leave(
            ExitCode.FINDING,
            vi("{held} files are not booked: hub fee statements show {id}", held=len(held), id=held[0].id),
        )


def _show(results: Sequence["ImportResult"], *, as_json: bool) -> None:
    rows = [_row(one, result.name, result.state) for result in results for one in result.summary or [{}]]
    findings = [
        {**finding, "file": result.name} for result in results if not result.is_accepted for finding in result.findings
    ]
    if as_json:
        output.document({"files": [_plain(result) for result in results]})
        return
    output.listing(rows, _STATEMENTS, as_json=False)
    for result in results:
        if result.repeated:
            output.say(vi("{name}: received before ({id}); nothing more is booked", name=result.name, id=result.id))
    if findings:
        output.say("")
        output.listing(findings, _FINDINGS, as_json=False)


_EMPTY: Final = {column.key: None for column in _STATEMENTS}


def _row(statement: Mapping[str, Any], file: str, state: str) -> dict[str, Any]:
    """Return the row of a statement; a file that could not be parsed has a row without numbers."""
    return {**_EMPTY, **statement, "file": file, "state": state}


def _plain(result: "ImportResult") -> dict[str, Any]:
    return {
        "id": result.id,
        "name": result.name,
        "state": result.state.value,
        "repeated": result.repeated,
        "statements": list(result.summary),
        "findings": list(result.findings),
    }


@app.command("list")
def list_(
    state: Annotated[FileStatus | None, Option(help="Only these.")] = None,
    bank: Annotated[str | None, Option(help="Only of this bank.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List statement files, newest first. Exit 3 if a listed one needs a person."""
    from hub.fees.reconciliation.statements import store

    with environment.database() as conn:
        rows = store.files(conn, state=state, bank=bank, limit=limit)
    output.listing(rows, _FILES, as_json=as_json)
    waiting = sum(row["state"] in (FileStatus.QUARANTINED, FileStatus.BALANCED) for row in rows)
    if waiting:
        leave(ExitCode.FINDING, vi("{waiting} files not booked yet", waiting=waiting))


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show a file: totals of its statements, findings, audit log. None of its lines."""
    from hub.errors import NotFound
    from hub.fees.reconciliation.statements import store

    with environment.database() as conn:
        row = store.file_with_history(conn, name)
    if row is None:
        raise NotFound(vi("there is no statement file {file_id}", file_id=name))
    if as_json:
        output.document(row)
        return
    codes = " ".join(sorted({finding["code"] for finding in row["findings"]}))
    output.fields({**row, "codes": codes}, _FIELDS)
    output.say("")
    output.listing([_row(one, row["name"], row["state"]) for one in row["summary"]], _STATEMENTS, as_json=False)
    output.say("")
    output.listing([{**finding, "file": row["name"]} for finding in row["findings"]], _FINDINGS, as_json=False)
    output.say("")
    output.listing(row["audit_log"], AUDIT_LOG, as_json=False)


@app.command(cls=WriteCommand)
def reread(
    names: Annotated[list[str], Argument(metavar="FILE...", help="sf_…, from: hub fee statements list")],
) -> None:
    """Parse files again that are quarantined, or were rejected unread, after their bank's profile was corrected.

    Exit 3 if one is still not accepted.
    """
    from hub import dispatch
    from hub.fees.reconciliation.statements import importing

    with environment.hub() as hub:

        def anew(name: str) -> "ImportResult":
            return dispatch.run_command(hub, writing.actor(), lambda uow: (importing.reread(uow, name), []))

        results = [anew(name) for name in names]
    _show(results, as_json=False)
    held = sum(not result.is_accepted for result in results)
    if held:
        leave(ExitCode.FINDING, vi("{held} files are still not booked", held=held))


@app.command(cls=WriteCommand)
def approve(name: Name, *, reason: Reason) -> None:
    """Approve a file whose statement does not follow the last one (S02, S03, S04, S08); takes two persons."""
    _decide(name, "approve", reason)


@app.command(cls=WriteCommand)
def reject(name: Name, *, reason: Reason) -> None:
    """Reject a quarantined file for good; takes two persons."""
    _decide(name, "reject", reason)


def _decide(name: str, verdict: "Verdict", reason: str) -> None:
    from hub import dispatch
    from hub.fees.reconciliation.statements import importing as deciding

    with environment.hub() as hub:
        result = dispatch.run_command(hub, writing.actor(), lambda uow: deciding.decide(uow, name, verdict, reason))
    if result.state in (FileStatus.QUARANTINED, FileStatus.BALANCED):
        leave(ExitCode.FINDING, vi("{name}: proposed; a second person must run the same command", name=name))
    output.say(f"{name}: {STATES[result.state]}")
