"""Commands on fee demands: credit, confirm, reverse, waive, renew, expire, cancel, refund.

Each locks the dossier before the demand, writes the audit log and returns the events for its caller to publish. The
rules of credits stand once, in the batch form that matching needs; a single credit is a batch of one.
"""

from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from hub import audit
from hub.audit import AuditAction, AuditEntry
from hub.db import as_set
from hub.errors import InvalidState, MoveRefused, NotFound
from hub.events import Event, FeeChanged, FeePaid, FeeReopened, FeeWaived
from hub.fees.demands import demand_store, issuing, payer_notice
from hub.fees.demands.demand_store import Credit
from hub.fees.demands.model import COLLECTING, Amounts, Demand, DemandStatusCode
from hub.locale import vi
from hub.unit_of_work import UnitOfWork

_UPDATE_DEMANDS: Final = """
UPDATE fee_demand d SET allocated = s.allocated, confirmed = s.confirmed, status = s.status, version = s.version,
    updated_at = now()
FROM json_to_recordset(%s) AS s (id text, allocated bigint, confirmed bigint, status text, version integer)
WHERE d.id = s.id
"""

_SELECT_CREDITS: Final = """
SELECT demand_id, evidence, amount, paid_at, confirmed_at, reversed_at, reversed_by FROM fee_credit
WHERE demand_id = ANY(%s)
"""

_INSERT_CREDITS: Final = """
INSERT INTO fee_credit (demand_id, evidence, amount, paid_at, credited_at, confirmed_at)
SELECT demand_id, evidence, amount, paid_at, %s, confirmed_at
FROM json_to_recordset(%s)
    AS c (demand_id text, evidence text, amount bigint, paid_at timestamptz, confirmed_at timestamptz)
"""

_CONFIRM_CREDITS: Final = """
UPDATE fee_credit c SET confirmed_at = %s FROM json_to_recordset(%s) AS s (demand_id text, evidence text)
WHERE (c.demand_id, c.evidence) = (s.demand_id, s.evidence)
"""

_Key = tuple[str, str]
"""a demand, and the evidence of a credit to it"""


@dataclass(frozen=True, slots=True)
class Credited:
    """The result of a credit: ``taken`` counts for the demand, ``rest`` does not; đồng.

    ``exception_code`` is the code of the exception to open for it (payments: R03 twice, R04 short, R05 over, R06 late,
    R07 ended); None: none.
    """

    taken: int
    rest: int
    exception_code: str | None = None
    events: list[Event] = field(default_factory=list)


