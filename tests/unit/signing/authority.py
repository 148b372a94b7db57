"""Certificate authorities of one afternoon, right or wrong as a test wants them; every name in them is invented."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from hub.signing.trust import Trust

BEGINS: Final = datetime(2026, 1, 1, tzinfo=UTC)
ENDS: Final = datetime(2030, 1, 1, tzinfo=UTC)
DAY: Final = datetime(2026, 11, 24, 8, 15, 2, tzinfo=UTC)
"""when things are signed in these tests"""
Hash = hashes.SHA256 | hashes.SHA384 | hashes.SHA512
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def key_usage(*purposes: str) -> tuple[x509.KeyUsage, bool]:
    """Critical, for these purposes (names of ``x509.KeyUsage``) and no other."""
    all_ = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    more = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: name in purposes for name in (*all_, *more)}), True


CA: Final[tuple[tuple[x509.ExtensionType, bool], ...]] = (
    (x509.BasicConstraints(ca=True, path_length=None), True),
    key_usage("key_cert_sign", "crl_sign"),
)
SIGNER: Final[tuple[tuple[x509.ExtensionType, bool], ...]] = (
    (x509.BasicConstraints(ca=False, path_length=None), True),
    key_usage("digital_signature", "content_commitment"),
)
STAMPER: Final = (*SIGNER, (x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.8")]), True))
Extensions = Sequence[tuple[x509.ExtensionType, bool]]


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class KeyHolder:
    """A key with its certificate, and those of its issuers but the root: a SigningKey."""

    private: PrivateKey
    certificate: x509.Certificate
    issuers: tuple[x509.Certificate, ...] = ()
    hash: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)

    @property
    def chain(self) -> Sequence[x509.Certificate]:
        return (self.certificate, *self.issuers)

    def sign(self, data: bytes) -> bytes:
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(data, padding.PKCS1v15(), self.hash)
        return self.private.sign(data, ec.ECDSA(self.hash))

    def write(self, folder: Path) -> tuple[Path, Path]:
        """The files of the key and of the certificate, as openssl wants them."""
        key, certificate = folder / "signer.key", folder / "signer.pem"
        key.write_bytes(
            self.private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        certificate.write_bytes(pem(self.certificate))
        return key, certificate


class SigningAuthority:
    """A root, or an authority under ``parent``."""

    def __init__(
        self,
        name: str = "Test root",
        parent: "SigningAuthority | None" = None,
        *,
        extensions: Extensions = CA,
        begins: datetime = BEGINS,
        ends: datetime = ENDS,
    ) -> None:
        self.key = new_key()
        self.name = _name(name)
        self.parent = parent
        issuer = self if parent is None else parent
        self.certificate = certified(self.name, self.key, issuer, extensions, begins, ends)

    @property
    def issuers(self) -> tuple[x509.Certificate, ...]:
        """Up to the root, which is left out."""
        return () if self.parent is None else (self.certificate, *self.parent.issuers)

    def issue(
        self,
        name: str = "Officer",
        *,
        key: PrivateKey | None = None,
        extensions: Extensions = SIGNER,
        begins: datetime = BEGINS,
        ends: datetime = ENDS,
        hash_: Hash | None = None,
    ) -> KeyHolder:
        private = key or new_key()
        certificate = certified(_name(name), private, self, extensions, begins, ends, hash_ or hashes.SHA256())
        return KeyHolder(private, certificate, self.issuers)

    def crl(
        self,
        made_at: datetime = DAY,
        lasts: timedelta = timedelta(days=7),
        *,
        revoked: Mapping[x509.Certificate, datetime] | None = None,
        key_lost: datetime | None = None,
        partial: bool = False,
        key: PrivateKey | None = None,
    ) -> x509.CertificateRevocationList:
        """``revoked``: since when. ``key_lost``: the invalidity date that every entry gives. ``key``: a forger's."""
        builder = x509.CertificateRevocationListBuilder(self.name, made_at, made_at + lasts)
        builder = builder.add_extension(x509.CRLNumber(1), critical=False)
        if partial:
            scope = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
            builder = builder.add_extension(scope, critical=True)
        for certificate, since in (revoked or {}).items():
            entry = x509.RevokedCertificateBuilder(certificate.serial_number, since)
            if key_lost is not None:
                entry = entry.add_extension(x509.InvalidityDate(key_lost.replace(tzinfo=None)), critical=False)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(key or self.key, hashes.SHA256())

    def trust(self, *crls: x509.CertificateRevocationList) -> Trust:
        """Trust in this root, with these lists; with a fresh one of its own if none is given."""
        return Trust([self.certificate], crls=crls or [self.crl()])


def certified(
    subject: x509.Name,
    key: PrivateKey,
    issuer: SigningAuthority,
    extensions: Extensions,
    begins: datetime,
    ends: datetime,
    hash_: Hash | None = None,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer.key, hash_ or hashes.SHA256())


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates)


def _name(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{name} (thử nghiệm)"),
        ]
    )
