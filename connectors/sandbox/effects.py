"""The effect file of a counterparty: what it has accepted, synced to disk before it replies.

It is the independent witness: a test compares it with what callers were told and with what the hub's audit log says.
"""

import asyncio
import base64
import hashlib
import json
import os
import unicodedata
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import rfc8785
from pydantic import AwareDatetime, Field, TypeAdapter

from schemas import strict
from schemas.department import Handoff
from schemas.handoff import HandoffRecord
from schemas.strict import Strict


class EvidenceMismatch(Exception):
    """The signed record is about something else than the message that it came in; the text says what."""


class HandoffEvidence(Strict):
    """What of the record the department's own records name."""

    id: str
    record: str
    """SHA-256 of the record's bytes"""
    log: str
    leg: int
    centre: str
    personal: str
    due_at: AwareDatetime


def evidence_in(handoff: Handoff) -> HandoffEvidence | None:
    """None where nothing is signed. Raises EvidenceMismatch, and schemas.strict.Refused for what is no record."""
    if handoff.signed is None:
        return None
    data = base64.b64decode(handoff.signed.record)
    record = strict.read(HandoffRecord, data)
    if rfc8785.dumps(json.loads(data)) != data:
        raise EvidenceMismatch("the record is not in its canonical form")
    if (record.id, record.dossier, record.leg) != (handoff.id, handoff.dossier_code, handoff.leg):
        raise EvidenceMismatch("the record is about another handoff")
    if [(paper.code, paper.size, paper.sha256) for paper in handoff.papers] != [
        (document.code, document.size, document.sha256) for document in record.documents
    ]:
        raise EvidenceMismatch("the record lists other documents")
    if handoff.signed.salt is not None and _personal(handoff, handoff.signed.salt) != record.personal:
        raise EvidenceMismatch("the record was signed for other personal data")
    return HandoffEvidence(
        id=record.id,
        record=hashlib.sha256(data).hexdigest(),
        log=record.log,
        leg=record.leg,
        centre=record.giver.agency,
        personal=record.personal,
        due_at=record.due_at,
    )


def _personal(handoff: Handoff, salt: str) -> str:
    """docs/integrators/departments-rest.md: SHA-256(salt ‖ canonical JSON of applicant, result and summary)."""
    document = handoff.model_dump(mode="json", include={"applicant", "result", "summary"}, exclude_none=True)
    return hashlib.sha256(base64.b64decode(salt) + rfc8785.dumps(_nfc(document))).hexdigest()


def _nfc(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _nfc(part) for key, part in value.items()}
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


class DurableLines:
    """``append`` returns when the line is synced. Lines that arrive during a sync share the next one (group commit).

    ``loaded`` holds the lines that were there. A torn last line (a crash while writing) is cut off: nobody was told
    that it is kept.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.loaded, self._size = _whole_lines(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._file, self._size)
        _sync_folder(path.parent)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._flusher: asyncio.Task[None] | None = None

    async def append(self, line: str) -> None:
        """Raises OSError when the disk does not take the line; the file is then as before."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((line.encode() + b"\n", written))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        await written

    def close(self) -> None:
        os.close(self._file)

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            failure: OSError | None = None
            try:
                await asyncio.to_thread(self._write, b"".join(line for line, _ in batch))
            except OSError as error:
                failure = error
            for _, written in batch:
                if written.cancelled():
                    continue
                if failure is None:
                    written.set_result(None)
                else:
                    written.set_exception(failure)

    def _write(self, data: bytes) -> None:
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)


def _whole_lines(path: Path) -> tuple[list[str], int]:
    """The complete lines of the file, and how many bytes they take."""
    if not path.exists():
        return [], 0
    whole, newline, _torn = path.read_bytes().rpartition(b"\n")
    return (whole.decode().split("\n"), len(whole) + len(newline)) if newline else ([], 0)


def _sync_folder(folder: Path) -> None:
    """So that the file's name survives a power cut too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Submitted(Strict):
    """A department has taken a dossier."""

    effect: Literal["submitted"] = "submitted"
    at: AwareDatetime
    counterparty: str
    key: str
    """the idempotency key of the hand-over that it took; for a dialect without keys, the handoff's id"""
    dossier_code: str
    handoff_id: str
    leg: int
    procedure: str
    number: str
    """the department's own number"""
    digest: str
    """SHA-256 of the handoff, so that one key cannot stand for two contents"""
    handed: HandoffEvidence | None = None
    """of the hub's signed record, if it came with one"""


class Noticed(Strict):
    """A portal endpoint has taken a notice."""

    effect: Literal["notice"] = "notice"
    at: AwareDatetime
    counterparty: str
    key: str
    """the webhook-id"""
    dossier_code: str
    submission_id: str
    event_id: str
    type: str
    state: str
    status: str
    version: int


class Ordered(Strict):
    """A postal operator has taken an order."""

    effect: Literal["ordered"] = "ordered"
    at: AwareDatetime
    counterparty: str
    key: str
    """the order number, which is the natural key"""
    order_number: str
    item_code: str
    cash: int
    fields: list[str]
    """the names of all that the order held"""
    digest: str
    """SHA-256 of the order"""
    callback_url: str | None = None


Effect = Annotated[Submitted | Noticed | Ordered, Field(discriminator="effect")]
Kind = TypeVar("Kind", Submitted, Noticed, Ordered)
_EFFECT: TypeAdapter[Submitted | Noticed | Ordered] = TypeAdapter(Effect)


class EffectFile(Generic[Kind]):
    """The effects of one counterparty, of one kind. ``loaded`` holds what the file held when it was opened."""

    def __init__(self, path: Path, kind: type[Kind]) -> None:
        self._lines = DurableLines(path)
        self.loaded: list[Kind] = [kind.model_validate_json(line) for line in self._lines.loaded]

    async def append(self, effect: Kind) -> None:
        """Returns when the effect is on the disk: answer after this, never before. Raises OSError."""
        await self._lines.append(effect.model_dump_json())

    def close(self) -> None:
        self._lines.close()


def effects_path(data: Path, counterparty: str) -> Path:
    """Where a counterparty writes its effects."""
    return data / f"{counterparty}.effects.jsonl"


def read_effects(data: Path, counterparty: str) -> list[Submitted | Noticed | Ordered]:
    """What a counterparty has taken, from outside it and while it runs; a line that is being written is left out."""
    path = effects_path(data, counterparty)
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    return [_EFFECT.validate_json(line) for line in lines]
