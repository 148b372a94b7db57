"""Revocation lists over HTTP: RFC 5280 section 5 (https://www.rfc-editor.org/rfc/rfc5280#section-5), full lists only.

Here a list is read as far as needed to know which one it is. Whether its issuer signed it, and whether it is fresh, is
hub.signing.trust's to decide.
"""

import hashlib
from collections.abc import Callable
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from config.catalogue import Catalogue, CertificateAuthority
from connectors.errors import ConnectorCode, ContractBroken
from connectors.ports import RevocationList
from connectors.transport.http import Transport
from connectors.transport.http_connection import expect_success

SIZE_CAP: Final = 8 * 1024 * 1024
"""bytes; some 200,000 revoked certificates"""
_PEM: Final = b"-----BEGIN X509 CRL-----"


class RevocationLists:
    """A revocation port: one CA."""

    def __init__(
        self, authority: CertificateAuthority, catalogue: Catalogue, url: str, on_sent: Callable[[], None] | None = None
    ) -> None:
        """Raises OSError if a PEM file of the catalogue cannot be used."""
        self._name = authority.name
        self._url = url
        self._transport = Transport(
            authority.counterparty,
            timeout=authority.timeout_seconds,
            tls=authority.tls,
            folder=catalogue.folder,
            size_cap=SIZE_CAP,
            on_sent=on_sent,
        )

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
