"""Signing keys: in an encrypted file (PKCS#8), or in a PKCS#11 token (smart card or HSM, tested on SoftHSM).

Both kinds implement hub.signing.cms.SigningKey. Loading a file is slow on purpose (the passphrase is stretched, the key
is validated), so a key is loaded once and cached by hub.signing.keyring. A token's library is loaded at the first
signature and logged in to once; its session serves one thread at a time, and the private key never leaves it.
"""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from hub.errors import HubError
from hub.signing import der

SMALLEST_RSA: Final = 2048
"""bits of a key that is accepted"""
RSA_BITS: Final = 3072
"""of a key that is made"""
_P256: Final = "1.2.840.10045.3.1.7"
_RSA: Final = "1.2.840.113549.1.1.1"
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class KeyUnavailable(HubError):
    """The key cannot sign: it is missing, locked, expired, or not the one of its certificate. Nothing is signed."""


class SoftwareKey:
    """A signing key from a file; the private key is in this process's memory."""

    def __init__(self, private: PrivateKey, chain: Sequence[x509.Certificate]) -> None:
        """``chain``: the signer's certificate first. Raises KeyUnavailable if it is not this key's."""
        self.chain = tuple(chain)
        self.certificate = signing_certificate(self.chain)
        self._private = private
        if spki(private.public_key()) != spki(public_key_of(self.certificate)):
            raise KeyUnavailable("the certificate is not the one of this private key")

    @classmethod
    def load(cls, key: bytes, passphrase: bytes, chain: bytes) -> "SoftwareKey":
        """Load an encrypted PEM key and its PEM chain. Raises KeyUnavailable, also for a key that is not encrypted."""
        return cls(private_key(key, passphrase), certificates(chain))

    def sign(self, data: bytes) -> bytes:
        return signature(self._private, data)


class Slot(Protocol):
    """Keys by label, as TokenKey uses them; ``Pkcs11Token`` is the implementation, tests have another."""

    def sign(self, label: str, data: bytes) -> bytes: ...
    def public_key(self, label: str) -> PublicKey: ...


