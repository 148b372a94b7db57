"""The sandbox's banks beside a house with open doors: people pay, the banks tell, statements are fetched."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.banks.files import LaidOutFiles
from hub import dispatch
from hub.fees.matching.payouts import Report, bring
from hub.fees.statements import importing
from hub.fees.statements.importing import Result
from tests.house import ScriptedHouse
from tests.unit.sandbox.running import Running, call, sandbox

BANK = "bank-a"
ACCOUNT = "1020304050607"


@dataclass
class Town:
    """Every bank and gateway of tests/catalogue, on sockets of their own."""

    house: ScriptedHouse
    running: Running
    _cursors: dict[str, str] = field(default_factory=dict)

    def asks(self, what: str, bank: str = BANK, **form: Any) -> Any:
        """What the bank's control door answers."""
        reply = call("POST", f"{self.running.control(f'bank.{bank}')}/{what}", json=form)
        assert reply.ok, reply.text
        return reply.json()

    def refuses(self, what: str, bank: str = BANK, **form: Any) -> list[str]:
        reply = call("POST", f"{self.running.control(f'bank.{bank}')}/{what}", json=form)
        assert reply.status_code == 422, reply.text
        return list(reply.json())

    def pays(self, reference: str, amount: int, bank: str = BANK, **form: Any) -> list[dict[str, Any]]:
        """Somebody pays; what became of it, and what followed in the house."""
        done = self.asks("transfers", bank, reference=reference, amount=amount, **form)
        self.house.carry()
        return list(done)

    def seen(self, listing: str, bank: str = BANK) -> list[dict[str, Any]]:
        return list(call("GET", f"{self.running.control(f'bank.{bank}')}/{listing}").json())

    def balance(self) -> int:
        """Of the account that the tests pay into, by the bank's own book."""
        return sum(entry["amount"] for entry in self.seen("book") if entry["account"] == ACCOUNT)

    def lays_out(self, **form: Any) -> dict[str, Any]:
        return dict(self.asks("statements", **form))

    def fetches(self, bank: str = BANK) -> Sequence[Result]:
        """What is new at the bank's file service, brought in and matched."""
        port = self._port(bank)
        brought: list[Result] = []
        while (delivery := port.statements(self._cursors.get(bank, ""))).files:
            brought += [self._brought(bank, file.name, file.body) for file in delivery.files]
            self._cursors[bank] = delivery.cursor
        self.house.carry()
        return brought

    def _brought(self, bank: str, name: str, body: bytes) -> Result:
        known = self.house.catalogue.banks[bank]
        result: Result = dispatch.act(
            self.house, "ke-toan-a", lambda work: (importing.bring(work, known, name, body), [])
        )
        return result

    def brings(self, report: dict[str, Any]) -> None:
        """A person brings a gateway's report."""
        said = Report.model_validate({**report, "day": report["day"]}, strict=False)
        dispatch.act(self.house, "ke-toan-a", lambda work: (bring(work, said), []))

    def _port(self, bank: str) -> LaidOutFiles:
        known = self.house.catalogue.banks[bank]
        return LaidOutFiles(known, self.house.catalogue, self.running.urls[f"bank.{bank}"])


@contextmanager
def town(house: ScriptedHouse, data: Path) -> Iterator[Town]:
    codes = [bank.counterparty for bank in house.catalogue.banks.values()]
    with sandbox(data, codes, hub=str(house.settings.public_url).rstrip("/")) as running:
        yield Town(house, running)