@dataclass(slots=True)
class DemandBatch:
    """Credits and confirmations of many demands in one transaction: read and written in sets.

    1. ``read`` locks the demands and loads their credits; what is not read ahead is read when it is needed.
    2. ``credit`` and ``confirm`` apply the rules to the copies in memory and return the events.
    3. ``write`` writes credits, demands and the audit log, and empties the batch. Until then nothing else in the
       transaction may change these demands.
    """

    uow: UnitOfWork
    _demands: dict[str, Demand] = field(default_factory=dict)
    _credits: dict[_Key, Credit] = field(default_factory=dict)
    _moved: dict[str, Demand] = field(default_factory=dict)
    _new: list[_Key] = field(default_factory=list)
    _shown: list[_Key] = field(default_factory=list)
    _audit_entries: list[AuditEntry] = field(default_factory=list)

    def read(self, demand_ids: Iterable[str]) -> None:
        """Lock these demands and load their credits."""
        missing = sorted({one for one in demand_ids if one not in self._demands})
        if not missing:
            return
        for demand in demand_store.lock_all(self.uow.conn, missing):
            self._demands[demand.id] = demand
        for row in self.uow.conn.execute(_SELECT_CREDITS, (missing,)):
            demand_id = row.pop("demand_id")
            self._credits[demand_id, row["evidence"]] = Credit(**row)

    def credit(
        self, demand_id: str, amount: int, evidence: str, *, paid_at: datetime | None = None, confirmed: bool = False
    ) -> Credited:
        """Credit ``amount`` of ``evidence`` (a payment) to the demand, up to what is outstanding; once an evidence.

        ``confirmed``: a statement shows the money, not only a notification. A demand that has expired or ended takes
        nothing: money never changes that by itself. Raises NotFound.
        """
        if amount <= 0:
            raise ValueError("only money that has come can be credited")
        before = self._demand(demand_id)
        known = self._credits.get((demand_id, evidence))
        if known is not None:
            return Credited(known.amount, amount - known.amount)
        taken, code = weighed(before, amount)
        if not taken:
            self._write_audit(
                demand_id, AuditAction.DEMAND_NOT_CREDITED, before.status, None, f"{code} {evidence}", evidence
            )
            return Credited(0, amount, code)
        at = paid_at or self.uow.now
        self._credits[demand_id, evidence] = Credit(
            evidence, taken, at, self.uow.now if confirmed else None, reversed_at=None, reversed_by=None
        )
        self._new.append((demand_id, evidence))
        after = before.amounts.credited(taken, confirmed=confirmed)
        return Credited(
            taken, amount - taken, code, self._change(before, after, AuditAction.DEMAND_CREDITED, evidence, at)
        )

    def confirm(self, demand_id: str, evidence: str) -> list[Event]:
        """Mark the credit of ``evidence`` as shown by a statement.

        Raises NotFound, or InvalidState where it was reversed.
        """
        before = self._demand(demand_id)
        key = (demand_id, evidence)
        credited = _valid(self._credits.get(key), demand_id, evidence)
        if credited.confirmed_at is not None:
            return []
        self._credits[key] = replace(credited, confirmed_at=self.uow.now)
        self._shown.append(key)
        return self._change(
            before, before.amounts.shown(credited.amount), AuditAction.DEMAND_CREDIT_CONFIRMED, evidence, self.uow.now
        )

    def write(self) -> None:
        """Write credits, demands and the audit log."""
        now, conn = self.uow.now, self.uow.conn
        new = [(key[0], self._credits[key]) for key in self._new]
        if new:
            conn.execute(_INSERT_CREDITS, (now, as_set([_credit_row(*one) for one in new])))
        credited = set(self._new)
        shown = [key for key in self._shown if key not in credited]
        if shown:
            keys = [{"demand_id": demand, "evidence": evidence} for demand, evidence in shown]
            _check_written(shown, conn.execute(_CONFIRM_CREDITS, (now, as_set(keys))).rowcount)
        if self._moved:
            _check_written(
                self._moved,
                conn.execute(_UPDATE_DEMANDS, (as_set([_demand_row(one) for one in self._moved.values()]),)).rowcount,
            )
        audit.write_all(conn, self._audit_entries)
        for container in (self._demands, self._credits, self._moved, self._new, self._shown, self._audit_entries):
            container.clear()

    def _demand(self, demand_id: str) -> Demand:
        self.read([demand_id])
        return self._demands[demand_id]

    def _change(self, before: Demand, after: Amounts, action: AuditAction, evidence: str, at: datetime) -> list[Event]:
        demand = replace(
            before,
            allocated=after.allocated,
            confirmed=after.confirmed,
            status=after.status.value,
            version=before.version + 1,
        )
        self._demands[demand.id] = self._moved[demand.id] = demand
        self._write_audit(demand.id, action, before.status, demand.status, evidence, evidence)
        return seen(before, demand, at)

    def _write_audit(
        self, demand_id: str, action: AuditAction, before: str, after: str | None, reason: str, evidence: str
    ) -> None:
        details = {"evidence": evidence}
        self._audit_entries.append(
            AuditEntry(demand_id, self.uow.actor, action, before=before, after=after, reason=reason, details=details)
        )


def _credit_row(demand_id: str, credit: Credit) -> Mapping[str, Any]:
    return {
        "demand_id": demand_id,
        "evidence": credit.evidence,
        "amount": credit.amount,
        "paid_at": credit.paid_at,
        "confirmed_at": credit.confirmed_at,
    }


def _demand_row(demand: Demand) -> Mapping[str, Any]:
    return {
        "id": demand.id,
        "allocated": demand.allocated,
        "confirmed": demand.confirmed,
        "status": demand.status,
        "version": demand.version,
    }


def _check_written(expected: Sized, written: int) -> None:
    if written != len(expected):
        raise LookupError(f"{written} of {len(expected)} rows were there")


def credit(
    uow: UnitOfWork,
    demand_id: str,
    amount: int,
    evidence: str,
    *,
    paid_at: datetime | None = None,
    confirmed: bool = False,
) -> Credited:
    """Credit one demand, as ``DemandBatch.credit``. Raises NotFound."""
    batch = DemandBatch(uow)
    credited = batch.credit(demand_id, amount, evidence, paid_at=paid_at, confirmed=confirmed)
    batch.write()
    return credited


def confirm(uow: UnitOfWork, demand_id: str, evidence: str) -> list[Event]:
    """Confirm one credit, as ``DemandBatch.confirm``. Raises NotFound, InvalidState."""
    batch = DemandBatch(uow)
    events = batch.confirm(demand_id, evidence)
    batch.write()
    return events


def weighed(demand: Demand, amount: int) -> tuple[int, str | None]:
    """How much of ``amount`` the demand takes at its status, and the code of the exception to open for it."""
    status = DemandStatusCode(demand.status)
    return min(amount, demand.outstanding) if status in COLLECTING else 0, _exception_code(demand, status, amount)


