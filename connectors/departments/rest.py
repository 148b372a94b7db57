"""The REST dialect of departments: our own, published in docs/integrators/departments-rest.md.

What we say is exact. What they say is read with tolerance for more (keys that we do not know are passed over) and none
for other: a missing field, a number for a text, a time without a zone break the contract.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar, get_args, get_origin
from urllib.parse import quote

from pydantic import BaseModel

from config.catalogue import Catalogue, Department
from connectors.errors import ConnectorCode, ContractBroken, Duplicate
from connectors.transport import entries
from connectors.transport.http import Transport
from connectors.transport.http_connection import HttpReply, checked
from schemas import replies
from schemas.custody import WitnessedCheckpoint, WitnessReceipt
from schemas.department import Changes, Handoff, HandoffReceipt, ReadChanges, StatusReport
from schemas.replies import UnreadableEntry
from schemas.settlement import HandedTable, TableReceipt
from schemas.strict import Fault, Refused, Strict


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
        payload = document
        for theirs, ours in self._fields.items():
            taken, payload = _taken_out(payload, ours.split("."))
            if taken is not _NOTHING:
                payload = {**payload, theirs: taken}
        return payload

    def to_ours(self, value: Any) -> Any:
        """What they said, with our names in every object of it."""
        if isinstance(value, list):
            return [self.to_ours(item) for item in value]
        return self._object(value) if isinstance(value, dict) else value

    def _object(self, payload: dict[str, Any]) -> dict[str, Any]:
        document: dict[str, Any] = {}
        for name, item in payload.items():
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


JSON: Final = "application/json"
_NOT_FOUND: Final = 404
_SHOWN: Final = 3
"""faults of a reply that the error's sentence names"""

Model = TypeVar("Model", bound=BaseModel)


