"""Sign records: the officer signs the record, then the Centre's seal signs the officer's signature.

The seal is over the bytes of the person's signature, which proves the order that the law requires (NĐ 30/2020 Điều 32).
Before a key signs, its certificate is checked as a verifier will check it, and every signature is verified before it is
used, so that no invalid signature is ever stored or sent.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from config.officers import MAY_HAND_OVER, Officer
from config.signing import Signing
from hub.codes import HubCode
from hub.errors import NotConfigured, RetryLater
from hub.signing import cms, verifier
from hub.signing.cms import SigningKey
from hub.signing.keyring import ROOTS, Keyring
from hub.signing.keys import KeyUnavailable, is_signature, public_key_of
from hub.signing.trust import Trust
from hub.signing.verifier import Invalid, Undecided, VerifiedSignature

FRESH: Final = 5.0
"""seconds for which loaded revocation lists, and checks made by them, are reused"""


class MayNotSign(RetryLater):
    """Signing was refused, for the reason given; it can be retried once that is corrected."""


@dataclass(frozen=True, slots=True)
class Signatures:
    """Detached CAdES: ``person`` over the record, ``seal`` over the bytes of ``person``."""

    person: bytes
    seal: bytes


class Signer:
    """Signs with the keys of officers, of the Centre and of the log. Safe to share between threads."""

    def __init__(
        self,
        keyring: Keyring,
        signing: Signing,
        officers: Mapping[str, Officer],
        roots: Path | None,
        crls: Callable[[], Sequence[bytes]],
    ) -> None:
        """``roots``: PEM file; None: the one in the keys' folder. ``crls``: loads the stored revocation lists (DER)."""
        self._keyring = keyring
        self._signing = signing
        self._officers = officers
        self._roots = roots
        self._load_crls = crls
        self._lock = threading.Lock()
        self._trust: Trust | None = None
        self._crls: tuple[bytes, ...] = ()
        self._refreshed = 0.0
        self._checks: dict[str, _PathCheck] = {}

    def sign_record(
        self, record: bytes, officer: Officer, at: datetime, *, department: str | None = None
    ) -> Signatures:
        """Sign ``record`` as ``officer``, and seal it. ``department``: whose dossier it is; None: no department's.

        Raises MayNotSign with a code of hub.codes and the reason.
        """
        self.check_officer(officer, at, department)
        if officer.signs_elsewhere:
            raise MayNotSign(
                HubCode.KEY_UNAVAILABLE, f"{officer.id} signs on a device of one's own; bring that signature in"
            )
        person = self._signed(record, officer.key, at, officer)
        return Signatures(person, self._signed(person, self._signing.seal, at))

    def seal_record(
        self, record: bytes, person: bytes, officer: Officer, at: datetime, *, department: str | None = None
    ) -> Signatures:
        """Verify and seal a signature ``person`` made on the officer's own device. Raises MayNotSign."""
        self.check_officer(officer, at, department)
        _check_bound(officer, self.verified(record, person, at).certificate)
        return Signatures(person, self._signed(person, self._signing.seal, at))

    def sealed(self, content: bytes, at: datetime) -> bytes:
        """Seal ``content`` that no officer signs, such as a table or a fee receipt. Raises MayNotSign."""
        return self._signed(content, self._signing.seal, at)

    def log_key(self, at: datetime) -> SigningKey:
        """The key that signs checkpoints of the custody log at ``at``. Raises MayNotSign."""
        return self._key(self._signing.log_key, at)

    def check_officer(self, officer: Officer, at: datetime, department: str | None = None) -> None:
        """Raises MayNotSign unless the roster lets the officer hand over a dossier of ``department`` at ``at``."""
        refusal = ""
        if self._officers.get(officer.id) != officer or not officer.serves(at):
            refusal = "is not on the roster on that day"
        elif officer.role not in MAY_HAND_OVER:
            refusal = f"has the role {officer.role}, which hands nothing over"
        elif department is not None and officer.department not in (None, department):
            refusal = f"serves {officer.department}, not {department}"
        if refusal:
            raise MayNotSign(HubCode.OFFICER_MAY_NOT_SIGN, f"{officer.id} {refusal}")

    def trial(self, name: str, at: datetime, officer: Officer | None = None) -> None:
        """Make and verify a trial signature with the key ``name``, which is discarded. Raises MayNotSign."""
        content = b"a trial of this key"
        self.verified(content, self._signed(content, name, at, officer), at)

    def verified(self, content: bytes, signature: bytes, at: datetime) -> VerifiedSignature:
        """Verify a signature at ``at`` by our trust. Raises MayNotSign."""
        with _as_refusal():
            return verifier.verify(content, signature, self.trust(), at=at)

    def trust(self) -> Trust:
        """Our trusted roots and stored revocation lists, reloaded every FRESH seconds. Raises NotConfigured."""
        if self._trust is None:
            return self._refresh()
        # One thread reloads, the others use the old lists: they hold connections that the reload may be waiting for.
        if time.monotonic() - self._refreshed > FRESH and self._lock.acquire(blocking=False):
            try:
                return self._refresh()
            finally:
                self._lock.release()
        return self._trust

    def _refresh(self) -> Trust:
        crls = tuple(self._load_crls())
        if self._trust is None or crls != self._crls:
            self._trust, self._crls = self._loaded(crls), crls
        self._refreshed = time.monotonic()
        return self._trust

    def _loaded(self, crls: Sequence[bytes]) -> Trust:
        try:
            return Trust.load(self._root_pem(), crls)
        except ValueError as error:
            raise NotConfigured(f"the trusted roots, or a revocation list: {error}") from None

    def _root_pem(self) -> bytes:
        path = self._roots or self._keyring.folder / ROOTS
        try:
            return path.read_bytes()
        except OSError as error:
            raise NotConfigured(f"the trusted roots cannot be read: {path}: {error.strerror}") from None

    def _key(self, name: str, at: datetime) -> SigningKey:
        try:
            return self._keyring.current(name, at)
        except (KeyUnavailable, NotConfigured) as error:
            raise MayNotSign(HubCode.KEY_UNAVAILABLE, str(error)) from None

    def _signed(self, content: bytes, name: str, at: datetime, officer: Officer | None = None) -> bytes:
        """Sign with the key ``name``, once certificate and officer are checked. Raises MayNotSign."""
        key = self._key(name, at)
        if officer is not None:
            _check_bound(officer, key.certificate)
        self._check_path(name, key, at)
        try:
            return cms.sign(content, _VerifyingKey(key), at)
        except KeyUnavailable as error:
            raise MayNotSign(HubCode.KEY_UNAVAILABLE, str(error)) from None

    def _check_path(self, name: str, key: SigningKey, at: datetime) -> None:
        """Raises MayNotSign unless the certificate has a valid path at ``at``. A check is reused for FRESH seconds."""
        trust, last = self.trust(), self._checks.get(name)
        if last is not None and last.key is key and last.trust is trust and abs((at - last.at).total_seconds()) < FRESH:
            return
        with _as_refusal():
            trust.path(key.certificate, at, key.chain[1:])
        self._checks[name] = _PathCheck(key, trust, at)


