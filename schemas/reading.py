"""JSON from strangers, as RFC 8259 has it and without surprises hidden in it.

What a model cannot see is looked for here: keys given twice, NaN and numbers that no other reader keeps, depth, NUL
and control characters, text that is not NFC. Every fault names its place; none repeats what was sent.
"""

import json
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from schemas.faults import MAX_FAULTS, Fault, Refused, pointer_of

MAX_DEPTH: Final = 32
MAX_DIGITS: Final = 19
"""of an integer: 64 bits, the widest that every reader of JSON keeps"""

_KEY: Final = re.compile(r"[!-~]{1,64}")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
"""C0 and C1 but for tab and line ends; line separators; what turns the direction of writing around; a stray BOM."""


def parse(body: bytes) -> Any:
    """The document in ``body``. Raises Refused; never another exception for bad input."""
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_fraction,
            parse_constant=_constant,
        )
    except UnicodeDecodeError:
        raise Refused([Fault("", "not_utf8", "the body is not UTF-8")]) from None
    except json.JSONDecodeError as error:
        raise Refused([Fault("", "not_json", f"the body is not JSON: {error}")]) from None
    except RecursionError:
        raise Refused([_too_deep(())]) from None
    if not _is_clean(document):
        raise Refused(list(islice(_faults_in(document, ()), MAX_FAULTS)))
    return document


@dataclass(frozen=True, slots=True)
class _Unfit:
    """Stands in the parsed document for a number that JSON, or some reader of it, does not have."""

    code: str
    detail: str


class _Twice(dict[str, Any]):
    """An object in which ``key`` stood twice."""

    __slots__ = ("key",)
    key: str


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice, seen = _Twice(found), set[str]()
    for key, _ in pairs:
        if key in seen:
            twice.key = key
            break
        seen.add(key)
    return twice


def _integer(digits: str) -> int | _Unfit:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        return _Unfit("too_many_digits", f"an integer has at most {MAX_DIGITS} digits")
    return int(digits)


def _fraction(digits: str) -> float | _Unfit:
    number = float(digits)
    return number if math.isfinite(number) else _Unfit("not_finite", "the number is too large to be held")


def _constant(name: str) -> _Unfit:
    return _Unfit("not_finite", f"{name} is not a JSON number")


def _is_clean(document: Any) -> bool:
    """Whether the document holds no fault: level by level, all of its text in one go. Nearly every document is."""
    keys: set[str] = set()
    texts: list[str] = []
    level = [document]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for value in level:
            kind = type(value)
            if kind is str:
                texts.append(value)
            elif kind is dict:
                keys.update(value)
                below.extend(value.values())
            elif kind is list:
                below.extend(value)
            elif kind is _Twice or kind is _Unfit:
                return False
        level = below
    return not level and all(map(_KEY.fullmatch, keys)) and _fault_in_text("\n".join(texts)) is None


def _faults_in(value: Any, path: tuple[int | str, ...]) -> Iterator[Fault]:
    """Every fault with its place: the slower walk, for a document that is known to have one."""
    if len(path) > MAX_DEPTH:
        yield _too_deep(path[:MAX_DEPTH])
    elif isinstance(value, _Unfit):
        yield Fault(pointer_of(path), value.code, value.detail)
    elif isinstance(value, str):
        if fault := _fault_in_text(value):
            yield Fault(pointer_of(path), *fault)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults_in(item, (*path, index))
    elif isinstance(value, dict):
        yield from _faults_in_object(value, path)


def _faults_in_object(value: dict[str, Any], path: tuple[int | str, ...]) -> Iterator[Fault]:
    if not all(map(_KEY.fullmatch, value)):
        yield Fault(pointer_of(path), "odd_key", "holds a key that is not 1 to 64 visible ASCII characters")
        return
    if isinstance(value, _Twice):
        yield Fault(pointer_of((*path, value.key)), "duplicate_key", "the key stands twice in one object")
    for key, item in value.items():
        yield from _faults_in(item, (*path, key))


def _too_deep(path: tuple[int | str, ...]) -> Fault:
    return Fault(pointer_of(path), "too_deep", f"nested deeper than {MAX_DEPTH} levels")


def _fault_in_text(text: str) -> tuple[str, str] | None:
    if _CONTROL.search(text):
        return "control_character", "holds a control character"
    if text.isascii():
        return None
    if _SURROGATE.search(text):
        return "lone_surrogate", "holds half of a surrogate pair"
    if not unicodedata.is_normalized("NFC", text):
        return "not_nfc", "Vietnamese text must be sent composed (Unicode NFC)"
    return None
