"""Whether everything can be signed that has to be signed: what ``hub keys check`` and ``hub doctor`` look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from config.catalogue import Catalogue, Officer
from hub.clock import local
from hub.signing import trust_entries, trust_list
from hub.signing.keyring import Generation, Keyring
from hub.signing.signer import MayNotSign, Signer
from hub.signing.trust import Trust

EXPIRY_NOTICE: Final = timedelta(days=30)
"""a CA needs days, and somebody has to carry the request there"""


@dataclass(frozen=True, slots=True)
class KeyFinding:
    """One key and how it is."""

    key: str
    ok: bool
    finding: str


def wanted(catalogue: Catalogue, at: datetime) -> dict[str, Officer | None]:
    """Every key that has to sign at ``at``, and whose it is: the seal, the log, the officers on the roster."""
    ours: dict[str, Officer | None] = {catalogue.signing.seal: None, catalogue.signing.log_key: None}
    officers = {one.key: one for one in catalogue.officers.values() if one.serves(at) and not one.signs_elsewhere}
    return ours | officers


def examine(signer: Signer, keyring: Keyring, catalogue: Catalogue, at: datetime) -> list[KeyFinding]:
    """A finding for every key that is wanted: it signs something that is thrown away, and that is verified."""
    return [_examined(signer, keyring, name, officer, at) for name, officer in wanted(catalogue, at).items()]


def _examined(signer: Signer, keyring: Keyring, name: str, officer: Officer | None, at: datetime) -> KeyFinding:
    try:
        signer.trial(name, at, officer)
    except MayNotSign as error:
        return KeyFinding(name, ok=False, finding=f"{error.code}: {error}")
    last = max(one.chain[0].not_valid_after_utc for one in keyring.generations(name) if one.chain)
    said = f"ends on {local(last):%d/%m/%Y}"
    if last - at < EXPIRY_NOTICE:
        return KeyFinding(name, ok=False, finding=f"{said}: hub keys issue-request {name}")
    return KeyFinding(name, ok=True, finding=said)


def published(catalogue: Catalogue, keyring: Keyring, trust: Trust, at: datetime) -> str:
    """What is wrong with the trust list in the keys' folder, by which others verify what we sign; empty: nothing.

    Raises NotConfigured where a department's CA file cannot be used.
    """
    try:
        held = trust_list.held(keyring.folder)
        if held is None:
            return "no trust list has been published: hub keys trust-list"
        is_older = trust_entries.drawn(catalogue, keyring, trust, at) != held.listed
    except trust_list.NotATrustList as error:
        return f"the trust list in {keyring.folder} cannot be believed: {error}"
    if is_older:
        said = f"version {held.listed.version} of the trust list is older than the keys and the catalogue"
        return f"{said}: what it does not have, others cannot verify: hub keys trust-list"
    ends = [entry.until for entry in held.listed.entries if entry.kind == "seal" and entry.holder == held.centre]
    last = max((one for one in ends if one is not None), default=None)
    if last is not None and None not in ends and last - at < EXPIRY_NOTICE:
        said = f"the last seal in the trust list ends on {local(last):%d/%m/%Y}"
        return f"{said}: hub keys issue-request, then hub keys trust-list while it can still seal the next version"
    return ""


def listed(keyring: Keyring, at: datetime) -> Iterator[dict[str, Any]]:
    """Every generation of every key, and what it is doing at ``at``."""
    for name in keyring.names():
        generations = keyring.generations(name)
        signing = next((one.number for one in reversed(generations) if one.is_valid(at)), None)
        for one in generations:
            yield {
                "key": name,
                "generation": one.number,
                "kept_in": "file" if one.in_file else "token",
                "subject": one.chain[0].subject.rfc4514_string() if one.chain else None,
                "valid_from": one.chain[0].not_valid_before_utc if one.chain else None,
                "valid_to": one.chain[0].not_valid_after_utc if one.chain else None,
                "state": _state(one, signing, at),
            }


def _state(generation: Generation, signing: int | None, at: datetime) -> str:
    if not generation.chain:
        return "waits"
    if generation.number == signing:
        return "signs"
    if at < generation.chain[0].not_valid_before_utc:
        return "ready"
    return "replaced" if generation.is_valid(at) else "expired"
