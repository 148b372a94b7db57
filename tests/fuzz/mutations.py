"""Ways to spoil a file, by what it is made of: bytes, words, XML elements, JSON values, a zip's members.

Every choice comes from one Random: a seed gives the same file again, and Hypothesis can play the Random.
"""

import io
import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random
from typing import Any, Final

from lxml import etree

Mutation = Callable[[bytes, Random], bytes]

NUMBERS: Final = (
    "0", "-0", "-1", "1", "00", "1.5", "1,5", "1e400", "-1e-400", "NaN", "Infinity", "9" * 15, "9" * 16, "9" * 19,
    "9" * 400, "0x10", "１２", "٣", "1 000", "1.000.000", "1,000,000.00", "+5", "--5", "(5)", "5-", "1_000", "2**53",
    "9007199254740993", "99999999999999999999999999,99",
)  # fmt: skip
DAYS: Final = (
    "0001-01-01", "9999-12-31", "2099-11-24", "1900-02-29", "2026-02-30", "0000-00-00", "24/11/2026", "24/11/0001",
    "31/12/9999", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-18:00", "2026-11-24T24:00:00",
    "2026-11-24T10:00:00+25:00",    "261131", "991231", "000000", "2026-W48-1", "20261124",
)  # fmt: skip
TEXTS: Final = (
    "", " ", "\x00", "\x01", "\x1b[2J", "\x7f", "\x85", "\u2028", "\ufeff", "\ufffe", "\uffff", "\u202e", "\u200b",
    "e\u0302\u0301", "Ệ", "😀", "\U0010ffff", "x" * 11_000, "=1+1", "'0012", '="0012"', '"', ";", ",", "\t", "\n", "\r",
    ":20:", ":61:", ":86:", ":62F:", "-", "-}", "{1:", "<", "&amp;", "]]>", "NOTPROVIDED", "//", "/", "\\", "%s", "{}",
    "VND", "USD", "XXX", "CRDT", "DBIT", "true", "null", "Số dư cuối kỳ", "Tổng cộng", "Lý do", "Số dòng", "_x0000_",
    "_xD800_",
)  # fmt: skip
LURES: Final = (*NUMBERS, *DAYS, *TEXTS)
_WORD: Final = re.compile(rb"[0-9A-Za-z\xc0-\xff]+|[^0-9A-Za-z\xc0-\xff]")
_LONGEST: Final = 256 * 1024
"""bytes of a file that is spoilt further"""


def spoilt(raw: bytes, ways: Sequence[Mutation], random: Random) -> bytes:
    """``raw`` after one to six changes, mostly few."""
    for _ in range(1 + min(random.randrange(6), random.randrange(6))):
        if len(raw) < _LONGEST:
            raw = random.choice(ways)(raw, random)
    return raw


def _span(size: int, random: Random) -> tuple[int, int]:
    start = random.randrange(size + 1)
    return start, min(size, start + (1 << random.randrange(10)))


def some_bytes(raw: bytes, random: Random) -> bytes:
    """Flipped, cut, doubled, overwritten."""
    start, end = _span(len(raw), random)
    way = random.randrange(6)
    if way == 0 and raw:
        at = min(start, len(raw) - 1)
        return raw[:at] + bytes([raw[at] ^ 1 << random.randrange(8)]) + raw[at + 1 :]
    if way == 1:
        return raw[:start]
    if way == 2:
        return raw[:start] + raw[end:]
    if way == 3:
        return raw[:end] + raw[start:]
    if way == 4:
        return raw[:start] + bytes([random.randrange(256)]) * (end - start) + raw[end:]
    return raw[:start] + random.choice(LURES).encode() + raw[end:]


