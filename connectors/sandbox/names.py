"""A REST department's own names of fields (the catalogue's [fields]: theirs = ours), from the department's side."""

import json
from collections.abc import Mapping
from typing import Any

from schemas.strict import parse


class PartnerVocabulary:
    """Reads what the hub says under the department's names, and says its own answers under them."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._ours = dict(fields)
        self._theirs = {ours: theirs for theirs, ours in fields.items()}

    def read(self, body: bytes) -> bytes:
        """The hub's document under our names: what stands at its top under a name of theirs goes to our place.

        Raises schemas.strict.Refused for what is no JSON.
        """
        document = parse(body) if self._ours else None
        if not isinstance(document, dict):
            return body
        for theirs, ours in self._ours.items():
            if theirs in document:
                _put(document, ours.split("."), document.pop(theirs))
        return json.dumps(document, ensure_ascii=False).encode()

    def said(self, document: Any) -> Any:
        """An answer under their names, wherever a field of ours stands in it."""
        if isinstance(document, list):
            return [self.said(item) for item in document]
        if not isinstance(document, dict):
            return document
        return {self._theirs.get(name, name): self.said(value) for name, value in document.items()}


def _put(document: dict[str, Any], path: list[str], value: Any) -> None:
    *parents, name = path
    for parent in parents:
        document = document.setdefault(parent, {})
    document[name] = value
