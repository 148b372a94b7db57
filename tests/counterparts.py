"""A department that signs, for the tests of handoffs: right and wrong counter-records to what it was handed."""

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
        body = rfc8785.dumps(record.model_dump(mode="json"))
        issuers = [self._pki.authority.issuing.certificate]
        signature = detached(body + b" " if forged else body, self.holder, issuers, now())
        return CounterRecord(record=base64.b64encode(body).decode(), signature=base64.b64encode(signature).decode())

    def back(self, handoff: Handoff, at: datetime, **changes: object) -> CounterRecord:
        """The way back after ``handoff``."""
        before = record_of(handoff)
        handed = strict.read(HandoffRecord, before)
        record = HandoffRecord(
            v=1,
            typ="vn.hub.handoff",
            id="TRA-1",
            log=handed.log,
            dossier=handed.dossier,
            leg=handed.leg + 1,
            act=Act.RETURN,
            carrier=Carrier.WIRE,
            giver=HandoffSide(agency=self.agency, role="department"),
            receiver=handed.giver.model_copy(update={"officer": None}),
            received_at=at - timedelta(minutes=1),
            given_at=at,
            due_at=handed.due_at,
            result=ShareResult.EARLY,
            note=None,
            documents=[],
            personal=handed.personal,
            prev=hashlib.sha256(before).hexdigest(),
        ).model_copy(update=changes)
        return self.signed(record)


def record_of(handoff: Handoff) -> bytes:
    """record.json, as the department was handed it."""
    assert handoff.signed is not None
    return base64.b64decode(handoff.signed.record)
