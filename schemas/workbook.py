"""A look into a workbook (XLSX) that somebody sends us, before anything is given it to read.

Refused: macros, links to other files, passwords, the old binary format, packages that unfold to more than a table
needs, and formulas where they are not allowed: what they would give now is not what was written.
"""

import io
import zipfile
from typing import Final

from schemas.statement import Code, Unreadable

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


def look_into(raw: bytes, *, formulas: bool = False) -> None:
    """Raises Unreadable for a package that no reader shall be given. ``formulas``: whether cells may be some."""
    if raw.startswith(_OLD):
        raise Unreadable(Code.UNPARSABLE, "the workbook is in the old binary format, or has a password: XLSX is read")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as package:
            _check_members(package, len(raw), formulas=formulas)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError):
        raise Unreadable(Code.UNPARSABLE, "the file breaks off, or is no XLSX workbook") from None


def _check_members(package: zipfile.ZipFile, size: int, *, formulas: bool) -> None:
    members = package.infolist()
    most = min(UNFOLDED, max(size, PIECE) * RATIO)
    if len(members) > MEMBERS or sum(member.file_size for member in members) > most:
        raise Unreadable(Code.UNPARSABLE, "the workbook unfolds to more than a table needs")
    for member in members:
        for part, sentence in _REFUSED.items():
            if part in f"/{member.filename.lower()}":
                raise Unreadable(Code.UNPARSABLE, sentence)
    for member in members:
        _check_content(package, member, formulas=formulas)


def _check_content(package: zipfile.ZipFile, member: zipfile.ZipInfo, *, formulas: bool) -> None:
    """Unfold the member once: its size and checksum are what its header says, and no sheet holds a formula."""
    is_checked = not formulas and member.filename.lower().startswith("xl/worksheets/")
    before = b""
    with package.open(member) as content:
        while piece := content.read(PIECE):
            if is_checked and any(formula in before + piece for formula in _FORMULAS):
                raise Unreadable(Code.UNPARSABLE, "a cell is a formula: have the values exported")
            before = piece[-3:]
