"""The package of a workbook (XLSX is a zip of XML parts), looked through as a stream before anything is made of it.

Refused: macros, links to other files, passwords, the old binary format, packages that unfold to more than a table
needs, sheets with a larger area than a table's, and formulas where they are not allowed: what they would give
now is not what was written. ECMA-376 parts 1 (18.3.1.4: cells) and 2 (packages).
"""

import io
import re
import zipfile
import zlib
from collections import Counter
from typing import IO, Final
from xml.parsers import expat

from schemas.statement import StatementCode, UnreadableFile

MEMBERS: Final = 500
UNFOLDED: Final = 256 * 1024 * 1024
"""bytes of all members together"""
RATIO: Final = 200
"""how many times a package may unfold"""
PIECE: Final = 256 * 1024
AREA: Final = 10_000_000
"""cells of the rectangle from A1 to the last cell: a reader allocates all of it, whatever it holds"""
TEXT: Final = 256 * 1024 * 1024
"""characters of all cells together; a shared text counts in each"""
_ROWS: Final = 1_048_576
_COLUMNS: Final = 16_384
_OLD: Final = b"\xd0\xcf\x11\xe0"
_REFUSED: Final = {
    "vbaproject.bin": "the workbook has macros",
    "/externallinks/": "the workbook links to other files",
    "/activex/": "the workbook has controls",
    "/embeddings/": "the workbook has other files in it",
}
_READ: Final = (".xml", ".rels")
"""endings of the parts that say something; pictures are left out"""
_COMPRESSION: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""what a workbook may be packed with (part 2, annex B); others take memory by a word in their header"""
_COUNTS: Final = frozenset({"count", "uniqueCount"})
_DIGITS: Final = 7
"""of the number of texts, formats and so on that a part announces"""
_PLACE: Final = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")


def repacked(raw: bytes, *, formulas: bool) -> bytes:
    """What the workbook says, in a package of our own making: what is read afterwards is what was looked through.

    ``formulas``: whether cells may be some. Raises UnreadableFile.
    """
    if raw.startswith(_OLD):
        raise UnreadableFile(
            StatementCode.UNPARSABLE, "the workbook is in the old binary format, or has a password: XLSX is read"
        )
    repackaged = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as package, zipfile.ZipFile(repackaged, "w") as clean:
            members = package.infolist()
            _check_members(members, len(raw))
            texts = _Texts()
            for member in members:
                if member.filename.lower().endswith(_READ):
                    part = _Part(member.filename, texts, formulas=formulas)
                    with clean.open(member.filename, "w") as copy:
                        _look_through(package, member, copy, part)
            texts.check()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError):
        raise UnreadableFile(StatementCode.UNPARSABLE, "the file breaks off, or is no XLSX workbook") from None
    return repackaged.getvalue()


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    most = min(UNFOLDED, max(size, PIECE) * RATIO)
    if len(members) > MEMBERS or sum(member.file_size for member in members) > most:
        raise UnreadableFile(StatementCode.UNPARSABLE, "the workbook unfolds to more than a table needs")
    for member in members:
        for part, sentence in _REFUSED.items():
            if part in f"/{member.filename.lower()}":
                raise UnreadableFile(StatementCode.UNPARSABLE, sentence)
        if member.compress_type not in _COMPRESSION:
            raise UnreadableFile(
                StatementCode.UNPARSABLE, "a part of the workbook is packed in a way that XLSX does not have"
            )
    if len({member.filename.lower() for member in members}) < len(members):
        raise UnreadableFile(StatementCode.UNPARSABLE, "a part of the workbook is there twice")


def _look_through(package: zipfile.ZipFile, member: zipfile.ZipInfo, copy: IO[bytes], part: "_Part") -> None:
    try:
        with package.open(member) as content:
            while piece := content.read(PIECE):
                part.take(piece)
                copy.write(piece)
    except (zlib.error, zipfile.BadZipFile, EOFError):
        raise UnreadableFile(
            StatementCode.UNPARSABLE, f"{member.filename} does not unfold: the workbook is damaged"
        ) from None
    part.take(b"", last=True)


class _Texts:
    """The shared texts' lengths, and how often each of them stands in a cell."""

    def __init__(self) -> None:
        self.lengths: list[int] = []
        self.used: Counter[int] = Counter()
        self.own = 0
        """characters that stand in the cells themselves"""

    def check(self) -> None:
        """Raises UnreadableFile."""
        shared = sum(
            self.lengths[number] * count for number, count in self.used.items() if 0 <= number < len(self.lengths)
        )
        if shared + self.own > TEXT:
            raise UnreadableFile(
                StatementCode.UNPARSABLE, f"the cells of the workbook hold more than {TEXT} characters"
            )


