"""Bytes as text, in the encoding that the bank is said to use, or not at all."""

import codecs
import unicodedata
from typing import Final

from config.statements import Encoding
from schemas.statement import StatementCode, UnreadableFile

_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text_of(raw: bytes, encoding: Encoding) -> str:
    """A byte-order mark goes before ``encoding``, and is not text. Raises UnreadableFile naming the encoding."""
    name: str = encoding
    if raw.startswith(_UTF_16):
        name = "utf-16"
    elif encoding == "utf-8" or raw.startswith(codecs.BOM_UTF8):
        name = "utf-8-sig"
    try:
        text = raw.decode(name)
    except UnicodeDecodeError:
        raise UnreadableFile(
            StatementCode.UNPARSABLE, f"the file is not in {encoding}, which this bank is said to use"
        ) from None
    if "\0" in text:
        raise UnreadableFile(StatementCode.UNPARSABLE, f"the file holds NUL: it is not text in {encoding}")
    # windows-1258 writes accents behind their letters; everywhere else they are composed.
    return unicodedata.normalize("NFC", text) if encoding == "windows-1258" else text
