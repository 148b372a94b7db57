"""The trust list as files: ``trust.json`` and the Centre's seal over it, ``trust.p7s``.

The first copy is believed because its SHA-256 came to the reader by another way (docs/integrators/verify-a-handoff.md);
every later one because a seal of the copy before it has signed it.
"""

import base64
import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hub.signing import canonical, verifier
from hub.signing.parties import Register, SigningParty
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid, Undecided
from schemas import strict
from schemas.trust_list import FIRST, TYPE, TrustEntry, TrustList

FILE: Final = "trust.json"
"""in the keys' folder: the version that is in force"""
SIGNATURE: Final = ".p7s"
"""what the signature's file ends with, beside the list's"""
LARGEST: Final = 4 * 1024 * 1024
"""bytes"""


class NotATrustList(ValueError):
    """The files are no trust list that can be believed; the text says why."""


def read(body: bytes, signature: bytes) -> Trust:
    """The list as the trust that it gives. Raises NotATrustList unless the seal that it lists has signed it."""
    register = Register(_decoded(body), hashlib.sha256(body).hexdigest())
    check_sealed(body, signature, register)
    return trust_of(register)


def load(path: Path) -> Trust:
    """The list in ``path``, with the signature beside it. Raises NotATrustList."""
    beside = path.with_suffix(SIGNATURE)
    if not beside.is_file():
        raise NotATrustList(f"its seal is missing: put {beside.name}, which came with it, beside it")
    return read(path.read_bytes(), beside.read_bytes())


def trust_of(register: Register) -> Trust:
    """The roots of the list, and who signs for whom. Raises NotATrustList."""
    try:
        certificates = [x509.load_der_x509_certificate(base64.b64decode(one)) for one in register.listed.authorities]
    except ValueError:
        raise NotATrustList("an authority's certificate in it cannot be read") from None
    roots = [one for one in certificates if one.subject == one.issuer]
    return Trust(roots, [one for one in certificates if one not in roots], register=register)


def check_sealed(body: bytes, signature: bytes, register: Register) -> None:
    """That the Centre's seal, as ``register`` has it, signed the list in ``body``. Raises NotATrustList.

    Without revocation: a seal that was lost is the occasion to compare the new list's SHA-256 by another way again.
    """
    try:
        _, certificate = verifier.made_by(body, signature)
        register.check(SigningParty("seal", register.centre), (certificate,), _decoded(body).at)
    except (Invalid, Undecided) as error:
        raise NotATrustList(f"its signature: {error.sentence}") from None


def check_successor(held: Register, body: bytes, signature: bytes) -> Register:
    """The newer list in ``body``, if it goes on from the one that is ``held``. Raises NotATrustList."""
    newer = read(body, signature).register
    assert newer is not None  # noqa: S101 - read has made it
    if newer.centre != held.centre or newer.listed.version <= held.listed.version:
        raise NotATrustList(f"it is no later version than the one that is held ({held.listed.version})")
    if newer.listed.at < held.listed.at:  # or a seal whose period has ended could sign as of before
        raise NotATrustList("it says that it is older than the one that is held")
    if newer.listed.version == held.listed.version + 1 and newer.listed.prev != held.sha256:
        raise NotATrustList("it follows another list than the one that is held")
    check_sealed(body, signature, held)
    return newer


def held(folder: Path) -> Register | None:
    """The version in force in ``folder``; None if there is none yet. Raises NotATrustList."""
    path = folder / FILE
    return load(path).register if path.exists() else None


def publish(folder: Path, listed: TrustList, seal: Callable[[bytes], bytes]) -> Register:
    """Put ``listed`` in force in ``folder``, signed by ``seal`` in the Centre's name; what is in force stays as it is.

    Raises NotATrustList where the files in the folder are none.
    """
    before = held(folder)
    if before is not None and before.listed == listed:
        return before
    path, body = folder / FILE, encoded(listed)
    signature = seal(body)
    # The signature first: whoever reads between the two sees an old list with a newer signature, and refuses it.
    for file, content in ((path.with_suffix(SIGNATURE), signature), (path, body)):
        draft = file.with_name(f".{file.name}")
        draft.write_bytes(content)
        draft.replace(file)
    register = read(body, signature).register
    assert register is not None  # noqa: S101 - read has made it
    return register


def drawn(
    centre: str,
    authorities: Sequence[x509.Certificate],
    entries: Sequence[TrustEntry],
    at: datetime,
    before: Register | None,
) -> TrustList:
    """The list that follows ``before``; that list itself where nothing has changed.

    What ``before`` has and this one has not keeps its entry, ended at ``at``: old records go on verifying.
    """
    encoded_ = [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in authorities]
    if before is None:
        return _list(centre, encoded_, entries, at, version=1, prev=FIRST)
    kept = {_identity(entry) for entry in entries}
    ended = [_ended(entry, at) for entry in before.listed.entries if _identity(entry) not in kept]
    whole = sorted([*entries, *ended], key=_order)
    everybody = list(dict.fromkeys([*encoded_, *before.listed.authorities]))
    same = _list(centre, everybody, whole, before.listed.at, version=before.listed.version, prev=before.listed.prev)
    if same == before.listed:
        return same
    return _list(centre, everybody, whole, at, version=before.listed.version + 1, prev=before.sha256)


def encoded(listed: TrustList) -> bytes:
    """The list's one sequence of bytes."""
    return canonical.encode(listed.model_dump(mode="json"))


def _list(
    centre: str, authorities: Sequence[str], entries: Sequence[TrustEntry], at: datetime, *, version: int, prev: str
) -> TrustList:
    return TrustList(
        v=1,
        typ=TYPE,
        version=version,
        prev=prev,
        at=at,
        centre=centre,
        authorities=tuple(authorities),
        entries=tuple(sorted(entries, key=_order)),
    )


def _decoded(body: bytes) -> TrustList:
    if len(body) > LARGEST:
        raise NotATrustList("larger than a trust list can be")
    try:
        canonical.decode(body)
        return strict.read(TrustList, body)
    except canonical.NotCanonical as error:
        raise NotATrustList(str(error)) from None
    except strict.Refused as refused:
        places = ", ".join(f"{fault.pointer or '/'} {fault.code}" for fault in refused.faults[:3])
        raise NotATrustList(f"not in the form of a trust list: {places}") from None


def _identity(entry: TrustEntry) -> TrustEntry:
    """The entry without its period."""
    return entry.model_copy(update={"since": None, "until": None})


def _ended(entry: TrustEntry, at: datetime) -> TrustEntry:
    until = at if entry.until is None else min(entry.until, at)
    return entry.model_copy(update={"until": until})


def _order(entry: TrustEntry) -> str:
    return entry.model_dump_json()
