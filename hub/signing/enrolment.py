"""How a key comes to be: made, its certificate asked for (PKCS#10) and taken in. Nothing is overwritten."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from asn1crypto import csr, keys, pem, x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from hub.errors import InvalidState
from hub.signing.keyring import Generation, Keyring
from hub.signing.keys import (
    KeyUnavailable,
    PublicKey,
    certificates,
    check_strength,
    encrypted,
    private_key,
    public_key_of,
    signature,
    spki,
)
from hub.signing.token import RSA_BITS

LONGEST_NAME: Final = 64
"""bytes of a name in a certificate (RFC 5280 says characters; libraries count the bytes of UTF-8)"""


def fitting(name: str, limit: int = LONGEST_NAME) -> str:
    """As much of ``name`` as fits into a certificate, cut between characters."""
    return name.encode()[:limit].decode(errors="ignore").rstrip()


def request(
    keyring: Keyring, name: str, subject: Mapping[str, str], *, in_token: bool = False, as_rsa: bool = False
) -> bytes:
    """Make the next generation of key ``name`` and ask for its certificate: the request (PEM), also kept beside it.

    ``subject``: common_name, organization_name, serial_number (an officer's id) and so on. The older generation goes on
    signing until ``accept``. Raises InvalidState while a request is open; KeyUnavailable, NotConfigured.
    """
    known = keyring.generations(name)
    if known and not known[-1].chain:
        raise InvalidState(f"{name}: request no. {known[-1].number} waits for its certificate; import that first")
    number = known[-1].number + 1 if known else 1
    folder = keyring.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    if in_token:
        public, sign = _in_token(keyring, f"{name}/{number}", as_rsa=as_rsa)
    else:
        private = rsa.generate_private_key(65537, RSA_BITS) if as_rsa else ec.generate_private_key(ec.SECP256R1())
        _write(folder / f"{number}.key", encrypted(private, keyring.passphrase), 0o600)
        public, sign = private.public_key(), lambda data: signature(private, data)
    asked = _request(public, subject, sign)
    _write(folder / f"{number}.csr", asked, 0o644)
    return asked


def accept(keyring: Keyring, name: str, chain: bytes) -> Generation:
    """Take the certificate in; from now on this generation signs, as soon as the certificate is valid.

    ``chain``: PEM, the signer's certificate first, then the CAs between it and the root. Raises InvalidState where
    nothing was asked for, KeyUnavailable where the certificate is not for the key that waits.
    """
    known = keyring.generations(name)
    if not known or known[-1].chain:
        raise InvalidState(f"{name}: no request waits for a certificate (hub keys issue-request {name})")
    waiting = known[-1]
    issued = certificates(chain)
    if not issued:
        raise KeyUnavailable("the file holds no certificate (PEM)")
    if spki(public_key_of(issued[0])) != spki(_public(keyring, waiting)):
        raise KeyUnavailable(f"{name}: the certificate is for another key than request no. {waiting.number}")
    _write(keyring.folder / name / f"{waiting.number}.pem", chain, 0o644)
    return keyring.generations(name)[-1]


def _public(keyring: Keyring, generation: Generation) -> PublicKey:
    if generation.in_file:
        file = keyring.folder / generation.name / f"{generation.number}.key"
        return private_key(file.read_bytes(), keyring.passphrase).public_key()
    if keyring.token is None:
        raise KeyUnavailable(f"{generation.name}: there is no key file, and signing.toml names no token")
    return keyring.token.public_key(generation.label)


def _in_token(keyring: Keyring, label: str, *, as_rsa: bool) -> tuple[PublicKey, Callable[[bytes], bytes]]:
    token = keyring.token
    if token is None:
        raise KeyUnavailable("signing.toml names no token")
    return token.make(label, as_rsa=as_rsa), lambda data: token.sign(label, data)


def _request(public: PublicKey, subject: Mapping[str, str], sign: Callable[[bytes], bytes]) -> bytes:
    info = csr.CertificationRequestInfo(
        {
            "version": "v1",
            "subject": x509.Name.build(dict(subject)),
            "subject_pk_info": keys.PublicKeyInfo.load(spki(public)),
            "attributes": [],
        }
    )
    algorithm = "sha256_rsa" if isinstance(public, rsa.RSAPublicKey) else "sha256_ecdsa"
    asked = csr.CertificationRequest(
        {
            "certification_request_info": info,
            "signature_algorithm": {"algorithm": algorithm},
            "signature": sign(info.dump()),
        }
    )
    return bytes(pem.armor("CERTIFICATE REQUEST", asked.dump()))


def subject_key(request_pem: bytes) -> PublicKey:
    """The public key that a request (PEM) asks to be certified. Raises KeyUnavailable."""
    _, _, der = pem.unarmor(request_pem)
    info = csr.CertificationRequest.load(der)["certification_request_info"]
    loaded = load_der_public_key(info["subject_pk_info"].dump())
    if not isinstance(loaded, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey)):
        raise KeyUnavailable("the request is for a key that is neither EC nor RSA")
    check_strength(loaded)
    return loaded


def _write(path: Path, content: bytes, mode: int) -> None:
    """A new file; one that is there already is never overwritten (FileExistsError)."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
