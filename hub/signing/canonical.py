"""Canonical JSON (RFC 8785): one value, one sequence of bytes, in a profile that every reader reads alike.

The profile: keys in ASCII; strings in Unicode's form NFC; integers below 2^53; true, false, null; lists; objects. No
floats: their shortest form is where implementations differ. https://www.rfc-editor.org/rfc/rfc8785
"""

import json
import unicodedata
from typing import Any, Final, NoReturn, TypeVar

from pydantic import BaseModel

from schemas import strict

GREATEST: Final = 2**53 - 1
"""the largest integer that a reader with IEEE 754 doubles keeps exact"""
DEEPEST: Final = 32
"""levels of nested lists and objects"""


Model = TypeVar("Model", bound=BaseModel)


class NotCanonical(ValueError):
    """The value is outside the profile, or the bytes are not canonical. The message never quotes the content."""


def encode(value: Any) -> bytes:
    """Serialise ``value``. Raises NotCanonical for what the profile does not have."""
    _check(value, DEEPEST)
    try:
        # Inside the profile this is RFC 8785's form (a test holds it against another's), ten times as fast.
        return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise NotCanonical("a string that is not Unicode text (half of a surrogate pair)") from None


def decode(data: bytes) -> Any:
    """Parse ``data``. Raises NotCanonical unless ``encode`` gives exactly these bytes for the value."""
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=_object,
            parse_float=_no_float,
            parse_constant=_no_float,
            parse_int=_integer,
        )
    except NotCanonical:
        raise
    except (ValueError, RecursionError):
        raise NotCanonical("not JSON in UTF-8") from None
    if encode(value) != data:
        raise NotCanonical("JSON, but not in its canonical form (RFC 8785)")
    return value


def read(model: type[Model], data: bytes) -> Model:
    """Parse canonical JSON as ``model``. Raises NotCanonical, which names the first faults of JSON in another form."""
    decode(data)
    try:
        return strict.read(model, data)
    except strict.Refused as refused:
        places = ", ".join(f"{fault.pointer or '/'} {fault.code}" for fault in refused.faults[:3])
        raise NotCanonical(f"not a {model.__name__}: {places}") from None


def _check(value: Any, depth: int) -> None:
    kind = type(value)  # exact types: what is signed is plain data, not something that prints like it
    if kind is str:
        if not unicodedata.is_normalized("NFC", value):
            raise NotCanonical("a string that is not in Unicode's form NFC")
    elif kind is int:
        if abs(value) > GREATEST:
            raise NotCanonical("an integer beyond 2^53 - 1")
    elif kind in (list, dict):
        if depth == 0:
            raise NotCanonical(f"more than {DEEPEST} lists and objects inside one another")
        if kind is dict and not all(type(key) is str and key.isascii() for key in value):
            raise NotCanonical("a key that is not ASCII text")
        for part in value.values() if kind is dict else value:
            _check(part, depth - 1)
    elif value is not None and kind is not bool:
        raise NotCanonical(f"a value of a kind that the profile does not have: {kind.__name__}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotCanonical("an object that has a key twice")
    return members


def _integer(digits: str) -> int:
    if len(digits) > len(str(-GREATEST)):
        raise NotCanonical("an integer beyond 2^53 - 1")
    return int(digits)


def _no_float(_: str) -> NoReturn:
    raise NotCanonical("a number that is not an integer")
