"""Evidence: what was said to a counterparty and what it answered, redacted, with the hashes of the raw bytes."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

from connectors.transport.redaction import MASK, holds_unfit_text, redacted_body, redacted_headers


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """One half of an exchange as it is kept: harmless headers, a body without personal data, proof of the raw bytes."""

    headers: dict[str, str]
    body: str | None
    """redacted text; None where the media type is not one that can be redacted, or the body is too large"""
    size: int
    """bytes of the raw body"""
    sha256: str
    """hex, over the raw body"""
    raw: str | None = None
    """base64 of the raw body where its texts hold what no text may (schemas.text), so that they are used cleaned;
    personal, and shown nowhere"""

    @classmethod
    def of(cls, headers: Mapping[str, str], body: bytes) -> "RecordedMessage":
        """The message as it may be kept."""
        media_type = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
        return cls(
            headers=redacted_headers(headers),
            body=redacted_body(media_type, body),
            size=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            raw=base64.b64encode(body).decode() if holds_unfit_text(media_type, body) else None,
        )


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back. ``status`` is None when no head of a reply came, ``reply`` when no whole one."""

    id: str
    counterparty: str
    method: str
    url: str
    """without credentials; the values of the query are masked"""
    started_at: datetime
    duration_ms: int
    sent: bool
    """whether the request had been written whole"""
    request: RecordedMessage
    status: int | None
    reply: RecordedMessage | None
    error: str | None
    """the code of the transport's failure (connectors.errors.ConnectorCode), if it failed"""


_RECORDING: ContextVar[list[Exchange] | None] = ContextVar("kept_exchanges", default=None)


@contextmanager
def recording() -> Iterator[list[Exchange]]:
    """Collects the exchanges of this thread (or coroutine) while it is open; outside of it nothing is kept."""
    exchanges: list[Exchange] = []
    token = _RECORDING.set(exchanges)
    try:
        yield exchanges
    finally:
        _RECORDING.reset(token)


def is_recording() -> bool:
    """Whether anybody will look: redaction costs more than many a call."""
    return _RECORDING.get() is not None


def keep(exchange: Exchange) -> None:
    """Adds ``exchange`` to the open recording."""
    recorded = _RECORDING.get()
    if recorded is not None:
        recorded.append(exchange)


def without_secrets(url: str) -> str:
    """``url`` without user, password and fragment, and with the query's values masked."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = "&".join(f"{parameter.partition('=')[0]}={MASK}" for parameter in parts.query.split("&") if parameter)
    return urlunsplit((parts.scheme, host, parts.path, query, ""))
