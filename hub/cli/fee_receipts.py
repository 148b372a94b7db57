"""hub fee receipts: list, show, issue and void receipts; the daily summary for the tax office."""

import csv
import io
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

from typer import Argument, Option, Typer

from hub.cli import arguments, environment, files, output, writing
from hub.cli.arguments import whole_id
from hub.cli.exits import ExitCode, leave
from hub.cli.output import TRANSFER_STATES, AsJson, Limit, TableColumn
from hub.cli.writing import Reason, WriteCommand
from hub.locale import vi
from schemas.figures import grouped

app: Final = Typer(help="Receipts (biên lai điện tử): list, show, issue, void, a day's summary.", no_args_is_help=True)

STATES: Final = {"stands": vi("In force"), "void proposed": vi("Voiding proposed"), "void": vi("Cancelled")}
_ISSUER: Final = {
    "not told": vi("Not sent"),
    "waits": vi("Waiting to be issued"),
    "published": vi("Issued"),
    "void waits": vi("Waiting to be voided"),
    "other number": vi("Number differs (M03)"),
}
_KINDS: Final = {"phi": vi("Fee"), "le_phi": vi("Charge")}

Receipt = Annotated[
    str, Argument(metavar="RECEIPT", parser=whole_id, help="its id (rc_…), from: hub fee receipts list")
]
Day = Annotated[
    datetime | None, Option(parser=arguments.day, metavar=arguments.DAY, help="Only those issued on this day.")
]


_LISTED: Final = (
    TableColumn("id", vi("Code")),
    TableColumn("series", vi("Series")),
    TableColumn("number", vi("No."), lambda number: f"{number:08}"),
    TableColumn("issued_on", vi("Day")),
    TableColumn("kind", vi("Type"), lambda kind: _KINDS[kind]),
    TableColumn("amount", vi("Amount"), grouped),
    TableColumn("dossier_code", vi("Dossier")),
    TableColumn("state", vi("Status"), lambda state: STATES[state]),
    TableColumn("issuer", vi("Issuer"), lambda issuer: _ISSUER[issuer]),
)


_SHOWN: Final = (
    TableColumn("id", vi("Code")),
    TableColumn("name", vi("Name")),
    TableColumn("series", vi("Series")),
    TableColumn("number", vi("No."), lambda number: f"{number:08}"),
    TableColumn("issued_at", vi("Made at"), lambda at: output.moment(datetime.fromisoformat(at))),
    TableColumn("amount", vi("Amount"), grouped),
    TableColumn("amount_in_words", vi("In words")),
    TableColumn("department_name", vi("Agency")),
    TableColumn("dossier_code", vi("Dossier code")),
    TableColumn("reference", vi("Payment reference")),
    TableColumn("state", vi("Status"), lambda state: STATES[state]),
    TableColumn("issuer", vi("Issuer"), lambda issuer: _ISSUER[issuer]),
    TableColumn("published_at", vi("Issued on"), output.moment),
    TableColumn("void_reason", vi("Reason for voiding")),
    TableColumn("void_maker", vi("Voiding proposed")),
    TableColumn("voided_by", vi("Voiding agreed by")),
    TableColumn("voided_at", vi("Voided at"), output.moment),
    TableColumn("void_notified_at", vi("Voiding reported at"), output.moment),
    TableColumn("chain", "Thay cho"),
)
_LINES: Final = (
    TableColumn("fee_code", vi("Item code of the fee")),
    TableColumn("title", vi("Fee item")),
    TableColumn("amount", vi("Amount"), grouped),
)
_TRANSFERS: Final = (
    TableColumn("id", vi("Transfer")),
    TableColumn(
        "kind", vi("Action"), lambda kind: {"receipt.issue": vi("issue"), "receipt.void": vi("void")}.get(kind, kind)
    ),
    TableColumn("state", vi("Status"), lambda state: TRANSFER_STATES[state]),
    TableColumn("error_code", vi("Error")),
)


