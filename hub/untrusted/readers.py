"""Readers by name: bytes of a file in, JSON lines out. They run in the child process; their output is not trusted."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from config.statements import Statements
from connectors.banks.statements import formats
from hub.fees.settlements import department_files
from schemas.cells import Cell, CellRow, written
from schemas.statement import Statement, StatementCode, UnreadableFile, gathered

SHOWN: Final = 100
"""characters of a row that are displayed"""
Reader = Callable[[Any, bytes], Iterator[bytes]]


def _statements(how: Any, raw: bytes) -> Iterator[bytes]:
    """Lines: the format; for each statement its head, its entries, and an empty line."""
    profile = Statements.model_validate_json(json.dumps(how))
    format_, portions = formats.portions(profile, raw)
    yield json.dumps(format_).encode()
    for portion in portions:
        yield portion.head.model_dump_json().encode()
        for entry in portion.entries:
            yield entry.model_dump_json().encode()
        yield b""


def _trial(how: Any, raw: bytes) -> Iterator[bytes]:
    """Lines: the format; number, role and text of each row; an empty line; the error message or ""; the statements."""
    profile = Statements.model_validate_json(json.dumps(how))
    yield json.dumps(formats.format_of(raw)).encode()
    rows: list[bytes] = []

    def record(row: CellRow, taken: str) -> None:
        text = " | ".join(filter(None, map(written, row.cells)))
        rows.append(json.dumps([row.number, taken, " ".join(text.split())[:SHOWN]]).encode())

    wrong, statements = "", list[Statement]()
    try:
        statements = gathered(formats.portions(profile, raw, record)[1], most=profile.max_entries)
    except UnreadableFile as error:
        wrong = str(error)
    yield from (*rows, b"", json.dumps(wrong).encode(), *(one.model_dump_json().encode() for one in statements))


def _sheets(how: Any, raw: bytes) -> Iterator[bytes]:
    """Lines: for each sheet its name, its rows, and an empty line; or a list of place, problem and fix."""
    try:
        sheets = department_files.read(raw, how["ending"])
    except department_files.BadFile as error:
        yield json.dumps([error.place, error.problem, error.fix]).encode()
        return
    for sheet in sheets:
        yield json.dumps(sheet.name).encode()
        for row in sheet.rows:
            yield line(row)
        yield b""


def _payout(_: Any, raw: bytes) -> Iterator[bytes]:
    from hub.fees.reconciliation.matching import gateway_payouts  # noqa: PLC0415 - these two weigh more than the rest, and are seldom needed
    from schemas import strict  # noqa: PLC0415 - see above

    try:
        yield strict.read(gateway_payouts.PayoutReport, raw).model_dump_json().encode()
    except strict.Refused as refused:
        places = ", ".join(f"{fault.pointer or '/'} {fault.detail}" for fault in refused.faults[:3])
        raise UnreadableFile(StatementCode.UNPARSABLE, places) from None


def _virtual_accounts(_: Any, raw: bytes) -> Iterator[bytes]:
    from hub.fees.reconciliation.matching import virtual  # noqa: PLC0415 - see above

    try:
        for one in virtual.read(raw):
            yield json.dumps([one.row, one.number, one.reference]).encode()
    except virtual.NotAList as error:
        raise UnreadableFile(StatementCode.UNPARSABLE, str(error)) from None


READERS: Final[Mapping[str, Reader]] = {
    "statements": _statements,
    "sheets": _sheets,
    "payout": _payout,
    "trial": _trial,
    "virtual accounts": _virtual_accounts,
}


def line(row: CellRow) -> bytes:
    """Write a row as a line, for hub.untrusted.files.row_of."""
    return json.dumps([row.number, *map(_json_of, row.cells)]).encode()


_KINDS: Final[tuple[tuple[type[Any], str], ...]] = ((datetime, "datetime"), (date, "date"), (time, "time"))


def _json_of(cell: Cell) -> Any:
    """A cell as JSON; a type that JSON lacks as a pair of its name and its text."""
    if isinstance(cell, timedelta):
        return ["timedelta", cell.total_seconds()]
    for kind, name in _KINDS:
        if isinstance(cell, kind):
            return [name, cell.isoformat()]
    return cell
