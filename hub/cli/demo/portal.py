"""Client of the public API for the demo: submits and reads submissions with signed requests, as a portal does."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import requests

from connectors.transport import signatures
from hub.cli.demo.trials import SubmissionTrial
from hub.embedded.waiting import Patience
from hub.errors import HubError

TIMEOUT: Final = 120.0
PAUSE: Final = 0.5
"""seconds between attempts; the key is the same, so a repetition is safe"""
_AGAIN: Final = frozenset({409, 429, 502, 503, 504})


class PortalRefused(HubError):
    """The hub refused a request of the demo."""


@dataclass(frozen=True, slots=True)
class SubmissionStatus:
    """Status of a submission, by the public API."""

    id: str
    dossier_code: str
    status: str
    version: int
    fee: dict[str, Any] | None = None
    """the fee demand, as the portal shows it to its payer"""


class PortalClient:
    """Client that signs with ``key_id`` and ``secret`` (RFC 9421), and retries until ``patience`` is over."""

    def __init__(self, api: str, key_id: str, secret: str, patience: Patience) -> None:
        self._patience = patience
        self._api = api
        self._key_id = key_id
        self._secret = secret.encode()
        self._threads = threading.local()

    def submit(self, trial: SubmissionTrial) -> str:
        """The submission's id. Raises PortalRefused."""
        body = trial.submission.model_dump_json(exclude_none=True).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"demo:{trial.reference}"}
        answer = self._send("POST", "/v1/submissions", headers, body)
        return str(answer["id"])

    def knows(self, dossier_code: str) -> bool:
        """Whether the hub has a submission with this dossier code."""
        return bool(self._send("GET", f"/v1/submissions?dossier_code={dossier_code}")["data"])

    def statuses(self, since: str) -> Iterator[SubmissionStatus]:
        """Every submission that has changed since (ISO 8601, URL-safe)."""
        path = f"/v1/submissions?limit=200&updated_since={since}"
        while path:
            page = self._send("GET", path)
            for row in page["data"]:
                if row["dossier_code"]:
                    yield SubmissionStatus(row["id"], row["dossier_code"], row["status"], row["version"], row["fee"])
            cursor = page["next_cursor"]
            path = f"/v1/submissions?limit=200&cursor={cursor}" if cursor else ""

    def _send(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Any:
        why = ""
        while not self._patience.over:
            request = requests.Request(method, self._api + path, headers=headers, data=body).prepare()
            signatures.sign(request, self._key_id, self._secret)
            try:
                response = self._session().send(request, timeout=TIMEOUT)
            except requests.RequestException as error:
                why = type(error).__name__
            else:
                if response.ok:
                    return response.json()
                why = f"HTTP {response.status_code} {response.text[:200]}"
                if response.status_code not in _AGAIN:
                    break
            self._patience.observe(why, "api")
            time.sleep(PAUSE)
        raise PortalRefused(f"{method} {path.partition('?')[0]}: {why}")

    def _session(self) -> requests.Session:
        """One connection for each thread."""
        if not hasattr(self._threads, "session"):
            self._threads.session = requests.Session()
            self._threads.session.trust_env = False
        session: requests.Session = self._threads.session
        return session
