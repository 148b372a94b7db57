"""XLSX as banks export it, read by calamine, which runs nothing in it; a look into the package goes before.

Refused: macros, links to other files, formulas (what they would give now is not what the bank wrote), passwords, the
old binary format, and packages that unfold to more than a statement needs.
"""

import io
import zipfile
from collections.abc import Iterator
from typing import Final

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from config.statements import Table
from connectors.banks.statements import table
from connectors.banks.statements.cells import Row
from schemas.statement import Code, Portion, Unreadable

MEMBERS: Final = 500
UNFOLDED: Final = 256 * 1024 * 1024
"""bytes of all members together"""
RATIO: Final = 200
"""how many times a package may unfold"""
PIECE: Final = 256 * 1024
_OLD: Final = b"\xd0\xcf\x11\xe0"
_REFUSED: Final = {
    "vbaproject.bin": "the workbook has macros",
    "/externallinks/": "the workbook links to other files",
    "/activex/": "the workbook has controls",
    "/embeddings/": "the workbook has other files in it",
}
_FORMULAS: Final = (b"<f>", b"<f ", b"<f/>")


def read(raw: bytes, profile: Table) -> Iterator[Portion]:
    """The statement in ``raw``. Raises Unreadable."""
    _look_into(raw)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(raw)) as book:
            rows = _rows(_sheet(book, profile), profile)
    except (CalamineError, ValueError, OSError):
        raise Unreadable(Code.UNPARSABLE, "the file is no XLSX workbook") from None
    return table.read(rows, profile)


def _sheet(book: CalamineWorkbook, profile: Table) -> CalamineSheet:
    names = book.sheet_names
    if profile.sheet is None and len(names) != 1:
        raise Unreadable(Code.UNPARSABLE, "the workbook has several sheets, and the profile names none")
    if profile.sheet is not None and profile.sheet not in names:
        raise Unreadable(Code.UNPARSABLE, "the workbook has not the sheet that the profile names")
    return book.get_sheet_by_name(profile.sheet or names[0])


def _rows(sheet: CalamineSheet, profile: Table) -> list[Row]:
    most = profile.rows + profile.header_within
    if sheet.total_height > most:
        raise Unreadable(Code.UNPARSABLE, f"the sheet has more than {most} rows")
    return [Row(number, cells) for number, cells in enumerate(sheet.to_python(skip_empty_area=False), 1)]


def _look_into(raw: bytes) -> None:
    """Raises Unreadable for a package that calamine shall not be given."""
    if raw.startswith(_OLD):
        raise Unreadable(Code.UNPARSABLE, "the workbook is in the old binary format, or has a password: XLSX is read")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as package:
            _check_members(package, len(raw))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError):
        raise Unreadable(Code.UNPARSABLE, "the file breaks off, or is no XLSX workbook") from None


def _check_members(package: zipfile.ZipFile, size: int) -> None:
    members = package.infolist()
    most = min(UNFOLDED, max(size, PIECE) * RATIO)
    if len(members) > MEMBERS or sum(member.file_size for member in members) > most:
        raise Unreadable(Code.UNPARSABLE, "the workbook unfolds to more than a statement needs")
    for member in members:
        for part, sentence in _REFUSED.items():
            if part in f"/{member.filename.lower()}":
                raise Unreadable(Code.UNPARSABLE, sentence)
    for member in members:
        _check_content(package, member)


def _check_content(package: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Unfold the member once: its size and checksum are what its header says, and no sheet holds a formula."""
    is_sheet = member.filename.lower().startswith("xl/worksheets/")
    before = b""
    with package.open(member) as content:
        while piece := content.read(PIECE):
            if is_sheet and any(formula in before + piece for formula in _FORMULAS):
                raise Unreadable(Code.UNPARSABLE, "a cell is a formula: have the bank's values exported")
            before = piece[-3:]
