"""Workbooks (XLSX) that somebody sends us: looked through first, then read by calamine, which runs nothing in them.

Whatever is wrong with one is Unreadable and names its part, and its cell where there is one.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Self

from python_calamine import CalamineError, CalamineWorkbook

from schemas.cells import CellRow
from schemas.statement import StatementCode, UnreadableFile
from schemas.workbook_package import repacked

_PANIC: Final = "pyo3_runtime"
"""the module of what calamine raises where it meant never to come; no Exception, and cannot be imported"""


class Workbook:
    """A workbook that is being read."""

    def __init__(self, raw: bytes, *, formulas: bool = False) -> None:
        """``formulas``: whether cells may be some; then they say what was calculated last. Raises UnreadableFile."""
        package = repacked(raw, formulas=formulas)
        with _read():
            self._book = CalamineWorkbook.from_filelike(io.BytesIO(package))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._book.close()

    @property
    def names(self) -> Sequence[str]:
        """Of its sheets."""
        return self._book.sheet_names

    def rows(self, name: str, most: int) -> list[CellRow]:
        """The rows of a sheet, the empty ones too. Raises UnreadableFile, also where there are more than ``most``."""
        with _read():
            sheet = self._book.get_sheet_by_name(name)
            if sheet.total_height > most:
                raise UnreadableFile(StatementCode.UNPARSABLE, f"the sheet has more than {most} rows")
            return [CellRow(number, cells) for number, cells in enumerate(sheet.to_python(skip_empty_area=False), 1)]


@contextmanager
def _read() -> Iterator[None]:
    try:
        yield
    except UnreadableFile:
        raise
    except (CalamineError, ValueError, OSError, LookupError, ArithmeticError):
        raise UnreadableFile(StatementCode.UNPARSABLE, "the file is no XLSX workbook") from None
    except BaseException as error:
        if type(error).__module__ != _PANIC:
            raise
        raise UnreadableFile(StatementCode.UNPARSABLE, "the workbook breaks its reader") from None
