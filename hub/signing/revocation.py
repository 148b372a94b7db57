"""What a revocation list says about a certificate at a moment (RFC 5280 6.3; complete, direct lists only)."""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from hub.signing import algorithms
from hub.signing.verdicts import Invalid, Undecided


def list_of(data: bytes) -> x509.CertificateRevocationList:
    """From DER or PEM. Raises ValueError."""
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_crl(data)
        return x509.load_der_x509_crl(data)
    except ValueError:
        raise ValueError("not a certificate revocation list (DER or PEM)") from None


def usable(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Whether it is ``issuer``'s, signed by it, and complete: one with a critical extension speaks of a part only."""
    key = issuer.public_key()
    if crl.issuer != issuer.subject or not isinstance(key, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey)):
        return False
    if crl.signature_algorithm_oid.dotted_string not in algorithms.OF_CERTIFICATES:
        return False
    try:
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
        may_sign = usage.crl_sign
    except x509.ExtensionNotFound:
        may_sign = True
    try:
        partial = any(extension.critical for extension in crl.extensions)
        return may_sign and not partial and crl.is_signature_valid(key)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension):
        return False


def check_revoked(
    certificate: x509.Certificate,
    lists: Sequence[x509.CertificateRevocationList],
    at: datetime,
    *,
    required: bool,
) -> None:
    """Raises Invalid if it was revoked at ``at``; Undecided if it has to be known and no list speaks of ``at``."""
    for crl in lists:
        entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry is not None and _since(entry) <= at:
            raise Invalid("revoked", f"a certificate was revoked with effect from {_since(entry):%Y-%m-%d %H:%M} UTC")
    if not required:
        return
    if not lists:
        raise Undecided("crl-missing", "there is no revocation list of the certificate's issuer")
    if not any(_speaks_of(crl, certificate, at) for crl in lists):
        raise Undecided("crl-stale", f"no revocation list says how things stood on {at:%Y-%m-%d %H:%M} UTC")


def _since(entry: x509.RevokedCertificate) -> datetime:
    """From when on its signatures are not believed: its CA may say that the key was lost before it was told."""
    try:
        invalidity = entry.extensions.get_extension_for_class(x509.InvalidityDate).value
    except x509.ExtensionNotFound:
        return entry.revocation_date_utc
    return min(entry.revocation_date_utc, invalidity.invalidity_date_utc)


def _speaks_of(crl: x509.CertificateRevocationList, certificate: x509.Certificate, at: datetime) -> bool:
    """In force at ``at``; or later, while the certificate still had to be on it (an expired one may be left out)."""
    made, next_ = crl.last_update_utc, crl.next_update_utc
    if made > at:
        return made <= certificate.not_valid_after_utc
    return next_ is not None and at <= next_
