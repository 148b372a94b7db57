"""Certificate path validation against trusted roots and revocation lists (RFC 5280), as of a given time.

A subset on purpose: no policies, no name constraints, no OCSP. A certificate that needs them is refused.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from hub.signing import algorithms
from hub.signing.parties import Register
from hub.signing.verdicts import Invalid, Undecided

DEEPEST: Final = 5
"""certificates in a path, the root among them"""
_UNDERSTOOD: Final = frozenset(
    (x509.BasicConstraints.oid, x509.KeyUsage.oid, x509.ExtendedKeyUsage.oid, x509.SubjectAlternativeName.oid)
)
"""supported critical extensions; any other makes a certificate refused"""
Path = tuple[x509.Certificate, ...]


class Trust:
    """Trust anchors, intermediates, revocation lists and the trust list of a reader. Safe to share between threads."""

    def __init__(
        self,
        roots: Sequence[x509.Certificate],
        intermediates: Sequence[x509.Certificate] = (),
        crls: Sequence[x509.CertificateRevocationList] = (),
        register: Register | None = None,
    ) -> None:
        """``register``: the reader's trust list; without one only paths are checked, not whose a certificate is."""
        self.register = register
        self.roots = tuple(roots)
        self.intermediates = tuple(intermediates)
        self.crls = tuple(crls)
        self._usable: dict[x509.Certificate, tuple[x509.CertificateRevocationList, ...]] = {}

    @classmethod
    def load(cls, pem: bytes, crls: Sequence[bytes] = ()) -> "Trust":
        """Load certificates (PEM; the self-issued ones are roots, others intermediates) and CRLs (DER or PEM).

        Raises ValueError.
        """
        try:
            certificates = x509.load_pem_x509_certificates(pem)
        except (ValueError, x509.InvalidVersion):
            raise ValueError("not a PEM file of certificates") from None
        roots = [one for one in certificates if one.subject == one.issuer]
        if not roots:
            raise ValueError("no root certificate is in the PEM file")
        return cls(roots, [one for one in certificates if one not in roots], [load_crl(crl) for crl in crls])

    def extended(
        self, intermediates: Sequence[x509.Certificate] = (), crls: Sequence[x509.CertificateRevocationList] = ()
    ) -> "Trust":
        """Return a Trust with the same roots and trust list, and more intermediates and revocation lists."""
        return Trust(self.roots, (*self.intermediates, *intermediates), (*self.crls, *crls), self.register)

    def path(self, certificate: x509.Certificate, at: datetime, among: Sequence[x509.Certificate] = ()) -> Path:
        """Find a path from a signer's ``certificate`` to a root, valid at ``at``. ``among``: more issuers to try.

        The signer's certificate needs a revocation list of its issuer that covers ``at``; for the CAs above, a list is
        used if there is one (an offline root publishes none). Raises Undecided if any path may still prove valid, else
        Invalid.
        """
        failures: list[Invalid | Undecided] = []
        for path in self._paths((certificate,), (*among, *self.intermediates)):
            try:
                self._check(path, at)
            except (Invalid, Undecided) as failure:
                failures.append(failure)
            else:
                return path
        failures.sort(key=lambda failure: isinstance(failure, Invalid))  # Undecided first
        if not failures:
            raise Undecided("no-path", "the certificate does not lead to a root that is trusted here")
        raise failures[0]

    def _paths(self, partial: Path, pool: Sequence[x509.Certificate]) -> Iterator[Path]:
        if partial[-1] in self.roots:
            yield partial
            return
        for root in self.roots:
            if is_issued_by(partial[-1], root):
                yield (*partial, root)
        if len(partial) < DEEPEST - 1:
            for issuer in dict.fromkeys(pool):
                if issuer not in partial and issuer not in self.roots and is_issued_by(partial[-1], issuer):
                    yield from self._paths((*partial, issuer), pool)

    def _check(self, path: Path, at: datetime) -> None:
        for depth, certificate in enumerate(path):
            _check_form(certificate, is_root=certificate in self.roots)
            if depth:
                _check_issuer(certificate, below=depth - 1)
            else:
                _check_signer(certificate)
        for certificate in path:
            _check_validity(certificate, at)
        for depth, (certificate, issuer) in enumerate(pairwise(path)):
            check_revoked(certificate, self._lists_of(issuer), at, required=depth == 0)

    def _lists_of(self, issuer: x509.Certificate) -> tuple[x509.CertificateRevocationList, ...]:
        if issuer not in self._usable:
            self._usable[issuer] = tuple(crl for crl in self.crls if is_usable_crl(crl, issuer))
        return self._usable[issuer]


