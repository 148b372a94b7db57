"""XML from outside: one hardened parser, and the vendored contracts (WSDL, XSD in schemas/wire) for validation.

Refused before anything is read: more bytes than the cap, a DOCTYPE (and with it every entity, bomb and external
reference). libxml2 itself stops at 256 levels of nesting and 10 MB of text. Comments and processing instructions are
dropped, so that a value is read whole: a comment inside a signed value would otherwise cut it short unnoticed.
"""

import re
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

from lxml import etree

import schemas

WIRE: Final = Path(schemas.__path__[0]) / "wire"
SUFFIXES: Final = frozenset({".wsdl", ".xsd"})


class NotVendored(LookupError):
    """Somebody, perhaps a contract itself, asks for a document that is not in schemas/wire."""


@cache
def vendored_names() -> frozenset[str]:
    """Every document that may be loaded, as "department.wsdl" or "folder/types.xsd"; this list is the allow-list."""
    return frozenset(path.relative_to(WIRE).as_posix() for path in WIRE.rglob("*") if path.suffix in SUFFIXES)


@cache
def vendored_document(name: str) -> bytes:
    """The bytes of one contract. Raises NotVendored for any name that is not exactly one of ``vendored_names()``."""
    if name not in vendored_names():
        raise NotVendored(f"{name!r} is not in schemas/wire")
    return (WIRE / name).read_bytes()


Element = etree._Element  # noqa: SLF001 - lxml has no public name for its elements

LIMIT: Final = 1_048_576
"""bytes of one document; larger things travel by reference and SHA-256."""

ATTRIBUTES: Final = 64
"""of one element; ours have at most four."""

MOMENTS: Final = frozenset({"at", "answeredAt", "receivedAt"})
"""elements of our WSDLs that hold an xs:dateTime"""

XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
READS_OTHER_FILES: Final = (f"{XSD}import", f"{XSD}include", f"{XSD}redefine")


_DATE_TIME: Final = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})T(?P<hour>[0-9]{2})(?P<rest>:[0-9]{2}:[0-9]{2})(?:\.(?P<fraction>[0-9]+))?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})"
)


class UnsafeXML(ValueError):
    """These bytes are no XML document that we read. ``code``: too_large, malformed, doctype or too_wide.

    The message never quotes the document.
    """

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


def parse(data: bytes, *, limit: int = LIMIT) -> Element:
    """The root element of ``data``. Raises UnsafeXML and nothing else, whatever the bytes are."""
    if len(data) > limit:
        raise UnsafeXML("too_large", f"the document has more than {limit} bytes")
    try:
        root = etree.fromstring(data, _parser())
    except etree.XMLSyntaxError as error:
        raise UnsafeXML("malformed", _place(error)) from None
    except ValueError:  # lxml on text that is not XML at all, such as an unknown encoding
        raise UnsafeXML("malformed", "the document is not XML") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnsafeXML("doctype", "the document has a DOCTYPE")
    if any(len(element.attrib) > ATTRIBUTES for element in root.iter()):
        raise UnsafeXML("too_wide", f"an element has more than {ATTRIBUTES} attributes")
    return root


def moment_in(text: str) -> datetime:
    """An xs:dateTime with a zone (XML Schema 1.1 part 2 §3.3.7). Raises ValueError, also without a zone.

    Unlike RFC 3339 it may stand between white space, end a day at 24:00:00, and have any number of decimals, of which
    six are kept.
    """
    match = _DATE_TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError("not an xs:dateTime with a zone")
    day, hour, rest, fraction, zone = match.group("day", "hour", "rest", "fraction", "zone")
    ends_a_day = hour == "24" and rest == ":00:00" and not (fraction or "").strip("0")
    moment = datetime.fromisoformat(f"{day}T{'00' if ends_a_day else hour}{rest}.{(fraction or '0')[:6]}{zone}")
    try:
        return moment + timedelta(days=1) if ends_a_day else moment
    except OverflowError:
        raise ValueError("a day beyond the calendar") from None


def value_of(element: Element) -> str | dict[str, str]:
    """What an element of our contracts says, as JSON has it: a text, a moment, or the parts of a signed record.

    The white space in base64 means nothing. A moment that is none stays as it is: the model that reads it next refuses.
    """
    if len(element):
        return {etree.QName(part).localname: "".join((part.text or "").split()) for part in element}
    text = element.text or ""
    if etree.QName(element).localname not in MOMENTS:
        return text
    try:
        return moment_in(text).isoformat()
    except ValueError:
        return text


def _parser() -> etree.XMLParser:
    """A parser for one document: building it costs microseconds, sharing it would make threads wait for one another."""
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )


def _place(error: etree.XMLSyntaxError) -> str:
    """Where the document breaks, without libxml2's sentence: that quotes the document."""
    return f"the document is not well-formed (line {error.lineno})"


class Schema:
    """The types of one contract. Threads may share it: lxml keeps the findings on the schema, hence the lock."""

    def __init__(self, root: Element) -> None:
        self._schema = etree.XMLSchema(root)
        self._lock = Lock()

    def fault(self, element: Element) -> str | None:
        """What is wrong with ``element``, as rule and place, never as content; None if it is what the contract says."""
        with self._lock:
            if self._schema.validate(element):
                return None
            findings: Any = self._schema.error_log
            return f"{findings[0].type_name} at {findings[0].path}"


@cache
def schema_of(wsdl: str, namespace: str) -> Schema:
    """The schema of ``namespace`` inside the vendored ``wsdl``. Raises LookupError if it is not there."""
    for inline in parse(vendored_document(wsdl)).iter(f"{XSD}schema"):
        if inline.get("targetNamespace") == namespace:
            return Schema(_standing_alone(inline))
    raise LookupError(f"{wsdl} has no schema for {namespace}")


def _standing_alone(inline: Element) -> Element:
    """The embedded schema as a document of its own.

    Prefixes that are declared further up (on wsdl:definitions) and used in attribute values only would be lost on a
    plain copy; lxml writes them out when it serialises a part of a tree. Whatever reads other files is refused: the
    schema compiler would fetch them without asking our loader.
    """
    for element in inline.iter(*READS_OTHER_FILES):
        if element.get("schemaLocation") is not None:
            raise LookupError("a vendored schema must hold all its types itself")
    return parse(etree.tostring(inline))
