"""The [fields] table of a department: their name = our field. Names only; the second wish for more becomes Python."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from schemas.department import Changes, Handoff, HandoffReceipt, StatusReport


class Renames:
    """Two pure functions over JSON objects: from our names to theirs, and back.

    Ours may be dotted (``applicant.identity.number``): the value moves out of its place and stands under their name at
    the top of what we say. In what they say, their name is replaced wherever it stands.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        """Raises ValueError if ``fields`` names a field that we do not have."""
        known = {path for model in (Handoff, HandoffReceipt, StatusReport, Changes) for path in paths(model)}
        for theirs, ours in fields.items():
            if ours not in known:
                raise ValueError(f"[fields] {theirs}: we have no field {ours!r}")
        self._fields = dict(fields)

    def __bool__(self) -> bool:
        return bool(self._fields)

    def theirs(self, ours: str) -> str:
        """Their name of our field ``ours``."""
        return next((name for name, field in self._fields.items() if field == ours), ours)

    def to_theirs(self, document: dict[str, Any]) -> dict[str, Any]:
        """``document`` with its fields under their names. A field that is not there (optional) is left out."""
        said = document
        for theirs, ours in self._fields.items():
            taken, said = _taken_out(said, ours.split("."))
            if taken is not _NOTHING:
                said = {**said, theirs: taken}
        return said

    def to_ours(self, value: Any) -> Any:
        """What they said, with our names in every object of it."""
        if isinstance(value, list):
            return [self.to_ours(item) for item in value]
        return self._object(value) if isinstance(value, dict) else value

    def _object(self, said: dict[str, Any]) -> dict[str, Any]:
        document: dict[str, Any] = {}
        for name, item in said.items():
            _put(document, self._fields.get(name, name).split("."), self.to_ours(item))
        return document


_NOTHING = object()


def _taken_out(document: dict[str, Any], path: list[str]) -> tuple[Any, dict[str, Any]]:
    """The value at ``path``, and a copy of ``document`` without it."""
    name, *rest = path
    if name not in document:
        return _NOTHING, document
    if not rest:
        return document[name], {key: value for key, value in document.items() if key != name}
    if not isinstance(document[name], dict):
        return _NOTHING, document
    taken, remaining = _taken_out(document[name], rest)
    return taken, {**document, name: remaining}


def _put(document: dict[str, Any], path: list[str], value: Any) -> None:
    *parents, name = path
    for parent in parents:
        below = document.setdefault(parent, {})
        if not isinstance(below, dict):
            return  # they also sent the parent, as something else: reading the whole will say so
        document = below
    document[name] = value


def paths(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Every field of ``model`` and of the models in it, dotted; what stands in a list has no place of its own."""
    for name, field in model.model_fields.items():
        yield above + name
        if get_origin(field.annotation) is list:
            continue
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from paths(part, f"{above}{name}.")
