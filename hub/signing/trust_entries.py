"""What our trust list says: drawn from the catalogue and from the certificates of our own keys, of every generation."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import Final

from cryptography import x509

from config.catalogue import Catalogue, Officer
from config.officers import MAY_HAND_OVER
from hub.clock import VIETNAM
from hub.signing import cms, countersigning, trust_list
from hub.signing.keyring import Key, Keyring
from hub.signing.keys import KeyUnavailable
from hub.signing.parties import Register, fingerprint
from hub.signing.trust import Trust
from schemas.trust_list import PartyKind, TrustEntry, TrustList

_MIDNIGHT: Final = time()


def drawn(catalogue: Catalogue, keyring: Keyring, trust: Trust, at: datetime) -> TrustList:
    """Our list as it has to be at ``at``: the one in force in the keys' folder where it says all of this already.

    ``trust``: the roots that we believe. Raises NotConfigured where a department's CA file cannot be used,
    NotATrustList where the list in force is none.
    """
    moment = at.replace(microsecond=0)
    before = trust_list.held(keyring.folder)
    authorities = list(dict.fromkeys(_authorities(catalogue, trust)))
    return trust_list.drawn(catalogue.portal.centre, authorities, _entries(catalogue, keyring, trust), moment, before)


def publish(catalogue: Catalogue, keyring: Keyring, trust: Trust, at: datetime) -> Register:
    """Draw our list up and put it in force in the keys' folder, sealed. Raises as ``drawn`` does, and KeyUnavailable,
    Invalid or Undecided where no seal is good now by ``trust``.
    """
    key = _sealing(catalogue.signing.seal, keyring, at)
    trust.path(key.certificate, at, key.chain[1:])
    return trust_list.publish(
        keyring.folder, drawn(catalogue, keyring, trust, at), lambda body: cms.sign(body, key, at)
    )


def _sealing(name: str, keyring: Keyring, at: datetime) -> Key:
    """The seal that readers of the list in force know: its first that is still valid, since they do not know the next.

    Where that key is gone the current one seals, and readers compare the new list by another way again.
    """
    before = trust_list.held(keyring.folder)
    listed = {entry.certificate for entry in before.listed.entries if entry.kind == "seal"} if before else set()
    for generation in keyring.generations(name):
        if generation.is_valid(at) and fingerprint(generation.chain[0]) in listed:
            with suppress(KeyUnavailable):
                return keyring.key(generation)
    return keyring.current(name, at)


def _authorities(catalogue: Catalogue, trust: Trust) -> Iterator[x509.Certificate]:
    """The roots that we believe, those of departments with a CA of their own, and the CAs between."""
    for each in (trust, *(countersigning.trust_of(one, catalogue, trust) for one in catalogue.departments.values())):
        yield from (*each.roots, *each.intermediates)


def _entries(catalogue: Catalogue, keyring: Keyring, trust: Trust) -> list[TrustEntry]:
    signing, centre = catalogue.signing, catalogue.portal.centre
    found = [_own("seal", centre, one) for one in _certificates(keyring, signing.seal)]
    found += [_own("log", signing.log, one) for one in _certificates(keyring, signing.log_key)]
    for officer in catalogue.officers.values():
        if officer.role in MAY_HAND_OVER:
            found += _officer(officer, centre, catalogue, keyring)
    for authority in signing.stamping:
        found += [TrustEntry(kind="tsa", holder=authority.code, certificate=one) for one in authority.certificates]
        if not authority.certificates:
            found += [TrustEntry(kind="tsa", holder=authority.code, root=fingerprint(root)) for root in trust.roots]
    for department in catalogue.departments.values():
        if department.signing.signs or department.witness:
            found += countersigning.entries_of(department, countersigning.trust_of(department, catalogue, trust).roots)
    return list(dict.fromkeys(found))


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


def _officer(officer: Officer, centre: str, catalogue: Catalogue, keyring: Keyring) -> Iterator[TrustEntry]:
    """While on the roster; for the department that sent the officer, under both of its codes."""
    since = datetime.combine(officer.valid_from, _MIDNIGHT, VIETNAM).astimezone(UTC)
    until = None
    if officer.valid_to is not None:
        until = datetime.combine(officer.valid_to + timedelta(days=1), _MIDNIGHT, VIETNAM).astimezone(UTC)
    known = officer.certificates or [fingerprint(one) for one in _certificates(keyring, officer.key)]
    units = [None] if officer.department is None else countersigning.codes_of(catalogue.departments[officer.department])
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
