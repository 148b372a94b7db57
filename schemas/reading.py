"""JSON from strangers, as RFC 8259 has it and without surprises hidden in it.

What a model cannot see is looked for here: keys given twice, NaN and numbers that no other reader keeps, depth, NUL
and control characters, text that is not NFC. Every fault names its place; none repeats what was sent.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from schemas.faults import MAX_FAULTS, Fault, Refused, pointer_of
from schemas.text import fault_in

MAX_DEPTH: Final = 32
MAX_DIGITS: Final = 19
"""of an integer: 64 bits, the widest that every reader of JSON keeps"""

_KEY: Final = re.compile(r"[!-~]{1,64}")


def parse(body: bytes, *, texts: bool = True) -> Any:
    """The document in ``body``. Raises Refused; never another exception for bad input.

    Without ``texts`` nobody has looked into its texts: they are what somebody signed, and cleaned where they are used.
    """
    document = load(body)
    if not _is_clean(document, texts=texts):
        raise Refused(list(islice(_faults_in(document, (), texts=texts), MAX_FAULTS)))
    return document


def load(body: bytes) -> Any:
    """The JSON in ``body`` with Unfit and Twice in it where they are. Raises Refused for what is none."""
    try:
        return json.loads(
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
        raise Refused([too_deep(())]) from None


@dataclass(frozen=True, slots=True)
class Unfit:
    """Stands in the parsed document for a number that JSON, or some reader of it, does not have."""

    code: str
    detail: str


class Twice(dict[str, Any]):
    """An object in which some keys stood twice."""

    __slots__ = ("keys_given_twice",)
    keys_given_twice: frozenset[str]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) == len(pairs):
        return document
    twice, counts = Twice(document), Counter(key for key, _ in pairs)
    twice.keys_given_twice = frozenset(key for key, count in counts.items() if count > 1)
    return twice


def _integer(digits: str) -> int | Unfit:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        return Unfit("too_many_digits", f"an integer has at most {MAX_DIGITS} digits")
    return int(digits)


def _fraction(digits: str) -> float | Unfit:
    number = float(digits)
    return number if math.isfinite(number) else Unfit("not_finite", "the number is too large to be held")


def _constant(name: str) -> Unfit:
    return Unfit("not_finite", f"{name} is not a JSON number")


def _is_clean(document: Any, *, texts: bool) -> bool:
    """Whether the document holds no fault: level by level, all of its text in one go. Nearly every document is."""
    keys: set[str] = set()
    strings: list[str] = []
    level = [document]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for value in level:
            kind = type(value)
            if kind is str:
                strings.append(value)
            elif kind is dict:
                keys.update(value)
                below.extend(value.values())
            elif kind is list:
                below.extend(value)
            elif kind is Twice or kind is Unfit:
                return False
        level = below
    return not level and all(map(_KEY.fullmatch, keys)) and not (texts and fault_in("\n".join(strings)))


def _faults_in(value: Any, path: tuple[int | str, ...], *, texts: bool) -> Iterator[Fault]:
    """Every fault with its place: the slower walk, for a document that is known to have one."""
    if len(path) > MAX_DEPTH:
        yield too_deep(path[:MAX_DEPTH])
    elif isinstance(value, Unfit):
        yield Fault(pointer_of(path), value.code, value.detail)
    elif isinstance(value, str):
        if texts and (fault := fault_in(value)):
            yield Fault(pointer_of(path), *fault)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults_in(item, (*path, index), texts=texts)
    elif isinstance(value, dict):
        yield from _faults_in_object(value, path, texts=texts)


def _faults_in_object(value: dict[str, Any], path: tuple[int | str, ...], *, texts: bool) -> Iterator[Fault]:
    if not all(map(_KEY.fullmatch, value)):
        yield Fault(pointer_of(path), "odd_key", "holds a key that is not 1 to 64 visible ASCII characters")
        return
    if isinstance(value, Twice):
        for key in sorted(value.keys_given_twice):
            yield Fault(pointer_of((*path, key)), "duplicate_key", "the key stands twice in one object")
    for key, item in value.items():
        yield from _faults_in(item, (*path, key), texts=texts)


def too_deep(path: tuple[int | str, ...]) -> Fault:
    return Fault(pointer_of(path), "too_deep", f"nested deeper than {MAX_DEPTH} levels")