def key_usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    """The key usage extension, if there is one."""
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


@lru_cache(maxsize=1024)
def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether ``certificate`` names ``issuer`` and is signed by its key."""
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


@lru_cache(maxsize=1024)
def _check_form(certificate: x509.Certificate, *, is_root: bool) -> None:
    """Check key, signature algorithm and critical extensions. Raises Invalid.

    A root's signature is not checked: it is trusted because the reader has it.
    """
    try:
        extensions = list(certificate.extensions)
        key = certificate.public_key()
    except (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, UnsupportedAlgorithm):
        raise Invalid("certificate-unreadable", "a certificate cannot be read") from None
    algorithms.check_strength(key)
    if not is_root and certificate.signature_algorithm_oid.dotted_string not in algorithms.OF_CERTIFICATES:
        raise Invalid("algorithm-refused", "a certificate is signed by an algorithm that is not accepted")
    if any(extension.critical and extension.oid not in _UNDERSTOOD for extension in extensions):
        raise Invalid("certificate-refused", "a certificate has a critical extension that is not understood here")


def _check_signer(certificate: x509.Certificate) -> None:
    usage = key_usage(certificate)
    if usage is None or not (usage.digital_signature or usage.content_commitment):
        raise Invalid("key-usage", "the certificate is not one for signatures (key usage)")


def _check_issuer(certificate: x509.Certificate, *, below: int) -> None:
    """Check that a CA may issue. ``below``: number of CAs between it and the signer. Raises Invalid."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        constraints = None
    if constraints is None or not constraints.ca:
        raise Invalid("issuer-refused", "the certificate was issued by one that is no certification authority's")
    if constraints.path_length is not None and constraints.path_length < below:
        raise Invalid("issuer-refused", "there are more authorities in the path than one of them allows")
    usage = key_usage(certificate)
    if usage is not None and not usage.key_cert_sign:
        raise Invalid("issuer-refused", "the issuer's certificate is not one for signing certificates (key usage)")


def _check_validity(certificate: x509.Certificate, at: datetime) -> None:
    if at < certificate.not_valid_before_utc:
        raise Invalid("not-yet-valid", f"a certificate is valid only from {certificate.not_valid_before_utc:%Y-%m-%d}")
    if at > certificate.not_valid_after_utc:
        raise Invalid("expired", f"a certificate had expired on {certificate.not_valid_after_utc:%Y-%m-%d}")


def load_crl(data: bytes) -> x509.CertificateRevocationList:
    """Load a revocation list (DER or PEM). Raises ValueError."""
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_crl(data)
        return x509.load_der_x509_crl(data)
    except (ValueError, x509.InvalidVersion):
        raise ValueError("not a certificate revocation list (DER or PEM)") from None


def is_usable_crl(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Whether ``crl`` is issued and signed by ``issuer`` and complete: a critical extension would limit its scope."""
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
    """Raises Invalid if it was revoked at ``at``; Undecided if ``required`` and no list covers ``at``."""
    for crl in lists:
        entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry is not None and (since := _revoked_from(entry)) <= at:
            raise Invalid("revoked", f"a certificate was revoked with effect from {since:%Y-%m-%d %H:%M} UTC")
    if not required:
        return
    if not lists:
        raise Undecided("crl-missing", "there is no revocation list of the certificate's issuer")
    if not any(_covers(crl, certificate, at) for crl in lists):
        raise Undecided("crl-stale", f"no revocation list says how things stood on {at:%Y-%m-%d %H:%M} UTC")


def _revoked_from(entry: x509.RevokedCertificate) -> datetime:
    """Time from which the certificate is revoked; the CA may date it back to the loss of the key (invalidityDate)."""
    try:
        invalidity = entry.extensions.get_extension_for_class(x509.InvalidityDate).value
    except x509.ExtensionNotFound:
        return entry.revocation_date_utc
    return min(entry.revocation_date_utc, invalidity.invalidity_date_utc)


def _covers(crl: x509.CertificateRevocationList, certificate: x509.Certificate, at: datetime) -> bool:
    """Whether the list shows the revocation status of ``certificate`` at ``at``.

    It was in force then; or it was issued later but before the certificate expired, since a list may leave out expired
    ones.
    """
    issued_at, next_ = crl.last_update_utc, crl.next_update_utc
    if issued_at > at:
        return issued_at <= certificate.not_valid_after_utc
    return next_ is not None and at <= next_
