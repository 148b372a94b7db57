"""Read untrusted files as typed values: hub.untrusted.readers parses them in a child process, as lines of JSON."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from config.statements import Statements
from hub.locale import vi
from hub.untrusted.client import read
from schemas.cells import Cell, CellRow
from schemas.statement import Format, Head, Portion, Statement, StatementEntry, UnreadableFile, gathered

if TYPE_CHECKING:
    from hub.fees.reconciliation.matching.gateway_payouts import PayoutReport
    from hub.fees.reconciliation.matching.virtual import VirtualAccountList
    from hub.fees.settlements.department_files import Sheet


def statements(profile: Statements, raw: bytes) -> tuple[Format, list[Statement]]:
    """Read a bank's file by the bank's profile: its format and statements. Raises UnreadableFile."""

    def take(lines: Iterator[bytes]) -> tuple[Format, list[Statement]]:
        format_: Format = json.loads(next(lines))
        return format_, gathered(_portions(lines), most=profile.max_entries)

    return read("statements", profile.model_dump(mode="json"), raw, take)


def _portions(lines: Iterator[bytes]) -> Iterator[Portion]:
    for line in lines:
        yield Portion(
            Head.model_validate_json(line), map(StatementEntry.model_validate_json, iter(lines.__next__, b""))
        )


def trial(profile: Statements, raw: bytes) -> tuple[Format, dict[int, tuple[str, str]], list[Statement], str]:
    """Try ``profile`` on a bank's file: its format; row number → (role, text); statements; error message or "".

    Raises UnreadableFile for a file that no profile can read.
    """

    def take(lines: Iterator[bytes]) -> tuple[Format, dict[int, tuple[str, str]], list[Statement], str]:
        format_: Format = json.loads(next(lines))
        rows = {number: (taken, text) for number, taken, text in map(json.loads, iter(lines.__next__, b""))}
        wrong: str = json.loads(next(lines))
        return format_, rows, [Statement.model_validate_json(line) for line in lines], wrong

    return read("trial", profile.model_dump(mode="json"), raw, take)


def sheets(raw: bytes, ending: str) -> "list[Sheet]":
    """Read a department's spreadsheet. Raises BadFile (hub.fees.settlements.department_files)."""
    from hub.fees.settlements.department_files import BadFile, Sheet  # noqa: PLC0415 - no worker needs it

    def take(lines: Iterator[bytes]) -> list[Sheet]:
        sheets_read = []
        for line in lines:
            name = json.loads(line)
            if isinstance(name, list):
                raise BadFile(*name)
            sheets_read.append(Sheet(name, [row_of(row) for row in iter(lines.__next__, b"")]))
        return sheets_read

    try:
        return read("sheets", {"ending": ending}, raw, take)
    except UnreadableFile as error:
        raise BadFile(
            "",
            vi("the file cannot be read: {sentence}", sentence=error.sentence),
            vi("save it again from Excel, only the sheet with the list"),
        ) from None


def payout(raw: bytes) -> "PayoutReport":
    """Read a gateway's payout report. Raises UnreadableFile."""
    from hub.fees.reconciliation.matching.gateway_payouts import PayoutReport  # noqa: PLC0415 - see above

    [report] = read("payout", None, raw, lambda lines: [PayoutReport.model_validate_json(line) for line in lines])
    return report


def virtual_accounts(raw: bytes) -> "list[VirtualAccountList]":
    """Read a bank's lists of virtual accounts. Raises UnreadableFile."""
    from hub.fees.reconciliation.matching.virtual import VirtualAccountList  # noqa: PLC0415 - see above

    return read("virtual accounts", None, raw, lambda lines: [VirtualAccountList(*json.loads(line)) for line in lines])


_KINDS: Final[Mapping[str, Callable[[str], Cell]]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
}


def row_of(line: bytes) -> CellRow:
    """Parse a row written by readers.line."""
    number, *cells = json.loads(line)
    return CellRow(number, [_cell(cell) for cell in cells])


def _cell(value: Any) -> Cell:
    if not isinstance(value, list):
        return value  # type: ignore[no-any-return]
    kind, text = value
    return timedelta(seconds=text) if kind == "timedelta" else _KINDS[kind](text)
