"""A department that signs, for tests of the rooms: the right counter-record to what it was handed, and wrong ones."""

import base64
import hashlib
from datetime import datetime, timedelta

import rfc8785

from connectors.sandbox.counter_signing import detached
from connectors.trust.development_authority import KeyPair
from hub.clock import now
from hub.embedded.pki import Pki
from schemas import strict
from schemas.department import Handoff, HandoffReceipt
from schemas.handoff import Act, Carrier, CounterRecord, HandoffRecord, HandoffSide, ReceiptRecord, ShareResult


class DepartmentSeal:
    """A department's seal, made by the development authority of ``pki``."""

    def __init__(self, pki: Pki, department: str, agency: str, holder: KeyPair | None = None) -> None:
        self._pki = pki
        self.agency = agency
        self.holder = holder or pki.authority.seal(department)

    def receipt(self, handed: Handoff, /, *, signed: bool = True, **changes: object) -> HandoffReceipt:
        """The receipt for ``handed``; ``changes``: what its counter-record says otherwise."""
        at = now()
        record = ReceiptRecord(
            v=1,
            typ="vn.hub.receipt",
            handoff=handed.id,
            dossier=handed.dossier_code,
            leg=handed.leg,
            record=hashlib.sha256(record_of(handed)).hexdigest(),
            receiver=HandoffSide(agency=self.agency, role="department"),
            number="SO-1",
            received_at=at,
        ).model_copy(update=changes)
        return HandoffReceipt(number="SO-1", received_at=at, signed=self.signed(record) if signed else None)

    def signed(self, record: strict.Strict, *, forged: bool = False) -> CounterRecord:
        said = rfc8785.dumps(record.model_dump(mode="json"))
        issuers = [self._pki.authority.issuing.certificate]
        signature = detached(said + b" " if forged else said, self.holder, issuers, now())
        return CounterRecord(record=base64.b64encode(said).decode(), signature=base64.b64encode(signature).decode())

    def back(self, handoff: Handoff, at: datetime, **changes: object) -> CounterRecord:
        """The way back after ``handoff``."""
        before = record_of(handoff)
        said = strict.read(HandoffRecord, before)
        record = HandoffRecord(
            v=1,
            typ="vn.hub.handoff",
            id="TRA-1",
            log=said.log,
            dossier=said.dossier,
            leg=said.leg + 1,
            act=Act.RETURN,
            carrier=Carrier.WIRE,
            giver=HandoffSide(agency=self.agency, role="department"),
            receiver=said.giver.model_copy(update={"officer": None}),
            received_at=at - timedelta(minutes=1),
            given_at=at,
            due_at=said.due_at,
            result=ShareResult.EARLY,
            note=None,
            documents=[],
            personal=said.personal,
            prev=hashlib.sha256(before).hexdigest(),
        ).model_copy(update=changes)
        return self.signed(record)


def record_of(handoff: Handoff) -> bytes:
    """record.json, as the department was handed it."""
    assert handoff.signed is not None
    return base64.b64decode(handoff.signed.record)
