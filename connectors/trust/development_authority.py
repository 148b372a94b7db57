"""A development certificate authority: a root, an issuing CA and a time-stamping certificate, kept in one folder.

Every subject says that it is for development: nobody shall take its word for a real one. The private keys stand in
files that only their owner can read, unencrypted: what they sign is worth nothing.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from connectors.clock import now

ORGANISATION: Final = "Lien thong Hub DEVELOPMENT ONLY"
SKEW: Final = timedelta(hours=1)
PrivateKey = ec.EllipticCurvePrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key and the certificate of it."""

    key: PrivateKey
    certificate: x509.Certificate


def root(key: PrivateKey, common_name: str, lasts: timedelta) -> x509.Certificate:
    """A certificate authority that vouches for itself."""
    subject = _name(common_name)
    builder = _builder(subject, key.public_key(), now() - SKEW, now() + lasts).issuer_name(subject)
    return _as_authority(builder, below=1).sign(key, hashes.SHA256())


def intermediate(key: PublicKey, common_name: str, lasts: timedelta, issuer: KeyPair) -> x509.Certificate:
    """A certificate authority below ``issuer``, with none below it."""
    builder = _issued(_builder(_name(common_name), key, now() - SKEW, now() + lasts), issuer)
    return _as_authority(builder, below=0).sign(issuer.key, hashes.SHA256())


def stamper(key: PublicKey, common_name: str, lasts: timedelta, issuer: KeyPair) -> x509.Certificate:
    """For time stamps and for nothing else, critically (RFC 3161 section 2.3)."""
    builder = _issued(_builder(_name(common_name), key, now() - SKEW, now() + lasts), issuer)
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    return _as_signer(builder).add_extension(purpose, critical=True).sign(issuer.key, hashes.SHA256())


def signer(
    key: PublicKey, common_name: str, begins: datetime, ends: datetime, issuer: KeyPair, *, serial_name: str = ""
) -> x509.Certificate:
    """For signing documents. ``serial_name``: who it is, in the subject's serialNumber."""
    builder = _issued(_builder(_name(common_name, serial_name), key, begins, ends), issuer)
    return _as_signer(builder).sign(issuer.key, hashes.SHA256())


def identifier(issuer: KeyPair) -> x509.AuthorityKeyIdentifier:
    """By which certificates and lists say whose they are."""
    known = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known)


def _name(common_name: str, serial_name: str = "") -> x509.Name:
    parts = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name),
    ]
    if serial_name:
        parts.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, serial_name))
    return x509.Name(parts)


def _builder(subject: x509.Name, key: PublicKey, begins: datetime, ends: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _issued(builder: x509.CertificateBuilder, issuer: KeyPair) -> x509.CertificateBuilder:
    return builder.issuer_name(issuer.certificate.subject).add_extension(identifier(issuer), critical=False)


def _as_authority(builder: x509.CertificateBuilder, *, below: int) -> x509.CertificateBuilder:
    """``below``: how many authorities may stand between it and a signer."""
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True)
    return builder.add_extension(_usage(signs_documents=False), critical=True)


