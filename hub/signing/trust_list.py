"""The trust list: which certificates sign for which agency, officer, log and time-stamping authority.

On disk it is two files: ``trust.json`` and the Centre's seal over it, ``trust.p7s``. Readers of our evidence hold a
copy. The first is trusted because its SHA-256 reached the reader by another channel, every later version because a seal
that the version before it lists has signed it (docs/integrators/verify-a-handoff.md).

Read top down: reading and verifying a list; the list in force in a folder; the next version; our own list, which is
drawn up from the catalogue and from the certificates of every generation of our keys.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from config.catalogue import Catalogue, Officer
from config.officers import MAY_HAND_OVER
from hub.clock import VIETNAM
from hub.signing import canonical, cms, countersigning, verifier
from hub.signing.keyring import Key, Keyring
from hub.signing.keys import KeyUnavailable
from hub.signing.parties import Register, SigningParty, fingerprint
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid, Undecided
from schemas.trust_list import FIRST, TYPE, PartyKind, TrustEntry, TrustList

FILE: Final = "trust.json"
"""in the keys' folder: the version that is in force"""
SIGNATURE: Final = ".p7s"
"""what the signature's file ends with, beside the list's"""
LARGEST: Final = 4 * 1024 * 1024
"""bytes"""
_MIDNIGHT: Final = time()


class NotATrustList(ValueError):
    """The files are not a valid trust list; the message says why."""


def read(body: bytes, signature: bytes) -> Trust:
    """Parse and verify a list. Raises NotATrustList unless a seal that it lists itself has signed it."""
    register = Register(_parsed(body), hashlib.sha256(body).hexdigest())
    check_sealed(body, signature, register)
    return trust_of(register)


def load(path: Path) -> Trust:
    """Read the list in ``path`` with the signature beside it. Raises NotATrustList."""
    beside = path.with_suffix(SIGNATURE)
    if not beside.is_file():
        raise NotATrustList(f"its seal is missing: put {beside.name}, which came with it, beside it")
    return read(path.read_bytes(), beside.read_bytes())


def trust_of(register: Register) -> Trust:
    """The list's roots, intermediates and parties as a Trust. Raises NotATrustList."""
    try:
        certificates = [x509.load_der_x509_certificate(base64.b64decode(one)) for one in register.listed.authorities]
    except (ValueError, x509.InvalidVersion):
        raise NotATrustList("an authority's certificate in it cannot be read") from None
    roots = [one for one in certificates if one.subject == one.issuer]
    return Trust(roots, [one for one in certificates if one not in roots], register=register)


def check_sealed(body: bytes, signature: bytes, register: Register) -> None:
    """Check that a seal of the Centre in ``register`` signed the list in ``body``. Raises NotATrustList.

    Revocation is not checked: after a lost seal, readers compare the new list's SHA-256 by another channel again.
    """
    try:
        _, certificate = verifier.verify_integrity(body, signature)
        register.check(SigningParty("seal", register.centre), (certificate,), _parsed(body).at)
    except (Invalid, Undecided) as error:
        raise NotATrustList(f"its signature: {error.sentence}") from None


def check_successor(held: Register, body: bytes, signature: bytes) -> Register:
    """Verify that the list in ``body`` is a later version of ``held``, and return it. Raises NotATrustList.

    1. A seal that the newer list itself has signed it.
    2. It is the same Centre's, has a higher version, and is not dated earlier.
    3. The direct successor names the hash of the held list.
    4. A seal that the held list has signed it.
    """
    # 1.
    newer = read(body, signature).register
    assert newer is not None  # noqa: S101 - read has made it
    # 2.
    if newer.centre != held.centre or newer.listed.version <= held.listed.version:
        raise NotATrustList(f"it is no later version than the one that is held ({held.listed.version})")
    if newer.listed.at < held.listed.at:  # else a seal whose period has ended could sign a list dated back into it
        raise NotATrustList("it says that it is older than the one that is held")
    # 3.
    if newer.listed.version == held.listed.version + 1 and newer.listed.prev != held.sha256:
        raise NotATrustList("it follows another list than the one that is held")
    # 4.
    check_sealed(body, signature, held)
    return newer


