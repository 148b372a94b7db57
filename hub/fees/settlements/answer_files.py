"""A department's answer as a file: the lines that it disputes, and why. An empty answer confirms the whole table.

The file is a list of its own with the columns Số dòng and Lý do, or our workbook, filled in on its sheet Chênh lệch.
Text anywhere else in our workbook would be lost silently, so such a workbook is refused.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hub.fees.settlements import sheet as words
from hub.fees.settlements.department_files import BadFile, Block, Sheet, blocks
from hub.locale import vi
from schemas.cells import CellRow, labelled, written
from schemas.settlement import DisputedLine

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")
_LONGEST: Final = 1000
"""characters of a reason (schemas.settlement.Words)"""
_AGAIN: Final = vi("take the month's workbook anew (hub fee table) and fill it in again")
_HERE: Final = vi(
    "write into «{number}, {reason}» at the end of sheet «{sheet}»",
    number=words.NUMBER,
    reason=words.REASON,
    sheet=words.DIFFERENCES,
)


@dataclass(frozen=True, slots=True)
class AnsweredTable:
    """The table that the file names as the one that it answers."""

    settlement_id: str | None
    sha256: str | None
    is_ours: bool
    """whether it is our workbook"""

    def check_digest(self, sha256: str) -> None:
        """Raises BadFile where the file was made from a table with another digest."""
        if self.sha256 is not None and self.sha256.lower() != sha256:
            problem = vi("{digest} is not of the table in force ({sha256}…)", digest=words.DIGEST, sha256=sha256[:16])
            raise BadFile(words.SOURCE if self.is_ours else words.DIGEST, problem, _AGAIN)


def named(sheets: Sequence[Sheet]) -> AnsweredTable:
    """The table id and digest beside their labels, on any sheet. Raises BadFile where our workbook lacks one."""
    rows = [row for sheet in sheets for row in sheet.rows]
    settlement_id, sha256 = (
        next((value for row in rows if (value := labelled(row, name))), None) for name in (words.TABLE_ID, words.DIGEST)
    )
    is_ours = any(sheet.name == words.DIFFERENCES for sheet in sheets)
    if is_ours and (settlement_id is None or sha256 is None):
        raise BadFile(
            words.SOURCE,
            vi("«{table_id}» or «{digest}» is missing", table_id=words.TABLE_ID, digest=words.DIGEST),
            _AGAIN,
        )
    return AnsweredTable(settlement_id, sha256, is_ours)


def disputed(sheets: Sequence[Sheet], numbers: Container[int]) -> tuple[DisputedLine, ...]:
    """The disputed lines, by number. ``numbers``: the table's. Raises BadFile."""
    block = _answer(sheets)
    disputed_lines: dict[int, DisputedLine] = {}
    for row in block.rows:
        number, reason = (written(block.cell(row, name)) for name in (words.NUMBER, words.REASON))
        if not number and not reason:
            continue
        if not _NUMBER.fullmatch(number):
            problem = (
                vi("«{column}» is empty", column=words.NUMBER)
                if not number
                else vi("«{number}» is not the number of a line", number=words.NUMBER)
            )
            raise BadFile(
                block.place(row, words.NUMBER),
                problem,
                vi("write the number from column Line number of the table, such as 17"),
            )
        if int(number) not in numbers:
            raise BadFile(
                block.place(row, words.NUMBER),
                vi("the table has no line {number}", number=number),
                vi("correct the number, or delete this row"),
            )
        if int(number) in disputed_lines:
            raise BadFile(
                block.place(row, words.NUMBER),
                vi("line {number} stands above already", number=number),
                vi("put the reasons into one row"),
            )
        disputed_lines[int(number)] = DisputedLine(number=int(number), reason=_reason(block, row, reason))
    return tuple(disputed_lines[number] for number in sorted(disputed_lines))


