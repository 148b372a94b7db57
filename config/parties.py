"""Who is spoken to: the departments and the public portal, how they are reached and how they prove themselves.

Expressions do not belong here: TOML holds names, addresses and tables, Python holds every ``if``.
"""

from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Protocol, Self

from pydantic import Field, model_validator

from config.data import Address, Data, Name, PartyCode, SecretName, no_duplicates
from config.limits import PARTNER, PORTAL, RateLimit
from schemas.department import Code
from schemas.identifiers import AgencyCode, Scheme, agency_scheme, to_qd20
from schemas.postal import Contact

Dialect = Literal["rest", "soap"]
"""The dialects of departments; connectors.registry has a class for each."""


class Idempotency(StrEnum):
    """What protects a call to this counterparty from acting twice; decides what happens to an unknown outcome."""

    KEY = "key"
    """(a) It honours our idempotency key: sending again is safe."""
    NATURAL = "natural"
    """(b) It knows the dossier by its code and answers "already there"."""
    ASK = "ask"
    """(c) It can be asked (find) and is, before anything is sent again."""
    NONE = "none"
    """(d) None of these: once bytes have left, a person decides."""


class DepartmentStatus(StrEnum):
    """Our dossier statuses (hub.dossiers.store.DossierStatus) that a department's code may mean."""

    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    IN_PROCESS = "in_process"
    SUPPLEMENT_REQUESTED = "supplement_requested"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    RESOLVED = "resolved"
    RETURNED = "returned"


class HmacGuard(Data):
    """RFC 9421 HTTP message signatures, hmac-sha256. ``keys``: key id → name of the secret; two during a rotation."""

    kind: Literal["hmac"]
    keys: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")], SecretName] = Field(min_length=1)


