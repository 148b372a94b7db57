"""The catalogue as a whole: read from TOML, cross-checked, with its secrets from the environment.

Loud on the first mistake: an unknown key, a dangling name, a missing secret or a status that we do not have stops the
start, with the file's name, the key as a JSON pointer, and the mend.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

import schemas
from config.banks import Bank, BankAccount
from config.calendar import CalendarConfig
from config.data import Data, SecretName
from config.fees import FeeSettings, Pay, ProcedureFee
from config.limits import ApiLimits
from config.officers import Officer, Officers
from config.parties import (
    CertificateGuard,
    Counterparty,
    Department,
    DepartmentStatus,
    Endpoint,
    Guard,
    HmacGuard,
    Idempotency,
    PortalConfig,
    SoapGuard,
    Tls,
    WsSecurity,
)
from config.postal import Operator
from config.procedure import Procedure, ProcedureStep, RequiredPaper
from config.receipts import Issuer, ReceiptSettings
from config.signing import CertificateAuthority, Signing, StampingAuthority
from schemas.strict import faults_of, pointer_of

__all__ = [
    "Bank",
    "BankAccount",
    "CalendarConfig",
    "Catalogue",
    "CatalogueError",
    "CertificateAuthority",
    "CertificateGuard",
    "Counterparty",
    "Department",
    "DepartmentStatus",
    "Endpoint",
    "FeeSettings",
    "Guard",
    "HmacGuard",
    "Idempotency",
    "Issuer",
    "Officer",
    "Operator",
    "Pay",
    "PortalConfig",
    "Procedure",
    "ProcedureFee",
    "ProcedureStep",
    "ReceiptSettings",
    "RequiredPaper",
    "SecretName",
    "Signing",
    "SoapGuard",
    "StampingAuthority",
    "Tls",
    "WsSecurity",
    "load",
    "read",
    "read_all",
    "secret_names",
]

WIRE: Final = Path(schemas.__file__).parent / "wire"
SHORTEST_SECRET: Final = 16
"""characters; what is shorter can be guessed, or is a placeholder that somebody forgot"""


class CatalogueError(ValueError):
    """The catalogue cannot be used as it is; the message names the file, the key and the mend."""

    def __init__(self, path: Path, pointer: str, mend: str) -> None:
        super().__init__(f"{path}: {pointer}: {mend}" if pointer else f"{path}: {mend}")


class Catalogue(Data):
    """The whole catalogue, cross-checked: every name that it uses exists."""

    folder: Path
    portal: PortalConfig
    calendar: CalendarConfig
    departments: dict[str, Department]
    procedures: dict[str, Procedure]
    signing: Signing
    officers: dict[str, Officer]
    operators: dict[str, Operator]
    banks: dict[str, Bank]
    fee_settings: FeeSettings | None = None
    """unset: nothing is collected, and no procedure says that it is"""
    receipts: ReceiptSettings | None = None
    """unset: no receipt is issued"""
    limits: ApiLimits = ApiLimits()
    secrets: Mapping[str, SecretStr]

    def secret(self, name: str) -> str:
        """The secret called ``name``. It is there: loading checked it."""
        return self.secrets[name].get_secret_value()

    @cached_property
    def counterparties(self) -> dict[str, Counterparty]:
        """Every party that we send to or ask, by its counterparty code (department.so-tu-phap, trust.tsa)."""
        parties: list[Counterparty] = [
            *self.departments.values(),
            *self.portal.endpoints,
            *self.signing.stamping,
            *self.signing.authorities,
            *self.operators.values(),
            *(bank for bank in self.banks.values() if bank.accounts),  # a gateway only ever tells
            *([self.receipts.issuer] if self.receipts and self.receipts.issuer else []),
        ]
        return {party.counterparty: party for party in parties}


def load(folder: Path, environment: Mapping[str, str], *, signs: bool = True) -> Catalogue:
    """The catalogue in ``folder``, secrets from ``environment``. Raises CatalogueError on the first mistake.

    ``signs=False``: without the secrets of signing.toml (the token's PIN), for a process that signs nothing.
    """
    portal_file, signing_file, officers_file = (folder / f"{name}.toml" for name in ("portal", "signing", "officers"))
    portal, calendar = read(portal_file, PortalConfig), read(folder / "calendar.toml", CalendarConfig)
    signing, officers = read(signing_file, Signing), read(officers_file, Officers)
    departments = read_all(folder / "departments", Department)
    procedures = read_all(folder / "procedures", Procedure)
    # A province whose papers nobody carries has no such folder; one that collects nothing has no fees.toml either.
    operators = read_all(folder / "postal", Operator) if (folder / "postal").is_dir() else {}
    banks = read_all(folder / "banks", Bank) if (folder / "banks").is_dir() else {}
    _check_departments(folder, departments)
    codes = {department.code for department in departments.values()}
    fee_settings = read(folder / "fees.toml", FeeSettings) if (folder / "fees.toml").is_file() else None
    receipts_file = folder / "receipts.toml"
    receipts = read(receipts_file, ReceiptSettings) if receipts_file.is_file() else None
    if receipts and not fee_settings:
        raise CatalogueError(receipts_file, "", "without a fees.toml nothing is collected: there are no receipts")
    limits_file = folder / "limits.toml"
    limits = read(limits_file, ApiLimits) if limits_file.is_file() else ApiLimits()
    _check_procedures(procedures, codes, collects=fee_settings is not None)
    _check_fee_settings(folder / "fees.toml", fee_settings, {bank.code: bank for bank in banks.values()})
    _check_post(portal_file, portal, {operator.code: operator for operator in operators.values()})
    _check_signing(folder, signing)
    _check_officers(officers_file, officers, codes)
    return Catalogue(
        folder=folder,
        portal=portal,
        calendar=calendar,
        departments={department.code: department for department in departments.values()},
        procedures={procedure.code: procedure for procedure in procedures.values()},
        signing=signing,
        officers={officer.id: officer for officer in officers.officers},
        operators={operator.code: operator for operator in operators.values()},
        banks={bank.code: bank for bank in banks.values()},
        fee_settings=fee_settings,
        receipts=receipts,
        limits=limits,
        secrets=_secrets(
            {portal_file: portal, **departments, **operators, **banks}
            | ({signing_file: signing} if signs else {})
            | ({receipts_file: receipts} if receipts else {}),
            environment,
        ),
    )


Piece = TypeVar("Piece", bound=Data)
Listed = TypeVar("Listed", Department, Procedure, Operator, Bank)


def read(path: Path, model: type[Piece], *, under: Sequence[str] = ()) -> Piece:
    """The piece in a file; what stands in it is, ``under`` names, what the model has there. Raises CatalogueError."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        table = dict.fromkeys(under, table) or table
        # By way of JSON pydantic is strict about numbers and still takes an enum or a tuple as TOML can write it.
        return model.model_validate_json(json.dumps(table, default=str), strict=True)
    except OSError as error:
        raise CatalogueError(path, "", f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CatalogueError(path, "", "not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(path, "", f"not TOML: {error}") from None
    except ValidationError as error:
        first = faults_of(error)[0]
        raise CatalogueError(path, first.pointer, first.detail) from None


def read_all(folder: Path, model: type[Listed]) -> dict[Path, Listed]:
    """The pieces in ``folder`` by file; each code stands in one file only."""
    pieces_by_file: dict[Path, Listed] = {path: read(path, model) for path in sorted(folder.glob("*.toml"))}
    if not pieces_by_file:
        raise CatalogueError(folder, "", "no .toml file here")
    first: dict[str, Path] = {}
    for path, piece in pieces_by_file.items():
        if piece.code in first:
            raise CatalogueError(path, "/code", f"{piece.code} is the code in {first[piece.code].name} already")
        first[piece.code] = path
    return pieces_by_file


def _check_departments(folder: Path, departments: Mapping[Path, Department]) -> None:
    owners: dict[str, str] = {}
    for path, department in departments.items():
        if department.qd20 in owners:
            raise CatalogueError(path, "/agency", f"is the agency of {owners[department.qd20]} already")
        owners[department.qd20] = department.code
        if department.wsdl and not (WIRE / department.wsdl).is_file():
            raise CatalogueError(path, "/wsdl", f"schemas/wire has no file {department.wsdl}")
        for key in ("ca", "client_certificate"):
            file: Path | None = getattr(department.tls, key)
            if file and not (folder / file).is_file():
                raise CatalogueError(path, f"/tls/{key}", f"there is no file {folder / file}")
        if department.signing.ca and not (folder / department.signing.ca).is_file():
            raise CatalogueError(path, "/signing/ca", f"there is no file {folder / department.signing.ca}")


def _check_procedures(procedures: Mapping[Path, Procedure], departments: set[str], *, collects: bool) -> None:
    for path, procedure in procedures.items():
        if procedure.department not in departments:
            raise CatalogueError(path, "/department", f"no department has the code {procedure.department}")
        if procedure.fees and procedure.pay is not Pay.NONE and not collects:
            mend = 'without a fees.toml nothing is collected: add one, or say pay = "none"'
            raise CatalogueError(path, "/pay", mend)


def _check_fee_settings(path: Path, terms: FeeSettings | None, banks: Mapping[str, Bank]) -> None:
    if terms is None:
        return
    bank = banks.get(terms.account.bank)
    if bank is None:
        raise CatalogueError(path, "/account/bank", f"no bank has the code {terms.account.bank}")
    if bank.account(terms.account.number) is None:
        raise CatalogueError(path, "/account/number", f"{bank.code} has no such account of ours")


def _check_post(path: Path, portal: PortalConfig, operators: Mapping[str, Operator]) -> None:
    if portal.post is None:
        return
    operator = operators.get(portal.post.operator)
    if operator is None:
        raise CatalogueError(path, "/post/operator", f"no postal operator has the code {portal.post.operator}")
    for key, route in (("inside", portal.post.inside), ("outside", portal.post.outside)):
        if route not in operator.routes:
            raise CatalogueError(path, f"/post/{key}", f"{operator.code} has no class of routes {route}")
    if portal.post.contact.province not in operator.provinces:
        raise CatalogueError(path, "/post/contact/province", f"{operator.code} has no number for this province")


def _check_signing(folder: Path, signing: Signing) -> None:
    if signing.roots and not (folder / signing.roots).is_file():
        raise CatalogueError(folder / "signing.toml", "/roots", f"there is no file {folder / signing.roots}")


def _check_officers(path: Path, officers: Officers, departments: set[str]) -> None:
    for index, officer in enumerate(officers.officers):
        if officer.department is not None and officer.department not in departments:
            pointer = f"/officers/{index}/department"
            raise CatalogueError(path, pointer, f"no department has the code {officer.department}")


def _secrets(pieces: Mapping[Path, Data], environment: Mapping[str, str]) -> dict[str, SecretStr]:
    secrets: dict[str, SecretStr] = {}
    for path, piece in pieces.items():
        for pointer, name in secret_names(piece):
            value = environment.get(name, "")
            if len(value.strip()) < SHORTEST_SECRET:
                state = "too short" if value else "missing"
                mend = f"the secret is {state}: set {name} in the environment, {SHORTEST_SECRET} characters or more"
                raise CatalogueError(path, pointer, mend)
            secrets[name] = SecretStr(value)
    return secrets


def secret_names(piece: object, location: tuple[int | str, ...] = ()) -> Iterator[tuple[str, SecretName]]:
    """Every secret that ``piece`` names, wherever it stands in it, with its place (JSON pointer)."""
    if isinstance(piece, SecretName):
        yield pointer_of(location), piece
        return
    parts: Iterator[tuple[int | str, object]] = iter(())
    if isinstance(piece, BaseModel):
        parts = ((key, getattr(piece, key)) for key in type(piece).model_fields)
    elif isinstance(piece, dict):
        parts = iter(piece.items())
    elif isinstance(piece, list):
        parts = iter(enumerate(piece))
    for key, part in parts:
        yield from secret_names(part, (*location, key))
