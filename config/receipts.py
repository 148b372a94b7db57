"""Receipts (biên lai điện tử): who issues them in whose name, under which symbols, and when."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from config.data import Address, Data, Name, PartyCode, SecretName, no_duplicates
from config.parties import Idempotency, Tls
from schemas.fee_receipt import Collector
from schemas.portal import FeeKind

IssueOn = Literal["paid", "notified"]
"""Issued once a statement shows the money; or on an authenticated notification already."""
Login = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Service = Literal["publish", "business", "portal"]


class Series(Data):
    """A series of receipts: one for each kind of fee. Its numbers begin with 1 every year."""

    kind: FeeKind
    template: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z][0-9A-Z/-]{1,14}$")]
    symbol: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z/-]{0,10}\{yy\}[0-9A-Z/-]{0,10}$")]
    """with {yy} where the last two digits of the year stand"""

    def symbol_of(self, day: date) -> str:
        """The symbol of the receipts of that day's year."""
        return self.symbol.replace("{yy}", f"{day:%y}")


class Issuer(Data):
    """A provider of electronic invoices that issues for us and tells the tax office: VNPT's SOAP services."""

    code: PartyCode
    name: Name
    dialect: Literal["vnpt"]
    base_url: Address
    account: Login
    """of the employee in whose name it is published"""
    account_password: SecretName
    username: Login
    """of the service (ServiceRole)"""
    password: SecretName
    services: dict[Service, Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._/-]{1,80}$")]] = Field({})
    """where each is below base_url, if not at PublishService.asmx, BusinessService.asmx, PortalService.asmx"""
    tls: Tls = Tls()
    max_in_flight: int = Field(2, ge=1, le=16)
    timeout_seconds: float = Field(60, gt=0, le=120)

    @property
    def counterparty(self) -> str:
        return f"receipts.{self.code}"

    @property
    def queue(self) -> str:
        return f"outbox.receipts.{self.code}"

    @property
    def address(self) -> str:
        return self.base_url

    @property
    def idempotency(self) -> Idempotency:
        """It is asked for the fkey before anything is said again; and what it has, it does not issue twice (ERR:13)."""
        return Idempotency.ASK


class ReceiptSettings(Data):
    """receipts.toml. Without it no receipt is issued by the hub."""

    issue_on: IssueOn = "paid"
    collector: Collector
    series: list[Series] = Field(min_length=1)
    issuer: Issuer | None = None
    """unset: receipts are numbered, signed and kept here, and told to nobody"""

    @model_validator(mode="after")
    def _has_one_series_of_each_kind(self) -> Self:
        no_duplicates("series of the kind", [series.kind.value for series in self.series])
        no_duplicates("series", [f"{series.template} {series.symbol}" for series in self.series])
        if missing := set(FeeKind) - {series.kind for series in self.series}:
            raise ValueError(f"series: none is for {min(missing)}")
        return self

    def of(self, kind: FeeKind) -> Series:
        """The series of that kind."""
        return next(series for series in self.series if series.kind is kind)