@dataclass(frozen=True, slots=True)
class _PathCheck:
    """A successful path check of ``key`` by ``trust`` at ``at``."""

    key: SigningKey
    trust: Trust
    at: datetime


class _VerifyingKey:
    """A key that verifies each signature it makes, so that a faulty token is detected now and not years later."""

    def __init__(self, key: SigningKey) -> None:
        self.certificate = key.certificate
        self.chain = key.chain
        self._key = key

    def sign(self, data: bytes) -> bytes:
        signature = self._key.sign(data)
        if not is_signature(public_key_of(self.certificate), signature, data):
            raise KeyUnavailable("the key gave a signature that is not its certificate's")
        return signature


@contextmanager
def _as_refusal() -> Iterator[None]:
    """Turn Invalid and Undecided into MayNotSign."""
    try:
        yield
    except Invalid as error:
        raise MayNotSign(HubCode.CERTIFICATE_REFUSED, str(error)) from None
    except Undecided as error:
        unknown = error.code.startswith("crl-")
        raise MayNotSign(HubCode.REVOCATION_UNKNOWN if unknown else HubCode.CERTIFICATE_REFUSED, str(error)) from None


def _check_bound(officer: Officer, certificate: x509.Certificate) -> None:
    """Raises MayNotSign unless the certificate is this officer's own."""
    if officer.certificates:
        bound = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest() in officer.certificates
    else:
        named = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
        bound = [attribute.value for attribute in named] == [officer.id]
    if not bound:
        raise MayNotSign(HubCode.CERTIFICATE_REFUSED, f"the certificate is not one of {officer.id}")
