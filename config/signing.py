"""Who vouches for signatures: our seal and log key, the roots that are believed, time stamps and revocation lists.

Time stamps (RFC 3161) and revocation lists (RFC 5280) are signed themselves, so plain http:// is an address for them.
"""

from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from config.data import Data, Name, PartyCode, SecretName, SignedAddress, no_duplicates
from config.parties import Idempotency, Tls

KeyName = Annotated[str, Field(pattern=r"^(log|(seal|officer)\.[a-z0-9-]{2,40})$")]
"""What a key is for: ``log``, ``seal.<agency>``, ``officer.<id>``; a folder of this name holds its generations."""

Fingerprint = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 of a certificate's DER"""

LONGEST_STAMP: Final = 180
"""seconds; a government TSA was seen to take 131"""


class StampingAuthority(Data):
    """A time-stamping authority (TSA). The same request twice gives two stamps and harms nobody."""

    code: PartyCode
    name: Name
    url: SignedAddress
    policy: Annotated[str, Field(pattern=r"^[0-2](\.[0-9]+)+$")] | None = None
    """the policy that its stamps must carry, an object identifier; unset: any"""
    certificates: list[Fingerprint] = Field([])
    """its certificates, for the trust list; none: any certificate for time stamps under the roots"""
    tls: Tls = Tls()
    max_in_flight: int = Field(4, ge=1, le=4)
    timeout_seconds: float = Field(LONGEST_STAMP, gt=0, le=LONGEST_STAMP)

    @property
    def counterparty(self) -> str:
        return f"trust.{self.code}"

    @property
    def queue(self) -> str:
        return f"outbox.trust.{self.code}"

    @property
    def address(self) -> str:
        return self.url

    @property
    def idempotency(self) -> Idempotency:
        return Idempotency.KEY


class CertificateAuthority(Data):
    """A certificate authority (CA) whose revocation list we fetch."""

    code: PartyCode
    name: Name
    crl_url: SignedAddress
    tls: Tls = Tls()
    max_in_flight: int = Field(1, ge=1, le=4)
    timeout_seconds: float = Field(60, gt=0, le=120)
    every_seconds: float = Field(900, ge=0, le=86_400)
    """how often its list is fetched"""

    @property
    def counterparty(self) -> str:
        return f"trust.{self.code}"

    @property
    def queue(self) -> str:
        return f"outbox.trust.{self.code}"

    @property
    def address(self) -> str:
        return self.crl_url

    @property
    def idempotency(self) -> Idempotency:
        return Idempotency.KEY


class TokenConfig(Data):
    """A cryptographic token (PKCS#11): smart card, HSM. It holds the keys that have no file."""

    module: Path
    """the vendor's library, an absolute path"""
    label: Annotated[str, Field(min_length=1, max_length=32)]
    pin: SecretName


class Signing(Data):
    """signing.toml: what the Centre signs with, and whom it believes."""

    log: Annotated[str, Field(pattern=r"^[a-z0-9.-]{2,64}$")]
    """the custody log's name; stands in every checkpoint"""
    seal: KeyName
    """the Centre's own seal"""
    log_key: KeyName = "log"
    roots: Path | None = None
    """PEM bundle of the roots that are believed, from the catalogue's folder; unset: roots.pem in the keys' folder"""
    stamping: list[StampingAuthority] = Field(min_length=1)
    """tried in this order"""
    authorities: list[CertificateAuthority] = Field(min_length=1)
    token: TokenConfig | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        no_duplicates("trust service", [*(one.code for one in self.stamping), *(one.code for one in self.authorities)])
        if not self.seal.startswith("seal."):
            raise ValueError("the seal's key is called seal.<agency>")
        if self.log_key != "log":
            raise ValueError("the log's key is called log")
        return self
