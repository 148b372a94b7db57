"""Output of commands. Data goes to stdout: a table on a terminal, tab-separated in a pipe, JSON with --json."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final

from typer import Option

from hub.clock import local, now
from hub.locale import vi

AsJson = Annotated[bool, Option("--json", help="One JSON object instead of a table.")]
Limit = Annotated[int, Option(min=1, max=10_000, help="Maximum number of rows.")]

_LONGEST_WORD: Final = 20
"""characters of a word in a sentence that a column is wide enough for, however narrow the terminal"""
_GAP: Final = 2
"""spaces between two columns"""
_HOUR: Final = 3600
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class TableColumn:
    """Column of a table: the key in the row, its label, and how its value is written."""

    key: str
    label: str
    write: Callable[[Any], str] = str


def say(sentence: str) -> None:
    """Write a message to stderr; data never goes here."""
    sys.stderr.write(sentence + "\n")


def document(value: Any) -> None:
    """One JSON object."""
    sys.stdout.write(json.dumps(_plain(value), ensure_ascii=False, indent=2) + "\n")


def line(value: Any) -> None:
    """One JSON object on a line (NDJSON)."""
    sys.stdout.write(json.dumps(_plain(value), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def listing(rows: Sequence[Mapping[str, Any]], columns: Sequence[TableColumn], *, as_json: bool) -> None:
    """Rows as {"data": […]} or as a table."""
    if as_json:
        document({"data": rows})
        return
    cells = [[_cell(column, values[column.key]) for column in columns] for values in rows]
    labels = [column.label for column in columns]
    if sys.stdout.isatty():
        _table(labels, cells)
    else:
        sys.stdout.writelines("\t".join(line_) + "\n" for line_ in [labels, *cells])


def text(content: str) -> None:
    """Write a text unchanged."""
    sys.stdout.write(content)


def row(values: Mapping[str, Any], columns: Sequence[TableColumn]) -> None:
    """Write one row of a listing without an end (--follow)."""
    sys.stdout.write("\t".join(_cell(column, values[column.key]) for column in columns) + "\n")
    sys.stdout.flush()


def fields(values: Mapping[str, Any], columns: Sequence[TableColumn]) -> None:
    """Write one row, a field per line."""
    width = max(len(column.label) for column in columns)
    for column in columns:
        sys.stdout.write(f"{column.label:<{width}}  {_cell(column, values[column.key])}\n")


def moment(value: datetime) -> str:
    """Format a time in Vietnam's zone: 24/11 06:58, with the year if it is not this one."""
    vietnam_time = local(value)
    return vietnam_time.strftime("%d/%m %H:%M:%S" if vietnam_time.year == now().year else "%d/%m/%Y %H:%M")


def last_day(end: datetime) -> str:
    """Format the last day before ``end``, which is exclusive: 24/12/2026."""
    return f"{local(end - timedelta(microseconds=1)):%d/%m/%Y}"


def since(value: datetime) -> str:
    """Format a time with its age: 24/11 06:58 (2g14)."""
    seconds = int((now() - value).total_seconds())
    return f"{moment(value)} ({duration(seconds)})"


def duration(seconds: float) -> str:
    """Format a duration in Vietnamese: 12s, 5ph30, 2g14, 3 ngày."""
    whole = max(int(seconds), 0)
    if whole < 60:  # noqa: PLR2004
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // 60}ph{whole % 60:02}"
    if whole < _DAY:
        return f"{whole // _HOUR}g{whole % _HOUR // 60:02}"
    return vi("{whole} days", whole=whole // _DAY)


def _cell(column: TableColumn, value: Any) -> str:
    written = "" if value is None else column.write(value)
    # A counterparty's text may hold control characters, which a terminal would obey.
    return "".join(char if char.isprintable() else " " for char in written)


def _table(labels: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Print a table as wide as the terminal, or wider: a single word, such as an id, is never wrapped."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    columns = list(zip(labels, *cells, strict=True))
    widths = [_least_width(column) for column in columns]
    whole = [max(map(len, column)) for column in columns]
    # Narrow columns get their width first; rich itself would drop whole columns on a narrow terminal.
    for _ in range(console.width - sum(widths) - _GAP * len(widths)):
        short = [place for place, width in enumerate(widths) if width < whole[place]]
        if not short:
            break
        widths[min(short, key=widths.__getitem__)] += 1
    table = Table(box=None, header_style="bold", pad_edge=False)
    for label, width in zip(labels, widths, strict=True):
        table.add_column(label, overflow="fold", width=width)
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    # Both, or a terminal that says "dumb" stays at 80.
    console.width, console.height = max(console.width, sum(widths) + _GAP * len(widths)), console.height
    console.print(table)


def _least_width(column: Sequence[str]) -> int:
    """Return the least width of a column: its longest word, up to a limit where cells are sentences."""
    longest = max((len(word) for cell in column for word in cell.split()), default=1)
    return min(longest, _LONGEST_WORD) if any(" " in cell for cell in column[1:]) else longest


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


TRANSFER_STATES: Final[dict[str, str]] = {
    "queued": vi("waiting to be sent"),
    "sending": vi("sending"),
    "retrying": vi("waiting to be sent again"),
    "unknown": vi("outcome unknown"),
    "held": vi("paused by the partner"),
    "stuck": vi("stuck"),
    "parked": vi("parked"),
    "delivered": vi("delivered"),
    "refused": vi("refused"),
    "cancelled": vi("cancelled"),
}
ADVICE: Final[dict[str, str]] = {
    "unknown": vi("ask for the status first: hub transfer check"),
    "stuck": vi("hub transfer check, then replay"),
    "held": vi("hub partner resume when the partner is ready"),
    "parked": "hub transfer unpark khi xong",
    "retrying": vi("sent again automatically; see hub partner list"),
}
NEEDS_ACTION: Final = frozenset({"stuck"})
AUDIT_LOG: Final = (
    TableColumn("at", vi("At"), moment),
    TableColumn("actor", "Ai"),
    TableColumn("action", vi("Action"), vi),
    TableColumn("before", vi("Before")),
    TableColumn("after", "Sau"),
    TableColumn("reason", vi("Reason")),
)
