"""A bundle's certificates and revocation lists: aids on the way to the reader's roots, believed by signature only."""

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from hub.locale import vi
from hub.signing.bundle import Bundle
from hub.signing.findings import Verdict, VerdictCode, Weight
from hub.signing.signed_data import certificate_of
from hub.signing.trust import Trust, issued, usable
from hub.signing.verdicts import Invalid

_UNREADABLE = (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, UnsupportedAlgorithm)


def trust_with_bundle(bundle: Bundle, trust: Trust, verdict: Verdict) -> Trust:
    """``trust`` with what the bundle brings and its issuer has signed; the rest is a finding.

    Of an issuer that the reader knows, a wrong signature is wrong; of one that he does not know, nothing can be told.
    """
    certificates = {f"certificates/{n:02}.pem": _certificate(pem) for n, pem in enumerate(bundle.certificates, start=1)}
    register = trust.register
    if register is None:
        verdict.add(Weight.MISSING, VerdictCode.TRUST_LIST, "--trust", vi("no list, only root certificates"))
    else:
        detail = vi(
            "version {version}, SHA-256 {sha256}…", version=register.listed.version, sha256=register.sha256[:16]
        )
        verdict.add(Weight.GOOD, VerdictCode.TRUST_LIST, "--trust", detail)
    known = [*trust.roots, *trust.intermediates]
    while found := [one for one in certificates.values() if one and one not in known and _issuers(one, known)]:
        known += found
    for name, certificate in certificates.items():
        if certificate is None or certificate not in known:
            weight = (
                Weight.MISSING if certificate is not None and _is_of_a_stranger(certificate, known) else Weight.WRONG
            )
            verdict.add(weight, VerdictCode.CERTIFICATE_UNTRUE, name)
    lists = {f"crls/{n:02}.crl": _list(der) for n, der in enumerate(bundle.crls, start=1)}
    good = []
    for name, crl in lists.items():
        if crl is not None and any(usable(crl, issuer) for issuer in known):
            good.append(crl)
        else:
            weight = Weight.MISSING if crl is not None and _is_of_a_stranger(crl, known) else Weight.WRONG
            verdict.add(weight, VerdictCode.CRL_UNTRUE, name)
    return trust.knowing([one for one in known if one not in trust.roots], good)


def _issuers(certificate: x509.Certificate, known: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    return [issuer for issuer in known if issued(certificate, issuer)]


def _is_of_a_stranger(
    document: x509.Certificate | x509.CertificateRevocationList, known: Sequence[x509.Certificate]
) -> bool:
    """Whether it names an issuer, by name or by key, that is not among the known ones."""
    namesakes = [one for one in known if one.subject == document.issuer]
    if not namesakes:
        return True
    try:
        named = document.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        keys = [one.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest for one in namesakes]
    except (*_UNREADABLE, x509.ExtensionNotFound):
        return False
    return named is not None and named not in keys


def _certificate(pem: bytes) -> x509.Certificate | None:
    try:
        certificate = certificate_of(x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER))
    except (*_UNREADABLE, Invalid):
        return None
    return certificate if certificate.public_bytes(Encoding.PEM) == pem else None


def _list(der: bytes) -> x509.CertificateRevocationList | None:
    """From DER, read to its depths: the library puts that off."""
    try:
        crl = x509.load_der_x509_crl(der)
        crl.issuer.public_bytes()
        crl.last_update_utc, crl.next_update_utc, crl.extensions  # noqa: B018 - reading is the point
        entries = [(entry.serial_number, entry.revocation_date_utc, entry.extensions) for entry in crl]
    except _UNREADABLE:
        return None
    return crl if crl.public_bytes(Encoding.DER) == der and len(entries) == len(crl) else None
