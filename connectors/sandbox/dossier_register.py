"""The dossiers that a department holds. What it knows after a restart is what its effect file says."""

import asyncio
import hashlib
from typing import Final

from connectors.clock import now
from connectors.sandbox.effects import EffectFile, Submitted, evidence_in
from schemas.department import Handoff
from schemas.identifiers import DossierCode


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
