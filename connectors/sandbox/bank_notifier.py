"""Notifications of a sandbox bank or gateway to the hub: signed, once or as often as the transfer's behaviour says."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import requests

from config.catalogue import Bank, Catalogue
from config.notifications import Notifications, SignedJson
from connectors.clock import now
from connectors.sandbox.bank_behaviours import NotificationBehaviour
from connectors.sandbox.bank_notices import SENDERS, MovementNotice, Sender, Sent, signed_json

CALLERS: Final = 8
"""threads"""
TIMEOUT: Final = 10.0
"""seconds"""
ATTEMPTS: Final = 5
FIRST_PAUSE: Final = 0.1
"""seconds; doubled after each attempt. Like the real ones it gives up: what is lost so, the statement says."""
REPEATS: Final = 3
CROWD: Final = 20
ANOTHER_AMOUNT: Final = 1_000
"""đồng by which a second telling differs"""
LONG_AGO: Final = timedelta(hours=1)
_FORGED: Final = "somebody else's secret, of the same length"


NOTICES: Final[Mapping[NotificationBehaviour, Callable[[MovementNotice], list[MovementNotice]]]] = {
    NotificationBehaviour.ONCE: lambda notice: [notice],
    NotificationBehaviour.REPEATED: lambda notice: [notice] * REPEATS,
    NotificationBehaviour.CROWDED: lambda notice: [notice] * CROWD,
    NotificationBehaviour.NEVER: lambda _: [],
    NotificationBehaviour.HELD: lambda _: [],
    NotificationBehaviour.FORGED: lambda notice: [notice],
    NotificationBehaviour.STALE: lambda notice: [replace(notice, signed_at=now() - LONG_AGO)],
    NotificationBehaviour.CHANGED: lambda notice: [notice, replace(notice, amount=notice.amount + ANOTHER_AMOUNT)],
    NotificationBehaviour.FAILED: lambda notice: [replace(notice, failed=True)],
    NotificationBehaviour.FAILED_FIRST: lambda notice: [replace(notice, failed=True), notice],
}
"""What is said, one after another (crowded: at the same moment)."""


@dataclass(frozen=True, slots=True)
class HubAnswer:
    """What the hub answered; ``status`` 0: nothing."""

    status: int
    body: str


class BankNotifier:
    """One provider's calls to the hub's notification endpoint."""

    def __init__(self, bank: Bank, catalogue: Catalogue, hub: str, environment: Mapping[str, str]) -> None:
        """Raises ValueError when the key with which the bank signs is not in the environment."""
        self.terms = _terms(bank)
        self._url = f"{hub}/v1/banks/{bank.code}/notifications"
        self._send: Sender = SENDERS.get(self.terms.dialect) or signed_json(_form(self.terms))
        name = _in_force(self.terms)
        self._secret = _private_key(name, environment) if self.terms.signed_json else catalogue.secret(name)
        self.access_key = catalogue.secret(self.terms.access_key) if self.terms.access_key else ""
        self._threads = ThreadPoolExecutor(CALLERS, thread_name_prefix=f"sandbox-{bank.code}")

    async def notify(self, notice: MovementNotice, telling: NotificationBehaviour) -> list[HubAnswer]:
        """Say it as ``telling`` has it; what was answered, in the order of asking."""
        calls = [self._notify(one, forged=telling is NotificationBehaviour.FORGED) for one in NOTICES[telling](notice)]
        if telling is NotificationBehaviour.CROWDED:
            return list(await asyncio.gather(*calls))
        return [await call for call in calls]

    def close(self) -> None:
        """Waits for the calls under way."""
        self._threads.shutdown()

    async def _notify(self, notice: MovementNotice, *, forged: bool = False) -> HubAnswer:
        """Until it is answered with anything but a server error, or often enough."""
        sent = self._forged(notice) if forged else self._send(notice, self._secret)
        answer, pause = HubAnswer(0, ""), FIRST_PAUSE
        for _ in range(ATTEMPTS):
            answer = await asyncio.get_running_loop().run_in_executor(self._threads, self._call, sent)
            if 0 < answer.status < requests.codes.server_error:
                break
            await asyncio.sleep(pause)
            pause *= 2
        return answer

    def _forged(self, notice: MovementNotice) -> Sent:
        if self.terms.signed_json is None:
            return self._send(notice, _FORGED)
        # Signed for another amount: whoever has no key of theirs can only change what is signed.
        sent, other = (
            self._send(notice, self._secret),
            self._send(replace(notice, amount=notice.amount + 1), self._secret),
        )
        return Sent(sent.query, other.headers, sent.body) if self.terms.signed_json.signature_header else _spoiled(sent)

    def _call(self, sent: Sent) -> HubAnswer:
        with requests.Session() as session:
            session.trust_env = False
            try:
                if sent.query:
                    reply = session.get(f"{self._url}?{sent.query.decode()}", timeout=TIMEOUT, allow_redirects=False)
                else:
                    headers = {"Content-Type": "application/json", **sent.headers}
                    reply = session.post(self._url, sent.body, headers=headers, timeout=TIMEOUT, allow_redirects=False)
            except requests.RequestException:
                return HubAnswer(0, "")
            return HubAnswer(reply.status_code, reply.text)


def _spoiled(sent: Sent) -> Sent:
    return Sent(sent.query, sent.headers, sent.body.replace(b"0", b"1", 1))


def _terms(bank: Bank) -> Notifications:
    if bank.notifications is None:
        raise ValueError(f"{bank.code} tells nothing")
    return bank.notifications


def _form(terms: Notifications) -> SignedJson:
    if terms.signed_json is None:
        raise ValueError(f"the sandbox does not speak {terms.dialect}")
    return terms.signed_json


def _in_force(terms: Notifications) -> str:
    """The name of the key that it signs with today: the newest of those in force."""
    moment = now()
    known = [
        key.secret
        for key in terms.keys
        if (key.valid_from is None or key.valid_from <= moment)
        and (key.valid_until is None or moment < key.valid_until)
    ]
    return (known or [terms.keys[-1].secret])[-1]


def _private_key(certificate: str, environment: Mapping[str, str]) -> str:
    """The bank's own, beside its certificate: HUB_SECRET_…_CERTIFICATE, HUB_SECRET_…_KEY."""
    name = certificate.removesuffix("CERTIFICATE") + "KEY"
    if name not in environment:
        raise ValueError(f"the sandbox needs {name}, the private key of {certificate}")
    return environment[name]
