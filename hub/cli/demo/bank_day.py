"""The demo's bank day: payers pay, banks notify and hand statements over; then the exceptions are resolved."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from hub import dispatch
from hub.cli.demo.payers import Banks, PaidDemand, Payers
from hub.cli.demo.portal import PortalClient, SubmissionStatus
from hub.cli.demo.trials import PaymentScenario
from hub.clock import local, now
from hub.db import one
from hub.embedded.waiting import Patience
from hub.errors import InvalidState
from hub.fees.payouts import orders, refunds
from hub.fees.payouts.orders import Payee
from hub.fees.reconciliation.matching import gateway_payouts
from hub.fees.resolutions import commands
from hub.locale import vi

if TYPE_CHECKING:
    from hub.app import Hub
    from hub.db import Connection
    from hub.fees.closing.store import Closing
    from hub.fees.settlements.store import Settlement
    from hub.unit_of_work import UnitOfWork

CHARGE_BP: Final = 50
"""what a gateway keeps of each payment, in basis points"""
CASHIER: Final = "ke-toan-dien-tap"
_LOOK_EVERY: Final = 0.5

# Each counts what is still missing.
_KNOWN: Final = """
SELECT %s - count(*) AS missing FROM payment p JOIN unnest(%s::text[], %s::text[]) AS d (provider, txn)
    ON (p.provider, p.provider_txn) = (d.provider, d.txn)
"""
_MATCHED: Final = """
SELECT greatest(%(booked)s - count(*) FILTER (WHERE bank_ref = ANY(%(refs)s)), 0)
    + count(*) FILTER (WHERE state = 'new') AS missing
FROM statement_line WHERE account = %(account)s
"""


@dataclass
class BankDay:
    """One day of one account. ``since``: when the demo began; what the bank has booked before is not its own."""

    hub: "Hub"
    portal: PortalClient
    banks: Banks
    payers: Payers
    codes: set[str]
    """of the dossiers of the demo"""
    since: datetime
    effects: Path
    """where the sandbox writes what its counterparties have taken"""
    patience: Patience
    waits: str = ""
    """for what, just now; in the words of whoever watches"""
    quiet: Event = field(default_factory=Event)
    """set once no dossier, notice or parcel of the demo is under way any more"""
    stopped: Event = field(default_factory=Event)
    commands: int = 0
    """what persons have done so far"""
    charges: int = 0
    """what gateways kept, by their reports"""

    def collect(self) -> None:
        """Until everybody has paid once, and the hub has handled all that it was told. Raises InvalidState."""
        while self.payers.waiting:
            self._look(vi("the payers get their demands"), len(self.payers.waiting))
            for submission in self.statuses().values():
                self.payers.look(submission)
        self.wait(self._unknown, vi("the notifications are recorded"))

    def end(self) -> None:
        """The gateways pay out and bring their reports; the statement is laid out, fetched and matched."""
        for gateway in self.banks.gateways:
            report = self.banks.can(gateway, "payouts", {"account": self.banks.account, "charge_bp": CHARGE_BP})
            if report is not None:
                self.charges += sum(item["charge"] for item in report["items"])
                self.bring(report)
        self.banks.ask(self.banks.own, "statements", {"account": self.banks.account})
        self.wait(self._unmatched, vi("the statement lines are matched"))

    def wait_until_quiet(self) -> None:
        """Until nobody collects or sends any more, so that two persons agree to figures that stay.

        Raises InvalidState.
        """
        while not self.quiet.is_set():
            self._look(vi("dossiers and consignments end"), None)

    def bring(self, report: dict[str, Any]) -> None:
        """Bring in a gateway's report of what a payout consists of, as a person."""
        payout_report = gateway_payouts.PayoutReport.model_validate_json(json.dumps(report))
        self.act(CASHIER, lambda uow: gateway_payouts.bring(uow, payout_report))

    def statuses(self) -> dict[str, SubmissionStatus]:
        """Dossier code → its status, by the public API."""
        statuses = self.portal.statuses(quote(self.since.isoformat()))
        return {one.dossier_code: one for one in statuses if one.dossier_code in self.codes}

    def booked(self) -> list[dict[str, Any]]:
        """The sandbox bank's own entries of the account."""
        rows = self.banks.seen(self.banks.own, "book")
        return [row for row in rows if row["account"] == self.banks.account]

    def own(self) -> list[dict[str, Any]]:
        """Of these, the entries since the demo began."""
        return [row for row in self.booked() if datetime.fromisoformat(row["at"]) >= self.since]

    def act(self, actor: str, command: "Callable[[UnitOfWork], Any]") -> Any:
        """Run ``command`` as a person, with the subscribers of its events."""

        def whole(uow: "UnitOfWork") -> tuple[Any, list[Any]]:
            done = command(uow)
            return done, done if isinstance(done, list) else []

        done = dispatch.run_command(self.hub, actor, whole)
        self.commands += 1
        self.patience.observe(self.commands, "persons")
        return done

    def wait(self, missing: "Callable[[Connection], int]", what: str) -> None:
        """Until ``missing`` counts nothing any more.

        Raises InvalidState when nothing moves, or the demo was given up.
        """
        while True:
            with self.hub.db.connection() as conn:
                left = missing(conn)
            if not left:
                self.waits = ""
                return
            self._look(what, left)

    def _look(self, what: str, left: int | None) -> None:
        self.waits = what if left is None else f"{left} {what}"
        self.patience.observe(self.waits, "fees")
        if self.stopped.wait(_LOOK_EVERY) or self.patience.over:
            raise InvalidState(vi("waiting for {waits}", waits=self.waits))

    def _unknown(self, conn: "Connection") -> int:
        notified: Sequence[PaidDemand] = [payment for payment in self.payers.payments if payment.notified]
        named = [payment.provider for payment in notified], [payment.txn for payment in notified]
        return int(one(conn, _KNOWN, (len(notified), *named))["missing"])

    def _unmatched(self, conn: "Connection") -> int:
        booked = self.booked()
        refs = sorted({row["ref"] for row in booked})
        asked = {"account": self.banks.account, "booked": len(booked), "refs": refs}
        return int(one(conn, _MATCHED, asked)["missing"])


