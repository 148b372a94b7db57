"""Evidence of an HTTP exchange: request and reply, redacted, with the SHA-256 of the raw bytes.

Redaction fails closed: a value is kept only if its name is on the list of harmless names and it reads as a code.
Partners name their fields as they like, so a list of personal names would miss some; everything off the list becomes
MASK, with the shape of the document kept. Names of people, streets and remarks have spaces or accents, identity and
phone numbers are long runs of digits: neither reads as a code, whatever the field is called. Redaction raises on no
input: what cannot be read is not kept.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from lxml import etree

from connectors.transport import xml
from schemas.values import fault_in

MASK: Final = "•••"
READ_LIMIT: Final = 1_048_576
"""bytes; a larger body is kept as its hash only"""
KEEP_LIMIT: Final = 65_536
"""characters of redacted text that are kept"""
MAX_DEPTH: Final = 60

CLOSED: Final = frozenset({"applicant", "papers", "identity", "address", "result", "signature", "password", "content"})
"""Names under which nothing at all is shown."""

READABLE: Final = frozenset({
        "id", "code", "status", "statuscode", "state", "type", "event", "eventid", "eventtype", "version", "leg",
        "cursor", "after", "timestamp", "at", "createdat", "receivedat", "submittedat", "dueat", "created", "expires",
        "messageid", "requestid", "reportid", "handoffid", "submissionid", "dossiercode", "procedure", "channel",
        "method", "agency", "fromagency", "toagency", "scheme", "kind", "amount", "phi", "lephi", "faultcode",
        "faultactor", "instance", "pointer", "schemalocation", "nil", "mustunderstand", "encodingtype", "valuetype",
        "ordernumber", "customercode"
})  # fmt: skip
"""Names, lower case and without separators, whose values tell no one who somebody is."""

READABLE_HEADERS: Final = frozenset({
        "accept", "accept-encoding", "allow", "connection", "content-digest", "content-encoding", "content-length",
        "content-type", "date", "host", "idempotency-key", "location", "retry-after", "server", "soapaction",
        "traceparent", "transfer-encoding", "user-agent", "via", "webhook-id", "webhook-timestamp", "x-request-id"
})  # fmt: skip

_CODE: Final = re.compile(r"[A-Za-z0-9._:/+,;=*-]{1,120}")
_NAME: Final = re.compile(r"[A-Za-z_@$][A-Za-z0-9_.:@$-]{0,60}")
_LONG_NUMBER: Final = re.compile(r"[0-9]{9}")
_SEPARATORS: Final = re.compile(r"[^a-z0-9]")
_SECRETS_IN_A_HEADER: Final = re.compile(r"[?#].*|//[^/@]*@")


def redacted_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with every value masked that is not known to be harmless; credentials and signatures never are."""
    return {name: _header_value(name, value) for name, value in headers.items() if _NAME.fullmatch(name)}


def _header_value(name: str, value: str) -> str:
    if name.lower() not in READABLE_HEADERS or not (value.isascii() and value.isprintable()):
        return MASK
    return _SECRETS_IN_A_HEADER.sub(MASK, value)


def redacted_body(media_type: str, body: bytes) -> str | None:
    """The body's shape and its harmless values; None if it is neither JSON nor XML, or cannot be read, or is large."""
    if not body or len(body) > READ_LIMIT:
        return None
    try:
        if _is_json(media_type):
            return _json(body)[:KEEP_LIMIT]
        if _is_xml(media_type):
            return _xml(body)[:KEEP_LIMIT]
    except (ValueError, RecursionError):
        return None
    return None


def holds_unfit_text(media_type: str, body: bytes) -> bool:
    """Whether a text in the body holds what no text may (schemas.values); False also where the body cannot be read."""
    plain = body.isascii() and b"\\u" not in body and b"&#" not in body
    if plain or len(body) > READ_LIMIT:
        return False
    try:
        if _is_json(media_type):
            return any(map(fault_in, _texts(json.loads(body))))
        if _is_xml(media_type):
            return any(fault_in(str(text)) for text in xml.parse(body, limit=READ_LIMIT).itertext())
    except (ValueError, RecursionError):
        return False
    return False


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _is_json(media_type: str) -> bool:
    kind = media_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _is_xml(media_type: str) -> bool:
    kind = media_type.partition(";")[0].strip().lower()
    return kind in {"text/xml", "application/xml"} or kind.endswith("+xml")


def _json(body: bytes) -> str:
    return json.dumps(_walked(json.loads(body), name="", depth=0), ensure_ascii=False)


def _walked(value: Any, name: str, depth: int) -> Any:
    if depth > MAX_DEPTH or _folded(name) in CLOSED:
        return MASK
    if isinstance(value, dict):
        return {key if _NAME.fullmatch(key) else MASK: _walked(member, key, depth + 1) for key, member in value.items()}
    if isinstance(value, list):
        return [_walked(member, name, depth + 1) for member in value]
    if value is None or isinstance(value, bool):
        return value
    return value if _is_harmless(name, str(value)) else MASK


def _xml(body: bytes) -> str:
    root = xml.parse(body, limit=READ_LIMIT)
    _mask_element(root, depth=0)
    return str(etree.tostring(root, encoding="unicode"))


def _mask_element(element: xml.Element, depth: int) -> None:
    name = etree.QName(element).localname
    closed = depth > MAX_DEPTH or _folded(name) in CLOSED
    for attribute in element.attrib:
        if closed or not _is_harmless(etree.QName(attribute).localname, str(element.attrib[attribute])):
            element.attrib[attribute] = MASK
    if closed:
        del element[:]
        element.text = MASK
    elif element.text and element.text.strip() and not _is_harmless(name, element.text.strip()):
        element.text = MASK
    for child in element:
        if child.tail and child.tail.strip():
            child.tail = MASK
        _mask_element(child, depth + 1)


def _is_harmless(name: str, value: str) -> bool:
    return _folded(name) in READABLE and bool(_CODE.fullmatch(value)) and not _LONG_NUMBER.search(value)


def _folded(name: str) -> str:
    return _SEPARATORS.sub("", name.lower())


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
    """base64 of the raw body where its texts hold what no text may (schemas.values), so that they are used cleaned;
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
