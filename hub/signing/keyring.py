"""Keyring: which key signs now, and how a key gets its certificate. No file is ever overwritten.

Keys have generations, so that a new one takes over before the old certificate expires. Each key has one folder
(``seal.trung-tam``, ``log``, ``officer.tp-01``), and each generation in it up to three files:

    <number>.csr    the request for a certificate (PKCS#10); alone until the certificate is imported
    <number>.key    the encrypted private key; none where a token holds it, under the label ``<name>/<number>``
    <number>.pem    the certificate chain, the signer's first

The newest generation whose certificate is valid signs. Older certificates stay for whoever verifies an old signature.
"""

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from hub.errors import InvalidState, NotConfigured
from hub.signing import cms, der
from hub.signing.keys import (
    RSA_BITS,
    KeyUnavailable,
    Pkcs11Token,
    PrivateKey,
    PublicKey,
    SoftwareKey,
    TokenKey,
    certificates,
    check_strength,
    encrypted_pem,
    private_key,
    public_key_of,
    signature,
    spki,
)

ROOTS: Final = "roots.pem"
"""in the keys' folder: the trusted roots, where the catalogue names none"""
LONGEST_NAME: Final = 64
"""bytes of a name in a certificate (RFC 5280 counts characters; libraries count bytes of UTF-8)"""
_KINDS: Final = ("pem", "key", "csr")

Key = SoftwareKey | TokenKey


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of a key. ``chain`` is empty until its certificate is imported."""

    name: str
    number: int
    chain: tuple[x509.Certificate, ...]
    in_file: bool

    @property
    def label(self) -> str:
        """Label of the key in a token."""
        return f"{self.name}/{self.number}"

    def is_valid(self, at: datetime) -> bool:
        """Whether it has a certificate, within its validity at ``at``."""
        if not self.chain:
            return False
        return self.chain[0].not_valid_before_utc <= at <= self.chain[0].not_valid_after_utc


class Keyring:
    """The hub's signing keys. A key is loaded at first use and cached; a new generation is found without a restart."""

    def __init__(
        self,
        folder: Path | None,
        passphrase: SecretStr | None,
        *,
        token: Pkcs11Token | None = None,
        production: bool = False,
    ) -> None:
        """``production``: keys in files are refused, whatever the folder holds."""
        self._folder = folder
        self._passphrase = passphrase
        self._production = production
        self.token = token
        self._loaded: dict[tuple[str, int], Key] = {}
        self._issued: dict[tuple[str, int], Generation] = {}
        self._lock = threading.Lock()

    @property
    def folder(self) -> Path:
        """The keys' folder (HUB_KEYS). Raises NotConfigured."""
        if self._folder is None:
            raise NotConfigured("HUB_KEYS is not set: it names the folder of the signing keys")
        return self._folder

    @property
    def passphrase(self) -> bytes:
        """Passphrase of the keys in files (HUB_KEYS_PASSPHRASE). Raises NotConfigured."""
        if self._passphrase is None:
            raise NotConfigured("HUB_KEYS_PASSPHRASE is not set: keys in files are encrypted with it")
        return self._passphrase.get_secret_value().encode()

    def names(self) -> list[str]:
        """Names of all keys."""
        return sorted(path.parent.name for path in self.folder.glob("*/1.csr"))

    def generations(self, name: str) -> list[Generation]:
        """Generations of key ``name``, oldest first, those without a certificate included."""
        try:
            files = [path.name for path in (self.folder / name).iterdir()]
        except FileNotFoundError:
            return []
        numbers = {int(number) for number, _, kind in (file.partition(".") for file in files) if kind in _KINDS}
        return [self._generation(name, number) for number in sorted(numbers)]

    def current(self, name: str, at: datetime) -> Key:
        """The key that signs at ``at``: the newest with a valid certificate. Raises KeyUnavailable or NotConfigured."""
        known = self.generations(name)
        for generation in reversed(known):
            if generation.is_valid(at):
                return self.key(generation)
        raise KeyUnavailable(_why_not(name, known, at))

    def key(self, generation: Generation) -> Key:
        """Load the key of ``generation``, valid or not. Raises KeyUnavailable or NotConfigured."""
        identity = generation.name, generation.number
        with self._lock:
            if identity not in self._loaded:
                self._loaded[identity] = self._load(generation)
            return self._loaded[identity]

    def request_certificate(
        self, name: str, subject: Mapping[str, str], *, in_token: bool = False, as_rsa: bool = False
    ) -> bytes:
        """Generate the next generation of key ``name``; write and return its certificate request (PKCS#10, PEM).

        ``subject``: common_name, organization_name, serial_number (an officer's id) and so on. The older generation
        signs until ``accept_certificate``. Raises InvalidState while a request is open; KeyUnavailable, NotConfigured.
        """
        known = self.generations(name)
        if known and not known[-1].chain:
            raise InvalidState(f"{name}: request no. {known[-1].number} waits for its certificate; import that first")
        number = known[-1].number + 1 if known else 1
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        if in_token:
            public, sign = self._generate_in_token(f"{name}/{number}", as_rsa=as_rsa)
        else:
            private = rsa.generate_private_key(65537, RSA_BITS) if as_rsa else ec.generate_private_key(ec.SECP256R1())
            _create(folder / f"{number}.key", encrypted_pem(private, self.passphrase), 0o600)
            public, sign = private.public_key(), lambda data: signature(private, data)
        request = _signed_request(public, subject, sign)
        _create(folder / f"{number}.csr", request, 0o644)
        return request

    def accept_certificate(self, name: str, chain: bytes) -> Generation:
        """Import the certificate of the open request; from then on this generation signs, as soon as it is valid.

        ``chain``: PEM, the signer's certificate first, then the CAs between it and the root. Raises InvalidState if no
        request is open, KeyUnavailable if the certificate is for another key.
        """
        known = self.generations(name)
        if not known or known[-1].chain:
            raise InvalidState(f"{name}: no request waits for a certificate (hub keys issue-request {name})")
        waiting = known[-1]
        issued = certificates(chain)
        if not issued:
            raise KeyUnavailable("the file holds no certificate (PEM)")
        if spki(public_key_of(issued[0])) != spki(self._requested_public_key(waiting)):
            raise KeyUnavailable(f"{name}: the certificate is for another key than request no. {waiting.number}")
        _create(self.folder / name / f"{waiting.number}.pem", chain, 0o644)
        return self.generations(name)[-1]

    def _generation(self, name: str, number: int) -> Generation:
        if (known := self._issued.get((name, number))) is not None:
            return known
        stem = self.folder / name / str(number)
        chain = stem.with_suffix(".pem")
        generation = Generation(
            name=name,
            number=number,
            chain=certificates(chain.read_bytes()) if chain.is_file() else (),
            in_file=stem.with_suffix(".key").is_file(),
        )
        if generation.chain:  # from now on it does not change
            self._issued[name, number] = generation
        return generation

    def _load(self, generation: Generation) -> Key:
        if generation.in_file:
            if self._production:
                raise KeyUnavailable(f"{generation.name}: the key is in a file; in production a token holds it")
            file = self.folder / generation.name / f"{generation.number}.key"
            return SoftwareKey(_private_key_in(file, self.passphrase), generation.chain)
        if self.token is None:
            raise KeyUnavailable(f"{generation.name}: there is no key file, and signing.toml names no token")
        return TokenKey(self.token, generation.label, generation.chain)

    def _generate_in_token(self, label: str, *, as_rsa: bool) -> tuple[PublicKey, Callable[[bytes], bytes]]:
        token = self.token
        if token is None:
            raise KeyUnavailable("signing.toml names no token")
        return token.generate(label, as_rsa=as_rsa), lambda data: token.sign(label, data)

    def _requested_public_key(self, generation: Generation) -> PublicKey:
        if generation.in_file:
            file = self.folder / generation.name / f"{generation.number}.key"
            return private_key(file.read_bytes(), self.passphrase).public_key()
        if self.token is None:
            raise KeyUnavailable(f"{generation.name}: there is no key file, and signing.toml names no token")
        return self.token.public_key(generation.label)


