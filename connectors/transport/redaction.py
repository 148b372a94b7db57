"""Redaction of evidence, fail closed: a value is kept only if its name is known to be harmless and it reads as a code.

Partners name their fields as they like, so a list of personal names would miss some. Here the list is of the names
that may be read; everything else becomes MASK, with the shape of the document kept. Names of people, streets and
remarks have spaces or accents, identity and phone numbers are long runs of digits: neither passes for a code, whatever
the field is called. Nothing in this file raises on any input: what cannot be read is not kept.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lxml import etree

from connectors.transport import xml
from schemas.text import fault_in

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
    """Whether a text in the body holds what no text may (schemas.text); False also where the body cannot be read."""
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
