"""JSON messages that check themselves: strict types, no unknown keys, and faults that name their place.

Two passes over the same bytes. ``parse`` reads RFC 8259 and finds what a model cannot see: duplicate keys, NaN, numbers
that other readers round, depth, NUL and control characters, text that is not NFC. Then pydantic validates in strict
mode, where ``true`` is not 1 and "12" is not 12. Every fault names its place as a JSON pointer (RFC 6901); none repeats
what was sent, since that may be personal.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.values import fault_in

MAX_FAULTS: Final = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a document: where (JSON pointer), which rule, and how to mend it."""

    pointer: str
    code: str
    detail: str


class Refused(ValueError):
    """The document is not what it has to be; ``faults`` says where and why (at most 20).

    The text names the rules only: a pointer may hold a key that the sender made up.
    """

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults[:MAX_FAULTS]
        super().__init__(", ".join(sorted({fault.code for fault in self.faults})))


def pointer_of(location: tuple[int | str, ...]) -> str:
    """A JSON pointer (RFC 6901) of the place that these steps lead to."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in location)


MAX_DEPTH: Final = 32
MAX_DIGITS: Final = 19
"""of an integer: 64 bits, the widest that every reader of JSON keeps"""

_KEY: Final = re.compile(r"[!-~]{1,64}")


def parse(body: bytes, *, texts: bool = True) -> Any:
    """The document in ``body``. Raises Refused; never another exception for bad input.

    ``texts=False`` leaves its texts unchecked: they are what somebody signed, and are cleaned where they are used.
    """
    document = load(body)
    if not _is_clean(document, texts=texts):
        raise Refused(list(islice(_faults_in(document, (), texts=texts), MAX_FAULTS)))
    return document


def load(body: bytes) -> Any:
    """The JSON in ``body``, with UnfitNumber and DuplicateKeys in the place of what is wrong. Raises Refused."""
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
class UnfitNumber:
    """Stands in the parsed document for a number that JSON, or some reader of it, does not have."""

    code: str
    detail: str


class DuplicateKeys(dict[str, Any]):
    """An object in which some keys stood twice."""

    __slots__ = ("duplicates",)
    duplicates: frozenset[str]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) == len(pairs):
        return document
    twice, counts = DuplicateKeys(document), Counter(key for key, _ in pairs)
    twice.duplicates = frozenset(key for key, count in counts.items() if count > 1)
    return twice


def _integer(digits: str) -> int | UnfitNumber:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        return UnfitNumber("too_many_digits", f"an integer has at most {MAX_DIGITS} digits")
    return int(digits)


def _fraction(digits: str) -> float | UnfitNumber:
    number = float(digits)
    return number if math.isfinite(number) else UnfitNumber("not_finite", "the number is too large to be held")


def _constant(name: str) -> UnfitNumber:
    return UnfitNumber("not_finite", f"{name} is not a JSON number")


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
            elif kind is DuplicateKeys or kind is UnfitNumber:
                return False
        level = below
    return not level and all(map(_KEY.fullmatch, keys)) and not (texts and fault_in("\n".join(strings)))


def _faults_in(value: Any, path: tuple[int | str, ...], *, texts: bool) -> Iterator[Fault]:
    """Every fault with its place: the slower walk, for a document that is known to have one."""
    if len(path) > MAX_DEPTH:
        yield too_deep(path[:MAX_DEPTH])
    elif isinstance(value, UnfitNumber):
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
    if isinstance(value, DuplicateKeys):
        for key in sorted(value.duplicates):
            yield Fault(pointer_of((*path, key)), "duplicate_key", "the key stands twice in one object")
    for key, item in value.items():
        yield from _faults_in(item, (*path, key), texts=texts)


def too_deep(path: tuple[int | str, ...]) -> Fault:
    return Fault(pointer_of(path), "too_deep", f"nested deeper than {MAX_DEPTH} levels")


class Strict(BaseModel):
    """A message as it may be said: unknown keys, lax types and later changes are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, str_strip_whitespace=False)


Model = TypeVar("Model", bound=BaseModel)


def read(model: type[Model], body: bytes) -> Model:
    """The document in ``body`` as ``model``. Raises Refused; never another exception for bad input."""
    parse(body)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Refused(faults_of(error)) from None


def faults_of(error: ValidationError) -> list[Fault]:
    """pydantic's findings as ours; the refused value itself is never repeated, it may be personal."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    return [Fault(pointer_of(each["loc"]), each["type"], _words(each["type"], each["msg"])) for each in errors]


def _words(code: str, message: str) -> str:
    if code == "union_tag_invalid":  # the one message of pydantic that repeats what it was given
        return "is none of the kinds that are known"
    return message.removeprefix("Value error, ")
