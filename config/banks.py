"""Banks: the accounts that we collect on, and how each bank tells what happened on them."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from config.data import Data, LineWords, Name, PartyCode, no_duplicates
from config.limits import PARTNER, RateLimit
from config.notifications import WATCHING, Notifications
from config.parties import Idempotency, Tls
from config.statements import Statements

AccountNumber = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{4,34}$")]


def bare(number: str) -> str:
    """An account number without what banks put between its digits."""
    return "".join(sign for sign in number.upper() if sign.isalnum())


class BankAccount(Data):
    """An account of ours at a bank."""

    number: AccountNumber
    name: Name
    also: list[Annotated[str, StringConstraints(min_length=4, max_length=64)]] = Field([])
    """other ways in which the bank's files write it"""
    currency: Literal["VND"] = "VND"
    opened: date | None = None
    """nothing was booked on it before this day"""


class Bank(Data):
    """A bank where we collect, or a gateway that collects for us and pays into an account of another bank."""

    code: PartyCode
    name: Name
    accounts: list[BankAccount] = Field([])
    """ours; a gateway has none"""
    statements: Statements = Statements()
    notifications: Notifications | None = None
    """unset: it tells nothing by itself, and its endpoint is closed"""
    payout_words: LineWords | None = None
    """a gateway: what the lines of its payouts say, where its report's name does not stand in them"""
    tls: Tls = Tls()
    rate_limit: RateLimit = PARTNER
    """of its notifications"""
    max_in_flight: int = Field(2, ge=1, le=64)
    timeout_seconds: float = Field(60, gt=0, le=300)

    @model_validator(mode="after")
    def _accounts_are_told_apart(self) -> Self:
        if not self.notified and not self.accounts:
            raise ValueError("a bank has accounts of ours; a gateway says in notifications which of them it speaks of")
        no_duplicates("account", [bare(name) for one in self.accounts for name in {one.number, *one.also}])
        return self

    def account(self, label: str) -> BankAccount | None:
        """The account that the bank's files call ``label``; where they call it nothing, the only one."""
        if not label:
            return self.accounts[0] if len(self.accounts) == 1 else None
        bare_name = bare(label)
        return next(
            (one for one in self.accounts if bare_name in {bare(name) for name in (one.number, *one.also)}), None
        )

    @property
    def notified(self) -> list[str]:
        """The accounts of which it may tell; what names none is about the first."""
        own = [account.number for account in self.accounts]
        return (self.notifications.accounts or own) if self.notifications else []

    @property
    def watches(self) -> bool:
        """Whether what it tells of stands on the account's statement by itself, and not in a payout."""
        terms = self.notifications
        if terms is None or terms.dialect not in WATCHING:
            return False
        return terms.signed_json is None or bool(self.accounts) or "bank_ref" in terms.signed_json.names

    @property
    def counterparty(self) -> str:
        return f"bank.{self.code}"

    @property
    def queue(self) -> str:
        return f"outbox.bank.{self.code}"

    @property
    def address(self) -> str:
        """Where its files are fetched; empty if they are brought in by hand."""
        return self.statements.fetch.url if self.statements.fetch else ""

    @property
    def idempotency(self) -> Idempotency:
        """It is only asked."""
        return Idempotency.ASK
