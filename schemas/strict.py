"""Messages that check themselves: strict types, no unknown keys, and faults that name their place.

Two passes over the same bytes. The first (schemas.reading) looks at what a model cannot see. The second is pydantic in
strict mode, where ``true`` is not 1 and "12" is not 12. Every fault names its place as a JSON pointer (RFC 6901); none
repeats what was sent, it may be personal.
"""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.faults import Fault, Refused, pointer_of
from schemas.reading import parse

__all__ = ["Fault", "Refused", "Strict", "faults_of", "parse", "pointer_of", "read"]


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
