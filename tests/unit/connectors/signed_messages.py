"""Messages that are signed: by us, by zeep, by the npm client; and what the verifier says of them."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import xmlsec
from lxml import etree
from xmlsec import constants, template
from zeep.exceptions import SignatureVerificationFailed
from zeep.wsse.signature import BinarySignature, Signature, verify_envelope
from zeep.wsse.utils import WSU as ZEEP_WSU
from zeep.wsse.utils import get_security_header

from connectors.transport import wsse, xml
from connectors.transport.envelope import BODY, payload_of, to_bytes, wrap
from connectors.transport.wsse import DS, SECURITY, TIMESTAMP, TOKEN, WSU_ID, WsseKey
from connectors.transport.wsse_verifier import PinnedCertificate, Untrusted, verify
from connectors.transport.xml import Element
from hub.clock import now
from tests.self_signed import Pair, a_pair
from tests.unit.connectors.forgeries import part

CODE = "000.00.16.H42-261124-0001"


def a_message() -> Element:
    return wrap(
        xml.parse(
            f'<FindDossier xmlns="urn:lienthong:department:1"><dossierCode>{CODE}</dossierCode></FindDossier>'.encode()
        )
    )


def signed(pair: Pair, at: datetime | None = None) -> Element:
    envelope = a_message()
    wsse.sign(envelope, WsseKey.from_pem(pair.key, pair.certificate), at or now())
    return over_the_wire(envelope)


def over_the_wire(envelope: Element) -> Element:
    return xml.parse(to_bytes(envelope))


def pinned(*pairs: Pair) -> list[PinnedCertificate]:
    return [PinnedCertificate.from_pem(pair.certificate) for pair in pairs]


def code_in(body: Element) -> str | None:
    return payload_of(body).findtext("{urn:lienthong:department:1}dossierCode")


def refusal(envelope: Element, at: datetime | None = None) -> str:
    """The reason for which the message is refused when hub's RSA certificate is pinned."""
    with pytest.raises(Untrusted) as refused:
        verify(envelope, pinned(a_pair("hub")), at or now())
    assert CODE not in str(refused.value)
    return refused.value.reason


class FromZeep:
    """Messages as zeep's own plug-ins make them."""

    def __init__(self, pair: Pair, folder: Path) -> None:
        self.key, self.certificate = folder / "key.pem", folder / "certificate.pem"
        self.key.write_bytes(pair.key)
        self.certificate.write_bytes(pair.certificate)

    def signed(self, plugin: type[Signature] = BinarySignature, *algorithms: object) -> Element:
        envelope = a_message()
        timestamp = ZEEP_WSU.Timestamp(
            ZEEP_WSU.Created(now().isoformat()), ZEEP_WSU.Expires((now() + timedelta(minutes=1)).isoformat())
        )
        get_security_header(envelope).append(timestamp)
        plugin(str(self.key), str(self.certificate), None, *algorithms).apply(envelope, {})
        return over_the_wire(envelope)

    def accepts(self, envelope: Element) -> bool:
        """What zeep's own verification says."""
        try:
            verify_envelope(envelope, str(self.certificate))
        except SignatureVerificationFailed:
            return False
        return True


def as_npm_signs(pair: Pair) -> Element:
    """enveloped-signature before exclusive c14n, and ``Id`` without a namespace."""
    envelope = signed(pair)
    part(envelope, SECURITY).remove(part(envelope, f"{{{DS}}}Signature"))
    signature = template.create(envelope, constants.TransformExclC14N, constants.TransformRsaSha256, ns="ds")
    part(envelope, SECURITY).append(signature)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(pair.key, constants.KeyDataFormatPem, None)
    for number, tag in enumerate((BODY, TIMESTAMP)):
        element = part(envelope, tag)
        del element.attrib[WSU_ID]
        element.set("Id", f"_{number}")
        context.register_id(element, "Id", None)
        reference = template.add_reference(signature, constants.TransformSha256, uri=f"#_{number}")
        template.add_transform(reference, constants.TransformEnveloped)
        template.add_transform(reference, constants.TransformExclC14N)
    holder = etree.SubElement(template.ensure_key_info(signature), wsse.TOKEN_REFERENCE)
    etree.SubElement(holder, wsse.REFERENCE, {"URI": f"#{part(envelope, TOKEN).get(WSU_ID)}"})
    context.sign(signature)
    return over_the_wire(envelope)
