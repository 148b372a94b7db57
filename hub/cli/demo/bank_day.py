"""The bank's day of the demo: people pay while it lasts, then the gateways pay out and the statement is laid out."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from hub import dispatch
from hub.cli.demo.payers import Banks, Deed, Payers
from hub.cli.demo.portal import Portal, Standing
from hub.errors import NotNow
from hub.fees.matching import payouts

if TYPE_CHECKING:
    from hub.db import Connection
    from hub.wiring import Hub
    from hub.work import Work

CHARGE_BP: Final = 50
"""what a gateway keeps of each payment, in basis points"""
CASHIER: Final = "ke-toan-dien-tap"
WITHIN: Final = 60.0
"""seconds that each step of the evening may take"""
_LOOK_EVERY: Final = 0.5

_KNOWN: Final = """
SELECT count(*) AS n FROM payment p JOIN unnest(%s::text[], %s::text[]) AS d (provider, txn)
    ON (p.provider, p.provider_txn) = (d.provider, d.txn)
"""
_MATCHED: Final = """
SELECT (SELECT count(*) FROM statement_line WHERE account = %(account)s AND bank_ref = ANY(%(refs)s)) AS there,
    (SELECT count(*) FROM statement_line WHERE account = %(account)s AND state = 'new') AS waiting
"""


@dataclass
class BankDay:
    """One day of one account. ``since``: when the demo began; what the bank has booked before is not its own."""

    hub: "Hub"
    portal: Portal
    banks: Banks
    payers: Payers
    codes: set[str]
    """of the dossiers of the demo"""
    since: datetime
    effects: Path
    """where the sandbox writes what its counterparties have taken"""
    stopped: Event = field(default_factory=Event)
    charges: int = 0
    """what gateways kept, by their reports"""

    def collect(self) -> None:
        """Until everybody has paid once, and the hub has handled all that it was told. Raises NotNow."""
        while self.payers.waiting:
            self._look()
        self.wait(self._all_known, "notifications are handled")

    def end(self) -> None:
        """The gateways pay out and bring their reports; the statement is laid out, fetched and matched."""
        for gateway in self.banks.gateways:
            report = self.banks.can(gateway, "payouts", {"account": self.banks.account, "charge_bp": CHARGE_BP})
            if report is not None:
                self.charges += sum(item["charge"] for item in report["items"])
                self.bring(report)
        self.banks.ask(self.banks.own, "statements", {"account": self.banks.account})
        self.wait(self._all_matched, "the statement is matched")

    def bring(self, report: dict[str, Any]) -> None:
        """A person brings the report of what a payout is made of."""
        said = payouts.Report.model_validate_json(json.dumps(report))
        self.act(CASHIER, lambda work: payouts.bring(work, said))

    def stands(self) -> dict[str, Standing]:
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

    def act(self, actor: str, verb: "Callable[[Work], Any]") -> Any:
        """``verb`` by a person, with what follows from it."""

        def whole(work: "Work") -> tuple[Any, list[Any]]:
            done = verb(work)
            return done, done if isinstance(done, list) else []

        return dispatch.act(self.hub, actor, whole)

    def wait(self, happens: "Callable[[Connection], bool]", what: str) -> None:
        """Raises NotNow when it takes too long, or the demo has been given up."""
        until = time.monotonic() + WITHIN
        while time.monotonic() < until and not self.stopped.is_set():
            with self.hub.db.connection() as conn:
                if happens(conn):
                    return
            time.sleep(_LOOK_EVERY)
        raise NotNow(f"not within {WITHIN:.0f} s: {what}")

    def _look(self) -> None:
        if self.stopped.wait(_LOOK_EVERY):
            raise NotNow(f"{len(self.payers.waiting)} of those who pay first were never asked to")
        for standing in self.stands().values():
            self.payers.look(standing)

    def _all_known(self, conn: "Connection") -> bool:
        told: Sequence[Deed] = [deed for deed in self.payers.deeds if deed.told]
        row = conn.execute(_KNOWN, ([deed.provider for deed in told], [deed.txn for deed in told])).fetchone()
        return bool(row and row["n"] == len(told))

    def _all_matched(self, conn: "Connection") -> bool:
        refs = sorted({row["ref"] for row in self.booked()})
        row = conn.execute(_MATCHED, {"account": self.banks.account, "refs": refs}).fetchone()
        return bool(row and row["there"] >= len(self.booked()) and not row["waiting"])