def some_der(raw: bytes, random: Random) -> bytes:
    """A value of DER under another tag, with another length, dropped, doubled, emptied, or in the place of another."""
    values = _values(raw)
    if not values:
        return some_bytes(raw, random)
    start, body, end = random.choice(values)
    other_start, _, other_end = random.choice(values)
    tag, content = raw[start : start + 1], raw[body:end]
    way = random.randrange(7)
    if way == 0:
        new = random.choice((b"\x02", b"\x03", b"\x04", b"\x06", b"\x17", b"\x30", b"\x31", b"\xa0", b"\x1f", b"\x00"))
        return raw[:start] + new + raw[start + 1 :]
    replacements = {
        1: tag + random.choice((b"\x80", b"\x84\xff\xff\xff\xff", b"\x81\x01", b"\x00")) + content,
        2: b"",
        3: raw[start:end] * random.choice((2, 40)),
        4: tag + b"\x00",
        5: raw[other_start:other_end],
        6: tag + b"\x80" + content + b"\x00\x00",
    }
    return _spliced(raw, start, end, replacements[way])


def _values(raw: bytes, at: int = 0, until: int | None = None) -> list[tuple[int, int, int]]:
    """(tag, content, end) of every value, the constructed ones' members too, as far as it is DER with short tags."""
    values: list[tuple[int, int, int]] = []
    until = len(raw) if until is None else until
    while at + 2 <= until:
        size, body = raw[at + 1], at + 2
        if size > 0x80:
            body += size - 0x80
            size = int.from_bytes(raw[at + 2 : body])
        if body + size > until:
            break
        values.append((at, body, body + size))
        if raw[at] & 0x20:
            values += _values(raw, body, body + size)
        at = body + size
    return values


def _spliced(raw: bytes, start: int, end: int, new: bytes) -> bytes:
    """``new`` in place of a value, and the lengths of what holds it set right, so that a reader gets so far."""
    holders = [value for value in _values(raw) if value[0] < start and end <= value[2]]
    raw = raw[:start] + new + raw[end:]
    change = len(new) - (end - start)
    for at, body, close in reversed(holders):
        length = close + change - body
        size = length.to_bytes(max(1, (length.bit_length() + 7) // 8), "big")
        head = raw[at : at + 1] + (size if length < 0x80 else bytes([0x80 | len(size)]) + size)
        raw = raw[:at] + head + raw[body:]
        change += len(head) - (body - at)
    return raw


def some_words(raw: bytes, random: Random) -> bytes:
    """A word replaced, dropped, doubled, or exchanged with another one."""
    words = _WORD.findall(raw)
    if not words:
        return raw
    one, other = random.randrange(len(words)), random.randrange(len(words))
    way = random.randrange(5)
    if way <= 1:
        words[one] = random.choice(LURES).encode()
    elif way == 2:
        words[one] = b""
    elif way == 3:
        words[one] *= 1 << random.randrange(8)
    else:
        words[one], words[other] = words[other], words[one]
    return b"".join(words)


def some_lines(raw: bytes, random: Random) -> bytes:
    """A line dropped, doubled, moved, or glued to the next one."""
    lines = raw.split(b"\n")
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    way = random.randrange(4)
    if way == 0:
        del lines[one]
    elif way == 1:
        lines.insert(other, lines[one])
    elif way == 2:
        lines.insert(other, lines.pop(one))
    elif one + 1 < len(lines):
        lines[one : one + 2] = [lines[one] + lines[one + 1]]
    return b"\n".join(lines)


def another_encoding(raw: bytes, random: Random) -> bytes:
    """The same text in an encoding that nobody has said."""
    text = raw.decode("utf-8", "replace")
    name = random.choice(("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1258", "utf-7"))
    return text.encode(name, "replace")


def some_elements(raw: bytes, random: Random) -> bytes:
    """An XML element dropped, doubled, moved, emptied, renamed, wrapped; its text or an attribute replaced."""
    try:
        root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False))
    except (etree.XMLSyntaxError, ValueError):
        return some_words(raw, random)
    nodes = [node for node in root.iter() if isinstance(node.tag, str)]
    node, other = random.choice(nodes), random.choice(nodes)
    _change(node, other, random)
    written = etree.tostring(root, encoding=random.choice(("UTF-8", "UTF-8", "UTF-8", "UTF-16", "US-ASCII")))
    assert isinstance(written, bytes)
    return written