def in_force(folder: Path) -> Register | None:
    """Read the version in force in ``folder``; None if there is none yet. Raises NotATrustList."""
    path = folder / FILE
    return load(path).register if path.exists() else None


def put_in_force(folder: Path, listed: TrustList, seal: Callable[[bytes], bytes]) -> Register:
    """Write ``listed`` and its signature to ``folder``, unless it is in force already. ``seal`` signs the list's bytes.

    Raises NotATrustList if the files in the folder are not a valid list.
    """
    before = in_force(folder)
    if before is not None and before.listed == listed:
        return before
    path, body = folder / FILE, encoded(listed)
    signature = seal(body)
    # The signature first: a reader between the two writes finds the old list with the new signature, and refuses it.
    for file, content in ((path.with_suffix(SIGNATURE), signature), (path, body)):
        draft = file.with_name(f".{file.name}")
        draft.write_bytes(content)
        draft.replace(file)
    register = read(body, signature).register
    assert register is not None  # noqa: S101 - read has made it
    return register


def next_version(
    centre: str,
    authorities: Sequence[x509.Certificate],
    entries: Sequence[TrustEntry],
    at: datetime,
    before: Register | None,
) -> TrustList:
    """The version after ``before``, or ``before`` itself if nothing has changed.

    1. An entry that ``before`` has and this version has not is kept, ended at ``at``: old records still verify.
    2. Authorities are never removed.
    3. If only the version, its time and its predecessor would differ, there is no new version.
    """
    authorities_der = [base64.b64encode(cms.encoded(authority)).decode() for authority in authorities]
    if before is None:
        return _list(centre, authorities_der, entries, at, version=1, prev=FIRST)
    # 1.
    current = {_identity(entry) for entry in entries}
    ended = [_ended(entry, at) for entry in before.listed.entries if _identity(entry) not in current]
    all_entries = [*entries, *ended]
    # 2.
    all_authorities = list(dict.fromkeys([*authorities_der, *before.listed.authorities]))
    # 3.
    last = before.listed
    if _list(centre, all_authorities, all_entries, last.at, version=last.version, prev=last.prev) == last:
        return last
    return _list(centre, all_authorities, all_entries, at, version=last.version + 1, prev=before.sha256)


def encoded(listed: TrustList) -> bytes:
    """Serialise the list (canonical JSON)."""
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


def _parsed(body: bytes) -> TrustList:
    if len(body) > LARGEST:
        raise NotATrustList("larger than a trust list can be")
    try:
        return canonical.read(TrustList, body)
    except canonical.NotCanonical as error:
        raise NotATrustList(str(error)) from None


def _identity(entry: TrustEntry) -> TrustEntry:
    """The entry without its period of validity."""
    return entry.model_copy(update={"since": None, "until": None})


def _ended(entry: TrustEntry, at: datetime) -> TrustEntry:
    until = at if entry.until is None else min(entry.until, at)
    return entry.model_copy(update={"until": until})


def _order(entry: TrustEntry) -> str:
    return entry.model_dump_json()


def draw_up(catalogue: Catalogue, keyring: Keyring, trust: Trust, at: datetime) -> TrustList:
    """Draw up our list as of ``at``: the version in force in the keys' folder if nothing has changed, else the next.

    ``trust``: our trusted roots. Raises NotConfigured if a department's CA file cannot be used, NotATrustList if the
    files in force are not a valid list.
    """
    moment = at.replace(microsecond=0)
    before = in_force(keyring.folder)
    authorities = list(dict.fromkeys(_authorities(catalogue, trust)))
    return next_version(catalogue.portal.centre, authorities, _entries(catalogue, keyring, trust), moment, before)


