"""Many demands at once: what demand_commands.credit and .confirm do, read and written in sets.

The rules are theirs (the pure parts of demand_commands.py) and the database's; only the statements are fewer.
"""

from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from hub import audit
from hub.audit import AuditEntry
from hub.db import as_set
from hub.events import Event
from hub.fees.demands import demand_commands, demand_store
from hub.fees.demands.demand_commands import Credited
from hub.fees.demands.demand_store import Credit
from hub.fees.demands.model import Amounts, Demand
from hub.unit_of_work import UnitOfWork

_STAND: Final = """
UPDATE fee_demand d SET allocated = s.allocated, confirmed = s.confirmed, status = s.status, version = s.version,
    updated_at = now()
FROM json_to_recordset(%s) AS s (id text, allocated bigint, confirmed bigint, status text, version integer)
WHERE d.id = s.id
"""

_CREDITS: Final = """
SELECT demand_id, evidence, amount, paid_at, confirmed_at, reversed_at, reversed_by FROM fee_credit
WHERE demand_id = ANY(%s)
"""

_ADD: Final = """
INSERT INTO fee_credit (demand_id, evidence, amount, paid_at, credited_at, confirmed_at)
SELECT demand_id, evidence, amount, paid_at, %s, confirmed_at
FROM json_to_recordset(%s)
    AS c (demand_id text, evidence text, amount bigint, paid_at timestamptz, confirmed_at timestamptz)
"""

_CONFIRM: Final = """
UPDATE fee_credit c SET confirmed_at = %s FROM json_to_recordset(%s) AS s (demand_id text, evidence text)
WHERE (c.demand_id, c.evidence) = (s.demand_id, s.evidence)
"""

_Key = tuple[str, str]
"""a demand, and the evidence of a credit to it"""


@dataclass(slots=True)
class DemandBatch:
    """Demands that are ours until the transaction ends, as they stand by what was done to them here.

    Nobody else may change them before ``write`` has written that down; it forgets them all.
    """

    uow: UnitOfWork
    _demands: dict[str, Demand] = field(default_factory=dict)
    _credits: dict[_Key, Credit] = field(default_factory=dict)
    _moved: dict[str, Demand] = field(default_factory=dict)
    _new: list[_Key] = field(default_factory=list)
    _shown: list[_Key] = field(default_factory=list)
    _notes: list[AuditEntry] = field(default_factory=list)

    def read(self, named: Iterable[str]) -> None:
        """Lock these and see how they stand: one that is not read ahead is read when it is needed."""
        wanted = sorted({one for one in named if one not in self._demands})
        if not wanted:
            return
        for demand in demand_store.lock_all(self.uow.conn, wanted):
            self._demands[demand.id] = demand
        for row in self.uow.conn.execute(_CREDITS, (wanted,)):
            of = row.pop("demand_id")
            self._credits[of, row["evidence"]] = Credit(**row)

    def credit(
        self, demand_id: str, amount: int, evidence: str, *, paid_at: datetime | None = None, confirmed: bool = False
    ) -> Credited:
        """As demands.credit. Raises NotFound."""
        if amount <= 0:
            raise ValueError("only money that has come can be credited")
        before = self._demand(demand_id)
        known = self._credits.get((demand_id, evidence))
        if known is not None:
            return Credited(known.amount, amount - known.amount)
        taken, case = demand_commands.weighed(before, amount)
        if not taken:
            self._notes.append(AuditEntry(demand_id, "not credited", before=before.status, reason=f"{case} {evidence}"))
            return Credited(0, amount, case)
        at = paid_at or self.uow.now
        self._credits[demand_id, evidence] = Credit(
            evidence, taken, at, self.uow.now if confirmed else None, reversed_at=None, reversed_by=None
        )
        self._new.append((demand_id, evidence))
        after = before.amounts.credited(taken, confirmed=confirmed)
        return Credited(taken, amount - taken, case, self._stand(before, after, "credited", evidence, at))

    def confirm(self, demand_id: str, evidence: str) -> list[Event]:
        """As demands.confirm. Raises NotFound, InvalidState."""
        before = self._demand(demand_id)
        key = (demand_id, evidence)
        credited = demand_commands.standing(self._credits.get(key), demand_id, evidence)
        if credited.confirmed_at is not None:
            return []
        self._credits[key] = replace(credited, confirmed_at=self.uow.now)
        self._shown.append(key)
        return self._stand(before, before.amounts.shown(credited.amount), "confirmed", evidence, self.uow.now)

    def write(self) -> None:
        """Put it all down: credits, where the demands stand, and the audit log."""
        now, conn = self.uow.now, self.uow.conn
        new = [(key[0], self._credits[key]) for key in self._new]
        if new:
            conn.execute(_ADD, (now, as_set([_added(*one) for one in new])))
        told = set(self._new)
        shown = [key for key in self._shown if key not in told]
        if shown:
            keys = [{"demand_id": demand, "evidence": evidence} for demand, evidence in shown]
            _all(shown, conn.execute(_CONFIRM, (now, as_set(keys))).rowcount)
        if self._moved:
            _all(
                self._moved, conn.execute(_STAND, (as_set([_standing(one) for one in self._moved.values()]),)).rowcount
            )
        audit.note_all(conn, self.uow.actor, self._notes)
        for kept in (self._demands, self._credits, self._moved, self._new, self._shown, self._notes):
            kept.clear()

    def _demand(self, demand_id: str) -> Demand:
        self.read([demand_id])
        return self._demands[demand_id]

    def _stand(self, before: Demand, after: Amounts, verb: str, reason: str, at: datetime) -> list[Event]:
        demand = replace(
            before,
            allocated=after.allocated,
            confirmed=after.confirmed,
            status=after.status.value,
            version=before.version + 1,
        )
        self._demands[demand.id] = self._moved[demand.id] = demand
        self._notes.append(AuditEntry(demand.id, verb, before=before.status, after=demand.status, reason=reason))
        return demand_commands.seen(before, demand, at)


def _added(demand_id: str, credit: Credit) -> Mapping[str, Any]:
    return {
        "demand_id": demand_id,
        "evidence": credit.evidence,
        "amount": credit.amount,
        "paid_at": credit.paid_at,
        "confirmed_at": credit.confirmed_at,
    }


def _standing(demand: Demand) -> Mapping[str, Any]:
    return {
        "id": demand.id,
        "allocated": demand.allocated,
        "confirmed": demand.confirmed,
        "status": demand.status,
        "version": demand.version,
    }


def _all(wanted: Sized, written: int) -> None:
    if written != len(wanted):
        raise LookupError(f"{written} of {len(wanted)} rows were there")
