"""Checks of the signing keys, for ``hub keys check`` and ``hub doctor``."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from config.catalogue import Catalogue, Officer
from hub.clock import local
from hub.signing import trust_list
from hub.signing.keyring import Generation, Keyring
from hub.signing.signer import MayNotSign, Signer
from hub.signing.trust import Trust

EXPIRY_NOTICE: Final = timedelta(days=30)
"""before expiry: a CA needs days, and the request is carried there by hand"""


@dataclass(frozen=True, slots=True)
class KeyFinding:
    """Result of the check of one key."""

    key: str
    ok: bool
    finding: str


def required_keys(catalogue: Catalogue, at: datetime) -> dict[str, Officer | None]:
    """Return the keys that have to sign at ``at``, with their officer: seal, log, officers on the roster."""
    ours: dict[str, Officer | None] = {catalogue.signing.seal: None, catalogue.signing.log_key: None}
    officers = {one.key: one for one in catalogue.officers.values() if one.serves(at) and not one.signs_elsewhere}
    return ours | officers


def check_keys(signer: Signer, keyring: Keyring, catalogue: Catalogue, at: datetime) -> list[KeyFinding]:
    """Check every required key by a test signature, which is verified."""
    return [_check_key(signer, keyring, name, officer, at) for name, officer in required_keys(catalogue, at).items()]


def _check_key(signer: Signer, keyring: Keyring, name: str, officer: Officer | None, at: datetime) -> KeyFinding:
    try:
        signer.trial(name, at, officer)
    except MayNotSign as error:
        return KeyFinding(name, ok=False, finding=f"{error.code}: {error}")
    last = max(one.chain[0].not_valid_after_utc for one in keyring.generations(name) if one.chain)
    finding = f"ends on {local(last):%d/%m/%Y}"
    if last - at < EXPIRY_NOTICE:
        return KeyFinding(name, ok=False, finding=f"{finding}: hub keys issue-request {name}")
    return KeyFinding(name, ok=True, finding=finding)


def trust_list_finding(catalogue: Catalogue, keyring: Keyring, trust: Trust, at: datetime) -> str:
    """Return what is wrong with the published trust list in the keys' folder; empty if nothing.

    Raises NotConfigured where a department's CA file cannot be used.
    """
    try:
        held = trust_list.in_force(keyring.folder)
        if held is None:
            return "no trust list has been published: hub keys trust-list"
        is_older = trust_list.draw_up(catalogue, keyring, trust, at) != held.listed
    except trust_list.NotATrustList as error:
        return f"the trust list in {keyring.folder} cannot be trusted: {error}"
    if is_older:
        finding = f"version {held.listed.version} of the trust list is older than the keys and the catalogue"
        return f"{finding}: what it does not have, others cannot verify: hub keys trust-list"
    ends = [entry.until for entry in held.listed.entries if entry.kind == "seal" and entry.holder == held.centre]
    last = max((one for one in ends if one is not None), default=None)
    if last is not None and None not in ends and last - at < EXPIRY_NOTICE:
        finding = f"the last seal in the trust list ends on {local(last):%d/%m/%Y}"
        return f"{finding}: hub keys issue-request, then hub keys trust-list while it can still seal the next version"
    return ""


def generations(keyring: Keyring, at: datetime) -> Iterator[dict[str, Any]]:
    """Yield every generation of every key with its state at ``at``."""
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