def publish(catalogue: Catalogue, keyring: Keyring, trust: Trust, at: datetime) -> Register:
    """Draw our list up and put it in force in the keys' folder, sealed. Raises as ``draw_up`` does, and KeyUnavailable,
    Invalid or Undecided where no seal is good now by ``trust``.
    """
    key = _sealing_key(catalogue.signing.seal, keyring, at)
    trust.path(key.certificate, at, key.chain[1:])
    return put_in_force(keyring.folder, draw_up(catalogue, keyring, trust, at), lambda body: cms.sign(body, key, at))


def _sealing_key(name: str, keyring: Keyring, at: datetime) -> Key:
    """The seal that signs the next version: the oldest valid one in the list in force, which its readers trust.

    If that key cannot be used the current one signs, and readers compare the new list by another channel again.
    """
    before = in_force(keyring.folder)
    listed = {entry.certificate for entry in before.listed.entries if entry.kind == "seal"} if before else set()
    for generation in keyring.generations(name):
        if generation.is_valid(at) and fingerprint(generation.chain[0]) in listed:
            with suppress(KeyUnavailable):  # the current key signs instead
                return keyring.key(generation)
    return keyring.current(name, at)


def _authorities(catalogue: Catalogue, trust: Trust) -> Iterator[x509.Certificate]:
    """Roots and intermediates of ``trust`` and of departments that have a CA of their own."""
    yield from (*trust.roots, *trust.intermediates)
    for department in catalogue.departments.values():
        own = countersigning.department_trust(department, catalogue, trust)
        yield from (*own.roots, *own.intermediates)


def _entries(catalogue: Catalogue, keyring: Keyring, trust: Trust) -> list[TrustEntry]:
    signing, centre = catalogue.signing, catalogue.portal.centre
    entries = [_own("seal", centre, one) for one in _certificates(keyring, signing.seal)]
    entries += [_own("log", signing.log, one) for one in _certificates(keyring, signing.log_key)]
    for officer in catalogue.officers.values():
        if officer.role in MAY_HAND_OVER:
            entries += _officer_entries(officer, centre, catalogue, keyring)
    for authority in signing.stamping:
        entries += [TrustEntry(kind="tsa", holder=authority.code, certificate=one) for one in authority.certificates]
        if not authority.certificates:
            entries += [TrustEntry(kind="tsa", holder=authority.code, root=fingerprint(root)) for root in trust.roots]
    for department in catalogue.departments.values():
        if department.signing.signs or department.witness:
            own = countersigning.department_trust(department, catalogue, trust)
            entries += countersigning.department_entries(department, own.roots)
    return list(dict.fromkeys(entries))


def _certificates(keyring: Keyring, name: str) -> list[x509.Certificate]:
    return [one.chain[0] for one in keyring.generations(name) if one.chain]


def _own(kind: PartyKind, holder: str, certificate: x509.Certificate) -> TrustEntry:
    return TrustEntry(
        kind=kind,
        holder=holder,
        certificate=fingerprint(certificate),
        since=certificate.not_valid_before_utc,
        until=certificate.not_valid_after_utc,
    )


def _officer_entries(officer: Officer, centre: str, catalogue: Catalogue, keyring: Keyring) -> Iterator[TrustEntry]:
    """Entries of an officer for the days on the roster; if a department sent the officer, under both of its codes."""
    since = datetime.combine(officer.valid_from, _MIDNIGHT, VIETNAM).astimezone(UTC)
    until = None
    if officer.valid_to is not None:
        until = datetime.combine(officer.valid_to + timedelta(days=1), _MIDNIGHT, VIETNAM).astimezone(UTC)
    known = officer.certificates or [fingerprint(one) for one in _certificates(keyring, officer.key)]
    units: list[str | None] = [None]
    if officer.department is not None:
        units = [*countersigning.agency_codes(catalogue.departments[officer.department])]
    for certificate in known:
        for unit in units:
            yield TrustEntry(
                kind="officer",
                holder=centre,
                officer=officer.id,
                unit=unit,
                certificate=certificate,
                since=since,
                until=until,
            )
