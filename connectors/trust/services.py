"""Clients of trust services over HTTP: revocation lists (RFC 5280 section 5) and time stamps (RFC 3161 section 3.4).

Full lists only, and one is read as far as needed to know which one it is. Whether its issuer signed it, and whether it
is fresh, is hub.signing.trust's to decide. A time stamp passes through as it came; whether it is an answer to this
request, and from whom, is hub.signing.stamps' to decide: a connector has no trust anchors.

https://www.rfc-editor.org/rfc/rfc5280#section-5 https://www.rfc-editor.org/rfc/rfc3161#section-3.4
"""

import hashlib
from collections.abc import Callable
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from config.catalogue import Catalogue, CertificateAuthority, StampingAuthority
from connectors.errors import ConnectorCode, ContractBroken
from connectors.ports import RevocationList
from connectors.transport.http import Transport
from connectors.transport.http_connection import expect_success

LIST_SIZE_CAP: Final = 8 * 1024 * 1024
"""bytes; some 200,000 revoked certificates"""
QUERY: Final = "application/timestamp-query"
REPLY: Final = "application/timestamp-reply"
STAMP_SIZE_CAP: Final = 256 * 1024
"""bytes; a reply with its certificates has some 6,000"""
_PEM: Final = b"-----BEGIN X509 CRL-----"


class RevocationLists:
    """A revocation port: one CA."""

    def __init__(
        self, authority: CertificateAuthority, catalogue: Catalogue, url: str, on_sent: Callable[[], None] | None = None
    ) -> None:
        """Raises OSError if a PEM file of the catalogue cannot be used."""
        self._name = authority.name
        self._url = url
        self._transport = _transport(authority, catalogue, LIST_SIZE_CAP, on_sent)

    def changes(self, cursor: str) -> RevocationList | None:
        """The list that the CA serves now, if it is another than the one of ``cursor``."""
        reply = expect_success(self._transport.get(self._url, {"Accept": "application/pkix-crl"}))
        if hashlib.sha256(reply.body).hexdigest() == cursor:
            return None
        return decoded(reply.body)

    def check(self) -> str:
        crl = decoded(expect_success(self._transport.get(self._url, {"Accept": "application/pkix-crl"})).body)
        return f"{self._name}: revocation list no. {crl.number}"


def decoded(body: bytes) -> RevocationList:
    """The list in ``body`` (DER or PEM); its cursor stands for the bytes as served. Raises ContractBroken."""
    try:
        pem = body.lstrip().startswith(_PEM)
        crl = x509.load_pem_x509_crl(body) if pem else x509.load_der_x509_crl(body)
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except (ValueError, x509.InvalidVersion, x509.ExtensionNotFound, x509.UnsupportedGeneralNameType) as error:
        raise ContractBroken(
            ConnectorCode.CONTRACT, "the reply is no revocation list with a number (RFC 5280)"
        ) from error
    return RevocationList(
        der=crl.public_bytes(Encoding.DER),
        issuer=hashlib.sha256(crl.issuer.public_bytes()).hexdigest(),
        number=number,
        cursor=hashlib.sha256(body).hexdigest(),
    )


class TimeStamping:
    """A stamp port: one TSA."""

    def __init__(
        self, authority: StampingAuthority, catalogue: Catalogue, url: str, on_sent: Callable[[], None] | None = None
    ) -> None:
        """Raises OSError if a PEM file of the catalogue cannot be used."""
        self._name = authority.name
        self._url = url
        self._transport = _transport(authority, catalogue, STAMP_SIZE_CAP, on_sent)

    def stamp(self, request: bytes) -> bytes:
        """Its reply. ``request`` only asks, so whatever went wrong, it may be asked again."""
        headers = {"Content-Type": QUERY, "Accept": REPLY}
        reply = expect_success(self._transport.post(self._url, request, headers, idempotent=True))
        if reply.media_type != REPLY:
            raise ContractBroken(ConnectorCode.CONTRACT, f"the reply is not {REPLY}")
        return reply.body

    def check(self) -> str:
        """A GET, which a TSA does not stamp: any answer shows that address and connection are right."""
        reply = self._transport.get(self._url, {"Accept": "*/*"})
        return f"{self._name}: HTTP {reply.status} to a GET; address and connection are accepted"


def _transport(
    authority: CertificateAuthority | StampingAuthority,
    catalogue: Catalogue,
    size_cap: int,
    on_sent: Callable[[], None] | None,
) -> Transport:
    return Transport(
        authority.counterparty,
        timeout=authority.timeout_seconds,
        tls=authority.tls,
        folder=catalogue.folder,
        size_cap=size_cap,
        on_sent=on_sent,
    )
