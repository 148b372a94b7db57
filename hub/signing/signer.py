"""Who signs, in which order: the officer signs the record, then the Centre's seal signs the officer's signature.

The seal is over the bytes of the person's signature, so that the order which the law asks for (NĐ 30/2020 Điều 32) can
be seen by anybody. A certificate is judged as a stranger would judge it before anything is signed with it, and what a
key gives is verified before it is used: nothing leaves this room that would not hold.
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
"""seconds for which the revocation lists in hand are used without looking for newer ones"""


class MayNotSign(RetryLater):
    """Nothing was signed, for the reason given; it can be signed once that has been mended."""


@dataclass(frozen=True, slots=True)
class Signatures:
    """Detached CAdES: ``person`` over the record, ``seal`` over the bytes of ``person``."""

    person: bytes
    seal: bytes


class Signer:
    """Signs in the name of officers and of the Centre. Safe to share between threads."""

    def __init__(
        self,
        keyring: Keyring,
        signing: Signing,
        officers: Mapping[str, Officer],
        roots: Path | None,
        lists: Callable[[], Sequence[bytes]],
    ) -> None:
        """``roots``: PEM; None: the keys' folder has them. ``lists``: the revocation lists (DER) that we hold."""
        self._keyring = keyring
        self._signing = signing
        self._officers = officers
        self._roots = roots
        self._lists = lists
        self._lock = threading.Lock()
        self._trust: Trust | None = None
        self._held: tuple[bytes, ...] = ()
        self._looked = 0.0
        self._passed: dict[str, _Passed] = {}

    def sign_record(
        self, record: bytes, officer: Officer, at: datetime, *, department: str | None = None
    ) -> Signatures:
        """Both signatures over ``record``. ``department``: whose dossier it is; None: no department's.

        Raises MayNotSign with a code of hub.codes and the reason; then nothing was signed that anybody gets to see.
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
        """As ``sign_record``, where ``person`` was signed elsewhere and is brought in. Raises MayNotSign."""
        self.check_officer(officer, at, department)
        _check_bound(officer, self.verified(record, person, at).certificate)
        return Signatures(person, self._signed(person, self._signing.seal, at))

    def sealed(self, content: bytes, at: datetime) -> bytes:
        """The Centre's seal over ``content`` that no officer signs: a table, a receipt. Raises MayNotSign."""
        return self._signed(content, self._signing.seal, at)

    def log_key(self, at: datetime) -> SigningKey:
        """What checkpoints of the custody log are signed with. Raises MayNotSign."""
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
        """Sign what nobody gets to see with the key ``name``, and verify it. Raises MayNotSign with what is wrong."""
        content = b"a trial of this key"
        self.verified(content, self._signed(content, name, at, officer), at)

    def verified(self, content: bytes, signature: bytes, at: datetime) -> VerifiedSignature:
        """Whose signature it is, if it is valid at ``at`` by what we know now. Raises MayNotSign."""
        with _refused():
            return verifier.verify(content, signature, self.trust(), at=at)

    def trust(self) -> Trust:
        """The roots that are believed and the revocation lists that we hold. Raises NotConfigured."""
        if self._trust is None:
            return self._look()
        # One thread looks, the others go on with what is known: they hold connections that it may be waiting for.
        if time.monotonic() - self._looked > FRESH and self._lock.acquire(blocking=False):
            try:
                return self._look()
            finally:
                self._lock.release()
        return self._trust

    def _look(self) -> Trust:
        lists = tuple(self._lists())
        if self._trust is None or lists != self._held:
            self._trust, self._held = self._loaded(lists), lists
        self._looked = time.monotonic()
        return self._trust

    def _loaded(self, lists: Sequence[bytes]) -> Trust:
        try:
            return Trust.load(self._believed(), lists)
        except ValueError as error:
            raise NotConfigured(f"the roots that are believed, or a revocation list: {error}") from None

    def _believed(self) -> bytes:
        path = self._roots or self._keyring.folder / ROOTS
        try:
            return path.read_bytes()
        except OSError as error:
            raise NotConfigured(f"the roots that are believed cannot be read: {path}: {error.strerror}") from None

    def _key(self, name: str, at: datetime) -> SigningKey:
        try:
            return self._keyring.current(name, at)
        except (KeyUnavailable, NotConfigured) as error:
            raise MayNotSign(HubCode.KEY_UNAVAILABLE, str(error)) from None

    def _signed(self, content: bytes, name: str, at: datetime, officer: Officer | None = None) -> bytes:
        """Raises MayNotSign before anything is signed; the key is watched."""
        key = self._key(name, at)
        if officer is not None:
            _check_bound(officer, key.certificate)
        self._check_path(name, key, at)
        try:
            return cms.sign(content, _Watched(key), at)
        except KeyUnavailable as error:
            raise MayNotSign(HubCode.KEY_UNAVAILABLE, str(error)) from None

    def _check_path(self, name: str, key: SigningKey, at: datetime) -> None:
        """Raises MayNotSign unless the certificate is good at ``at``, by what a stranger would look at."""
        trust, passed = self.trust(), self._passed.get(name)
        if (
            passed is not None
            and passed.key is key
            and passed.trust is trust
            and abs((at - passed.at).total_seconds()) < FRESH
        ):
            return
        with _refused():
            trust.path(key.certificate, at, key.chain[1:])
        self._passed[name] = _Passed(key, trust, at)


@dataclass(frozen=True, slots=True)
class _Passed:
    """This key was found good by this trust as of ``at``."""

    key: SigningKey
    trust: Trust
    at: datetime


class _Watched:
    """A key whose every signature is verified before it is used: a failing token must not be found out years later."""

    def __init__(self, key: SigningKey) -> None:
        self.certificate = key.certificate
        self.chain = key.chain
        self._key = key

    def sign(self, data: bytes) -> bytes:
        made = self._key.sign(data)
        if not is_signature(public_key_of(self.certificate), made, data):
            raise KeyUnavailable("the key gave a signature that is not its certificate's")
        return made


@contextmanager
def _refused() -> Iterator[None]:
    """What trust says against a certificate, as a reason not to sign."""
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
