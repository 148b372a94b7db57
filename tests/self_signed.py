"""Keys and certificates for tests, made afresh in every process."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from hub.clock import now

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Pair:
    """A private key and a certificate that it signs itself, both PEM."""

    key: bytes
    certificate: bytes


@cache
def a_pair(owner: str, kind: str = "rsa") -> Pair:
    """The pair of ``owner``, valid now. ``kind``: rsa, ec or weak."""
    return certified(_new_key(kind), owner)


def certified(key: PrivateKey, owner: str, *, valid_for: timedelta = timedelta(days=2)) -> Pair:
    """A pair whose certificate began an hour ago, or three days ago if it has run out (``valid_for`` below zero)."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{owner} (test)")])
    until = now() + valid_for
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now() - timedelta(hours=1), until - timedelta(days=2)))
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        certificate.public_bytes(Encoding.PEM),
    )


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    """One RSA key for every test of the process that does not ask whose it is; to generate one takes 80 ms."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _new_key(kind: str) -> PrivateKey:
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=1024 if kind == "weak" else 2048)


@cache
def an_outdated_pair() -> Pair:
    """A pair whose certificate ran out a day ago."""
    return certified(_new_key("ec"), "outdated", valid_for=timedelta(days=-1))