class RESTDepartment:
    """A department port over HTTP and JSON. Status codes pass as they are: the table that maps them is the hub's."""

    def __init__(
        self, department: Department, catalogue: Catalogue, url: str, on_sent: Callable[[], None] | None = None
    ) -> None:
        """``url``: the base address. Raises ValueError or OSError where the catalogue names what cannot be used."""
        self._name = department.name
        self._base = url.rstrip("/")
        self._signs = department.signing.signs
        self._transport = Transport(
            department.counterparty,
            timeout=department.timeout_seconds,
            tls=department.tls,
            folder=catalogue.folder,
            on_sent=on_sent,
        )
        self._renames = Renames(department.fields)
        self._headers = {"Accept": JSON}
        if department.secret:
            self._headers["Authorization"] = f"Bearer {catalogue.secret(department.secret)}"

    def submit(self, handoff: Handoff, key: str) -> HandoffReceipt:
        """201, or 200 when it has the dossier under this key; 409 is Duplicate, 422 Rejected."""
        headers = {**self._headers, "Content-Type": JSON, "Idempotency-Key": key}
        reply = self._transport.post(f"{self._base}/dossiers", self.encode(handoff), headers)
        try:
            return self.decode(HandoffReceipt, checked(reply, idempotent=False))
        except Duplicate as duplicate:
            raise Duplicate(duplicate.code, reply=self._receipt_of_the_first(reply)) from None

    def find(self, handoff: Handoff, key: str) -> HandoffReceipt | None:  # noqa: ARG002 - the dossier code is asked for
        """200, or 404 in JSON: a page that says "not found" speaks of an address, not of a dossier."""
        reply = self._ask(f"dossiers/{quote(handoff.dossier_code, safe='')}")
        if reply.status == _NOT_FOUND and "json" in reply.media_type:
            return None
        return self.decode(HandoffReceipt, checked(reply, idempotent=True))

    def changes(self, cursor: str) -> ReadChanges:
        """The reports after ``cursor``, in the department's order. An entry that is none is set aside by itself."""
        reply = checked(self._ask(f"changes?after={quote(cursor, safe='')}"), idempotent=True)
        try:
            page = self.decode(Changes, reply)
        except ContractBroken:
            return self._one_by_one(reply)
        return ReadChanges(reports=page.reports, cursor=page.cursor)

    def entry(self, document: str) -> StatusReport | UnreadableEntry:
        """One entry of a page, by itself."""
        try:
            return self._read(StatusReport, document.encode("utf-8", "surrogateescape"))
        except Refused as refused:
            return UnreadableEntry.entry(document, _places(refused.faults))

    def _one_by_one(self, reply: HttpReply) -> ReadChanges:
        """The page, entry by entry. Raises ContractBroken where it has no list of reports or no cursor."""
        try:
            texts = entries.entries(reply.body, self._renames.theirs("reports"))
            cursor = entries.value(reply.body, self._renames.theirs("cursor"))
            page = replies.read(Changes, {"reports": [], "cursor": cursor})
        except ValueError as error:
            summary = f"HTTP {reply.status} {reply.media_type or 'without a type'} is no page of reports"
            raise ContractBroken(ConnectorCode.CONTRACT, f"{summary}: {type(error).__name__}") from None
        read = [self.entry(text) for text in texts]
        return ReadChanges(
            reports=[one for one in read if isinstance(one, StatusReport)],
            unreadable=[one for one in read if isinstance(one, UnreadableEntry)],
            cursor=page.cursor,
        )

    def witness(self, checkpoint: WitnessedCheckpoint, key: str) -> WitnessReceipt:
        """200 or 201; 422 when the log does not go on from the checkpoint that the department holds."""
        headers = {**self._headers, "Content-Type": JSON, "Idempotency-Key": key}
        body = checkpoint.model_dump_json().encode()
        reply = checked(
            self._transport.post(f"{self._base}/checkpoints", body, headers, idempotent=True), idempotent=True
        )
        return _as_it_stands(WitnessReceipt, reply)

    def settle(self, handed: HandedTable, key: str) -> TableReceipt:
        """200 or 201; 422 when the department does not take the table. Their names of fields are not for tables."""
        headers = {**self._headers, "Content-Type": JSON, "Idempotency-Key": key}
        body = handed.model_dump_json().encode()
        reply = checked(
            self._transport.post(f"{self._base}/settlements", body, headers, idempotent=True), idempotent=True
        )
        receipt = _as_it_stands(TableReceipt, reply)
        if not receipt.is_for(handed.content):
            raise ContractBroken(ConnectorCode.CONTRACT, "the receipt is about another table")
        return receipt

    def check(self) -> str:
        """Asks for the department's health: address, certificate and token."""
        reply = checked(self._ask("health"), idempotent=True)
        return f"{self._name}: HTTP {reply.status}; address, connection and token are accepted"

    def _ask(self, path: str) -> HttpReply:
        return self._transport.get(f"{self._base}/{path}", self._headers)

    def encode(self, handoff: Handoff) -> bytes:
        """What we say for ``handoff``: its JSON without what is unset, under the department's names."""
        if not self._renames:
            return handoff.model_dump_json(exclude_none=True).encode()
        document = handoff.model_dump(mode="json", exclude_none=True)
        return json.dumps(self._renames.to_theirs(document), ensure_ascii=False, separators=(",", ":")).encode()

    def decode(self, model: type[Model], reply: HttpReply) -> Model:
        """What they said as ``model``. Raises ContractBroken, naming the place and never the content."""
        try:
            return self._read(model, reply.body)
        except Refused as refused:
            raise _broken(model, reply, refused.faults) from None

    def _read(self, model: type[Model], body: bytes) -> Model:
        """``body`` under our names as ``model``. Raises Refused."""
        return replies.read(model, self._renames.to_ours(replies.parse(body)))

    def _receipt_of_the_first(self, reply: HttpReply) -> HandoffReceipt | None:
        """The receipt inside a 409, if all of it is there; with the number alone, the hub asks for the rest."""
        self.decode(_Numbered, reply)
        try:
            receipt = self.decode(HandoffReceipt, reply)
        except ContractBroken:
            return None
        return receipt if receipt.signed is not None or not self._signs else None


class _Numbered(Strict):
    """The least that a 409 must say to be about the dossier: under which number the department has it."""

    number: str


def _as_it_stands(model: type[Model], reply: HttpReply) -> Model:
    """What they said as ``model``, where all departments say it under our names. Raises ContractBroken."""
    try:
        return replies.read(model, replies.parse(reply.body))
    except Refused as refused:
        raise _broken(model, reply, refused.faults) from None


def _broken(model: type[BaseModel], reply: HttpReply, faults: list[Fault]) -> ContractBroken:
    what = f"HTTP {reply.status} {reply.media_type or 'without a type'} is no {model.__name__}"
    return ContractBroken(ConnectorCode.CONTRACT, f"{what}: {_places(faults)}")


def _places(faults: list[Fault]) -> str:
    return ", ".join(f"{fault.pointer or '/'} {fault.code}" for fault in faults[:_SHOWN])
