"""Months for the tests of settlements: fees of two departments that were paid, by day, and their tables."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from hub import dispatch
from hub.events import Event
from hub.fees import settlements
from hub.fees.ledger import LedgerEntry, Origin, Share, post_all, postings
from hub.fees.payouts import orders
from hub.fees.payouts.orders import PaymentOrder, SettledOrder
from hub.fees.proof import proving
from hub.fees.proof.findings import Invariant
from hub.fees.settlements import answers, store
from hub.fees.settlements.store import Settlement
from hub.signing import canonical
from hub.unit_of_work import UnitOfWork
from schemas.portal import FeeKind
from schemas.settlement import SettlementTable, TableAnswer
from tests.bank_files import ago
from tests.integration.fees.matching import HOLE
from tests.integration.fees.telling import ACCOUNT
from tests.scripted_hub import ScriptedHub

OCTOBER: Final = date(2026, 10, 1)
NOVEMBER: Final = date(2026, 11, 1)


class SettlementOffice:
    """Posts what was paid, and closes months."""

    def __init__(self, hub: ScriptedHub) -> None:
        self.hub = hub
        self._number = 0

    def act(self, command: Callable[[UnitOfWork], Any], actor: str = "ke-toan-a") -> Any:
        """``command`` by a person."""

        def whole(uow: UnitOfWork) -> tuple[Any, list[Event]]:
            done = command(uow)
            return done, done if isinstance(done, list) else []

        done = dispatch.run_command(self.hub, actor, whole)
        self.hub.carry()
        return done

    def books(self, *entries: LedgerEntry) -> None:
        self.act(lambda uow: (post_all(uow.conn, entries), None)[1])

    def origin(self, day: date, kind: str = "line") -> Origin:
        self._number += 1
        return Origin(kind, f"{kind}-{self._number}", day, ACCOUNT)

    def paid(self, day: date, *shares: Share) -> None:
        """A line of the statement of ``day`` that is known to be for ``shares``."""
        self.books(postings.identified(self.origin(day), f"item-{self._number}", shares))

    def closes(self, month: date) -> bytes:
        digest = self.act(lambda uow: settlements.compute(uow, month))
        assert isinstance(digest, bytes)
        return digest

    def settlement(self, department: str, month: date = OCTOBER) -> Settlement:
        with self.hub.db.connection() as conn:
            [settlement] = store.of_month(conn, month, department)
        return settlement

    def table(self, department: str, month: date = OCTOBER) -> SettlementTable:
        """What the department is handed, as it reads it."""
        with self.hub.db.connection() as conn:
            body = store.sealed_table(conn, self.settlement(department, month).id).body
        canonical.decode(body)
        return SettlementTable.model_validate_json(body)

    def shows(self, order: PaymentOrder, day: date) -> None:
        """Our statement of ``day`` has the debit of an order."""
        self._follows(orders.paid, order, day)

    def comes_back(self, order: PaymentOrder, day: date) -> None:
        """What an order paid is on our account again."""
        self._follows(orders.returned, order, day)

    def _follows(
        self, command: Callable[[UnitOfWork, PaymentOrder, int, Origin], SettledOrder], order: PaymentOrder, day: date
    ) -> None:
        origin = self.origin(day)

        def whole(uow: UnitOfWork) -> list[Event]:
            settled = command(uow, orders.locked(uow, order.id), self._number, origin)
            post_all(uow.conn, settled.entries)
            return settled.events

        self.act(whole, "hub")

    def answers(self, department: str, month: date = OCTOBER, disputed: Mapping[int, str] | None = None) -> None:
        """The department confirms, or disputes lines: number → why."""
        answer = answer_to(self.settlement(department, month), disputed or {})
        self.act(lambda uow: answers.answer_with(uow, answer, answer.model_dump_json().encode(), department))

    def book(self, account: str, department: str | None = None) -> int:
        """Debit less credit."""
        [row] = self.hub.rows(
            "SELECT coalesce(sum(dr - cr), 0)::bigint AS net FROM ledger_line WHERE account = %s"
            " AND (%s::text IS NULL OR department = %s)",
            account, department, department,
        )  # fmt: skip
        return int(row["net"])

    def broken(self) -> Sequence[str]:
        """What I8 has to say against the tables: these books have no statements behind them."""
        with self.hub.db.connection() as conn:
            red_checks = [one for one in proving.prove(conn).red if one.invariant is Invariant.I8]
        assert [offender.how for one in red_checks for offender in one.offenders if HOLE.search(offender.how)] == []
        return [f"{one.name}: {offender.what} {offender.how}" for one in red_checks for offender in one.offenders]


def answer_to(settlement: Settlement, disputed: Mapping[int, str], answer_id: str = "TL-1") -> TableAnswer:
    return TableAnswer.model_validate(
        {
            "answer_id": answer_id,
            "settlement_id": settlement.id,
            "sha256": settlement.sha256.hex(),
            "verdict": "disputed" if disputed else "confirmed",
            "lines": tuple({"number": number, "reason": why} for number, why in disputed.items()),
            "answered_by": "Phòng Kế hoạch - Tài chính",
            "answered_at": f"{ago(0)}T08:00:00+07:00",
        }
    )


def sums(table: SettlementTable) -> Sequence[int]:
    """opening, receipts, refunds, adjustments, retained, net"""
    return (table.opening, table.receipts, table.refunds, table.adjustments, table.retained, table.net)


def a_table() -> SettlementTable:
    """A table with a line of each kind."""
    lines = (
        {"kind": "carried", "day": "2026-09-30", "fee_code": "phi", "amount": -30_000, "original": "2026-09/4"},
        {"kind": "receipt", "day": "2026-10-05", "fee_code": "phi", "amount": 180_000},
        {"kind": "receipt", "day": "2026-10-05", "fee_code": "le-phi", "amount": 30_000},
        {"kind": "refund", "day": "2026-10-20", "fee_code": "phi", "amount": -50_000, "original": "2026-09/2"},
        {"kind": "adjustment", "day": "2026-10-31", "fee_code": "phi", "amount": 5_000},
    )
    named = {"reference": "HC001234567890", "dossier_code": "000.00.16.H42-261005-0001"}
    return SettlementTable.model_validate(
        {
            "v": 1,
            "typ": "vn.hub.settlement",
            "settlement_id": "sm_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "month": "2026-10",
            "department": "rest-a",
            "department_name": "Sở Thử nghiệm REST A",
            "closed_at": "2026-11-02T03:04:05Z",
            "opening": -30_000, "receipts": 210_000, "refunds": -50_000, "adjustments": 5_000, "retained": 70_000,
            "net": 65_000,
            "fees": (
                {"fee_code": "le-phi", "kind": FeeKind.LE_PHI, "title": "Lệ phí thử nghiệm", "count": 1, "carried": 0,
                 "receipts": 30_000, "refunds": 0, "adjustments": 0, "retained": 0, "net": 30_000},
                {"fee_code": "phi", "kind": FeeKind.PHI, "title": "Phí thẩm định thử nghiệm", "count": 1,
                 "carried": -30_000, "receipts": 180_000, "refunds": -50_000, "adjustments": 5_000,
                 "retained": 70_000, "net": 35_000},
            ),
            "lines": tuple(named | line | {"number": at, "entry": at} for at, line in enumerate(lines, start=1)),
            "open_exceptions": ({"code": "M01", "count": 1, "at_risk": 30_000},),
            "book": "cd" * 32,
            "last_entry": 17,
        }
    )  # fmt: skip
