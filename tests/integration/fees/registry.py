"""The Centre's receipts, for the tests: the tick of the receipt job, and what came of it."""

from dataclasses import replace
from datetime import datetime

from hub import dispatch
from hub.clock import now
from hub.events import Event
from hub.fees.receipts import issuing, store
from hub.fees.receipts.store import FeeReceiptRow
from hub.signing.signer import Signer
from hub.unit_of_work import UnitOfWork
from hub.worker import jobs
from tests.scripted_hub import ScriptedHub, ScriptedIssuer


class _SealsToday(Signer):
    """The Centre's seal, whatever day is played: what it is certified by is known of today only."""

    def __init__(self, signer: Signer) -> None:
        self._real = signer

    def sealed(self, content: bytes, at: datetime) -> bytes:
        return self._real.sealed(content, min(at, now()))


class Registry:
    """Ticks, and reads."""

    def __init__(self, hub: ScriptedHub) -> None:
        self.hub = hub

    @property
    def issuer(self) -> ScriptedIssuer:
        return self.hub.issuer("issuer-a")

    def ticks(self, *, carry: bool = True) -> int:
        done = jobs.issue_receipts(self.hub)
        if carry:
            self.hub.carry()
        return done

    def receipts(self) -> list[FeeReceiptRow]:
        """All, in the order in which they were issued."""
        with self.hub.db.connection() as conn:
            rows = conn.execute("SELECT id FROM receipt ORDER BY issued_at, series, number").fetchall()
            return [store.lock(conn, row["id"]) for row in rows]

    def of(self, demand: str) -> list[FeeReceiptRow]:
        return [receipt for receipt in self.receipts() if receipt.demand_id == demand]

    def void(self, receipt: str, actor: str, reason: str = "sai tên phí") -> bool:
        """A person says so."""
        done: bool = dispatch.run_command(self.hub, actor, lambda uow: (issuing.void(uow, receipt, reason), []))
        self.hub.carry()
        return done

    def issue_at(self, demand: str, at: datetime) -> None:
        """Issue what the demand lacks as if it were ``at``."""

        def then(uow: UnitOfWork) -> tuple[None, list[Event]]:
            return None, issuing.issue(replace(uow, now=at, signer=_SealsToday(uow.signer)), demand)

        dispatch.run_command(self.hub, "hub", then)

    def transfers(self) -> list[tuple[str, str]]:
        rows = self.hub.rows("SELECT kind, state FROM outbox WHERE kind LIKE 'receipt.%%' ORDER BY seq")
        return [(row["kind"], row["state"]) for row in rows]

    def cases(self) -> list[tuple[str, str]]:
        """Open M03: object and why."""
        rows = self.hub.rows(
            "SELECT object_id, facts ->> 'why' AS why FROM fee_exception WHERE code = 'M03' AND state = 'open'"
        )
        return [(row["object_id"], row["why"]) for row in rows]

    def ages(self, days: int = 2) -> None:
        """As if all that has happened to demands had happened days ago."""
        with self.hub.db.connection() as conn:
            conn.execute("UPDATE fee_demand SET updated_at = updated_at - make_interval(days => %s)", (days,))
            conn.execute(
                "UPDATE fee_credit SET confirmed_at = confirmed_at - make_interval(days => %(d)s),"
                " credited_at = credited_at - make_interval(days => %(d)s)",
                {"d": days},
            )
