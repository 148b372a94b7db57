"""Reading JSON from strangers: strict types, no unknown keys, no surprises hidden in the text.

Two passes over the same bytes. The first looks at what a model cannot see: keys given twice, NaN, depth, NUL and
control characters, text that is not NFC. The second is pydantic in strict mode, where ``true`` is not 1 and "12" is
not 12. Every fault names its place as a JSON pointer (RFC 6901).
"""

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

MAX_DEPTH: Final = 32
MAX_FAULTS: Final = 20
ALLOWED_CONTROLS: Final = frozenset("\t\n\r")


class Strict(BaseModel):
    """A message as it may be said: unknown keys, lax types and later changes are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, str_strip_whitespace=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a document: where (JSON pointer), which rule, and how to mend it."""

    pointer: str
    code: str
    detail: str


class Refused(ValueError):
    """The document is not what it has to be; ``faults`` says where and why (at most 20)."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults[:MAX_FAULTS]
        super().__init__("; ".join(f"{fault.pointer or '/'}: {fault.detail}" for fault in self.faults))


Model = TypeVar("Model", bound=BaseModel)


def read(model: type[Model], body: bytes) -> Model:
    """The document in ``body`` as ``model``. Raises Refused; never another exception for bad input."""
    document = parse(body)
    faults = list(_text_faults(document))
    if faults:
        raise Refused(faults)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Refused(faults_of(error)) from None


def parse(body: bytes) -> Any:
    """JSON as RFC 8259 has it, without the freedoms of Python's parser. Raises Refused."""
    try:
        text = body.decode("utf-8")
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except _Twice as twice:
        raise Refused([Fault("", "duplicate_key", f"the key {twice.key!r} stands twice in one object")]) from None
    except UnicodeDecodeError:
        raise Refused([Fault("", "not_utf8", "the body is not UTF-8")]) from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Refused([Fault("", "not_json", f"the body is not JSON: {reason}")]) from None


def faults_of(error: ValidationError) -> list[Fault]:
    """pydantic's findings as ours; the refused value itself is never repeated, it may be personal."""
    return [
        Fault(pointer_of(found["loc"]), found["type"], found["msg"])
        for found in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def pointer_of(location: tuple[int | str, ...]) -> str:
    """A JSON pointer (RFC 6901) from pydantic's location."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in location)


class _Twice(Exception):  # noqa: N818 - never leaves this file
    def __init__(self, key: str) -> None:
        self.key = key


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Twice(key)
        found[key] = value
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _text_faults(value: Any, path: tuple[int | str, ...] = ()) -> Iterator[Fault]:
    if len(path) > MAX_DEPTH:
        yield Fault(pointer_of(path[:MAX_DEPTH]), "too_deep", f"nested deeper than {MAX_DEPTH} levels")
    elif isinstance(value, str):
        fault = _fault_in_text(value)
        if fault:
            yield Fault(pointer_of(path), *fault)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _text_faults(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _text_faults(item, (*path, key))


def _fault_in_text(text: str) -> tuple[str, str] | None:
    if text.isascii():
        if text.isprintable():
            return None
    elif any("\ud800" <= char <= "\udfff" for char in text):
        return "lone_surrogate", "holds half of a surrogate pair"
    elif not unicodedata.is_normalized("NFC", text):
        return "not_nfc", "Vietnamese text must be sent composed (Unicode NFC)"
    if any(unicodedata.category(char) == "Cc" and char not in ALLOWED_CONTROLS for char in text):
        return "control_character", "holds a control character"
    return None
