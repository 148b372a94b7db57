"""Which format a file is in, and who reads it: by the file's first bytes, never by its name."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from config.banks import Bank
from config.statements import Statements
from connectors.banks.statements import camt, mt940, table_csv, table_xlsx
from schemas.statement import Code, Format, Portion, Statement, Unreadable, gathered

READERS: Final[Mapping[Format, Callable[[bytes, Any], Iterator[Portion]]]] = {
    "camt": camt.read,
    "mt940": mt940.read,
    "csv": table_csv.read,
    "xlsx": table_xlsx.read,
}
_ZIP: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_SWIFT: Final = (b":20:", b"\n:20:")


def format_of(raw: bytes) -> Format:
    """The format that ``raw`` looks like; whether it is, its reader finds out."""
    if raw.startswith((_ZIP, _OLD_EXCEL)):
        return "xlsx"
    # Of UTF-16 the NULs are left out: what is looked for is ASCII.
    beginning = raw[:65536].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x01")
    if beginning.startswith(b"<"):
        return "camt"
    if beginning.startswith((b"{1:", _SWIFT[0])) or _SWIFT[1] in beginning:
        return "mt940"
    return "csv"


def read(bank: Bank, raw: bytes) -> tuple[Format, list[Statement]]:
    """The format and the statements of a bank's file. Raises Unreadable."""
    format_, found = portions(bank.statements, raw)
    return format_, gathered(found, most=bank.statements.max_entries)


def portions(said: Statements, raw: bytes) -> tuple[Format, Iterator[Portion]]:
    """The format of a file, and its statements by the profile of who writes it, as they are read. Raises Unreadable."""
    format_ = format_of(raw)
    profile = said.profile(format_)
    if len(raw) > said.max_bytes:
        raise Unreadable(Code.UNPARSABLE, f"the file has more than {said.max_bytes} bytes")
    if not raw.strip():
        raise Unreadable(Code.UNPARSABLE, "the file is empty")
    if profile is None:
        raise Unreadable(Code.UNPARSABLE, f"the file looks like {format_}, which this bank is not said to write")
    return format_, READERS[format_](raw, profile)
