"""Keys in files: encrypted PKCS#8 and the certificate chain beside it, for development and for what has no token.

Loading is slow on purpose (the passphrase is stretched, the key is validated), so a key is loaded once and kept.
"""

from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from hub.errors import HubError

SMALLEST_RSA: Final = 2048
"""bits"""
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class KeyUnavailable(HubError):
    """The key cannot sign: it is missing, locked, expired, or not the one of its certificate. Nothing is signed."""


class SoftwareKey:
    """A hub.signing.cms.SigningKey whose private key is in this process's memory."""

    def __init__(self, private: PrivateKey, chain: Sequence[x509.Certificate]) -> None:
        """``chain``: the signer's certificate first. Raises KeyUnavailable where it is not this key's."""
        self.chain = tuple(chain)
        self.certificate = leaf_of(self.chain)
        self._private = private
        if spki(private.public_key()) != spki(public_key_of(self.certificate)):
            raise KeyUnavailable("the certificate is not the one of this private key")

    @classmethod
    def load(cls, key: bytes, passphrase: bytes, chain: bytes) -> "SoftwareKey":
        """From an encrypted PEM and a PEM bundle. Raises KeyUnavailable, also for a key that is not encrypted."""
        return cls(private_key(key, passphrase), certificates(chain))

    def sign(self, data: bytes) -> bytes:
        return signature(self._private, data)


def signature(key: PrivateKey, data: bytes) -> bytes:
    """Over SHA-256: ECDSA as DER, or RSA PKCS#1 v1.5."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def is_signature(key: PublicKey, made: bytes, data: bytes) -> bool:
    """Whether ``made`` is a signature over SHA-256 of ``data`` by the owner of ``key``."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(made, data, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.verify(made, data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def private_key(pem: bytes, passphrase: bytes) -> PrivateKey:
    """Raises KeyUnavailable: the sentence never holds anything of the key."""
    if b"-----BEGIN ENCRYPTED PRIVATE KEY-----" not in pem:
        raise KeyUnavailable("the key file is not encrypted (PKCS#8, BEGIN ENCRYPTED PRIVATE KEY)")
    try:
        loaded = serialization.load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyUnavailable("the key file cannot be opened with this passphrase (HUB_KEYS_PASSPHRASE)") from None
    if not isinstance(loaded, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        raise KeyUnavailable("the key is neither EC nor RSA")
    check_strength(loaded.public_key())
    return loaded


def encrypted(key: PrivateKey, passphrase: bytes) -> bytes:
    """``key`` as encrypted PKCS#8 PEM."""
    protection = serialization.BestAvailableEncryption(passphrase)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)


def certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM bundle, in its order. Raises KeyUnavailable."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError:
        raise KeyUnavailable("the certificate file holds no certificates (PEM)") from None


def leaf_of(chain: Sequence[x509.Certificate]) -> x509.Certificate:
    if not chain:
        raise KeyUnavailable("there is no certificate")
    check_strength(public_key_of(chain[0]))
    return chain[0]


def public_key_of(certificate: x509.Certificate) -> PublicKey:
    """Raises KeyUnavailable if it is neither EC nor RSA."""
    key = certificate.public_key()
    if not isinstance(key, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey)):
        raise KeyUnavailable("the certificate's key is neither EC nor RSA")
    return key


def check_strength(key: PublicKey) -> None:
    """What hub.signing.verifier would refuse is not signed with either."""
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < SMALLEST_RSA:
            raise KeyUnavailable(f"an RSA key has {SMALLEST_RSA} bits or more")
    elif not isinstance(key.curve, (ec.SECP256R1, ec.SECP384R1)):
        raise KeyUnavailable("an EC key is on P-256 or P-384")


def spki(key: PublicKey) -> bytes:
    """SubjectPublicKeyInfo (DER)."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
