"""A development certificate authority: a root, an issuing CA and a time-stamping certificate, kept in one folder.

Every subject says that it is for development: nobody shall take its word for a real one. The private keys stand in
files that only their owner can read, unencrypted: what they sign is worth nothing.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from connectors.sandbox.clock import now

ORGANISATION: Final = "Lien thong Hub DEVELOPMENT ONLY"
ROOT_YEARS: Final = timedelta(days=3650)
ISSUING_YEARS: Final = timedelta(days=1825)
LEAF_YEARS: Final = timedelta(days=730)
SKEW: Final = timedelta(hours=1)
CRL_LASTS: Final = timedelta(days=7)

SigningKey = ec.EllipticCurvePrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True)
class Holder:
    """A key and the certificate of it."""

    key: SigningKey
    certificate: x509.Certificate


class Authority:
    """The authority kept in ``folder``; made there the first time, never made anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "authority"
        self.folder.mkdir(parents=True, exist_ok=True)
        with _alone(self.folder):
            self.root = self._kept("root", None)
            self.issuing = self._kept("issuing", self.root)
            self.stamping = self._kept("tsa", self.issuing)
        roots = folder / "roots.pem"
        if not roots.exists():
            roots.write_bytes(_pem(self.root.certificate))

    def chain(self, certificate: x509.Certificate) -> bytes:
        """PEM: ``certificate`` and the issuing CA's; the root is known or it is not believed."""
        return _pem(certificate) + _pem(self.issuing.certificate)

    def issue(
        self, name: str, public_key: PublicKey, *, serial_name: str = "", lasts: timedelta = LEAF_YEARS
    ) -> x509.Certificate:
        """A certificate to sign with. ``serial_name``: who it is, in the subject's serialNumber (an officer's id)."""
        return self._leaf(name, public_key, serial_name=serial_name, begins=now() - SKEW, ends=now() + lasts)

    def issue_for(
        self, name: str, public_key: PublicKey, begins: datetime, ends: datetime, *, serial_name: str = ""
    ) -> x509.Certificate:
        """As ``issue``, good from ``begins`` to ``ends``: one that has run out, or is not good yet."""
        return self._leaf(name, public_key, serial_name=serial_name, begins=begins, ends=ends)

    def revoke(self, serial: int, at: datetime | None = None) -> None:
        """From now on, or from ``at`` on, the certificate with this serial number is not good any more."""
        with _alone(self.folder):
            revoked = self.revoked()
            revoked.setdefault(str(serial), (at or now()).isoformat())
            _write(self.folder / "revoked.json", json.dumps(revoked).encode())

    def crl(self, *, at: datetime | None = None, lasts: timedelta = CRL_LASTS) -> bytes:
        """The issuing CA's revocation list (DER), as of ``at``; its number is the time, so it only grows."""
        moment = at or now()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.issuing.certificate.subject)
            .last_update(moment)
            .next_update(moment + lasts)
            .add_extension(x509.CRLNumber(int(moment.timestamp() * 1000)), critical=False)
            .add_extension(_key_identifier(self.issuing), critical=False)
        )
        for serial, since in self.revoked().items():
            revoked = x509.RevokedCertificateBuilder().serial_number(int(serial))
            builder = builder.add_revoked_certificate(revoked.revocation_date(datetime.fromisoformat(since)).build())
        return builder.sign(self.issuing.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def root_crl(self) -> bytes:
        """The root's own list (DER), empty: ``openssl -crl_check_all`` asks for one of every CA."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.root.certificate.subject)
            .last_update(now() - SKEW)
            .next_update(now() + timedelta(days=365))
            .add_extension(x509.CRLNumber(1), critical=False)
            .add_extension(_key_identifier(self.root), critical=False)
        )
        return builder.sign(self.root.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def revoked(self) -> dict[str, str]:
        """Serial number → since when."""
        try:
            kept = json.loads((self.folder / "revoked.json").read_bytes())
        except FileNotFoundError:
            return {}
        return {str(serial): str(since) for serial, since in kept.items()}

    def _kept(self, name: str, issuer: Holder | None) -> Holder:
        key_file, certificate_file = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        if not certificate_file.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            _write(key_file, _private_pem(key))
            certificate = {"root": self._root, "issuing": self._issuing, "tsa": self._tsa}[name](key, issuer)
            _write(certificate_file, _pem(certificate))
        loaded = serialization.load_pem_private_key(key_file.read_bytes(), None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{key_file} holds no EC key")
        return Holder(loaded, x509.load_pem_x509_certificate(certificate_file.read_bytes()))

    def _root(self, key: SigningKey, _issuer: Holder | None) -> x509.Certificate:
        builder = _builder(_name("Development root"), key.public_key(), now() - SKEW, now() + ROOT_YEARS)
        return _ca(builder.issuer_name(_name("Development root")), 1).sign(key, hashes.SHA256())

    def _issuing(self, key: SigningKey, issuer: Holder | None) -> x509.Certificate:
        holder = issuer or self.root
        builder = _builder(_name("Development issuing CA"), key.public_key(), now() - SKEW, now() + ISSUING_YEARS)
        builder = builder.issuer_name(holder.certificate.subject).add_extension(_key_identifier(holder), critical=False)
        return _ca(builder, 0).sign(holder.key, hashes.SHA256())

    def _tsa(self, key: SigningKey, issuer: Holder | None) -> x509.Certificate:
        holder = issuer or self.issuing
        builder = _builder(_name("Development time stamps"), key.public_key(), now() - SKEW, now() + ISSUING_YEARS)
        builder = builder.issuer_name(holder.certificate.subject).add_extension(_key_identifier(holder), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs=True), critical=True)
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        return builder.add_extension(purposes, critical=True).sign(holder.key, hashes.SHA256())

    def _leaf(
        self, name: str, public_key: PublicKey, *, serial_name: str, begins: datetime, ends: datetime
    ) -> x509.Certificate:
        builder = _builder(_name(name, serial_name), public_key, begins, ends)
        builder = builder.issuer_name(self.issuing.certificate.subject)
        builder = builder.add_extension(_key_identifier(self.issuing), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs=True), critical=True)
        return builder.sign(self.issuing.key, hashes.SHA256())


def _name(common_name: str, serial_name: str = "") -> x509.Name:
    parts = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64]),
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


def _ca(builder: x509.CertificateBuilder, below: int) -> x509.CertificateBuilder:
    return builder.add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True).add_extension(
        _usage(signs=False), critical=True
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    """To sign documents, or to sign certificates and their lists."""
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=signs,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signs,
        crl_sign=not signs,
        encipher_only=False,
        decipher_only=False,
    )


def _key_identifier(holder: Holder) -> x509.AuthorityKeyIdentifier:
    known = holder.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: SigningKey) -> bytes:
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
