"""A bank's table, whatever holds it: headings found, lines read by them, and what stands around found by its label.

Columns may stand in any order and others beside them. A row that is no line, no label, no repeated heading and not
empty refuses the file: nothing is passed over.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from pydantic import ValidationError

from config.statements import Table
from connectors.banks.statements.cells import days, money, when
from schemas.cells import Cell, Row, is_label, label, labelled, written
from schemas.statement import Code, Entry, Head, Kind, Portion, Totals, Unreadable, misfit, reference

_FIELDS: Final = ("booking_date", "value_date", "amount", "direction", "debit", "credit", "balance")
_AMOUNTS: Final = frozenset({"amount", "debit", "credit"})
_WORDS: Final = ("bank_ref", "e2e", "currency")
VND: Final = "VND"


@dataclass(slots=True)
class _Around:
    """What the file says besides its lines."""

    account: str = ""
    opening: int | None = None
    closing: int | None = None
    period: list[date] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    ended: bool = False
    """below the heading the total or the closing balance has been seen: no line may follow"""


def read(rows: Iterable[Row], profile: Table) -> Iterator[Portion]:
    """The statement in ``rows``. Raises Unreadable."""
    ahead, around = iter(rows), _Around()
    heading, columns = _heading(ahead, profile, around)
    entries: list[Entry] = []
    for row in ahead:
        if row.is_blank or _columns(row, profile) is not None:
            continue
        if _has_day(row, columns, profile):
            if around.ended or len(entries) >= profile.rows:
                raise Unreadable(Code.UNPARSABLE, "a line stands below the end, or is one too many", row.number)
            entries.append(_entry(row, columns, profile))
        elif not _takes(row, profile, around, columns):
            _check_footer(row, columns, profile, around)
    if profile.newest_first:
        entries.reverse()
    yield Portion(_head(heading, around, entries), iter(entries))


def _heading(rows: Iterator[Row], profile: Table, around: _Around) -> tuple[Row, dict[str, int]]:
    """The row of headings, and in which column each field stands."""
    for row in rows:
        if row.number > profile.header_within:
            break
        columns = _columns(row, profile)
        if columns is not None:
            return row, columns
        _takes(row, profile, around, {})
    raise Unreadable(Code.UNPARSABLE, f"the headings are not in the first {profile.header_within} rows")


def _columns(row: Row, profile: Table) -> dict[str, int] | None:
    """Field → column, if ``row`` has all of the headings; None if it has not."""
    wanted = {name: heading for name in (*_FIELDS, *_WORDS) if (heading := getattr(profile.columns, name))}
    wanted |= {f"text{number}": heading for number, heading in enumerate(profile.columns.text)}
    found: dict[str, int] = {}
    for name, heading in wanted.items():
        places = [number for number, cell in enumerate(row.cells) if is_label(cell, label(heading))]
        if not places:
            return None
        if len(places) > 1:
            raise Unreadable(Code.UNPARSABLE, f"the heading {heading!r} stands twice", row.number)
        found[name] = places[0]
    return found


def _takes(row: Row, profile: Table, around: _Around, columns: dict[str, int]) -> bool:
    """Whether ``row`` is about the whole; what it says is kept. Below the headings (``columns``) it may be the end."""
    line, taken = row.number, False
    if (said := labelled(row, profile.account)) is not None:
        around.account, taken = said.split()[0] if said else "", True
    if (said := labelled(row, profile.period)) is not None:
        around.period, taken = days(said, profile, line), True
    if (said := labelled(row, profile.opening)) is not None:
        around.opening, taken = money(_value(said), profile, line), True
    if (said := labelled(row, profile.closing)) is not None:
        around.closing, taken = money(_value(said), profile, line), True
        around.ended = around.ended or bool(columns)
    first = next((text for cell in row.cells if (text := written(cell))), "")
    if columns and profile.total and label(first).startswith(label(profile.total)):
        around.totals, taken, around.ended = _totals(row, columns, profile), True, True
    return taken


def _value(said: str) -> str:
    """The amount behind a label, without a currency that stands in a cell of its own behind it."""
    return said.removesuffix(VND).strip()


def _has_day(row: Row, columns: dict[str, int], profile: Table) -> bool:
    """Whether ``row`` is a line: it has a day. What people wrote in a line is never taken for a label."""
    number = columns["booking_date"]
    if number >= len(row.cells):
        return False
    try:
        when(row.cells[number], profile, row.number)
    except Unreadable:
        return False
    return True


def _check_footer(row: Row, columns: dict[str, int], profile: Table, around: _Around) -> None:
    """Below the end of the table there may be words; above it, or with an amount, a row is a line that is broken."""
    filled = [name for name in ("booking_date", *_AMOUNTS) if name in columns and columns[name] < len(row.cells)]
    told = {name: written(row.cells[columns[name]]) for name in filled}
    if told.get("booking_date") and any(told.get(name) for name in _AMOUNTS):
        when(row.cells[columns["booking_date"]], profile, row.number)
    if not around.ended or any(told.get(name) for name in _AMOUNTS):
        raise Unreadable(Code.UNPARSABLE, "a row has no day, and is not anything that is known", row.number)


def _totals(row: Row, columns: dict[str, int], profile: Table) -> Totals:
    def total(name: str) -> int | None:
        number = columns.get(name)
        cell = row.cells[number] if number is not None and number < len(row.cells) else ""
        return money(cell, profile, row.number) if written(cell) else None

    return Totals(debit_sum=total("debit"), credit_sum=total("credit"), net=total("amount"))


def _is_day(row: Row, columns: dict[str, int], profile: Table) -> bool:
    try:
        when(row.cells[columns["booking_date"]], profile, row.number)
    except (Unreadable, IndexError):
        return False
    return True


def _entry(row: Row, columns: dict[str, int], profile: Table) -> Entry:
    line = row.number
    if len(row.cells) <= max(columns.values()):
        raise Unreadable(Code.UNPARSABLE, "a row breaks off, or is neither a line nor anything that is known", line)
    cells = {name: row.cells[number] for name, number in columns.items()}
    if "currency" in cells and written(cells["currency"]) not in ("", VND):
        raise Unreadable(Code.WRONG_CURRENCY, "a line is not in VND", line)
    booked = when(cells["booking_date"], profile, line)
    valued = cells.get("value_date", "")
    texts = [written(cells[f"text{number}"]) for number in range(len(profile.columns.text))]
    try:
        return Entry(
            line=line,
            booking_date=booked,
            value_date=when(valued, profile, line) if written(valued) else booked,
            amount=_amount(cells, profile, line),
            bank_ref=reference(written(cells.get("bank_ref", ""))),
            e2e=reference(written(cells.get("e2e", ""))),
            text="\n".join(filter(None, texts)),
            balance=money(cells["balance"], profile, line) if "balance" in cells else None,
        )
    except ValidationError as error:
        raise misfit(error, line) from None


def _amount(cells: dict[str, Cell], profile: Table, line: int) -> int:
    """By the bank's convention: signed, with a word for the direction, or in two columns."""
    given = {name: money(cell, profile, line) for name, cell in cells.items() if name in _AMOUNTS and written(cell)}
    if "amount" in cells and "direction" not in cells and given:
        return given["amount"]
    moved = {name: amount for name, amount in given.items() if amount}
    if not given or len(moved) > 1:
        raise Unreadable(Code.UNPARSABLE, "a line has no amount, or two", line)
    if min(given.values()) < 0:
        raise Unreadable(Code.UNPARSABLE, "an amount has a sign where its column says the direction", line)
    name, amount = next(iter(moved.items()), ("credit", 0))
    return -amount if name == "debit" or (name == "amount" and _is_debit(cells, profile, line)) else amount


def _is_debit(cells: dict[str, Cell], profile: Table, line: int) -> bool:
    word = label(written(cells["direction"]))
    if word in map(label, profile.debit_words):
        return True
    if word in map(label, profile.credit_words):
        return False
    raise Unreadable(Code.UNPARSABLE, "a line is neither debit nor credit", line)


def _head(heading: Row, around: _Around, entries: list[Entry]) -> Head:
    days_ = around.period or [entry.booking_date for entry in entries]
    if not days_:
        raise Unreadable(Code.UNPARSABLE, "the file has no lines and says nowhere which days it covers")
    opening = around.opening
    if opening is None and entries and entries[0].balance is not None:
        opening = entries[0].balance - entries[0].amount
    try:
        return Head(
            kind=Kind.STATEMENT,
            line=heading.number,
            account=around.account,
            bank_id=f"{min(days_)}/{max(days_)}",
            currency=VND,
            from_date=min(days_),
            to_date=max(days_),
            opening=opening,
            closing=around.closing,
            totals=around.totals,
        )
    except ValidationError as error:
        raise misfit(error, heading.number) from None