def check_untouched(sheets: Sequence[Sheet], ours: Sequence[Sheet]) -> None:
    """Raises BadFile where the workbook differs from ``ours``, as it was sent, outside the answer.

    Rows may have been sorted.
    """
    came = {sheet.name: sheet for sheet in sheets}
    block = _answer(sheets)
    for sheet in ours:
        if sheet.name not in came:
            raise BadFile(sheet.name, vi("this sheet is missing"), _AGAIN)
        left = Counter(_texts(row) for row in _printed(sheet, _answer(ours)))
        for row in _printed(came[sheet.name], block):
            if not left[_texts(row)]:
                raise BadFile(
                    _changed(came[sheet.name], row, sheet),
                    vi("differs from the workbook that was sent"),
                    vi("{here}, or {again}", here=_HERE, again=_AGAIN),
                )
            left[_texts(row)] -= 1
        if lost := next((texts for texts, count in left.items() if count), None):
            raise BadFile(
                sheet.name, vi("the row that begins with «{label}» is missing", label=next(filter(None, lost))), _AGAIN
            )
    for row in block.rows:
        for column, cell in enumerate(row.cells):
            if written(cell) and column not in block.columns.values():
                raise BadFile(block.sheet.place(row, column), vi("text outside the two columns of the answer"), _HERE)


def as_csv(settlement_id: str, sha256: str, lines: Mapping[int, str]) -> bytes:
    """An answer that disputes ``lines``, number → reason, as a spreadsheet in Vietnam opens it."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=";")
    writer.writerow((words.TABLE_ID, settlement_id))
    writer.writerow((words.DIGEST, sha256))
    writer.writerow((words.NUMBER, words.REASON))
    writer.writerows(sorted(lines.items()))
    return buffer.getvalue().encode("utf-8-sig")


def _answer(sheets: Sequence[Sheet]) -> Block:
    answers = blocks(sheets, (words.NUMBER, words.REASON))
    if not answers:
        fix = vi("add a heading row with these two columns; our workbook: {again}", again=_AGAIN)
        raise BadFile(
            "", vi("no row has both columns «{number}» and «{reason}»", number=words.NUMBER, reason=words.REASON), fix
        )
    if len(answers) > 1:
        names = ", ".join(f"«{block.sheet.name}»" for block in answers)
        raise BadFile("", vi("there are answers on several sheets: {names}", names=names), vi("leave one sheet"))
    return answers[0]


def _reason(block: Block, row: CellRow, reason: str) -> str:
    place = block.place(row, words.REASON)
    if not reason:
        raise BadFile(
            place,
            vi("«{column}» is empty", column=words.REASON),
            vi("write why it is disputed, or delete the line's number"),
        )
    if len(reason) > _LONGEST:
        raise BadFile(
            place,
            vi("«{reason}» is longer than {most} characters", reason=words.REASON, most=_LONGEST),
            vi("write less, and send the rest in writing"),
        )
    return reason


def _printed(sheet: Sheet, block: Block) -> Sequence[CellRow]:
    """The sheet's rows that are not blank, without the answer."""
    last = block.heading.number if sheet is block.sheet else None
    return [row for row in sheet.rows if not row.is_blank and (last is None or row.number <= last)]


def _texts(row: CellRow) -> tuple[str, ...]:
    cells = [written(cell) for cell in row.cells]
    while cells and not cells[-1]:
        cells.pop()
    return tuple(cells)


def _changed(sheet: Sheet, row: CellRow, ours: Sheet) -> str:
    """The place where the row differs from ours with its number; the row alone where more than one cell does."""
    before = next((_texts(one) for one in ours.rows if one.number == row.number), ())
    now = _texts(row)
    longest = max(len(before), len(now))
    differs = [
        column
        for column in range(longest)
        if (before[column] if column < len(before) else "") != (now[column] if column < len(now) else "")
    ]
    return sheet.place(row, differs[0] if len(differs) == 1 else None)
