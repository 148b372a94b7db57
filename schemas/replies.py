"""JSON that a partner answers with when it was asked: read with tolerance for more, and none for other.

Nobody at the other end hears a refusal, and one entry must not stop a feed. So a byte order mark is skipped, whatever
we do not know is passed over whole, and texts are cleaned (schemas.text). A number that no reader of JSON keeps, or a
key that stands twice, becomes something that fits no field: where we know the field, that one entry cannot be read.
"""

import json
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from schemas import reading, text
from schemas.faults import Refused
from schemas.strict import faults_of

_BOM: Final = b"\xef\xbb\xbf"

Model = TypeVar("Model", bound=BaseModel)


def parse(body: bytes) -> Any:
    """The document in ``body``, its texts as they were sent. Raises Refused for what is no JSON, or too deep."""
    return _known(reading.load(body.removeprefix(_BOM)), 0)


def cleaned(value: Any) -> Any:
    """The document with its texts cleaned."""
    if isinstance(value, str):
        return text.cleaned(value)
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
    if isinstance(value, reading.Unfit):
        return {}
    if isinstance(value, list | dict) and depth > reading.MAX_DEPTH:
        raise Refused([reading.too_deep(())])
    if isinstance(value, list):
        return [_known(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    twice = value.keys_given_twice if isinstance(value, reading.Twice) else frozenset()
    return {
        key: {} if key in twice else _known(item, depth + 1)
        for key, item in value.items()
        if text.fault_in(key) is None
    }
