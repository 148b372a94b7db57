"""How recordings of SOAP departments are read and played: recorded without security, sent as the department signs."""

from collections.abc import Mapping
from typing import Any

from config.catalogue import Department
from connectors.departments.soap import NAMESPACE
from connectors.transport import wsse, xml
from connectors.transport.envelope import body_of, payload_of, to_bytes
from connectors.transport.wsse import WsseKey
from connectors.transport.xml import Element
from hub.clock import now
from hub.embedded.secrets import private_key_of


class SOAP:
    """A request is compared as the message in its Body; a reply is signed afresh, where the department signs."""

    suffix = "xml"
    media_type = "text/xml; charset=utf-8"

    def content(self, body: bytes) -> Any:
        """The message, once the schema has allowed it."""
        message = payload_of(body_of(xml.parse(body)))
        assert xml.schema_of("department.wsdl", NAMESPACE).fault(message) is None
        return _tree(message)

    def key(self, head: Mapping[str, str], body: bytes) -> str:
        return payload_of(body_of(xml.parse(body))).findtext(f"{{{NAMESPACE}}}key") or ""

    def played(self, recorded: bytes, department: Department, keys: Mapping[str, str]) -> bytes:
        security = department.ws_security
        if not security or not security.their_certificates:
            return recorded
        certificate = security.their_certificates[0]
        try:
            envelope = xml.parse(recorded)
        except xml.UnsafeXML:  # what is garbled cannot be signed either
            return recorded
        key = WsseKey.from_pem(keys[private_key_of(certificate)].encode(), keys[certificate].encode())
        wsse.sign(envelope, key, now())
        return to_bytes(envelope)


def _tree(element: Element) -> Any:
    """Name and content; white space counts where there is nothing else."""
    return element.tag, [_tree(child) for child in element] or element.text
