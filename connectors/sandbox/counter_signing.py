"""What a department that can sign answers with: its counter-record, right or wrong in one way; and the way back."""

import base64
import hashlib
from datetime import datetime
from zoneinfo import ZoneInfo

import rfc8785
from pydantic import BaseModel

from config.catalogue import Department
from connectors.clock import now
from connectors.sandbox.cades import detached
from connectors.sandbox.dossier_behaviours import Countersigned
from connectors.sandbox.effects import Submitted
from connectors.trust.development_authority import DevelopmentAuthority
from schemas.handoff import Act, Carrier, CounterRecord, HandoffRecord, HandoffSide, ReceiptRecord, ShareResult

_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


class CounterSigner:
    """The seal of one department, certified by the development authority."""

    def __init__(self, department: Department, authority: DevelopmentAuthority) -> None:
        self._department = department
        self._authority = authority
        self._seals = {
            Countersigned.REVOKED: authority.revoked_seal(department.code),
            Countersigned.UNKNOWN: authority.stranger(department.code),
        }
        self._seal = authority.seal(department.code)

    def receipt(self, case: Submitted, counter: Countersigned = Countersigned.RIGHT) -> CounterRecord | None:
        """The counter-record for ``case``; None where the hub signed nothing, or ``counter`` says so."""
        if case.handed is None or counter is Countersigned.UNSIGNED:
            return None
        another = counter is Countersigned.ANOTHER
        said = ReceiptRecord(
            v=1,
            typ="vn.hub.receipt",
            handoff="hd_00000000000000000000000000" if another else case.handed.id,
            dossier=case.dossier_code,
            leg=case.handed.leg,
            record=hashlib.sha256(b"another").hexdigest() if another else case.handed.record,
            receiver=self._side,
            number=case.number,
            received_at=case.at,
        )
        return self._signed(said, counter)

    def returned(self, case: Submitted, at: datetime) -> CounterRecord | None:
        """The way back, as a signed row of the Phiếu kiểm soát."""
        if case.handed is None:
            return None
        said = HandoffRecord(
            v=1,
            typ="vn.hub.handoff",
            id=f"{case.number}.2",
            log=case.handed.log,
            dossier=case.dossier_code,
            leg=case.handed.leg + 1,
            act=Act.RETURN,
            carrier=Carrier.WIRE,
            giver=self._side,
            receiver=HandoffSide(agency=case.handed.centre, role="centre"),
            received_at=case.at,
            given_at=at,
            due_at=case.handed.due_at,
            result=_result(at, case.handed.due_at),
            note=None,
            documents=[],
            personal=case.handed.personal,
            prev=case.handed.record,
        )
        return self._signed(said, Countersigned.RIGHT)

    def seal(self, content: bytes) -> str:
        """The seal's own signature over ``content``, in base64."""
        return _base64(detached(content, self._seal, [self._authority.issuing.certificate], now()))

    @property
    def _side(self) -> HandoffSide:
        # Its seal signs and nobody else: a record that named an officer would say more than its signature does.
        return HandoffSide(agency=self._department.agency, role="department", officer=None)

    def _signed(self, said: BaseModel, counter: Countersigned) -> CounterRecord:
        record = rfc8785.dumps(said.model_dump(mode="json"))
        content = record + b" " if counter is Countersigned.FORGED else record
        holder = self._seals.get(counter, self._seal)
        issuers = [] if counter is Countersigned.UNKNOWN else [self._authority.issuing.certificate]
        signature = detached(content, holder, issuers, now())
        return CounterRecord(record=_base64(record), signature=_base64(signature))


def _result(given_at: datetime, due_at: datetime) -> ShareResult:
    if given_at > due_at:
        return ShareResult.LATE
    given, due = (moment.astimezone(_VIETNAM).date() for moment in (given_at, due_at))
    return ShareResult.EARLY if given < due else ShareResult.ON_TIME


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