class _Part:
    """An XML part as it goes by. Names are compared without their namespaces, since readers do so."""

    def __init__(self, name: str, texts: _Texts, *, formulas: bool) -> None:
        self._name = name
        self._texts = texts
        self._formulas = formulas
        self._row = 0
        self._column = 0
        self._farthest = 0
        """the farthest column of a cell with a value"""
        self._before = (0, 0)
        """the last cell with a value"""
        self._in_cell = False
        self._is_shared = False
        self._value: list[str] | None = None
        self._parser = parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text

    def take(self, piece: bytes, *, last: bool = False) -> None:
        """Raises UnreadableFile."""
        try:
            self._parser.Parse(piece, last)
        except expat.ExpatError as error:
            raise UnreadableFile(
                StatementCode.UNPARSABLE, f"{self._name}, line {error.lineno}: the XML is not well-formed"
            ) from None
        except (LookupError, ValueError):
            raise UnreadableFile(
                StatementCode.UNPARSABLE, f"{self._name} is not in an encoding that XLSX has"
            ) from None

    def _doctype(self, *_: object) -> None:
        raise UnreadableFile(StatementCode.UNPARSABLE, f"{self._name} has a DOCTYPE")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        for count in _COUNTS & attributes.keys():
            self._check_count(attributes[count])
        if name == "c":
            self._cell(attributes)
        elif name == "row":
            self._row, self._column = self._number(attributes.get("r"), self._row + 1), 0
        elif name == "si":
            self._texts.lengths.append(0)
        elif self._in_cell and name in ("v", "is"):
            self._filled()
            self._value = [] if name == "v" and self._is_shared else None
        elif self._in_cell and name == "f" and not self._formulas:
            raise UnreadableFile(
                StatementCode.UNPARSABLE, f"{self._position} is a formula: have the values exported", self._row
            )

    def _end(self, tag: str) -> None:
        name = tag.rpartition("}")[2]
        if name == "c":
            self._in_cell = False
        elif name == "v" and self._value is not None:
            number = "".join(self._value).strip()
            self._value = None
            if number.isascii() and number.isdigit() and len(number) <= 9:  # noqa: PLR2004 - an index below 10^9
                self._texts.used[int(number)] += 1

    def _text(self, text: str) -> None:
        if self._value is not None:
            self._value.append(text)
        elif self._in_cell:
            self._texts.own += len(text)
        elif self._texts.lengths:
            self._texts.lengths[-1] += len(text)

    def _check_count(self, count: str) -> None:
        """A reader allocates as many as are announced."""
        digits = count.strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS):
            raise UnreadableFile(StatementCode.UNPARSABLE, f"{self._name} announces more than a table needs")

    def _cell(self, attributes: dict[str, str]) -> None:
        self._in_cell, self._is_shared = True, attributes.get("t") == "s"
        place = attributes.get("r")
        if place is None:
            self._column += 1
            return
        match = _PLACE.fullmatch(place.upper())
        if match is None:
            raise UnreadableFile(
                StatementCode.UNPARSABLE, f"{self._name}: a cell says a place that no sheet has", self._row
            )
        self._column = 0
        for letter in match[1]:
            self._column = self._column * 26 + ord(letter) - ord("A") + 1
        self._row = int(match[2])

    def _filled(self) -> None:
        """The cell has a value: the sheet reaches to it."""
        if (self._row, self._column) <= self._before:
            raise UnreadableFile(
                StatementCode.UNPARSABLE, f"{self._position} does not stand in the order of the sheet", self._row
            )
        self._before = self._row, self._column
        rows, columns = self._row, max(self._farthest, self._column)
        if rows > _ROWS or columns > _COLUMNS or rows * columns > AREA:
            sentence = f"{self._position} is filled: the sheet would take more room than a table needs ({AREA} cells)"
            raise UnreadableFile(StatementCode.UNPARSABLE, sentence, self._row)
        self._farthest = columns

    def _number(self, digits: str | None, otherwise: int) -> int:
        if digits is None:
            return otherwise
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 7):  # noqa: PLR2004 - 1048576 has seven digits
            raise UnreadableFile(
                StatementCode.UNPARSABLE, f"{self._name}: a row says a number that no sheet has", self._row
            )
        return int(digits)

    @property
    def _position(self) -> str:
        letters, column = "", self._column
        while column:
            column, rest = divmod(column - 1, 26)
            letters = chr(ord("A") + rest) + letters
        return f"{self._name}: cell {letters}{self._row}"
