"""The bank's day of the demo: people pay while it lasts, then the gateways pay out and the statement is laid out."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from hub import dispatch
from hub.cli.demo.payers import Banks, Deed, Payers
from hub.cli.demo.portal import PortalClient, SubmissionStatus
from hub.db import one
from hub.embedded.waiting import Patience
from hub.errors import InvalidState
from hub.fees.reconciliation.matching import gateway_payouts

if TYPE_CHECKING:
    from hub.app import Hub
    from hub.db import Connection
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
    deeds: int = 0
    """what persons have done so far"""
    charges: int = 0
    """what gateways kept, by their reports"""

    def collect(self) -> None:
        """Until everybody has paid once, and the hub has handled all that it was told. Raises InvalidState."""
        while self.payers.waiting:
            self._look("người nộp nhận được yêu cầu nộp tiền", len(self.payers.waiting))
            for standing in self.stands().values():
                self.payers.look(standing)
        self.wait(self._unknown, "báo có được ghi nhận")

    def end(self) -> None:
        """The gateways pay out and bring their reports; the statement is laid out, fetched and matched."""
        for gateway in self.banks.gateways:
            report = self.banks.can(gateway, "payouts", {"account": self.banks.account, "charge_bp": CHARGE_BP})
            if report is not None:
                self.charges += sum(item["charge"] for item in report["items"])
                self.bring(report)
        self.banks.ask(self.banks.own, "statements", {"account": self.banks.account})
        self.wait(self._unmatched, "dòng sao kê được đối soát")

    def wait_until_quiet(self) -> None:
        """Until nobody collects or sends any more, so that two persons agree to figures that stay.

        Raises InvalidState.
        """
        while not self.quiet.is_set():
            self._look("hồ sơ, bưu gửi kết thúc", None)

    def bring(self, report: dict[str, Any]) -> None:
        """A person brings the report of what a payout is made of."""
        said = gateway_payouts.PayoutReport.model_validate_json(json.dumps(report))
        self.act(CASHIER, lambda uow: gateway_payouts.bring(uow, said))

    def stands(self) -> dict[str, SubmissionStatus]:
        """Dossier code → how it stands, by the public API."""
        found = self.portal.standings(quote(self.since.isoformat()))
        return {one.dossier_code: one for one in found if one.dossier_code in self.codes}

    def booked(self) -> list[dict[str, Any]]:
        """The bank's own book of the account, as it says itself."""
        rows = self.banks.seen(self.banks.own, "book")
        return [row for row in rows if row["account"] == self.banks.account]

    def own(self) -> list[dict[str, Any]]:
        """Of that, what has moved since the demo began."""
        return [row for row in self.booked() if datetime.fromisoformat(row["at"]) >= self.since]

    def act(self, actor: str, verb: "Callable[[UnitOfWork], Any]") -> Any:
        """``verb`` by a person, with what follows from it."""

        def whole(uow: "UnitOfWork") -> tuple[Any, list[Any]]:
            done = verb(uow)
            return done, done if isinstance(done, list) else []

        done = dispatch.run_command(self.hub, actor, whole)
        self.deeds += 1
        self.patience.see(self.deeds, "persons")
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
        self.patience.see(self.waits, "fees")
        if self.stopped.wait(_LOOK_EVERY) or self.patience.over:
            raise InvalidState(f"chờ {self.waits}")

    def _unknown(self, conn: "Connection") -> int:
        told: Sequence[Deed] = [deed for deed in self.payers.deeds if deed.told]
        named = [deed.provider for deed in told], [deed.txn for deed in told]
        return int(one(conn, _KNOWN, (len(told), *named))["missing"])

    def _unmatched(self, conn: "Connection") -> int:
        booked = self.booked()
        refs = sorted({row["ref"] for row in booked})
        asked = {"account": self.banks.account, "booked": len(booked), "refs": refs}
        return int(one(conn, _MATCHED, asked)["missing"])
