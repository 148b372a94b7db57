"""Certificates of a development authority (RFC 5280): what each kind says of itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
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