CHIEF: Final = "truong-phong-dien-tap"
TRIES: Final = 5
"""how often persons agree anew, where the numbers have changed between them"""
AGAIN: Final = frozenset({PaymentScenario.SHORT, PaymentScenario.TAKEN_BACK})
"""whoever pays once more, what is still open"""
_REASON: Final = vi("rehearsal")
_PAYEE: Final = Payee(bank_bin="970418", account="0000000001", holder="NGUYEN VAN THU")
"""invented"""
_OPEN: Final = """
SELECT c.id, c.code, c.object_id FROM fee_exception c JOIN payment p ON p.id = c.object_id
WHERE c.state <> 'resolved' AND c.code = ANY(%s) AND p.bank_ref = ANY(%s) ORDER BY c.code, c.id
"""
_COLLECTED: Final = """
SELECT provider, array_agg(ARRAY[provider_txn, amount::text] ORDER BY provider_txn) AS items FROM payment
WHERE source = 'postman' AND status = 'notified' AND account = %s GROUP BY provider ORDER BY provider
"""
_ON_331: Final = """
SELECT coalesce(sum(cr - dr), 0)::bigint AS net FROM ledger_line l JOIN ledger_entry e ON e.seq = l.entry_seq
WHERE l.account = '331' AND e.business_date < date_trunc('month', %s::date) + interval '1 month'
"""
_UNPAID: Final = """
SELECT count(*) AS missing FROM fee_demand
WHERE id = ANY(%s) AND status NOT IN ('paid', 'paid_unconfirmed', 'settled')
"""