def _exception_code(demand: Demand, status: DemandStatusCode, amount: int) -> str | None:
    if status in COLLECTING:
        difference = amount - demand.outstanding
        return None if not difference else "R04" if difference < 0 else "R05"
    if status in payer_notice.PAID:
        return "R03"
    return {DemandStatusCode.EXPIRED: "R06", DemandStatusCode.WAIVED: "R05"}.get(status, "R07")


def reverse(uow: UnitOfWork, demand_id: str, evidence: str, *, by: str) -> list[Event]:
    """Reverse the credit of ``evidence``: the bank took the money back, or a person moved it to another demand.

    ``by`` is the evidence for that. Raises NotFound, or InvalidState where it is reversed already.
    """
    before = demand_store.lock(uow.conn, demand_id)
    credited = _valid(demand_store.credit_by(uow.conn, demand_id, evidence), demand_id, evidence)
    demand_store.end_credits(uow.conn, demand_id, by=by, at=uow.now, evidence=evidence)
    after = before.amounts.reversed(credited.amount, confirmed=credited.confirmed_at is not None)
    return _change(uow, before, after, AuditAction.DEMAND_CREDIT_REVERSED, f"{evidence} by {by}")


def waive(uow: UnitOfWork, demand_id: str, exemption: str, reason: str) -> list[Event]:
    """Waive the lines that this exemption of the procedure covers.

    Raises NotFound, or InvalidState if it is too late.
    """
    before = demand_store.lock(uow.conn, demand_id)
    dossier = uow.conn.execute("SELECT procedure FROM dossier WHERE id = %s", (before.dossier_id,)).fetchone()
    procedure = uow.catalogue.procedures.get(dossier["procedure"]) if dossier else None
    provision = procedure.exemption(exemption) if procedure else None
    if provision is None:
        raise NotFound(vi("the procedure has no exemption {exemption}", exemption=exemption))
    lines = [one for one in demand_store.lines(uow.conn, demand_id) if provision.lifts(one.fee_code) and not one.waived]
    amount = sum(line.amount for line in lines)
    if before.status not in COLLECTING or not 0 < amount <= before.outstanding:
        raise InvalidState(
            vi("the demand is {status}: nothing is left to waive for this exemption", status=before.status)
        )
    for line in lines:
        demand_store.waive_line(uow.conn, demand_id, line.fee_code, exemption=provision.code, basis=provision.basis)
    because = f"{provision.code}, {provision.basis}: {reason}"
    return _change(
        uow, before, before.amounts.lifted(amount), AuditAction.DEMAND_WAIVED, because, {"exemption": provision.code}
    )


def waive_rest(uow: UnitOfWork, demand_id: str, decision: str, reason: str) -> list[Event]:
    """Waive what is outstanding, by a decision.

    Raises NotFound, or InvalidState where nothing is collected.
    """
    before = demand_store.lock(uow.conn, demand_id)
    if before.status not in COLLECTING:
        raise InvalidState(vi("the demand is {status}: nothing is collected any more", status=before.status))
    rest = before.outstanding
    for line in reversed(demand_store.lines(uow.conn, demand_id)):  # what came has filled the first
        lifted = min(rest, line.amount - line.waived)
        if lifted:
            demand_store.waive_part(uow.conn, demand_id, line.fee_code, lifted, basis=decision)
        rest -= lifted
    return _change(
        uow, before, before.amounts.lifted(before.outstanding), AuditAction.DEMAND_REST_WAIVED, f"{decision}: {reason}"
    )


def expire(uow: UnitOfWork, demand_id: str) -> list[Event]:
    """Expire the demand if it is still due to expire once it is locked."""
    before = demand_store.lock(uow.conn, demand_id)
    if before.status not in COLLECTING or before.expires_at is None or before.expires_at > uow.now:
        return []
    return _change(uow, before, before.amounts.closed(DemandStatusCode.EXPIRED), AuditAction.DEMAND_EXPIRED)


def renew(uow: UnitOfWork, demand_id: str, reason: str) -> list[Event]:
    """Reopen an expired demand for as long as a new one. Raises NotFound, InvalidState."""
    before = demand_store.lock(uow.conn, demand_id)
    fee_settings = uow.catalogue.fee_settings
    if fee_settings is None or before.status != DemandStatusCode.EXPIRED:
        raise InvalidState(vi("only an expired demand can be renewed; this one is {status}", status=before.status))
    until = issuing.expiry(fee_settings, uow.now)
    return _change(uow, before, before.amounts.renewed(), AuditAction.DEMAND_RENEWED, reason, expires_at=until)


