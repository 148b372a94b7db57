"""The dossiers that a department holds. What it knows after a restart is what its effect file says.

It reads the hub's signed record of a handoff, and checks that it is about what it was handed.
"""

import asyncio
import base64
import hashlib
import json
import unicodedata
from typing import Any, Final

import rfc8785
from pydantic import AwareDatetime

from connectors.clock import now
from connectors.sandbox.effects import EffectFile, Submitted
from schemas import strict
from schemas.department import Handoff
from schemas.handoff import HandoffRecord
from schemas.identifiers import DossierCode
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


class KeyReusedError(Exception):
    """The idempotency key already stands for another handoff."""


_NUMBER_DIGITS: Final = 6


class DossierRegister:
    """Dossiers by code (the natural key) and by idempotency key; two hand-overs of one at once become one case."""

    def __init__(self, counterparty: str, effects: EffectFile[Submitted]) -> None:
        self._counterparty = counterparty
        self._effects = effects
        self._by_code: dict[str, Submitted] = {}
        self._by_key: dict[str, Submitted] = {}
        self._writing: dict[str, asyncio.Task[Submitted]] = {}
        self._numbers = 0
        for case in effects.loaded:
            self._keep(case)

    def find(self, dossier_code: str) -> Submitted | None:
        """The case, once it is on the disk."""
        return self._by_code.get(normalised(dossier_code))

    def all(self) -> list[Submitted]:
        """Every case, in the order in which they were taken."""
        return list(self._by_code.values())

    async def take(self, handoff: Handoff, key: str) -> tuple[Submitted, bool]:
        """The case for this handoff, and whether this call has opened it. Raises KeyReusedError, OSError.

        NotWhatWasHanded, where the signed record is about something else.
        """
        digest = _digest(handoff)
        self._check(key, digest)
        code = normalised(handoff.dossier_code)
        known = self._by_code.get(code)
        if known is not None:
            return known, False
        mine = code not in self._writing
        if mine:
            self._writing[code] = asyncio.create_task(self._open(handoff, key, digest))
        case = await asyncio.shield(self._writing[code])
        self._check(key, digest)
        return case, mine

    async def _open(self, handoff: Handoff, key: str, digest: str) -> Submitted:
        self._numbers += 1
        case = Submitted(
            at=now(),
            counterparty=self._counterparty,
            key=key,
            dossier_code=handoff.dossier_code,
            handoff_id=handoff.id,
            leg=handoff.leg,
            procedure=handoff.procedure,
            number=f"{self._counterparty.rpartition('.')[2].upper()}-{self._numbers:0{_NUMBER_DIGITS}}",
            digest=digest,
            handed=evidence_in(handoff),
        )
        try:
            await self._effects.append(case)
            self._keep(case)
        finally:
            del self._writing[normalised(handoff.dossier_code)]
        return case

    def _check(self, key: str, digest: str) -> None:
        known = self._by_key.get(key)
        if known is not None and known.digest != digest:
            raise KeyReusedError

    def _keep(self, case: Submitted) -> None:
        self._by_code[normalised(case.dossier_code)] = case
        self._by_key[case.key] = case
        self._numbers = max(self._numbers, int(case.number.rpartition("-")[2]))


def normalised(dossier_code: str) -> str:
    """The form in which dossier codes are compared."""
    return DossierCode.received(dossier_code).normalised


def _digest(handoff: Handoff) -> str:
    return hashlib.sha256(handoff.model_dump_json().encode()).hexdigest()
