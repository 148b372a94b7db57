"""The trust list: whose signature counts for whom. The Centre draws it up and seals it; who judges evidence holds it.

Its bytes are canonical JSON (RFC 8785), beside them a detached CAdES-B signature by the Centre's seal (``trust.p7s``).
"""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.custody import Base64
from schemas.handoff import OfficerId
from schemas.identifiers import AgencyCode, Sha256
from schemas.strict import Strict
from schemas.values import Moment

TYPE: Final = "vn.hub.trust-list"
FIRST: Final = "0" * 64
"""``prev`` of the first version"""

PartyKind = Literal["seal", "officer", "log", "tsa"]
Holder = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class TrustEntry(Strict):
    """One certificate, or the certificates of one subject below one root, and whose signature they make.

    Every value is a string without escapes or null, and no object is inside: verify.sh reads it with ``sed``.
    """

    kind: PartyKind
    holder: Holder
    """the agency's code (seal, officer), the log's name, or the TSA's code"""
    officer: OfficerId | None = None
    """the officer's id; null: any officer of the agency whose certificate carries the id that the record names"""
    unit: AgencyCode | None = None
    """the department whose dossiers the officer hands over; null: every one's"""
    certificate: Sha256 | None = None
    """SHA-256 of the certificate's DER"""
    root: Sha256 | None = None
    """SHA-256 of the root's DER: whatever it vouches for with this ``subject``"""
    subject: Holder | None = None
    """the subject's serialNumber"""
    since: Moment | None = None
    until: Moment | None = None
    """from when and up to when its signatures count; null: as long as the certificate is valid"""

    @model_validator(mode="after")
    def _check_form(self) -> Self:
        if (self.certificate is None) == (self.root is None):
            raise ValueError("an entry names either a certificate or a root")
        is_seal_or_log = self.kind in ("seal", "log")
        if (self.root is None and self.subject is not None) or (self.root and is_seal_or_log and self.subject is None):
            raise ValueError("a seal or a log below a root is known by its subject, a certificate by itself")
        if self.kind != "officer" and (self.officer is not None or self.unit is not None):
            raise ValueError("officer and unit belong to officers")
        return self


class TrustList(Strict):
    """One version of the list."""

    v: Literal[1]
    typ: Literal["vn.hub.trust-list"]
    version: Annotated[int, Field(ge=1, lt=2**31)]
    prev: Sha256
    """SHA-256 of the version before this one"""
    at: Moment
    centre: AgencyCode
    """whose list it is: its seal signs the list, and the tables of the month"""
    authorities: Annotated[tuple[Base64, ...], Field(min_length=1, max_length=50)]
    """certificates (DER) of the roots that vouch for the entries, and of authorities between"""
    entries: Annotated[tuple[TrustEntry, ...], Field(min_length=1, max_length=5_000)]