def cancel(uow: UnitOfWork, demand_id: str, reason: str) -> list[Event]:
    """Stop collecting; what is allocated stays so until it is refunded. Raises InvalidState."""
    before = demand_store.lock(uow.conn, demand_id)
    try:
        after = before.amounts.closed(DemandStatusCode.CANCELLED)
    except MoveRefused as error:
        raise InvalidState(str(error)) from None
    return _change(uow, before, after, AuditAction.DEMAND_CANCELLED, reason)


def order_refund(uow: UnitOfWork, demand_id: str, reason: str) -> list[Event]:
    """Order the refund of all that is allocated. Raises InvalidState where there is nothing to refund."""
    before = demand_store.lock(uow.conn, demand_id)
    if not before.allocated or before.status == DemandStatusCode.REFUND_PENDING:
        raise InvalidState(vi("the demand is {status}: there is nothing to refund", status=before.status))
    return _change(
        uow, before, before.amounts.moved(DemandStatusCode.REFUND_PENDING), AuditAction.DEMAND_REFUND_ORDERED, reason
    )


def refunded(uow: UnitOfWork, demand_id: str, *, by: str) -> list[Event]:
    """Record that the refund ``by`` was paid: our own statement shows it. Raises InvalidState."""
    before = demand_store.lock(uow.conn, demand_id)
    if before.status != DemandStatusCode.REFUND_PENDING:
        raise InvalidState(vi("the demand is {status}: no refund is under way", status=before.status))
    demand_store.end_credits(uow.conn, demand_id, by=by, at=uow.now)
    return _change(uow, before, before.amounts.refunded(), AuditAction.DEMAND_REFUNDED, by, {"by": by})


def keep(uow: UnitOfWork, demand_id: str, reason: str) -> list[Event]:
    """Withdraw the refund. Raises InvalidState where none is under way."""
    before = demand_store.lock(uow.conn, demand_id)
    return _change(uow, before, before.amounts.refund_withdrawn(), AuditAction.DEMAND_REFUND_WITHDRAWN, reason)


def settle_all(uow: UnitOfWork, demands: Sequence[str], *, by: str) -> None:
    """Settle those of the locked demands that are paid: their money was transferred by the settlement ``by``."""
    _move_all(uow, demands, DemandStatusCode.PAID, DemandStatusCode.SETTLED, AuditAction.DEMAND_SETTLED, by)


def unsettle_all(uow: UnitOfWork, demands: Sequence[str], *, by: str) -> None:
    """Set those of the locked demands that are settled back to paid: the transfer of ``by`` was returned."""
    _move_all(uow, demands, DemandStatusCode.SETTLED, DemandStatusCode.PAID, AuditAction.DEMAND_NOT_SETTLED, by)


def _move_all(
    uow: UnitOfWork,
    demands: Sequence[str],
    before: DemandStatusCode,
    after: DemandStatusCode,
    action: AuditAction,
    by: str,
) -> None:
    for demand in demand_store.move_all(uow.conn, demands, before, after):
        uow.write_audit(demand, action, before=before, after=after, reason=by)


def _valid(credited: demand_store.Credit | None, demand_id: str, evidence: str) -> demand_store.Credit:
    """The credit, if it exists and is not reversed. Raises NotFound, InvalidState."""
    if credited is None:
        raise NotFound(vi("{evidence} allocates nothing to demand {demand_id}", evidence=evidence, demand_id=demand_id))
    if credited.reversed_at is not None:
        raise InvalidState(
            vi(
                "{evidence} of {demand_id} has been taken back by {reversed_by}",
                evidence=evidence,
                demand_id=demand_id,
                reversed_by=credited.reversed_by,
            )
        )
    return credited


def _change(
    uow: UnitOfWork,
    before: Demand,
    after: Amounts,
    action: AuditAction,
    reason: str | None = None,
    details: Mapping[str, Any] | None = None,
    *,
    at: datetime | None = None,
    expires_at: datetime | None = None,
) -> list[Event]:
    """Write the demand and the audit log; the events that its payer sees."""
    demand = demand_store.update(uow.conn, before, after, expires_at=expires_at)
    uow.write_audit(demand.id, action, before=before.status, after=demand.status, reason=reason, details=details)
    return seen(before, demand, at or uow.now)


def seen(before: Demand, demand: Demand, at: datetime) -> list[Event]:
    """The events that tell the payer of the change from ``before``; ``at``: when its cause happened."""
    after = demand.amounts
    if not payer_notice.differs(before.amounts, after):
        return []
    fee = payer_notice.notice(demand)
    if after.status is DemandStatusCode.REOPENED and before.status != DemandStatusCode.REOPENED:
        return [FeeReopened(demand.dossier_id, fee)]
    if before.outstanding and not after.outstanding:
        event = FeeWaived if after.status is DemandStatusCode.WAIVED else FeePaid
        return [event(demand.dossier_id, fee, at)]
    return [FeeChanged(demand.dossier_id, fee)]
