"""Who is who: departments, procedures, the portal and the calendar, from TOML into frozen models.

Loud on the first mistake: an unknown key, a dangling name, a missing secret or a status that we do not have stops the
start, with the file's name and the key. Expressions do not belong here: TOML holds names, addresses and tables,
Python holds every ``if``.
"""

import tomllib
from collections.abc import Mapping
from datetime import date, time
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from schemas.identifiers import AgencyCode, ProcedureCode, to_qd20
from schemas.money import Dong
from schemas.portal import FeeKind


class CatalogueError(ValueError):
    """The catalogue cannot be used as it is; the message names the file, the key and the mend."""


class Data(BaseModel):
    """A piece of the catalogue: frozen, and refusing what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
    """What a department's code can mean to us: our dossier statuses (hub.dossiers.model.Status) that it may move to."""

    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    IN_PROCESS = "in_process"
    SUPPLEMENT_REQUESTED = "supplement_requested"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    RESOLVED = "resolved"
    RETURNED = "returned"


class HmacGuard(Data):
    """RFC 9421 HTTP message signatures, hmac-sha256. ``keys``: key id → name of the secret in the environment."""

    kind: Literal["hmac"]
    keys: dict[str, str] = Field(min_length=1)


class CertificateGuard(Data):
    """TLS client certificates, checked by the proxy; SHA-256 fingerprints of the DER, two during a rotation."""

    kind: Literal["client-certificate"]
    fingerprints: list[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = Field(min_length=1)


class SoapGuard(Data):
    """WS-Security on pushed SOAP: the signer's certificates (PEM files beside the catalogue), pinned."""

    kind: Literal["ws-security"]
    certificates: list[str] = Field(min_length=1)


Guard = Annotated[HmacGuard | CertificateGuard | SoapGuard, Field(discriminator="kind")]


class WsSecurity(Data):
    """What a department asks of our SOAP messages. Keys and certificates are PEM files or names of secrets."""

    username: str | None = None
    password: str | None = None
    """name of the secret"""
    sign_key: str | None = None
    """name of the secret that holds our PEM key"""
    sign_certificate: str | None = None
    """name of the secret that holds our PEM certificate"""
    their_certificates: list[str] = []
    """names of the secrets that hold the certificates with which they sign replies; empty: replies are not signed"""


class Tls(Data):
    """The transport's trust: a CA of the counterparty's own, our client certificate."""

    ca: str | None = None
    """path of a PEM bundle, relative to the catalogue; unset: the system's roots"""
    client_certificate: str | None = None
    """name of the setting that holds the path of our PEM certificate and key"""


class Department(Data):
    """A department (sở, ngành): how it is reached, what its codes mean, how much it can take."""

    code: str = Field(pattern=r"^[a-z0-9-]{2,40}$")
    name: str
    agency: AgencyCode
    agency_qd20: str = ""
    """the QĐ 20 code where it is not the mechanical one"""
    dialect: str
    """a key of connectors.registry.DEPARTMENTS"""
    base_url: str
    wsdl: str | None = None
    """file in schemas/wire; never fetched"""
    secret: str | None = None
    """name of the secret for our calls (bearer token), if the dialect needs one"""
    ws_security: WsSecurity | None = None
    tls: Tls = Tls()
    guard: Guard | None = None
    """how its pushes are known to be its own; unset: its doors are closed"""
    statuses: Literal["push", "poll"]
    idempotency: Idempotency
    max_in_flight: int = Field(4, ge=1, le=64)
    timeout_seconds: float = Field(30, gt=0, le=120)
    operations: dict[str, str] = {}
    fields: dict[str, str] = {}
    """their name = our field (dotted); renames only"""
    status: dict[str, DepartmentStatus] = Field(min_length=1)
    """their code = ours; a code that is not here moves nothing and waits for a person"""

    @property
    def counterparty(self) -> str:
        return f"department.{self.code}"

    @property
    def queue(self) -> str:
        return f"outbox.department.{self.code}"

    @cached_property
    def qd20(self) -> str:
        return self.agency_qd20 or to_qd20(self.agency)


class Step(Data):
    """One step of a procedure, with its share of the time."""

    title: str
    hours: int = Field(ge=1)
    """working hours"""


class Fee(Data):
    """A fee of a procedure in force from a day on (inclusive) until another replaces it."""

    code: str
    kind: FeeKind
    title: str
    amount: Dong
    since: date
    until: date | None = None


class RequiredPaper(Data):
    """A paper that the procedure asks for."""

    code: str
    title: str


class Procedure(Data):
    """A procedure (thủ tục hành chính), who decides it and how long that may take."""

    code: ProcedureCode
    title: str
    department: str
    working_hours: int = Field(ge=1)
    """legal duration in working hours; 8 make a working day (NĐ 61/2018)"""
    steps: list[Step] = Field(min_length=1)
    papers: list[RequiredPaper] = []
    fees: list[Fee] = []
    by_post: bool = False

    @model_validator(mode="after")
    def _steps_fill_the_time(self) -> Self:
        total = sum(step.hours for step in self.steps)
        if total != self.working_hours:
            raise ValueError(f"the steps take {total} working hours, working_hours says {self.working_hours}")
        return self

    def fees_on(self, day: date) -> list[Fee]:
        """The fees in force on ``day``."""
        return [fee for fee in self.fees if fee.since <= day and (fee.until is None or day <= fee.until)]


class Endpoint(Data):
    """One webhook endpoint of the portal. ``secrets``: names, the first signs first; two during a rotation."""

    code: str = Field(pattern=r"^[a-z0-9-]{2,40}$")
    url: str
    secrets: list[str] = Field(min_length=1)
    types: list[str] = []
    """event types it wants; empty: all"""
    max_in_flight: int = Field(8, ge=1, le=64)
    timeout_seconds: float = Field(15, gt=0, le=60)

    @property
    def counterparty(self) -> str:
        return f"portal.{self.code}"

    @property
    def queue(self) -> str:
        return "outbox.portal"


class Portal(Data):
    """The public portal: the agency that receives, who may call, and where it hears from us."""

    code: str = "portal"
    centre: AgencyCode
    """the Centre's agency code; stands in the dossier codes that we issue"""
    centre_name: str
    guard: HmacGuard
    endpoints: list[Endpoint] = []


class Calendar(Data):
    """Working hours, holidays that the library does not know, and swapped days (hoán đổi), each with its decision."""

    morning: tuple[time, time]
    afternoon: tuple[time, time]
    cut_off: time
    """paper received later than this is handed over next morning (NĐ 61/2018 Đ18)"""
    days_off: dict[date, str] = {}
    """day = the decision that makes it one"""
    working_days: dict[date, str] = {}
    """a Saturday or Sunday that is worked, and the decision"""


Counterparty = Department | Endpoint


class Catalogue(Data):
    """The whole catalogue, cross-checked: every name that it uses exists."""

    folder: Path
    portal: Portal
    calendar: Calendar
    departments: dict[str, Department]
    procedures: dict[str, Procedure]
    secrets: Mapping[str, SecretStr]

    def secret(self, name: str) -> str:
        """The secret called ``name``. It is there: loading checked it."""
        return self.secrets[name].get_secret_value()

    @cached_property
    def counterparties(self) -> dict[str, Counterparty]:
        """Every party that we send to, by its counterparty code (department.so-tu-phap, portal.cong-dvc)."""
        parties: list[Counterparty] = [*self.departments.values(), *self.portal.endpoints]
        return {party.counterparty: party for party in parties}


def load(folder: Path, environment: Mapping[str, str]) -> Catalogue:
    """The catalogue in ``folder``, with its secrets from ``environment``. Raises CatalogueError on the first mistake."""
    departments = _keyed(folder, "departments", Department)
    procedures = _keyed(folder, "procedures", Procedure)
    portal = _model(folder / "portal.toml", Portal)
    calendar = _model(folder / "calendar.toml", Calendar)
    for code, procedure in procedures.items():
        if procedure.department not in departments:
            raise CatalogueError(f"{folder}/procedures ({code}): no department is called {procedure.department!r}")
    return Catalogue(
        folder=folder,
        portal=portal,
        calendar=calendar,
        departments=departments,
        procedures=procedures,
        secrets=_secrets(folder, [portal, *departments.values()], environment),
    )


Piece = TypeVar("Piece", bound=Data)
Listed = TypeVar("Listed", Department, Procedure)


def _keyed(folder: Path, kind: str, model: type[Listed]) -> dict[str, Listed]:
    found: dict[str, Listed] = {}
    for path in sorted((folder / kind).glob("*.toml")):
        piece = _model(path, model)
        if piece.code in found:
            raise CatalogueError(f"{path}: code {piece.code!r} stands in another file too")
        found[piece.code] = piece
    if not found:
        raise CatalogueError(f"{folder / kind}: no .toml file here")
    return found


def _model(path: Path, model: type[Piece]) -> Piece:
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise CatalogueError(f"{path}: cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{path}: not TOML: {error}") from None
    except ValidationError as error:
        first = faults_of(error)[0]
        raise CatalogueError(f"{path}: {first.pointer}: {first.detail}") from None