def _as_signer(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return builder.add_extension(_usage(signs_documents=True), critical=True)


def _usage(*, signs_documents: bool) -> x509.KeyUsage:
    """To sign documents, or to sign certificates and their lists."""
    return x509.KeyUsage(
        digital_signature=signs_documents,
        content_commitment=signs_documents,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signs_documents,
        crl_sign=not signs_documents,
        encipher_only=False,
        decipher_only=False,
    )


ROOT_LASTS: Final = timedelta(days=3650)
CA_LASTS: Final = timedelta(days=1825)
LASTS: Final = timedelta(days=730)
CRL_LASTS: Final = timedelta(days=7)


class DevelopmentAuthority:
    """The authority kept in ``folder``; made there the first time, never made anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "authority"
        self.folder.mkdir(parents=True, exist_ok=True)
        with _alone(self.folder):
            self.root = self._held("root", lambda key: root(key, "Development root", ROOT_LASTS))
            self.issuing = self._held(
                "issuing",
                lambda key: intermediate(key.public_key(), "Development issuing CA", CA_LASTS, self.root),
            )
            self.stamping = self._held(
                "tsa",
                lambda key: stamper(key.public_key(), "Development time stamps", CA_LASTS, self.issuing),
            )

    @property
    def roots(self) -> bytes:
        """What has to be believed: the root's certificate (PEM)."""
        return _pem(self.root.certificate)

    def chain(self, certificate: x509.Certificate) -> bytes:
        """PEM: ``certificate`` and the issuing CA's; the root is known or it is not believed."""
        return _pem(certificate) + _pem(self.issuing.certificate)

    def seal(self, code: str) -> KeyPair:
        """The seal of a department that the sandbox plays; its subject's serialNumber is the department's code."""
        with _alone(self.folder):
            return self._held(
                f"seal-{code}",
                lambda key: self.issue(f"{code} seal (DEVELOPMENT)", key.public_key(), serial_name=code),
            )

    def revoked_seal(self, code: str) -> KeyPair:
        """A seal of the same department that has been revoked."""
        with _alone(self.folder):
            held = self._held(
                f"revoked-seal-{code}",
                lambda key: self.issue(f"{code} old seal (DEVELOPMENT)", key.public_key(), serial_name=code),
            )
            known = str(held.certificate.serial_number) in self.revoked()
        if not known:
            self.revoke(held.certificate.serial_number)
        return held

    def stranger(self, code: str) -> KeyPair:
        """A seal in the name of the same department that nobody vouches for but itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        itself = KeyPair(key, root(key, "Unknown authority (DEVELOPMENT)", LASTS))
        name, until = f"{code} seal (DEVELOPMENT)", now() + LASTS
        certified = signer(key.public_key(), name, now() - SKEW, until, itself, serial_name=code)
        return KeyPair(key, certified)

    def issue(
        self,
        name: str,
        key: PublicKey,
        *,
        serial_name: str = "",
        begins: datetime | None = None,
        ends: datetime | None = None,
    ) -> x509.Certificate:
        """A certificate to sign with. ``serial_name``: who it is, in the subject's serialNumber (an officer's id)."""
        since, until = begins or now() - SKEW, ends or now() + LASTS
        return signer(key, name, since, until, self.issuing, serial_name=serial_name)

    def revoke(self, serial: int, at: datetime | None = None) -> None:
        """From now on, or from ``at`` on, the certificate with this serial number is not good any more."""
        with _alone(self.folder):
            revoked = self.revoked()
            revoked.setdefault(str(serial), (at or now()).isoformat())
            _write(self.folder / "revoked.json", json.dumps(revoked).encode())

    def revoked(self) -> dict[str, str]:
        """Serial number → since when."""
        try:
            since_by_serial = json.loads((self.folder / "revoked.json").read_bytes())
        except FileNotFoundError:
            return {}
        return {str(serial): str(since) for serial, since in since_by_serial.items()}

    def crl(self, *, at: datetime | None = None, lasts: timedelta = CRL_LASTS) -> bytes:
        """The issuing CA's revocation list (DER), as of ``at``; its number is the time, so it only grows."""
        moment = at or now()
        return _revocation_list(self.issuing, moment, moment + lasts, int(moment.timestamp() * 1000), self.revoked())

    def root_crl(self) -> bytes:
        """The root's own list (DER), empty: ``openssl -crl_check_all`` asks for one of every CA."""
        return _revocation_list(self.root, now() - SKEW, now() + timedelta(days=365), 1, {})

    def _held(self, name: str, certified: Callable[[PrivateKey], x509.Certificate]) -> KeyPair:
        """The key called ``name`` and its certificate; made and certified the first time."""
        key_file, certificate_file = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        if not certificate_file.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            _write(key_file, _private_pem(key))
            _write(certificate_file, _pem(certified(key)))
        loaded = serialization.load_pem_private_key(key_file.read_bytes(), None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{key_file} holds no EC key")
        return KeyPair(loaded, x509.load_pem_x509_certificate(certificate_file.read_bytes()))


def _revocation_list(issuer: KeyPair, since: datetime, until: datetime, number: int, revoked: dict[str, str]) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(since)
        .next_update(until)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(identifier(issuer), critical=False)
    )
    for serial, moment in revoked.items():
        entry = x509.RevokedCertificateBuilder().serial_number(int(serial))
        builder = builder.add_revoked_certificate(entry.revocation_date(datetime.fromisoformat(moment)).build())
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, readable by its owner."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two processes that start together make one authority, not two."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
