"""JSON replies of partners: unknown keys are ignored, anything else that breaks the contract is refused.

Nobody at the other end reads a refusal, and one bad entry must not stop a feed. So a byte order mark is skipped,
unknown keys are dropped, and texts are cleaned (schemas.values). A number out of range or a duplicate key becomes a
value that fits no field, so that only the entry with that field is unreadable (UnreadableEntry).
"""

import hashlib
import json
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, Field, StringConstraints, ValidationError

from schemas import strict, values
from schemas.strict import Refused, Strict, faults_of

_BOM: Final = b"\xef\xbb\xbf"

Model = TypeVar("Model", bound=BaseModel)


def parse(body: bytes) -> Any:
    """The document in ``body``, its texts as they were sent. Raises Refused for what is no JSON, or too deep."""
    return _known(strict.load(body.removeprefix(_BOM)), 0)


def cleaned(value: Any) -> Any:
    """The document with its texts cleaned."""
    if isinstance(value, str):
        return values.cleaned(value)
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    if isinstance(value, dict):
        return {key: cleaned(item) for key, item in value.items()}
    return value


def read(model: type[Model], document: Any) -> Model:
    """A document of ``parse`` as ``model``, cleaned; keys that it does not have are passed over. Raises Refused."""
    try:
        return model.model_validate_json(json.dumps(cleaned(document)), extra="ignore")
    except ValidationError as error:
        raise Refused(faults_of(error)) from None


def _known(value: Any, depth: int) -> Any:
    """``value`` without keys that are no text, and with an empty object for what cannot be held."""
    if isinstance(value, strict.UnfitNumber):
        return {}
    if isinstance(value, list | dict) and depth > strict.MAX_DEPTH:
        raise Refused([strict.too_deep(())])
    if isinstance(value, list):
        return [_known(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    twice = value.duplicates if isinstance(value, strict.DuplicateKeys) else frozenset()
    return {
        key: {} if key in twice else _known(item, depth + 1)
        for key, item in value.items()
        if values.fault_in(key) is None
    }


class UnreadableEntry(Strict):
    """An entry that is not what the contract says. Nothing of it is lost: a person looks at it."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    """the same whenever the entry is read again"""
    document: Annotated[str, Field(max_length=8 * 1024 * 1024)]
    """the entry as it came: the text of its JSON or XML; a byte that is no UTF-8 is written \\xff"""
    why: Annotated[str, StringConstraints(max_length=500)] = ""
    """which rule it breaks, and where; never what it holds"""

    @classmethod
    def entry(cls, document: str, why: str = "", key: str | None = None) -> "UnreadableEntry":
        """``document`` as it was cut out of its page; named by its fingerprint, unless the feed has a ``key`` for it.

        Bytes that are no UTF-8 stand in ``document`` as Python's surrogate escapes.
        """
        raw = document.encode("utf-8", "surrogateescape")
        text = raw.decode("utf-8", "backslashreplace")
        return cls(key=key or f"entry:{hashlib.sha256(raw).hexdigest()}", document=text, why=why[:500])
