"""Payers of the demo: each reads the QR code of the public API and pays at a bank, some of them wrongly."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Final

import requests
from urllib3.exceptions import MaxRetryError

from config.catalogue import Bank, Catalogue
from connectors.sandbox.bank_server import WATCHERS
from hub.cli.demo.portal import SubmissionStatus
from hub.cli.demo.trials import PaymentScenario
from hub.embedded.waiting import Patience
from hub.errors import HubError
from hub.fees.demands import payer_notice

TIMEOUT: Final = 120.0
PAUSE: Final = 0.5
"""seconds between attempts to reach a bank"""
TOO_MUCH: Final = 50_000
"""đồng of an overpayment"""
_REFUSED: Final = 422


_BEHAVIOURS: Final[Mapping[PaymentScenario, str]] = {
    PaymentScenario.TWICE: "twice",
    PaymentScenario.UNREADABLE: "cut-words",
    PaymentScenario.TAKEN_BACK: "taken-back",
    PaymentScenario.LOST: "lost",
}


class BankRefused(HubError):
    """The sandbox's bank did not do what it was asked for."""


@dataclass(frozen=True, slots=True)
class PaidDemand:
    """A payment made: provider, its number and the bank's, and whether the hub was notified."""

    dossier_code: str
    way: PaymentScenario
    provider: str
    txn: str
    ref: str
    amount: int
    notified: bool


class Banks:
    """Client of the control APIs of the sandbox's banks. ``served``: counterparty → address.

    Retries while nothing listens there, until ``patience`` is over.
    """

    def __init__(self, catalogue: Catalogue, served: Mapping[str, str], patience: Patience) -> None:
        self._patience = patience
        fees = catalogue.fee_settings
        if fees is None:
            raise BankRefused("the catalogue collects nothing")
        self._served = served
        self.account = fees.account.number
        self.own = fees.account.bank
        self.channels = [bank.code for bank in catalogue.banks.values() if self.account in bank.notified]
        self.gateways = [code for code in self.channels if _collects(catalogue.banks[code])]

    def ask(self, bank: str, what: str, form: Mapping[str, Any]) -> Any:
        """Post ``form``. Raises BankRefused."""
        return self._answer(bank, what, self._send("POST", bank, what, json=dict(form)))

    def can(self, bank: str, what: str, form: Mapping[str, Any]) -> Any | None:
        """The same; None where the bank says that it has nothing to do. Raises BankRefused."""
        reply = self._send("POST", bank, what, json=dict(form))
        return None if reply.status_code == _REFUSED else self._answer(bank, what, reply)

    def seen(self, bank: str, listing: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._send("GET", bank, listing).json()
        return rows

    @staticmethod
    def _answer(bank: str, what: str, reply: requests.Response) -> Any:
        if not reply.ok:
            raise BankRefused(f"{bank} {what}: HTTP {reply.status_code} {reply.text[:200]}")
        return reply.json()

    def _send(self, method: str, bank: str, what: str, **arguments: Any) -> requests.Response:
        root = "/".join(self._served[f"bank.{bank}"].split("/")[:3])
        why = ""
        while not self._patience.over:
            try:
                with requests.Session() as session:
                    session.trust_env = False
                    return session.request(method, f"{root}/_sandbox/{what}", timeout=TIMEOUT, **arguments)
            except requests.ConnectionError as error:
                # Nobody listens, so nothing was done; once something was sent, it is not sent again.
                if not isinstance(error.args[0], MaxRetryError):
                    raise BankRefused(f"{bank} {what}: {type(error).__name__}") from None
                why = type(error).__name__
            except requests.RequestException as error:
                raise BankRefused(f"{bank} {what}: {type(error).__name__}") from None
            self._patience.observe(why, bank)
            time.sleep(PAUSE)
        raise BankRefused(f"{bank} {what}: {why}")


def _collects(bank: Bank) -> bool:
    return not bank.accounts and bank.notifications is not None and bank.notifications.dialect not in WATCHERS


@dataclass
class Payers:
    """The payers. ``ways``: dossier code → how its fee is paid."""

    banks: Banks
    ways: Mapping[str, PaymentScenario]
    payments: list[PaidDemand] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._channels = cycle(self.banks.channels)
        self._paid: set[str] = set()

    @property
    def waiting(self) -> set[str]:
        """Dossier codes of those who have not paid yet."""
        return set(self.ways) - self._paid

    def look(self, submission: SubmissionStatus) -> None:
        """Pay, if there is something to pay and it has not been paid. Raises BankRefused."""
        if submission.dossier_code in self.waiting and submission.fee is not None and submission.fee["qr"]:
            self._paid.add(submission.dossier_code)
            self.pay(submission, self.ways[submission.dossier_code])

    def pay(self, submission: SubmissionStatus, way: PaymentScenario) -> None:
        """Read the QR as a banking app does, and pay. Raises BankRefused."""
        asked = payer_notice.decode(str((submission.fee or {})["qr"]))
        bank = next(self._channels) if way is PaymentScenario.EXACT else self.banks.own
        form = {
            "amount": _amount(asked.amount or 0, way),
            "reference": asked.purpose,
            "account": asked.account,
            "behaviour": _BEHAVIOURS.get(way, ""),
        }
        for done in self.banks.ask(bank, "transfers", form):
            notified = bool(done["answers"])
            self.payments.append(
                PaidDemand(submission.dossier_code, way, bank, done["txn"], done["ref"], done["amount"], notified)
            )


def _amount(due: int, way: PaymentScenario) -> int:
    # Not the half: of two equal amounts with one reference, told by two services, the second is seen on the statement.
    return {PaymentScenario.SHORT: due // 3, PaymentScenario.OVER: due + TOO_MUCH}.get(way, due)