@dataclass(frozen=True)
class Settling:
    """The morning after ``day``: its exceptions are resolved and its days closed."""

    day: BankDay

    def settle(self) -> None:
        """Resolve everything that is open. Raises InvalidState, BankRefused."""
        self._pay_again()
        with self.day.hub.db.connection() as conn:
            rows = conn.execute(_OPEN, (["R01", "R03", "R05", "N02"], self._refs())).fetchall()
        for row in rows:
            self._case(row)

    def close(self) -> "list[Closing]":
        """The book is proven, and two persons close all days that are open; what the second was told of each.

        Nothing where today is closed already.
        """
        from hub.fees.closing import commands as closes
        from hub.fees.closing import store
        from hub.fees.ledger import closed
        from hub.worker import jobs

        account, today = self.day.banks.account, local(now()).date()
        with self.day.hub.db.connection() as conn:
            if closed(conn, account, today):
                return []
            days = store.open_days(conn, account, today) or [today]
        jobs.prove_ledger(self.day.hub)
        return [self._agreed(partial(closes.close_day, account=account, day=day)) for day in days]

    def _agreed(self, close: "Callable[[UnitOfWork], Closing]") -> "Closing":
        """The closing after the second person agreed; proposed again where a postman collected meanwhile."""
        from hub.fees.closing.store import CloseStep

        self.day.act(CASHIER, close)
        for actor in islice(cycle((CHIEF, CASHIER)), TRIES):
            closing: Closing = self.day.act(actor, close)
            if closing.step is not CloseStep.PROPOSED:
                break
        return closing

    def tables(self) -> "tuple[list[Settlement], int]":
        """The month's tables as they would be if it ended now: made in earnest, sealed, and taken back.

        With them what the book then owes to departments (331) in this month, in đồng.
        """
        from psycopg import Rollback

        from hub.fees import settlements
        from hub.fees.ledger import entry
        from hub.fees.settlements import store

        tables: list[Settlement] = []
        owed: list[int] = []
        today = local(now()).date()

        def tried(uow: "UnitOfWork") -> None:
            with uow.savepoint() as savepoint:
                entry.hold(uow.conn)
                settlements.compute(uow, today)
                tables.extend(store.of_month(uow.conn, today.replace(day=1)))
                owed.append(one(uow.conn, _ON_331, (today,))["net"])
                raise Rollback(savepoint)

        self.day.act(CASHIER, tried)
        return tables, owed[0]

    def remit(self) -> None:
        """The postal operators pay in what their postmen have collected so far, each with its report."""
        with self.day.hub.db.connection() as conn:
            rows = conn.execute(_COLLECTED, (self.day.banks.account,)).fetchall()
        today = local(now()).date()
        for row in rows:
            name = f"COD-{today:%Y%m%d}-{self.day.since:%H%M%S}-{row['provider'].upper()}"
            items = [{"provider_txn": txn, "amount": int(amount), "charge": 0} for txn, amount in row["items"]]
            report = {"provider": row["provider"], "report": name, "account": self.day.banks.account}
            self.day.bring({**report, "day": today.isoformat(), "items": items})
            paid = {"amount": sum(item["amount"] for item in items), "words": f"{name} THU HO", "behaviour": "lost"}
            self.day.banks.ask(self.day.banks.own, "transfers", paid)

    def _refs(self) -> list[str]:
        return [row["ref"] for row in self.day.own()]

    def _pay_again(self) -> None:
        """Pay what was short, and what the bank has taken back."""
        payers, demands = self.day.payers, []
        for submission in self.day.statuses().values():
            if payers.ways.get(submission.dossier_code) in AGAIN:
                demands.append((submission.fee or {})["demand_id"])
                payers.pay(submission, PaymentScenario.EXACT)
        self.day.wait(
            lambda conn: int(one(conn, _UNPAID, (demands,))["missing"]), vi("the rest of the underpaid demand")
        )

    def _case(self, row: Mapping[str, Any]) -> None:
        match row["code"]:
            case "R01":
                self._both(row["id"], "assign", {"demand": self._unreadable()})
            case "N02":
                self.day.act(CASHIER, lambda uow: commands.resolve(uow, row["id"], "noted", {}, _REASON))
            case _:
                self._refund(row["object_id"])

    def _both(self, case: str, resolution: str, details: dict[str, str]) -> None:
        for actor in (CASHIER, CHIEF):
            self.day.act(actor, lambda uow: commands.resolve(uow, case, resolution, details, _REASON))

    def _unreadable(self) -> str:
        """The demand whose payment had its reference cut off."""
        [submission] = [
            submission
            for submission in self.day.statuses().values()
            if self.day.payers.ways.get(submission.dossier_code) is PaymentScenario.UNREADABLE
        ]
        return str((submission.fee or {})["demand_id"])

    def _refund(self, payment: str) -> None:
        """Refund an overpayment: one person asks, another approves, the bank pays."""
        order = self.day.act(CASHIER, lambda uow: refunds.request(uow, payment, _PAYEE, _REASON))
        self.day.act(CHIEF, lambda uow: orders.approve(uow, order.id, _REASON))
        sent = self.day.act(CASHIER, lambda uow: orders.send(uow, order.id))
        bank_order = {"reference": sent.reference, "amount": sent.amount, "account": sent.account, "words": "HOAN PHI"}
        self.day.banks.ask(self.day.banks.own, "orders", bank_order)
