"""Signature wrapping and its relatives: what an attacker does to a message that somebody else has signed.

Every move keeps the signed parts bit for bit, so the signature still fits; what is read is something else.
"""

import copy
from collections.abc import Callable
from typing import Final

from lxml import etree

from connectors.transport.envelope import BODY, HEADER
from connectors.transport.wsse import DS, SECURITY, TIMESTAMP, WSU_ID
from connectors.transport.xml import Element

SIGNATURE: Final = f"{{{DS}}}Signature"
EVIL: Final = "EVIL-0001"

Forgery = Callable[[Element], None]


def part(envelope: Element, tag: str) -> Element:
    """The first element ``tag`` in the message."""
    return next(envelope.iter(tag))


def body_in_header(envelope: Element) -> None:
    _wrapped(envelope, part(envelope, HEADER))


def body_in_security(envelope: Element) -> None:
    _wrapped(envelope, part(envelope, SECURITY))


def body_in_object(envelope: Element) -> None:
    _wrapped(envelope, etree.SubElement(part(envelope, SIGNATURE), f"{{{DS}}}Object"))


def two_bodies_of_one_id(envelope: Element) -> None:
    signed = part(envelope, BODY)
    _wrapped(envelope, part(envelope, HEADER))
    envelope[-1].set(WSU_ID, signed.get(WSU_ID) or "")


def evil_body_of_the_same_id_first(envelope: Element) -> None:
    envelope.insert(0, _evil(part(envelope, BODY), keep_id=True))


def two_bodies(envelope: Element) -> None:
    envelope.insert(1, _evil(part(envelope, BODY)))


def timestamp_replaced(envelope: Element) -> None:
    signed = part(envelope, TIMESTAMP)
    fresh = copy.deepcopy(signed)
    del fresh.attrib[WSU_ID]
    signed.addprevious(fresh)
    etree.SubElement(part(envelope, HEADER), "Wrapper").append(signed)


def no_references(envelope: Element) -> None:
    for reference in list(envelope.iter(f"{{{DS}}}Reference")):
        part(envelope, f"{{{DS}}}SignedInfo").remove(reference)


def two_signatures(envelope: Element) -> None:
    part(envelope, SECURITY).append(copy.deepcopy(part(envelope, SIGNATURE)))


def two_security_headers(envelope: Element) -> None:
    part(envelope, HEADER).append(etree.Element(SECURITY))


def two_timestamps(envelope: Element) -> None:
    fresh = copy.deepcopy(part(envelope, TIMESTAMP))
    del fresh.attrib[WSU_ID]
    part(envelope, SECURITY).append(fresh)


def an_id_twice(envelope: Element) -> None:
    part(envelope, SECURITY).set("Id", part(envelope, BODY).get(WSU_ID) or "")


def an_xml_id_twice(envelope: Element) -> None:
    part(envelope, HEADER).set("{http://www.w3.org/XML/1998/namespace}id", part(envelope, BODY).get(WSU_ID) or "")


def an_element_beside_the_body(envelope: Element) -> None:
    etree.SubElement(envelope, "Extra")


def a_comment_in_a_value(envelope: Element) -> None:
    value = part(envelope, BODY)[0][0]
    text = value.text or ""
    value.text = text[:3]
    comment = etree.Comment("cut here")
    comment.tail = text[3:]
    value.append(comment)


def body_changed(envelope: Element) -> None:
    part(envelope, BODY)[0][0].text = EVIL


def _wrapped(envelope: Element, into: Element) -> None:
    """The signed Body goes into a wrapper, an evil one takes its place.

    The wrapper hides the prefix wsu, or else lxml would save a declaration and rename the prefix inside the Body.
    """
    signed = part(envelope, BODY)
    envelope.append(_evil(signed))
    etree.SubElement(into, "Wrapper", nsmap={"wsu": "urn:hidden"}).append(signed)


def _evil(body: Element, *, keep_id: bool = False) -> Element:
    evil = copy.deepcopy(body)
    evil[0][0].text = EVIL
    if not keep_id:
        del evil.attrib[WSU_ID]
    return evil


WRAPPING: Final[dict[str, tuple[Forgery, bool]]] = {
    "the Body moved into a wrapper in the Header": (body_in_header, True),
    "the Body moved into Security": (body_in_security, True),
    "the Body moved into a ds:Object": (body_in_object, True),
    "the Body wrapped, the evil one under its id": (two_bodies_of_one_id, True),
    "two Bodies": (two_bodies, True),
    "the Timestamp replaced": (timestamp_replaced, True),
    "the evil Body first, under the same id": (evil_body_of_the_same_id_first, False),
    "no References": (no_references, False),
}
"""The wrapping moves, each with whether zeep's own verification lets it pass."""

OTHERS: Final[dict[str, Forgery]] = {
    "two Signatures": two_signatures,
    "two Security headers": two_security_headers,
    "two Timestamps": two_timestamps,
    "an id twice": an_id_twice,
    "an id twice, once as xml:id": an_xml_id_twice,
    "an element beside the Body": an_element_beside_the_body,
    "a comment inside a value": a_comment_in_a_value,
    "the Body changed": body_changed,
}
