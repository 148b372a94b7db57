"""A public-key infrastructure for development: an authority, our seal and log key, a key for every officer.

Made once in a folder and completed when the catalogue has grown; what is there stays. Every certificate says that it is
for development. A province asks its own CA for certificates instead (docs/runbooks/rotate-a-signing-key.md).
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from config.catalogue import Catalogue
from connectors.trust.development_authority import LASTS, DevelopmentAuthority
from hub.clock import now
from hub.signing import crl_store, trust_list
from hub.signing.keyring import LONGEST_NAME, ROOTS, Generation, Keyring, fitted_name, requested_key
from hub.signing.parties import Register
from hub.signing.trust import Trust

LABEL: Final = "(DEVELOPMENT)"


@dataclass(frozen=True, slots=True)
class Pki:
    """A development PKI in ``folder``: ``authority/`` with the CA's keys, ``keys/`` with ours and the roots."""

    folder: Path
    passphrase: SecretStr

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def roots(self) -> Path:
        return self.keys / ROOTS

    @property
    def trust_list(self) -> Path:
        """Whose signature counts for whom: what ``--trust`` of the verifying commands takes."""
        return self.keys / trust_list.FILE

    @property
    def authority(self) -> DevelopmentAuthority:
        """The CA, to issue and to revoke."""
        return DevelopmentAuthority(self.folder)

    @property
    def keyring(self) -> Keyring:
        return Keyring(self.keys, self.passphrase)

    def environment(self) -> dict[str, str]:
        """Environment of the processes: where the hub's keys are, and the sandbox's authority."""
        return {
            "HUB_KEYS": str(self.keys),
            "HUB_KEYS_PASSPHRASE": self.passphrase.get_secret_value(),
            "HUB_SANDBOX_PKI": str(self.folder),
        }

    def complete(self, catalogue: Catalogue) -> None:
        """Generate what the catalogue names and does not exist yet."""
        authority, keyring = self.authority, self.keyring
        self.keys.mkdir(parents=True, exist_ok=True)
        if not self.roots.exists():
            self.roots.write_bytes(authority.roots)
        for department in catalogue.departments.values():
            authority.seal(department.code)
            authority.revoked_seal(department.code)
        self.publish()
        if not keyring.generations(catalogue.signing.seal):
            self.renew(catalogue.signing.seal)
        if not keyring.generations(catalogue.signing.log_key):
            self.renew(catalogue.signing.log_key, serial_name=catalogue.signing.log)
        for officer in catalogue.officers.values():
            if not officer.signs_elsewhere and not keyring.generations(officer.key):
                self.renew(officer.key, common_name=officer.name, serial_name=officer.id)
        self.list_trust(catalogue)

    def list_trust(self, catalogue: Catalogue) -> Register:
        """Put the trust list in force beside the keys: a new version where anything has changed since the last."""
        self.publish()
        trust = Trust.load(self.roots.read_bytes(), crl_store.in_folder(self.keys))
        return trust_list.publish(catalogue, self.keyring, trust, now())

    def publish(self) -> None:
        """Write fresh revocation lists beside the keys, so that the hub can sign before the first poll."""
        folder, authority = self.keys / crl_store.FOLDER, self.authority
        folder.mkdir(exist_ok=True)
        for name, der in {"root": authority.root_crl(), "issuing": authority.crl()}.items():
            draft = folder / f"{name}.new"
            draft.write_bytes(der)
            draft.replace(folder / f"{name}.crl")

    def renew(self, name: str, *, common_name: str = "", serial_name: str = "", lasts: timedelta = LASTS) -> Generation:
        """A new generation of the key ``name``, certified at once."""
        authority, keyring = self.authority, self.keyring
        shown = f"{fitted_name(common_name or name, LONGEST_NAME - len(LABEL) - 1)} {LABEL}"
        subject = {"common_name": shown, **({"serial_number": serial_name} if serial_name else {})}
        asked = keyring.request_certificate(name, subject)
        public = requested_key(asked)
        certificate = authority.issue(shown, public, serial_name=serial_name, ends=now() + lasts)
        return keyring.accept_certificate(name, authority.chain(certificate))


def completed(folder: Path, catalogue: Catalogue, passphrase: str) -> Pki:
    """The PKI in ``folder``, completed for ``catalogue``."""
    pki = Pki(folder, SecretStr(passphrase))
    pki.complete(catalogue)
    return pki
