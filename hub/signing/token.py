"""Keys in a token: smart card or HSM by PKCS#11, tested on SoftHSM. The private key never leaves it.

A token's library is loaded at the first signature and logged in to once; its session serves one thread at a time.
"""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

from asn1crypto import algos, keys
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from hub.signing.keys import KeyUnavailable, PublicKey, check_strength, leaf_of, public_key_of, spki

RSA_BITS: Final = 3072


class Slot(Protocol):
    """Where keys are found and made by their label; ``Pkcs11Token`` is the real one."""

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
        """Over SHA-256: ECDSA as DER, or RSA PKCS#1 v1.5. Raises KeyUnavailable."""
        with self._using() as session:
            key = session.get_key(object_class=self._pkcs11.ObjectClass.PRIVATE_KEY, label=label)
            if key.key_type is self._pkcs11.KeyType.RSA:
                signed = bytes(key.sign(data, mechanism=self._pkcs11.Mechanism.SHA256_RSA_PKCS))
            else:
                # Not every token hashes for ECDSA (SoftHSM 2.6 does not), so the hash is made here.
                raw = key.sign(hashlib.sha256(data).digest(), mechanism=self._pkcs11.Mechanism.ECDSA)
                signed = algos.DSASignature.from_p1363(bytes(raw)).dump()
        return signed

    def public_key(self, label: str) -> PublicKey:
        """Raises KeyUnavailable if the token has no key with this label."""
        with self._using() as session:
            found = session.get_key(object_class=self._pkcs11.ObjectClass.PUBLIC_KEY, label=label)
            loaded = load_der_public_key(self._spki(found))
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

    def make(self, label: str, *, as_rsa: bool = False) -> PublicKey:
        """A new key pair in the token: P-256, or RSA where the CA wants that. Raises KeyUnavailable."""
        with self._using() as session:
            options = {"id": hashlib.sha256(label.encode()).digest()[:8], "label": label, "store": True}
            if as_rsa:
                session.generate_keypair(self._pkcs11.KeyType.RSA, RSA_BITS, **options)
            else:
                curve = {self._pkcs11.Attribute.EC_PARAMS: keys.ECDomainParameters("named", "secp256r1").dump()}
                parameters = session.create_domain_parameters(self._pkcs11.KeyType.EC, curve, local=True)
                parameters.generate_keypair(**options)
        return self.public_key(label)

    def check(self) -> str:
        """Log in. A line for a person. Raises KeyUnavailable."""
        with self._using() as session:
            info = session.token
            return f"{str(info.label).strip()}: {str(info.manufacturer_id).strip()} {str(info.model).strip()}"

    @contextmanager
    def _using(self) -> Iterator[Any]:
        """The session, for one thread at a time. What goes wrong is KeyUnavailable, and the next call logs in anew."""
        with self._lock:
            try:
                if self._session is None:
                    found = self._pkcs11.lib(str(self._module)).get_token(token_label=self._label)
                    self._session = found.open(rw=True, user_pin=self._pin)
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
        import pkcs11  # noqa: PLC0415 - a native library that only those load who have a token

        return pkcs11


class TokenKey:
    """A hub.signing.cms.SigningKey whose private key is in a token."""

    def __init__(self, slot: Slot, label: str, chain: Sequence[x509.Certificate]) -> None:
        """Raises KeyUnavailable where the certificate is not the one of the token's key."""
        self.chain = tuple(chain)
        self.certificate = leaf_of(self.chain)
        self._slot = slot
        self._label = label
        if spki(slot.public_key(label)) != spki(public_key_of(self.certificate)):
            raise KeyUnavailable(f"the certificate is not the one of the token's key {label}")

    def sign(self, data: bytes) -> bytes:
        return self._slot.sign(self._label, data)


def _wrapped(encoded: bytes) -> bytes:
    """RSAPublicKey as SubjectPublicKeyInfo."""
    der: bytes = keys.PublicKeyInfo.wrap(keys.RSAPublicKey.load(encoded), "rsa").dump()
    return der