class CertificateGuard(Data):
    """TLS client certificates, checked by the proxy; SHA-256 fingerprints of the DER, two during a rotation."""

    kind: Literal["client-certificate"]
    fingerprints: list[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = Field(min_length=1)


class SoapGuard(Data):
    """WS-Security on pushed SOAP: names of the secrets that hold the signer's certificates (PEM), pinned."""

    kind: Literal["ws-security"]
    certificates: list[SecretName] = Field(min_length=1)


Guard = Annotated[HmacGuard | CertificateGuard | SoapGuard, Field(discriminator="kind")]


class WsSecurity(Data):
    """What a department asks of our SOAP messages: a UsernameToken, a signature over Body and Timestamp, or both."""

    username: str | None = None
    password: SecretName | None = None
    sign_key: SecretName | None = None
    """holds our private key (PEM)"""
    sign_certificate: SecretName | None = None
    """holds our certificate (PEM)"""
    their_certificates: list[SecretName] = Field([])
    """hold the certificates (PEM) with which they sign replies; empty: replies are not signed"""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        if (self.sign_key is None) != (self.sign_certificate is None):
            raise ValueError("sign_key and sign_certificate go together")
        if self.username is None and self.sign_key is None:
            raise ValueError("asks for nothing: give username and password, or sign_key and sign_certificate")
        return self


class Tls(Data):
    """The transport's trust: a CA of the counterparty's own, our client certificate. Paths start at the catalogue."""

    ca: Path | None = None
    """PEM bundle; unset: the system's roots"""
    client_certificate: Path | None = None
    """PEM file with our certificate and its key"""


class CounterSigning(Data):
    """Whether a department signs what it receives, and how its signature is known to be its own."""

    signs: bool = False
    """no: its handoffs are complete with the scanned signed minute"""
    certificates: list[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = Field([])
    """SHA-256 of the DER of its certificates, two during a rotation; none: those whose subject's serialNumber is the
    department's code or its agency's"""
    ca: Path | None = None
    """PEM bundle of the roots that vouch for it, from the catalogue's folder; unset: the roots of signing.toml"""


class RemittanceAccount(Data):
    """The account into which a department's fees are transferred every month."""

    bank_bin: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    """the bank's number in NAPAS's list"""
    account: Annotated[str, Field(pattern=r"^[0-9A-Z]{4,34}$")]
    holder: Annotated[str, Field(pattern=r"^[A-Z0-9 .,-]{1,100}$")]
    """as the bank writes it: capitals without marks"""


class Department(Data):
    """A department (sở, ngành): how it is reached, what its codes mean, how much it can take."""

    code: PartyCode
    name: Name
    agency: AgencyCode
    agency_qd20: AgencyCode | None = None
    """the QĐ 20 code where it is not the mechanical one"""
    dialect: Dialect
    base_url: Address
    wsdl: Annotated[str, Field(pattern=r"^[a-z0-9-]+(/[a-z0-9-]+)*\.wsdl$")] | None = None
    """file in schemas/wire; never fetched"""
    secret: SecretName | None = None
    """the secret of our calls (bearer token), if the dialect needs one"""
    ws_security: WsSecurity | None = None
    tls: Tls = Tls()
    post: Contact | None = None
    """where the postman finds it; unset: nothing goes there by post"""
    remittance: RemittanceAccount | None = None
    """where its fees go; unset: nothing can be transferred to it"""
    guard: Guard | None = None
    """how its pushes are known to be its own; unset: its endpoints are closed"""
    statuses: Literal["push", "poll"]
    idempotency: Idempotency
    gap_patience_seconds: float = Field(900, ge=0, le=86_400)
    """how long a report waits for the ones that ought to precede it; then the steps between count as left out"""
    witness: bool = False
    """whether it keeps the custody log's day checkpoints, so that we cannot rewrite the log behind its back"""
    signing: CounterSigning = CounterSigning()
    rate_limit: RateLimit = PARTNER
    """of its calls to us"""
    max_in_flight: int = Field(4, ge=1, le=64)
    timeout_seconds: float = Field(30, gt=0, le=120)
    operations: dict[Literal["submit", "find", "changes", "witness", "settle", "check"], str] = Field({})
    """what we ask = the name of their operation, where it is not our WSDL's"""
    fields: dict[str, str] = Field({})
    """their name = our field (dotted); renames only"""
    status: dict[Code, DepartmentStatus] = Field(min_length=1)
    """their code = ours; a code that is not here moves nothing and waits for a person"""

    @model_validator(mode="after")
    def _speaks_one_dialect(self) -> Self:
        if (self.dialect == "soap") != (self.wsdl is not None):
            raise ValueError("the soap dialect needs a wsdl, and no other has one")
        if self.ws_security and self.dialect != "soap":
            raise ValueError("ws_security belongs to the soap dialect")
        if self.statuses == "push" and self.guard is None:
            raise ValueError("statuses are pushed, so a guard is needed: without one its endpoint is closed")
        if self.agency_qd20 and agency_scheme(self.agency_qd20) is not Scheme.QD_20:
            raise ValueError("agency_qd20 reads H42.16 (QĐ 20/2020)")
        return self

    @property
    def counterparty(self) -> str:
        return f"department.{self.code}"

    @property
    def queue(self) -> str:
        return f"outbox.department.{self.code}"

    @property
    def address(self) -> str:
        return self.base_url

    @cached_property
    def qd20(self) -> str:
        return self.agency_qd20 or to_qd20(self.agency)


class Endpoint(Data):
    """One webhook endpoint of the portal. ``secrets``: the first signs first; two during a rotation."""

    code: PartyCode
    url: Address
    secrets: list[SecretName] = Field(min_length=1)
    types: list[str] = Field([])
    """event types it wants; empty: all"""
    max_in_flight: int = Field(8, ge=1, le=64)
    timeout_seconds: float = Field(15, gt=0, le=60)

    @property
    def counterparty(self) -> str:
        return f"portal.{self.code}"

    @property
    def queue(self) -> str:
        return "outbox.portal"

    @property
    def address(self) -> str:
        return self.url

    @property
    def idempotency(self) -> Idempotency:
        """A webhook carries its event's id as a key."""
        return Idempotency.KEY


class PostSettings(Data):
    """The Centre's own post: where it is, and who carries for it by which class of routes unless a person says else."""

    operator: PartyCode
    inside: PartyCode = "province"
    """the class of routes inside the Centre's province"""
    outside: PartyCode = "national"
    contact: Contact


class PortalConfig(Data):
    """The public portal: the agency that receives, who may call, and where it hears from us."""

    code: PartyCode = "portal"
    centre: AgencyCode
    """the Centre's agency code; stands in the dossier codes that we issue"""
    centre_name: Name
    guard: HmacGuard
    rate_limit: RateLimit = PORTAL
    """of its calls, whichever of its keys signs them"""
    endpoints: list[Endpoint] = Field([])
    post: PostSettings | None = None
    """unset: nothing is ordered by itself"""

    @model_validator(mode="after")
    def _lists_each_once(self) -> Self:
        no_duplicates("endpoint", [endpoint.code for endpoint in self.endpoints])
        return self


class Counterparty(Protocol):
    """Whom we send to or ask, of whatever kind: what the queues, the claims and the ports need to know."""

    @property
    def counterparty(self) -> str:
        """Its code in the whole hub: <kind>.<code>."""

    @property
    def queue(self) -> str: ...
    @property
    def address(self) -> str:
        """Where the catalogue says that it is."""

    @property
    def idempotency(self) -> Idempotency: ...
    @property
    def max_in_flight(self) -> int: ...
    @property
    def timeout_seconds(self) -> float: ...
