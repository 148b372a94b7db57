"""SOAP 1.1 envelopes: built, and opened with no more freedom than we need.

https://www.w3.org/TR/2000/NOTE-SOAP-20000508/ and WS-I Basic Profile 1.1 (one element in the Body).
"""

from dataclasses import dataclass
from typing import Final

from lxml import etree

from connectors.transport.xml import Element

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE: Final = f"{{{SOAP}}}Envelope"
HEADER: Final = f"{{{SOAP}}}Header"
BODY: Final = f"{{{SOAP}}}Body"
FAULT: Final = f"{{{SOAP}}}Fault"
MUST_UNDERSTAND: Final = f"{{{SOAP}}}mustUnderstand"
_ACTOR: Final = f"{{{SOAP}}}actor"
_NEXT: Final = "http://schemas.xmlsoap.org/soap/actor/next"
CONTENT_TYPE: Final = "text/xml; charset=utf-8"


class NotSOAP(ValueError):
    """The document is XML, but no SOAP 1.1 envelope with one element in its Body."""


class NotUnderstood(ValueError):
    """A header block must be understood by whoever reads the message (SOAP 1.1 §4.2.3), and is not."""


@dataclass(frozen=True, slots=True)
class SoapFault:
    """What a soap:Fault says. ``code``: Server, Client, …, no prefix, no subcode.

    ``details``: its detail entries. Besides the typed fault of a contract, a stack may add entries of its own there
    (Axis: exceptionName, stackTrace, hostname).
    """

    code: str
    reason: str
    details: tuple[Element, ...]


def wrap(payload: Element) -> Element:
    """An envelope around ``payload``."""
    envelope = etree.Element(ENVELOPE, nsmap={"soap": SOAP})
    etree.SubElement(envelope, BODY).append(payload)
    return envelope


def fault(code: str, reason: str, detail: Element | None = None) -> Element:
    """An envelope with a soap:Fault; ``code`` is Server or Client, ``detail`` a typed fault of the contract."""
    element = etree.Element(FAULT, nsmap={"soap": SOAP})
    etree.SubElement(element, "faultcode").text = f"soap:{code}"
    etree.SubElement(element, "faultstring").text = reason
    if detail is not None:
        etree.SubElement(element, "detail").append(detail)
    return wrap(element)


def to_bytes(envelope: Element) -> bytes:
    """The envelope as it goes over the wire."""
    return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")


def body_of(envelope: Element) -> Element:
    """The Body of an envelope whose signature nobody asked for. Raises NotSOAP. See wsse_verifier for signed ones."""
    if envelope.tag != ENVELOPE:
        raise NotSOAP("the document is not a SOAP 1.1 envelope")
    tags = [child.tag for child in envelope]
    if tags not in ([BODY], [HEADER, BODY]):
        raise NotSOAP("an envelope has at most one Header, then one Body")
    return envelope[-1]


def payload_of(body: Element) -> Element:
    """The one element in ``body``: the message, or a soap:Fault. Raises NotSOAP."""
    if len(body) != 1 or not isinstance(body[0].tag, str):
        raise NotSOAP("the Body holds one element")
    return body[0]


def fault_in(payload: Element) -> SoapFault | None:
    """The fault, if ``payload`` is one."""
    if payload.tag != FAULT:
        return None
    return SoapFault(
        code=(payload.findtext("faultcode") or "").rpartition(":")[2].partition(".")[0].strip(),
        reason=payload.findtext("faultstring") or "",
        details=tuple(payload.iterfind("detail/*")),
    )


def check_understood(envelope: Element, *known: str) -> None:
    """Raises NotUnderstood if a header block for us, whose tag is none of ``known``, must be understood."""
    for block in envelope.iterfind(f"{HEADER}/*"):
        for_us = block.get(_ACTOR, _NEXT).strip() in {"", _NEXT}
        if for_us and block.tag not in known and block.get(MUST_UNDERSTAND, "0").strip() not in {"0", "false"}:
            raise NotUnderstood("a header block that must be understood is not one of the contract")
