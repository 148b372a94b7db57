"""The entries of a page of JSON, each cut out as it stands: one that nobody can read must not hide the others."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

_SPACE: Final = re.compile(r"[ \t\r\n]*")
# Nothing is judged here, and no number is built: an integer of a million digits is the entry's fault, not the page's.
_DECODER: Final = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)


def entries(body: bytes, *path: str) -> list[str]:
    """The text of each element of the list at ``path`` in the object ``body``. Raises ValueError if there is none."""
    text = _text(body)
    at = _place(text, path)
    if at is None:
        raise ValueError(f"no {'.'.join(path)} in it")
    return list(_elements(text, at))


def value(body: bytes, *path: str) -> Any:
    """What stands at ``path`` in the object ``body``, numbers as text; None: nothing. Raises ValueError: no object."""
    text = _text(body)
    at = _place(text, path)
    return None if at is None else _decode(text, at)[0]


def _place(text: str, path: tuple[str, ...]) -> int | None:
    at = 0
    for name in path:
        members = _members(text, at)
        if name not in members:
            return None
        at = members[name]
    return at


def _text(body: bytes) -> str:
    return body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")


def _members(text: str, at: int) -> dict[str, int]:
    """The object that begins at ``at``: name → where its value begins. Of a name that stands twice, the last."""
    at = _after(text, at, "{")
    starts: dict[str, int] = {}
    while not text.startswith("}", at):
        if not text.startswith('"', at):
            raise ValueError("a name is text")
        name, at = _decode(text, at)
        start = _after(text, at, ":")
        _, end = _decode(text, start)
        starts[name] = start
        at = _next(text, end, "}")
    return starts


def _elements(text: str, at: int) -> Iterator[str]:
    at = _after(text, at, "[")
    while not text.startswith("]", at):
        _, end = _decode(text, at)
        yield text[at:end]
        at = _next(text, end, "]")


def _decode(text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _after(text: str, at: int, sign: str) -> int:
    at = _skip(text, at)
    if not text.startswith(sign, at):
        raise ValueError(f"{sign} is missing")
    return _skip(text, at + 1)


def _next(text: str, at: int, closing: str) -> int:
    """Where the next member or element begins, behind its comma; or where ``closing`` stands."""
    at = _skip(text, at)
    return at if text.startswith(closing, at) else _after(text, at, ",")


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()
