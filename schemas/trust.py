"""Replies of trust services: a revocation list (CRL) as fetched."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RevocationList:
    """One revocation list (CRL) of one issuer, as it came. Nobody has verified its signature yet."""

    der: bytes
    issuer: str
    """SHA-256 of the issuer's name (DER), lower-case hex"""
    number: int
    """the list's own CRLNumber"""
    cursor: str
    """stands for this very list: SHA-256 of its bytes"""

    @property
    def key(self) -> str:
        """The same for the same issuer, number and bytes, whoever served it."""
        return f"{self.issuer[:32]}-{self.number}-{self.cursor[:16]}"