class Pkcs11Token:
    """One token of one PKCS#11 module. Safe to share between threads. Not to be used on both sides of a fork."""

    def __init__(self, module: Path, label: str, pin: str) -> None:
        """Nothing is loaded yet."""
        self._module = module
        self._label = label
        self._pin = pin
        self._lock = threading.Lock()
        self._session: Any = None

    def sign(self, label: str, data: bytes) -> bytes:
        """Sign SHA-256 of ``data``: ECDSA (DER) or RSA PKCS#1 v1.5. Raises KeyUnavailable."""
        with self._using() as session:
            key = session.get_key(object_class=self._pkcs11.ObjectClass.PRIVATE_KEY, label=label)
            if key.key_type is self._pkcs11.KeyType.RSA:
                signed = bytes(key.sign(data, mechanism=self._pkcs11.Mechanism.SHA256_RSA_PKCS))
            else:
                # Not every token hashes for ECDSA (SoftHSM 2.6 does not), so the hash is made here.
                raw = key.sign(hashlib.sha256(data).digest(), mechanism=self._pkcs11.Mechanism.ECDSA)
                half = len(raw) // 2
                signed = encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
        return signed

    def public_key(self, label: str) -> PublicKey:
        """Raises KeyUnavailable if the token has no key with this label."""
        with self._using() as session:
            handle = session.get_key(object_class=self._pkcs11.ObjectClass.PUBLIC_KEY, label=label)
            loaded = load_der_public_key(self._spki(handle))
        if not isinstance(loaded, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey)):
            raise KeyUnavailable(f"the token's key {label} is neither EC nor RSA")
        check_strength(loaded)
        return loaded

    def _spki(self, key: Any) -> bytes:
        if key.key_type is self._pkcs11.KeyType.RSA:
            from pkcs11.util.rsa import encode_rsa_public_key as encode  # noqa: PLC0415 - with the native library
        else:
            from pkcs11.util.ec import encode_ec_public_key as encode  # noqa: PLC0415
        encoded = bytes(encode(key))
        return encoded if key.key_type is not self._pkcs11.KeyType.RSA else _wrapped(encoded)

    def generate(self, label: str, *, as_rsa: bool = False) -> PublicKey:
        """Generate a key pair in the token: P-256, or RSA where the CA asks for it. Raises KeyUnavailable."""
        with self._using() as session:
            options = {"id": hashlib.sha256(label.encode()).digest()[:8], "label": label, "store": True}
            if as_rsa:
                session.generate_keypair(self._pkcs11.KeyType.RSA, RSA_BITS, **options)
            else:
                curve = {self._pkcs11.Attribute.EC_PARAMS: der.oid(_P256)}
                parameters = session.create_domain_parameters(self._pkcs11.KeyType.EC, curve, local=True)
                parameters.generate_keypair(**options)
        return self.public_key(label)

    def check(self) -> str:
        """Log in, and return the token's label, manufacturer and model as one line. Raises KeyUnavailable."""
        with self._using() as session:
            info = session.token
            return f"{str(info.label).strip()}: {str(info.manufacturer_id).strip()} {str(info.model).strip()}"

    @contextmanager
    def _using(self) -> Iterator[Any]:
        """Lock the session, logging in if necessary. An error of the token is KeyUnavailable and ends the session."""
        with self._lock:
            try:
                if self._session is None:
                    token = self._pkcs11.lib(str(self._module)).get_token(token_label=self._label)
                    self._session = token.open(rw=True, user_pin=self._pin)
                yield self._session
            except self._pkcs11.exceptions.NoSuchKey:
                raise KeyUnavailable(f"the token {self._label} has no such key") from None
            except (self._pkcs11.PKCS11Error, RuntimeError) as error:
                self._end()
                raise KeyUnavailable(f"the token {self._label} cannot be used: {type(error).__name__}") from None

    def close(self) -> None:
        """Log out; the next signature logs in again."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(self._pkcs11.PKCS11Error):
                session.close()

    @cached_property
    def _pkcs11(self) -> Any:
        import pkcs11  # noqa: PLC0415 - a native library, loaded only where a token is configured

        return pkcs11


class TokenKey:
    """A signing key in a token."""

    def __init__(self, slot: Slot, label: str, chain: Sequence[x509.Certificate]) -> None:
        """``chain``: the signer's certificate first. Raises KeyUnavailable if it is not the one of the token's key."""
        self.chain = tuple(chain)
        self.certificate = signing_certificate(self.chain)
        self._slot = slot
        self._label = label
        if spki(slot.public_key(label)) != spki(public_key_of(self.certificate)):
            raise KeyUnavailable(f"the certificate is not the one of the token's key {label}")

    def sign(self, data: bytes) -> bytes:
        return self._slot.sign(self._label, data)


def _wrapped(encoded: bytes) -> bytes:
    """Wrap an RSAPublicKey (DER) as SubjectPublicKeyInfo."""
    return der.sequence(der.sequence(der.oid(_RSA), der.NULL), der.tlv(der.BITS, b"\x00", encoded))


def signature(key: PrivateKey, data: bytes) -> bytes:
    """Sign SHA-256 of ``data``: ECDSA (DER) or RSA PKCS#1 v1.5."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def is_signature(key: PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether ``signature`` verifies with ``key`` over SHA-256 of ``data``."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def private_key(pem: bytes, passphrase: bytes) -> PrivateKey:
    """Decrypt a PEM key. Raises KeyUnavailable; its message never quotes the key."""
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


def encrypted_pem(key: PrivateKey, passphrase: bytes) -> bytes:
    """Serialise ``key`` as encrypted PKCS#8."""
    protection = serialization.BestAvailableEncryption(passphrase)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)


def certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Load the certificates of a PEM file, in its order. Raises KeyUnavailable."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except (ValueError, x509.InvalidVersion):
        raise KeyUnavailable("the certificate file holds no certificates (PEM)") from None


def signing_certificate(chain: Sequence[x509.Certificate]) -> x509.Certificate:
    """The first certificate of ``chain``. Raises KeyUnavailable if there is none or its key is too weak."""
    if not chain:
        raise KeyUnavailable("there is no certificate")
    check_strength(public_key_of(chain[0]))
    return chain[0]


def public_key_of(certificate: x509.Certificate) -> PublicKey:
    """The certificate's public key. Raises KeyUnavailable if it is neither EC nor RSA."""
    key = certificate.public_key()
    if not isinstance(key, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey)):
        raise KeyUnavailable("the certificate's key is neither EC nor RSA")
    return key


def check_strength(key: PublicKey) -> None:
    """Raises KeyUnavailable for a key that hub.signing.verifier would refuse."""
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < SMALLEST_RSA:
            raise KeyUnavailable(f"an RSA key has {SMALLEST_RSA} bits or more")
    elif not isinstance(key.curve, (ec.SECP256R1, ec.SECP384R1)):
        raise KeyUnavailable("an EC key is on P-256 or P-384")


def spki(key: PublicKey) -> bytes:
    """SubjectPublicKeyInfo (DER)."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
