"""hub fee answer, compare: enter a department's answer to its monthly table; compare the table with its own list."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

from typer import Argument, Option, Typer

from hub.cli import arguments, environment, fee_settlements, files, output
from hub.cli.exits import ExitCode, leave
from hub.cli.fee_settlements import Month
from hub.cli.files import read_file
from hub.cli.output import AsJson, TableColumn
from hub.cli.writing import WriteCommand
from hub.locale import vi
from schemas.figures import grouped

if TYPE_CHECKING:
    from hub.app import Hub
    from hub.fees.settlements.answer_files import AnsweredTable
    from hub.fees.settlements.department_files import BadFile, Sheet
    from hub.fees.settlements.own_list import Comparison
    from hub.fees.settlements.store import Settlement
    from schemas.settlement import DisputedLine, TableAnswer

app: Final = Typer()

VERDICTS: Final = {"confirmed": vi("agrees"), "disputed": vi("disputes lines")}
_FINDINGS: Final = (
    TableColumn("where", vi("Difference")),
    TableColumn("name", vi("Fee item")),
    TableColumn("table", vi("Table"), grouped),
    TableColumn("listed", vi("Agency"), grouped),
    TableColumn("numbers", vi("Line number"), lambda numbers: ", ".join(map(str, numbers))),
    TableColumn("places", vi("Place in the file"), ", ".join),
)


@app.command(cls=WriteCommand)
def answer(
    file: Annotated[
        Path,
        Argument(
            help="JSON (settlement-answer), our workbook with its sheet Chênh lệch filled in, or CSV/XLSX with the"
            " columns Số dòng and Lý do.",
            exists=True,
            dir_okay=False,
        ),
    ],
    table: Annotated[str | None, Option(help="Which table, by its id (sm_…), where the file does not say it.")] = None,
    by: Annotated[str | None, Option(help="The office or post that answers, no person's name. Not with JSON.")] = None,
    at: Annotated[
        datetime | None,
        Option(
            parser=arguments.moment, metavar=arguments.DAY, help="When it answered, by Vietnam's clock. Not with JSON."
        ),
    ] = None,
) -> None:
    """Enter an answer that came on paper or by mail: it confirms a table, or disputes lines of it."""
    from hub.errors import ManualAction
    from hub.fees.settlements import answers

    with environment.hub() as hub:
        if file.suffix.lower() == ".json":
            if table or by or at:
                leave(
                    ExitCode.USAGE,
                    vi("hub: a JSON file itself names the table, who answers and when; leave out --table, --by, --at"),
                )
            document = read_file(file)
        else:
            if not by or at is None:
                leave(
                    ExitCode.USAGE,
                    vi("hub: the file does not say who answers and when; add --by AGENCY-OR-OFFICE and --at DATE"),
                )
            document = _document_of_file(hub, file, table, by, at)
        table_answer = _read(file, document)
        try:
            fee_settlements.act(hub, lambda uow: answers.answer_with(uow, table_answer, document))
        except ManualAction as error:
            leave(ExitCode.REFUSED, f"hub: {error}")
    lines = "".join(f" {line.number}" for line in table_answer.lines)
    output.say(f"{table_answer.settlement_id}: {VERDICTS[table_answer.verdict]}{lines} ✔")


@app.command()
def compare(
    month: Month,
    file: Annotated[
        Path,
        Argument(
            help="The department's list, CSV or XLSX: Mã thanh toán or Số biên lai (and Ký hiệu), Số tiền.",
            exists=True,
            dir_okay=False,
        ),
    ],
    *,
    department: Annotated[str, Option("--department", "-d", help="Whose table, by the department's code.")],
    write: Annotated[
        Path | None, Option(help="FILE.csv: the answer that disputes what differs, for hub fee answer.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare a department's own list of receipts with its monthly table. Exit 3 if something differs."""
    from hub.fees.settlements import department_files, own_list
    from hub.untrusted import files as untrusted

    if write is not None and write.suffix.lower() != ".csv":
        leave(ExitCode.USAGE, vi("hub: {write}: the answer is written as .csv", write=write))
    if write is not None and (not write.parent.is_dir() or write.resolve() == file.resolve()):
        leave(ExitCode.USAGE, vi("hub: {write}: choose another file, in a folder that exists", write=write))
    with environment.hub() as hub:
        [settlement] = fee_settlements.month_tables(hub, month, department)
        with hub.db.connection() as conn:
            lines = own_list.lines(conn, settlement.id)
    try:
        own = own_list.read(untrusted.sheets(read_file(file), file.suffix.lower()))
        comparison = own_list.compared(lines, own)
    except department_files.BadFile as error:
        _bad(file, error)
    _print_comparison(settlement, comparison, as_json=as_json)
    if write is not None:
        _write(write, settlement, comparison)
    if comparison.findings:
        leave(ExitCode.FINDING, vi("{findings} items differ", findings=len(comparison.findings)))


