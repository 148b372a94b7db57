"""Providers at the notification doors of the tests: who they are, and what they say."""

from collections.abc import Callable
from typing import Any

import requests
from requests import Response

from tests.catalogue_secrets import environment
from tests.integration.http.caller import JSON, ApiCaller
from tests.notices import SENDERS, NoticeDraft, Sent

BANKS = {
    "vnpay-t": ("vnpay", "VNPAY"),
    "national-t": ("national", "NATIONAL"),
    "keypay-t": ("keypay", "KEYPAY"),
    "payos-t": ("payos", "PAYOS"),
    "casso-t": ("casso", "CASSO"),
    "sepay-t": ("sepay", "SEPAY_A"),
    "momo-t": ("momo", "MOMO"),
    "bank-a": ("signed-json", "BANK_A_KEY"),
}
"""Each bank of tests/catalogue that notifies: its dialect, and the secret that it signs with."""


class Teller:
    """A provider at the door."""

    def __init__(self, door: ApiCaller, bank: str, secret: str | None = None) -> None:
        dialect, name = BANKS[bank]
        self.url = f"{door.url}/v1/banks/{bank}/notifications"
        self._send: Callable[[NoticeDraft, str], Sent] = SENDERS[dialect]
        self._secret = secret or secret_of(name)

    def request(self, said: NoticeDraft) -> Sent:
        return self._send(said, self._secret)

    def tells(self, said: NoticeDraft | Sent, session: requests.Session | None = None) -> Response:
        sent = self.request(said) if isinstance(said, NoticeDraft) else said
        own = session or requests.Session()
        if sent.query:
            return own.get(self.url + "?" + sent.query.decode("latin-1"), timeout=30)
        headers = {"Content-Type": JSON, **dict(sent.headers)}
        return own.post(self.url, data=sent.body, headers=headers, timeout=30)


def secret_of(name: str) -> str:
    return environment()[f"HUB_SECRET_TEST_{name}"]


def said_by(answer: Response) -> tuple[int, Any]:
    return answer.status_code, answer.json() if answer.content else None


def count(door: ApiCaller, table: str) -> int:
    return int(door.hub.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"])


def verdicts(door: ApiCaller) -> list[tuple[str, str | None]]:
    rows = door.hub.rows("SELECT verdict, code FROM notify_verdict ORDER BY delivery_id")
    return [(row["verdict"], row["code"]) for row in rows]