@app.command("list")
def list_(
    day: Day = None,
    state: Annotated[str | None, Option(help=f"One of: {', '.join(STATES)}.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List receipts, newest first."""
    from hub.fees.receipts import store

    arguments.check_state(state, STATES, vi("hub: the status of a receipt is one of"))
    with environment.database() as conn:
        rows = store.listing(conn, day=day.date() if day else None, state=state, limit=limit)
    output.listing([{**row, "issued_on": row["issued_on"].isoformat()} for row in rows], _LISTED, as_json=as_json)


@app.command()
def show(receipt: Receipt, as_json: AsJson = False) -> None:
    """Show a receipt: its content, the receipts that it replaces, its transfers to the issuer."""
    import json

    from hub.fees.receipts import store

    with environment.database() as conn:
        row = store.detail(conn, receipt)
    if row is None:
        leave(ExitCode.NOT_FOUND, vi("hub: there is no receipt {receipt}", receipt=receipt))
    content = json.loads(bytes(row.pop("body")))
    if as_json:
        output.document({**row, "says": content})
        return
    chain = [
        vi(
            "{series} number {number:08}, voided: {void_reason}",
            series=one["series"],
            number=one["number"],
            void_reason=one["void_reason"],
        )
        for one in row["chain"]
    ]
    output.fields({**row, **content, "chain": "; ".join(chain) or None}, _SHOWN)
    output.say("")
    output.listing(content["lines"], _LINES, as_json=False)
    output.say("")
    output.listing(row["transfers"], _TRANSFERS, as_json=False)


@app.command(cls=WriteCommand)
def issue(
    demand: Annotated[
        str | None, Argument(metavar="[DEMAND]", parser=whole_id, help="only for this one (fd_…)")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Issue missing receipts now instead of at the next tick, and void those whose payment is gone."""
    from hub import dispatch
    from hub.fees.receipts import issuing, store
    from hub.worker import jobs

    with environment.hub() as hub:
        config = hub.catalogue.receipts
        if config is None:
            leave(ExitCode.USAGE, vi("hub: the catalogue has no receipts.toml: no receipts are issued"))
        if demand is None:
            done = jobs.issue_receipts(hub)
        else:
            dispatch.run_command(hub, issuing.BY_ITSELF, lambda uow: (None, store.keep(uow, config.issue_on)))
            dispatch.run_command(hub, writing.actor(), lambda uow: (None, issuing.issue(uow, demand)))
            done = 1
    if as_json:
        output.document({"done": done})
    else:
        output.say(vi("receipts of {done} demands issued or voided ✔", done=done))


@app.command(cls=WriteCommand)
def void(receipt: Receipt, reason: Reason) -> None:
    """Void a wrong receipt. Takes two persons; if the fee is still paid, another one is issued."""
    from hub.fees.receipts import issuing as voiding

    agreed = writing.act(lambda uow: (voiding.void(uow, receipt, reason), []))
    output.say(
        vi("{receipt}: voided ✔", receipt=receipt)
        if agreed
        else vi("{receipt}: voiding proposed; the second person runs the same command", receipt=receipt)
    )


@app.command()
def summary(
    day: Annotated[datetime, Argument(parser=arguments.day, metavar="DAY", help="2026-11-24")],
    file: Annotated[Path | None, Option("-o", "--output", help=".json (signed: FILE.p7s beside it) or .csv")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the summary of a day's receipts (bảng tổng hợp trong ngày), due to the tax office on the same day."""
    if file is not None and file.suffix not in {".json", ".csv"}:
        leave(ExitCode.USAGE, vi("hub: the summary is a .json or .csv file"))
    day_summary = _summary(day.date())
    if file is None:
        _printed(day_summary, as_json=as_json)
    elif file.suffix == ".csv":
        from hub.fees.receipts.summary import table

        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows(table(day_summary))
        files.write(file, b"\xef\xbb\xbf" + text.getvalue().encode())
    else:
        _signed(day_summary, file)
    if file is not None:
        output.say(f"{file} ✔")


def _summary(day: date) -> Any:
    from hub.fees.receipts.summary import of_day

    with environment.hub() as hub, hub.db.connection() as conn:
        if hub.catalogue.receipts is None:
            leave(ExitCode.USAGE, vi("hub: the catalogue has no receipts.toml: no receipts are issued"))
        return of_day(conn, hub.catalogue.receipts, day)


def _printed(day_summary: Any, *, as_json: bool) -> None:
    from hub.fees.receipts.summary import table

    if as_json:
        output.document(day_summary.model_dump(mode="json"))
        return
    heads, *rows = table(day_summary)
    columns = tuple(TableColumn(str(head), str(head), _cell) for head in heads)
    output.listing([dict(zip(map(str, heads), row, strict=True)) for row in rows], columns, as_json=False)


def _cell(value: str | int) -> str:
    return grouped(value) if isinstance(value, int) else value


def _signed(day_summary: Any, file: Path) -> None:
    from hub import clock
    from hub.signing import canonical

    content = canonical.encode(day_summary.model_dump(mode="json"))
    with environment.hub() as hub:
        signature = hub.signer.sealed(content, clock.now())
    files.write(file, content)
    files.write(file.with_name(f"{file.name}.p7s"), signature)