def _read(file: Path, raw: bytes) -> "TableAnswer":
    from schemas import strict
    from schemas.settlement import TableAnswer

    try:
        return strict.read(TableAnswer, raw)
    except strict.Refused as refused:
        places = ", ".join(f"{fault.pointer or '/'} {fault.code}" for fault in refused.faults[:3])
        leave(ExitCode.USAGE, vi("hub: {name} is not a well-formed answer: {places}", name=file.name, places=places))


def _document_of_file(hub: "Hub", file: Path, table: str | None, by: str, at: datetime) -> bytes:
    """Convert a department's file into the JSON answer. Its id is the file's digest, so that it is entered once."""
    from hub.clock import VIETNAM
    from hub.fees.settlements import answer_files, department_files
    from hub.signing import canonical
    from hub.untrusted import files as untrusted

    raw = read_file(file)
    try:
        sheets = untrusted.sheets(raw, file.suffix.lower())
        settlement, disputed = _disputed(hub, answer_files.named(sheets), sheets, table)
    except department_files.BadFile as error:
        _bad(file, error)
    return canonical.encode(
        {
            "answer_id": f"file:{hashlib.sha256(raw).hexdigest()[:56]}",
            "settlement_id": settlement.id,
            "sha256": settlement.sha256.hex(),
            "verdict": "disputed" if disputed else "confirmed",
            "lines": [line.model_dump() for line in disputed],
            "answered_by": by,
            "answered_at": at.replace(tzinfo=VIETNAM).isoformat(),
        }
    )


def _disputed(
    hub: "Hub", named: "AnsweredTable", sheets: "list[Sheet]", table: str | None
) -> "tuple[Settlement, tuple[DisputedLine, ...]]":
    """Return the answered table and its disputed lines. Raises BadFile."""
    from hub.fees.settlements import answer_files, department_files, sheet, store
    from schemas.settlement import SettlementTable

    if table and named.settlement_id and table != named.settlement_id:
        problem = vi(
            "the file answers table {settlement_id}, not {table}", settlement_id=named.settlement_id, table=table
        )
        raise department_files.BadFile(sheet.TABLE_ID, problem, vi("leave out --table, or take the right file"))
    settlement_id = table or named.settlement_id
    if settlement_id is None:
        leave(ExitCode.USAGE, vi("hub: the file does not name a table; add --table sm_… (hub fee table MONTH)"))
    with hub.db.connection() as conn:
        settlement = store.named(conn, settlement_id)
        body = store.sealed_table(conn, settlement_id).body
    named.check_digest(settlement.sha256.hex())
    signed = SettlementTable.model_validate_json(body)
    if named.is_ours:
        original = sheet.written(signed, settlement.sha256.hex(), hub.catalogue.portal.centre_name)
        answer_files.check_untouched(sheets, department_files.read(original, ".xlsx"))
    return settlement, answer_files.disputed(sheets, {line.number for line in signed.lines})


def _print_comparison(settlement: "Settlement", comparison: "Comparison", *, as_json: bool) -> None:
    """Print the differences, and the sums as an equation."""
    from dataclasses import asdict

    from hub.fees.settlements.own_list import DifferenceSide

    sums = {where.name.lower(): comparison.of(where) for where in DifferenceSide}
    rows = [asdict(one) for one in comparison.findings]
    if as_json:
        totals = {
            "settlement": settlement.id,
            "table": comparison.table,
            "listed": comparison.listed,
            "same": comparison.same,
        }
        output.document({**totals, **sums, "data": rows})
        return
    if rows:
        output.listing(rows, _FINDINGS, as_json=False)
    parts = "".join(
        f" {'-' if comparison.of(where) < 0 else '+'} {where} {grouped(abs(comparison.of(where)))}"
        for where in DifferenceSide
    )
    output.say(
        vi(
            "agency {listed} = collected in table {table}{parts} VND; {same} items agree",
            listed=grouped(comparison.listed),
            table=grouped(comparison.table),
            parts=parts,
            same=comparison.same,
        )
    )


def _write(out: Path, settlement: "Settlement", comparison: "Comparison") -> None:
    """Write the answer file."""
    from hub.fees.settlements import answer_files
    from hub.fees.settlements.own_list import DifferenceSide

    files.write(out, answer_files.as_csv(settlement.id, settlement.sha256.hex(), comparison.disputed))
    output.say(vi("{out}: {disputed} lines disputed", out=out, disputed=len(comparison.disputed)))
    missing = sum(one.where is DifferenceSide.ONLY_LIST for one in comparison.findings)
    if missing:
        output.say(
            vi(
                "{missing} items that only the agency has are no line of the table: report them to the"
                " Centre separately",
                missing=missing,
            )
        )


def _bad(file: Path, error: "BadFile") -> NoReturn:
    leave(ExitCode.USAGE, f"hub: {file.name}: {error}")
