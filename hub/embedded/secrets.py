"""Secrets of an embedded stack: generated once for every name in the catalogue, stored in var/secrets.env.

The stack talks to its own sandbox, so both sides' keys and self-signed certificates are generated together. Never for
a real counterparty: its secrets are agreed with it and come from the environment, which takes precedence.
"""

import base64
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from typing_extensions import override

from config.catalogue import Catalogue, Department, SoapGuard, load, secret_names
from hub.clock import now
from hub.embedded.files import write_private

CURSOR_KEY: Final = "HUB_CURSOR_KEY"
KEYS_PASSPHRASE: Final = "HUB_KEYS_PASSPHRASE"  # noqa: S105 - the name of it
FLOWER_PASSWORD: Final = "HUB_FLOWER_PASSWORD"  # noqa: S105 - the name of it
_BYTES: Final = 32
_RSA_BITS: Final = 2048
"""RSA, because WS-Security stacks in the field know nothing else"""
_VALID: Final = timedelta(days=3650)
_SKEW: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Secrets:
    """Secrets by name: those of the hub's processes, and the private keys of the departments and banks."""

    hub: dict[str, str]
    departments: dict[str, str]


def stored_secrets(path: Path, catalogue_folder: Path, environment: Mapping[str, str]) -> Secrets:
    """Every secret; what is missing in ``path`` is generated and added.

    A secret in ``environment`` is used and not stored. Raises CatalogueError.
    """
    stored = _read(path)
    available = {**stored, **environment}
    fresh: dict[str, str] = {}
    catalogue = load(catalogue_folder, _Anything())
    for names in _names(catalogue):
        if not all(name in available or name in fresh for name in names):
            fresh |= _generate(names, catalogue)
    if fresh:
        write_private(path, _text({**stored, **fresh}))
    names_in_use = [name for group in _names(catalogue) for name in group]
    certificates = [name for one in catalogue.departments.values() for name in _their_certificates(one)]
    theirs = {private_key_of(name) for name in (*certificates, *_bank_certificates(catalogue))}
    known = {**available, **fresh}
    return Secrets(
        hub={name: known[name] for name in names_in_use if name not in theirs},
        departments={name: known[name] for name in names_in_use if name in theirs},
    )


def private_key_of(certificate: str) -> str:
    """The name under which the sandbox, which plays the department or bank, finds the key of its certificate."""
    return certificate.removesuffix("CERTIFICATE") + "KEY"


class _Anything(Mapping[str, str]):
    """An environment that has every secret: the catalogue is loaded with it to learn which ones it names."""

    @override
    def __getitem__(self, name: str) -> str:
        return name.ljust(_BYTES, "-")

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(())

    @override
    def __len__(self) -> int:
        return 0


def _names(catalogue: Catalogue) -> Iterator[tuple[str, ...]]:
    """Names that are generated together: a private key and its certificate, or one secret alone."""
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
    notifications = [bank.notifications for bank in catalogue.banks.values() if bank.notifications]
    return [key.secret for terms in notifications if terms.signed_json for key in terms.keys]


def _generate(names: tuple[str, ...], catalogue: Catalogue) -> dict[str, str]:
    if len(names) > 1:
        return dict(zip(names, self_signed(names[-1].removeprefix("HUB_SECRET_").lower()[:64]), strict=True))
    (name,) = names
    random = secrets.token_bytes(_BYTES)
    if any(name in endpoint.secrets for endpoint in catalogue.portal.endpoints):
        return {name: "whsec_" + base64.b64encode(random).decode()}  # as the Standard Webhooks specification has it
    return {name: base64.urlsafe_b64encode(random).decode().rstrip("=")}


def _text(stored: Mapping[str, str]) -> str:
    return "".join(f"{name}={json.dumps(value)}\n" for name, value in sorted(stored.items()))


def _read(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines if line)
    return {name: str(json.loads(value)) for name, _, value in pairs}


def self_signed(common_name: str) -> tuple[str, str]:
    """A new private key and its certificate, both PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - _SKEW)
        .not_valid_after(now() + _VALID)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_SIGNING_ONLY, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()


_SIGNING_ONLY: Final = x509.KeyUsage(
    digital_signature=True,
    content_commitment=True,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
