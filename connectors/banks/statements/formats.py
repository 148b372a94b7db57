"""Which format a file is in, and who reads it: by the file's first bytes, never by its name."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from config.banks import Bank
from config.statements import Statements, Table
from connectors.banks.statements import camt, mt940, table
from schemas.statement import Format, Portion, Statement, StatementCode, UnreadableFile, gathered

READERS: Final[Mapping[Format, Callable[..., Iterator[Portion]]]] = {
    "camt": camt.read,
    "mt940": mt940.read,
    "csv": table.read_csv,
    "xlsx": table.read_xlsx,
}
_NAMES: Final[Mapping[Format, str]] = {"camt": "XML", "mt940": "SWIFT (MT940)", "csv": "text", "xlsx": "XLSX"}
_ZIP: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_NOT_READ: Final = (
    (re.compile(rb"(?i)<(!doctype\s+html|html|head|meta|table|div|body|style)[\s>]"), "a web page (HTML)"),
    (re.compile(rb"(?i)mime-version:"), "a web page (MHTML)"),
    (re.compile(rb"<\?xml[^>]*>\s*<\?mso-application|<(\w+:)?Workbook[\s>]"), "a table in XML of Excel 2003"),
    (re.compile(rb"%PDF-"), "a PDF"),
    (re.compile(rb"[\[{]\s*[\"\[\]{}]"), "JSON"),
)
"""what banks hand out under a name that ends in .xls or .csv, and how it is called"""
_SWIFT: Final = (b":20:", b"\n:20:")


def format_of(raw: bytes) -> Format:
    """The format that ``raw`` looks like; its reader finds out whether it is. Raises UnreadableFile if none fits."""
    if raw.startswith((_ZIP, _OLD_EXCEL)):
        return "xlsx"
    # Of UTF-16 the NULs are left out: what is looked for is ASCII.
    beginning = raw[:65536].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x01")
    for looks, name in _NOT_READ:
        if looks.match(beginning):
            raise UnreadableFile(
                StatementCode.UNPARSABLE, f"the file is {name}, whatever its name says: export it as XLSX or CSV"
            )
    if beginning.startswith(b"<"):
        return "camt"
    if beginning.startswith((b"{1:", _SWIFT[0])) or _SWIFT[1] in beginning:
        return "mt940"
    return "csv"


def read(bank: Bank, raw: bytes) -> tuple[Format, list[Statement]]:
    """The format and the statements of a bank's file. Raises UnreadableFile."""
    format_, statements = portions(bank.statements, raw)
    return format_, gathered(statements, most=bank.statements.max_entries)


def portions(
    terms: Statements, raw: bytes, on_row: table.RowObserver | None = None
) -> tuple[Format, Iterator[Portion]]:
    """The format of a file, and its statements by its bank's profile, as they are read. Raises UnreadableFile.

    ``on_row`` is told of each row of a table what it was taken for.
    """
    format_ = format_of(raw)
    profile = terms.profile(format_)
    if len(raw) > terms.max_bytes:
        raise UnreadableFile(StatementCode.UNPARSABLE, f"the file has more than {terms.max_bytes} bytes")
    if not raw.strip():
        raise UnreadableFile(StatementCode.UNPARSABLE, "the file is empty")
    if profile is None:
        sentence = f"the file is {_NAMES[format_]}, and the TOML of this bank has no [statements.{format_}]"
        raise UnreadableFile(StatementCode.UNPARSABLE, sentence)
    if isinstance(profile, Table) and on_row is not None:
        return format_, READERS[format_](raw, profile, on_row)
    return format_, READERS[format_](raw, profile)