def _private_key_in(file: Path, passphrase: bytes) -> PrivateKey:
    try:
        encoded = file.read_bytes()
    except OSError as error:
        raise KeyUnavailable(f"{file} cannot be read: {error.strerror}") from None
    return private_key(encoded, passphrase)


def _why_not(name: str, known: list[Generation], at: datetime) -> str:
    issued = [generation.chain[0] for generation in known if generation.chain]
    if not issued:
        return f"{name}: no certificate has come yet" if known else f"there is no key called {name}"
    newest = issued[-1]
    if at < newest.not_valid_before_utc:
        return f"{name}: its certificate is good from {newest.not_valid_before_utc:%Y-%m-%d %H:%M} UTC only"
    return f"{name}: its certificate ran out on {newest.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"


def fitted_name(name: str, limit: int = LONGEST_NAME) -> str:
    """Cut ``name`` to ``limit`` bytes of UTF-8, between characters."""
    return name.encode()[:limit].decode(errors="ignore").rstrip()


def _signed_request(public: PublicKey, subject: Mapping[str, str], sign: Callable[[bytes], bytes]) -> bytes:
    """Write a certificate request (PKCS#10, RFC 2986) in PEM. cryptography's builder cannot sign with a token's key."""
    names = [x509.NameAttribute(getattr(NameOID, kind.upper()), value) for kind, value in subject.items()]
    info = der.sequence(der.integer(0), x509.Name(names).public_bytes(), spki(public), der.context(0))
    algorithm = cms.RSA_ALGORITHM if isinstance(public, rsa.RSAPublicKey) else cms.ECDSA_ALGORITHM
    request = der.sequence(info, algorithm, der.tlv(der.BITS, b"\x00", sign(info)))
    return x509.load_der_x509_csr(request).public_bytes(Encoding.PEM)


def requested_key(request_pem: bytes) -> PublicKey:
    """The public key of a certificate request (PEM). Raises KeyUnavailable."""
    loaded = x509.load_pem_x509_csr(request_pem).public_key()
    if not isinstance(loaded, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey)):
        raise KeyUnavailable("the request is for a key that is neither EC nor RSA")
    check_strength(loaded)
    return loaded


def _create(path: Path, content: bytes, mode: int) -> None:
    """Create a file and flush it to disk. Raises FileExistsError: a key or certificate is never overwritten."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