def _change(node: Any, other: Any, random: Random) -> None:
    way, parent = random.randrange(8), node.getparent()
    try:
        if way == 0 and parent is not None:
            parent.remove(node)
        elif way == 1 and parent is not None:
            copied = deepcopy(node)
            copied.tail = None
            parent.insert(random.randrange(len(parent) + 1), copied)
        elif way == 2 and node not in other.iterancestors() and node is not other:
            other.append(node)
        elif way == 3:
            node.tag = other.tag
        elif way == 4:
            node.clear()
        elif way == 5 and node.attrib:
            node.set(random.choice(sorted(node.attrib)), random.choice(LURES))
        elif way == 6:
            node.set(random.choice(("r", "t", "s", "Ccy", "ref", "count")), random.choice(LURES))
        else:
            node.text = random.choice(LURES)
    except ValueError:  # XML cannot hold that text, or a tree cannot hold itself
        node.text = "?"


def some_values(raw: bytes, random: Random) -> bytes:
    """A JSON value replaced, dropped, doubled, wrapped, or put in another's place."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return some_words(raw, random)
    places = list(_places(document))
    if not places:
        return random.choice((b"", b"null", b"[]", b"[" * 5000, b'{"a":' * 5000, b"1e999"))
    holder, key = random.choice(places)
    source, name = random.choice(places)
    way = random.randrange(6)
    if way == 0:
        del holder[key]
    elif way == 1:
        holder[key] = source[name]
    elif way == 2 and isinstance(holder, list):
        holder *= 2
    elif way == 3:
        holder[key] = random.choice(([], {}, None, True, 0, -1, 1.5, 2**63, 2**80, 1e308, float("inf"), "\ud800"))
    elif way == 4 and isinstance(holder, dict):
        holder[random.choice(LURES)] = holder[key]
    else:
        holder[key] = random.choice(LURES)
    try:
        return json.dumps(document, ensure_ascii=bool(random.randrange(2))).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):  # a value that was put into itself
        return raw


def _places(value: Any) -> list[tuple[Any, Any]]:
    places: list[tuple[Any, Any]] = []
    pending = [value]
    while pending:
        holder = pending.pop()
        if isinstance(holder, dict | list):
            keys = list(holder) if isinstance(holder, dict) else range(len(holder))
            places += [(holder, key) for key in keys]
            pending += [holder[key] for key in keys]
    return places


def members_of(raw: bytes) -> list[tuple[str, bytes]]:
    """The members of a zip; none where it cannot be read any more."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as package:
            return [(name, package.read(name)) for name in package.namelist()]
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, ValueError, RuntimeError, EOFError):
        return []


def in_a_member(ways: Sequence[Mutation]) -> Mutation:
    """A member of a zip spoilt by one of ``ways``, dropped, renamed, or doubled; packed again in some way."""

    def change(raw: bytes, random: Random) -> bytes:
        members = members_of(raw)
        if not members:
            return some_bytes(raw, random)
        sheets = [at for at, (name, _) in enumerate(members) if "sheet" in name or "sharedStrings" in name]
        at = random.choice(sheets) if sheets and random.randrange(3) else random.randrange(len(members))
        name, content = members[at]
        way = random.randrange(12)
        if way == 0:
            del members[at]
        elif way == 1:
            members[at] = (
                random.choice(("xl/vbaProject.bin", "../x", "x" * 300, "XL/Workbook.xml", name + "/")),
                content,
            )
        elif way == 2:
            members[at] = random.choice(members)[0], content
        else:
            members[at] = name, random.choice(ways)(content, random)
        return _packed(members, random)

    return change


def _packed(members: Sequence[tuple[str, bytes]], random: Random) -> bytes:
    archive = io.BytesIO()
    odd = random.choice((zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)) if random.randrange(50) == 0 else zipfile.ZIP_STORED
    with zipfile.ZipFile(archive, "w") as package:
        for name, content in dict(members).items():
            package.writestr(zipfile.ZipInfo(name), content, random.choice((zipfile.ZIP_DEFLATED, odd)))
    return archive.getvalue()
