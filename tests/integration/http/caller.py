"""Clients of the API: sign as a partner does, and let a test spoil one thing after signing."""

import io
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import quote

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from requests import PreparedRequest, Response

from connectors.transport import signatures
from hub.clock import now
from hub.logging import flush
from tests.scripted_hub import ScriptedHub
from tests.self_signed import certified

JSON = "application/json"
LOGGED_WITHIN = 10.0
"""seconds"""
PROXY_SECRET = "what only the proxy of these tests knows"
TABLES = ("inbox", "idempotency", "audit_log", "dossier", "outbox", "event")


class ApiCaller:
    """The served API, the hub behind it, and the log."""

    def __init__(self, hub: ScriptedHub, stream: io.StringIO) -> None:
        self.hub = hub
        self.url = str(hub.settings.public_url).rstrip("/")
        self._stream = stream
        flush()
        self._mark = len(stream.getvalue())

    def portal(self) -> "Caller":
        """The public portal as a client of this API."""
        return Caller(self.url, "portal-test-a", self.hub.catalogue.secret("HUB_SECRET_TEST_PORTAL_A").encode())

    def stored(self) -> dict[str, int]:
        """How many rows each table has."""
        return {table: self.hub.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in TABLES}

    def log_text(self) -> str:
        """What was logged since the API was opened."""
        flush()
        return self._stream.getvalue()[self._mark :]

    def log(self, event: str) -> list[dict[str, Any]]:
        """The lines of that event; a request's is written after its answer has left, so it is waited for."""
        until = time.monotonic() + LOGGED_WITHIN
        while True:
            lines = [json.loads(line) for line in self.log_text().splitlines()]
            matching = [line for line in lines if line["event"] == event]
            if matching or time.monotonic() > until:
                return matching
            time.sleep(0.01)

    def lines_of(self, answers: Sequence[Response]) -> list[dict[str, Any]]:
        """The line of each of these requests, waited for; what another test asked may be logged in between."""
        ids = [answer.headers["X-Request-Id"] for answer in answers]
        until = time.monotonic() + 120
        while True:
            by_id = {line["request_id"]: line for line in self.log("request")}
            if by_id.keys() >= set(ids) or time.monotonic() > until:
                return [by_id[one] for one in ids if one in by_id]
            time.sleep(0.01)


@dataclass
class Caller:
    """A partner with a key. ``spoil`` is done to the signed request before it goes out."""

    url: str
    key_id: str
    secret: bytes
    session: requests.Session = field(default_factory=requests.Session)

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
        created: datetime | None = None,
        spoil: Callable[[PreparedRequest], None] | None = None,
    ) -> Response:
        sent = {**({"Content-Type": JSON} if body is not None else {}), **(headers or {})}
        if key is not None:
            sent["Idempotency-Key"] = key
        request = requests.Request(method, self.url + path, headers=sent, data=body).prepare()
        signatures.sign(request, self.key_id, self.secret, created=created)
        if spoil is not None:
            spoil(request)
        return self.session.send(request, timeout=300)  # a process that starts on a busy machine is slow, not broken

    def submit(self, submission: Mapping[str, Any] | bytes, key: str | None = "", **options: Any) -> Response:
        """POST /v1/submissions; ``key`` "" is the reference, None is none."""
        body = submission if isinstance(submission, bytes) else as_json(submission)
        chosen = submission["reference"] if key == "" and isinstance(submission, Mapping) else key
        return self.call("POST", "/v1/submissions", body, key=chosen or None, **options)

    def get(self, path: str, **options: Any) -> Response:
        return self.call("GET", path, **options)


def as_json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def long_ago() -> datetime:
    """A moment outside the window of ±300 s."""
    return now() - timedelta(seconds=301)


@dataclass(frozen=True)
class Certificate:
    """A client certificate and how the proxy hands it over."""

    fingerprint: str
    escaped: str


@cache
def certificate_of(owner: str, *, expired: bool = False) -> Certificate:
    """The certificate of ``owner``, the same one whenever it is asked for."""
    pair = certified(ec.generate_private_key(ec.SECP256R1()), owner, valid_for=timedelta(days=-1 if expired else 1))
    fingerprint = x509.load_pem_x509_certificate(pair.certificate).fingerprint(hashes.SHA256())
    return Certificate(fingerprint.hex(), quote(pair.certificate.decode(), safe=""))
