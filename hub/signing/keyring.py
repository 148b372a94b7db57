"""Which key signs now. Keys are kept in generations, so that a new one takes over before the old one runs out.

One folder a key (``seal.trung-tam``, ``log``, ``officer.tp-01``), in it for each generation ``<number>.pem``, the
certificate chain, the signer's first; ``<number>.key``, the encrypted private key, unless a token holds it under the
label ``<name>/<number>``; ``<number>.csr``, the request, which is all there is until the certificate has come.

Of the generations whose certificate is valid the newest signs. Certificates of older ones stay: whoever verifies an old
signature finds them, and nothing is signed with them any more.
"""

import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from pydantic import SecretStr

from hub.errors import NotConfigured
from hub.signing import keys
from hub.signing.keys import KeyUnavailable, SoftwareKey, certificates
from hub.signing.token import Pkcs11Token, TokenKey

ROOTS: Final = "roots.pem"
"""in the keys' folder: the roots that are believed where the catalogue names none"""
_KINDS: Final = ("pem", "key", "csr")

Key = SoftwareKey | TokenKey


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of a key. ``chain`` is empty while its certificate has not come."""

    name: str
    number: int
    chain: tuple[x509.Certificate, ...]
    in_file: bool

    @property
    def label(self) -> str:
        """Under which a token holds it."""
        return f"{self.name}/{self.number}"

    def is_valid(self, at: datetime) -> bool:
        """Whether its certificate has come and is within its time."""
        if not self.chain:
            return False
        return self.chain[0].not_valid_before_utc <= at <= self.chain[0].not_valid_after_utc


class Keyring:
    """Every key of the hub. Keys are loaded at first use and kept; a new generation is seen without a restart."""

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
        """Raises NotConfigured."""
        if self._folder is None:
            raise NotConfigured("HUB_KEYS is not set: it names the folder of the signing keys")
        return self._folder

    @property
    def passphrase(self) -> bytes:
        """What keys in files are encrypted with. Raises NotConfigured."""
        if self._passphrase is None:
            raise NotConfigured("HUB_KEYS_PASSPHRASE is not set: keys in files are encrypted with it")
        return self._passphrase.get_secret_value().encode()

    def names(self) -> list[str]:
        """Every key that has a folder."""
        return sorted(path.parent.name for path in self.folder.glob("*/1.csr"))

    def generations(self, name: str) -> list[Generation]:
        """Oldest first, the ones that wait for their certificate included."""
        try:
            files = [path.name for path in (self.folder / name).iterdir()]
        except FileNotFoundError:
            return []
        numbers = {int(number) for number, _, kind in (file.partition(".") for file in files) if kind in _KINDS}
        return [self._generation(name, number) for number in sorted(numbers)]

    def current(self, name: str, at: datetime) -> Key:
        """The key that signs at ``at``. Raises KeyUnavailable or NotConfigured; an older key never stands in."""
        known = self.generations(name)
        for generation in reversed(known):
            if generation.is_valid(at):
                return self.key(generation)
        raise KeyUnavailable(_why_not(name, known, at))

    def key(self, generation: Generation) -> Key:
        """The key of this very generation, valid or not. Raises KeyUnavailable or NotConfigured."""
        place = generation.name, generation.number
        with self._lock:
            if place not in self._loaded:
                self._loaded[place] = self._load(generation)
            return self._loaded[place]

    def _generation(self, name: str, number: int) -> Generation:
        if (known := self._issued.get((name, number))) is not None:
            return known
        stem = self.folder / name / str(number)
        chain = stem.with_suffix(".pem")
        found = Generation(
            name=name,
            number=number,
            chain=certificates(chain.read_bytes()) if chain.is_file() else (),
            in_file=stem.with_suffix(".key").is_file(),
        )
        if found.chain:
            self._issued[name, number] = found
        return found

    def _load(self, generation: Generation) -> Key:
        if generation.in_file:
            if self._production:
                raise KeyUnavailable(f"{generation.name}: the key is in a file; in production a token holds it")
            file = self.folder / generation.name / f"{generation.number}.key"
            return SoftwareKey(_private(file, self.passphrase), generation.chain)
        if self.token is None:
            raise KeyUnavailable(f"{generation.name}: there is no key file, and signing.toml names no token")
        return TokenKey(self.token, generation.label, generation.chain)


def _private(file: Path, passphrase: bytes) -> keys.PrivateKey:
    try:
        pem = file.read_bytes()
    except OSError as error:
        raise KeyUnavailable(f"{file} cannot be read: {error.strerror}") from None
    return keys.private_key(pem, passphrase)


def _why_not(name: str, known: list[Generation], at: datetime) -> str:
    issued = [generation.chain[0] for generation in known if generation.chain]
    if not issued:
        return f"{name}: no certificate has come yet" if known else f"there is no key called {name}"
    newest = issued[-1]
    if at < newest.not_valid_before_utc:
        return f"{name}: its certificate is good from {newest.not_valid_before_utc:%Y-%m-%d %H:%M} UTC only"
    return f"{name}: its certificate ran out on {newest.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
