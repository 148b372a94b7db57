"""The secrets of an embedded stack: made once for every name that the catalogue asks for, kept in var/secrets.env.

One machine talks to its own sandbox here, so both sides' keys are made together. Never for a real counterparty: its
secrets are agreed with it and stand in the environment, which goes before this file.
"""

import base64
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from typing_extensions import override

from config.catalogue import Catalogue, Department, SoapGuard, load, secret_names
from hub.embedded.certificates import self_signed
from hub.embedded.files import write_private

CURSOR_KEY: Final = "HUB_CURSOR_KEY"
KEYS_PASSPHRASE: Final = "HUB_KEYS_PASSPHRASE"  # noqa: S105 - the name of it
FLOWER_PASSWORD: Final = "HUB_FLOWER_PASSWORD"  # noqa: S105 - the name of it
_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Secrets:
    """Secrets by name: what the hub's processes are told, and private keys that are the departments' and banks' own."""

    hub: dict[str, str]
    departments: dict[str, str]


def kept_secrets(path: Path, catalogue_folder: Path, environment: Mapping[str, str]) -> Secrets:
    """Every secret; what is missing in ``path`` is made and added.

    A secret that stands in ``environment`` is used and not written down. Raises CatalogueError.
    """
    kept = _read(path)
    found = {**kept, **environment}
    fresh: dict[str, str] = {}
    catalogue = load(catalogue_folder, _Anything())
    for names in _wanted(catalogue):
        if not all(name in found or name in fresh for name in names):
            fresh |= _made(names, catalogue)
    if fresh:
        write_private(path, _text({**kept, **fresh}))
    wanted = [name for group in _wanted(catalogue) for name in group]
    certificates = [name for one in catalogue.departments.values() for name in _their_certificates(one)]
    theirs = {private_key_of(name) for name in (*certificates, *_bank_certificates(catalogue))}
    known = {**found, **fresh}
    return Secrets(
        hub={name: known[name] for name in wanted if name not in theirs},
        departments={name: known[name] for name in wanted if name in theirs},
    )


def private_key_of(certificate: str) -> str:
    """The name under which the sandbox, which plays the department or bank, finds the key of its certificate."""
    return certificate.removesuffix("CERTIFICATE") + "KEY"


class _Anything(Mapping[str, str]):
    """An environment in which every secret stands: the catalogue is read to learn which ones it asks for."""

    @override
    def __getitem__(self, name: str) -> str:
        return name.ljust(_BYTES, "-")

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(())

    @override
    def __len__(self) -> int:
        return 0


def _wanted(catalogue: Catalogue) -> Iterator[tuple[str, ...]]:
    """Names that are made together: a private key and its certificate, or one secret alone."""
    yield (CURSOR_KEY,)
    yield (FLOWER_PASSWORD,)
    yield (KEYS_PASSPHRASE,)
    paired: set[str] = set()
    for department in catalogue.departments.values():
        for key, certificate in _pairs(department):
            paired |= {key, certificate}
            yield key, certificate
    for certificate in _bank_certificates(catalogue):
        paired.add(certificate)
        yield private_key_of(certificate), certificate
    for piece in (
        catalogue.portal,
        catalogue.signing,
        *catalogue.departments.values(),
        *catalogue.operators.values(),
        *catalogue.banks.values(),
        catalogue.receipts,
    ):
        yield from ((name,) for _, name in secret_names(piece) if name not in paired)


def _pairs(department: Department) -> Iterator[tuple[str, str]]:
    security = department.ws_security
    if security and security.sign_key and security.sign_certificate:
        yield security.sign_key, security.sign_certificate
    yield from ((private_key_of(name), name) for name in _their_certificates(department))


def _their_certificates(department: Department) -> list[str]:
    security, guard = department.ws_security, department.guard
    return [
        *(security.their_certificates if security else []),
        *(guard.certificates if isinstance(guard, SoapGuard) else []),
    ]


def _bank_certificates(catalogue: Catalogue) -> list[str]:
    """Of the banks that sign their notifications."""
    told = [bank.notifications for bank in catalogue.banks.values() if bank.notifications]
    return [key.secret for terms in told if terms.signed_json for key in terms.keys]


def _made(names: tuple[str, ...], catalogue: Catalogue) -> dict[str, str]:
    if len(names) > 1:
        return dict(zip(names, self_signed(names[-1].removeprefix("HUB_SECRET_").lower()[:64]), strict=True))
    (name,) = names
    random = secrets.token_bytes(_BYTES)
    if any(name in endpoint.secrets for endpoint in catalogue.portal.endpoints):
        return {name: "whsec_" + base64.b64encode(random).decode()}  # as the Standard Webhooks specification has it
    return {name: base64.urlsafe_b64encode(random).decode().rstrip("=")}


def _text(kept: Mapping[str, str]) -> str:
    return "".join(f"{name}={json.dumps(value)}\n" for name, value in sorted(kept.items()))


def _read(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines if line)
    return {name: str(json.loads(value)) for name, _, value in pairs}
