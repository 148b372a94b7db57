"""Payment providers as clients of the notification endpoints: who they are, and what they send."""

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
    """A provider that sends notifications."""

    def __init__(self, api: ApiCaller, bank: str, secret: str | None = None) -> None:
        dialect, name = BANKS[bank]
        self.url = f"{api.url}/v1/banks/{bank}/notifications"
        self._send: Callable[[NoticeDraft, str], Sent] = SENDERS[dialect]
        self._secret = secret or secret_of(name)

    def request(self, notice: NoticeDraft) -> Sent:
        return self._send(notice, self._secret)

    def tells(self, notice: NoticeDraft | Sent, session: requests.Session | None = None) -> Response:
        sent = self.request(notice) if isinstance(notice, NoticeDraft) else notice
        own = session or requests.Session()
        if sent.query:
            return own.get(self.url + "?" + sent.query.decode("latin-1"), timeout=30)
        headers = {"Content-Type": JSON, **dict(sent.headers)}
        return own.post(self.url, data=sent.body, headers=headers, timeout=30)


def secret_of(name: str) -> str:
    return environment()[f"HUB_SECRET_TEST_{name}"]


def said_by(answer: Response) -> tuple[int, Any]:
    return answer.status_code, answer.json() if answer.content else None


def count(api: ApiCaller, table: str) -> int:
    return int(api.hub.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"])


def verdicts(api: ApiCaller) -> list[tuple[str, str | None]]:
    rows = api.hub.rows("SELECT verdict, code FROM notify_verdict ORDER BY delivery_id")
    return [(row["verdict"], row["code"]) for row in rows]
