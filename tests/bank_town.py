"""The sandbox's banks beside a hub with open endpoints: people pay, the banks tell, statements are fetched."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.banks.files import BankFileService
from hub import dispatch
from hub.fees.reconciliation.matching.gateway_payouts import PayoutReport, bring
from hub.fees.reconciliation.statements import importing
from hub.fees.reconciliation.statements.importing import ImportResult
from tests.scripted_hub import ScriptedHub
from tests.unit.sandbox.running import Running, call, sandbox

BANK = "bank-a"
ACCOUNT = "1020304050607"


@dataclass
class BankTown:
    """Every bank and gateway of tests/catalogue, on sockets of their own."""

    hub: ScriptedHub
    running: Running
    _cursors: dict[str, str] = field(default_factory=dict)

    def asks(self, what: str, bank: str = BANK, **form: Any) -> Any:
        """What the bank's control API answers."""
        reply = call("POST", f"{self.running.control(f'bank.{bank}')}/{what}", json=form)
        assert reply.ok, reply.text
        return reply.json()

    def refuses(self, what: str, bank: str = BANK, **form: Any) -> list[str]:
        reply = call("POST", f"{self.running.control(f'bank.{bank}')}/{what}", json=form)
        assert reply.status_code == 422, reply.text
        return list(reply.json())

    def pays(self, reference: str, amount: int, bank: str = BANK, **form: Any) -> list[dict[str, Any]]:
        """Somebody pays; what became of it, and what followed in the hub."""
        done = self.asks("transfers", bank, reference=reference, amount=amount, **form)
        self.hub.carry()
        return list(done)

    def seen(self, listing: str, bank: str = BANK) -> list[dict[str, Any]]:
        return list(call("GET", f"{self.running.control(f'bank.{bank}')}/{listing}").json())

    def balance(self) -> int:
        """Of the account that the tests pay into, by the bank's own book."""
        return sum(entry["amount"] for entry in self.seen("book") if entry["account"] == ACCOUNT)

    def lays_out(self, **form: Any) -> dict[str, Any]:
        return dict(self.asks("statements", **form))

    def fetches(self, bank: str = BANK) -> Sequence[ImportResult]:
        """What is new at the bank's file service, brought in and matched."""
        port = self._port(bank)
        brought: list[ImportResult] = []
        while (delivery := port.statements(self._cursors.get(bank, ""))).files:
            brought += [self._brought(bank, file.name, file.body) for file in delivery.files]
            self._cursors[bank] = delivery.cursor
        self.hub.carry()
        return brought

    def _brought(self, bank: str, name: str, body: bytes) -> ImportResult:
        known = self.hub.catalogue.banks[bank]
        result: ImportResult = dispatch.run_command(
            self.hub, "ke-toan-a", lambda uow: (importing.bring(uow, known, name, body), [])
        )
        return result

    def brings(self, report: dict[str, Any]) -> None:
        """A person brings a gateway's report."""
        payout_report = PayoutReport.model_validate({**report, "day": report["day"]}, strict=False)
        dispatch.run_command(self.hub, "ke-toan-a", lambda uow: (bring(uow, payout_report), []))

    def _port(self, bank: str) -> BankFileService:
        known = self.hub.catalogue.banks[bank]
        return BankFileService(known, self.hub.catalogue, self.running.urls[f"bank.{bank}"])


@contextmanager
def town(hub: ScriptedHub, data: Path) -> Iterator[BankTown]:
    codes = [bank.counterparty for bank in hub.catalogue.banks.values()]
    with sandbox(data, codes, hub=str(hub.settings.public_url).rstrip("/")) as running:
        yield BankTown(hub, running)
