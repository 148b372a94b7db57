"""Keys that a test may rotate and revoke, and who signs with them."""

from dataclasses import dataclass

from config.catalogue import Catalogue
from hub.embedded.pki import Pki
from hub.signing import crl_store
from hub.signing.signer import Signer


@dataclass
class KeyOffice:
    """Keys that a test may rotate and revoke, and who signs with them."""

    pki: Pki
    catalogue: Catalogue

    @property
    def signer(self) -> Signer:
        """One that has just looked for keys and lists."""
        return Signer(
            self.pki.keyring,
            self.catalogue.signing,
            self.catalogue.officers,
            None,
            lambda: crl_store.in_folder(self.pki.keys),
        )
