"""Requests to a sandbox bank's control API, and its responses."""

from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from schemas.money import MOST
from schemas.strict import Strict

_Amount = Annotated[int, Field(strict=True, gt=0, le=MOST)]
_Words = Annotated[str, StringConstraints(max_length=500)]
_Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{0,40}$")]


class PayerTransferForm(Strict):
    """Somebody pays. ``account``: None: the first. ``words``: what the payer writes; empty: some with the reference."""

    amount: _Amount
    reference: _Reference = ""
    words: _Words = ""
    account: str | None = None
    at: AwareDatetime | None = None
    """None: now; it may lie in the past"""
    fate: str = ""


class Done(Strict):
    """What became of it: the provider's number, the bank's (if it is on an account), and the hub's answers."""

    txn: str
    ref: str
    amount: int
    answers: list[int]


class TakeBack(Strict):
    """Take the credit with this number of the bank back."""

    ref: str


class BankOrderForm(Strict):
    """A payment order of ours."""

    reference: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[0-9]{1,12}$")]
    amount: _Amount
    account: str | None = None
    words: _Words = ""
    fate: str = "executed"


class PayoutForm(Strict):
    """Pay what was collected into our account. ``charge_bp``: what is kept of each payment, in basis points."""

    account: str | None = None
    charge_bp: Annotated[int, Field(ge=0, le=10_000)] = 0
    fate: str = "paid-out"


class ReportItem(Strict):
    """A payment of a payout."""

    provider_txn: str
    amount: int
    charge: int


class PayoutReportForm(Strict):
    """What a payout is made of, as ``hub fee match payout`` takes it."""

    provider: str
    report: str
    account: str
    day: date
    items: list[ReportItem]

    @property
    def net(self) -> int:
        return sum(item.amount - item.charge for item in self.items)


class StatementForm(Strict):
    """A statement up to the end of ``day`` (None: today). ``format``: None: the first that the bank writes."""

    account: str | None = None
    day: date | None = None
    format: str | None = None
    fate: str = "right"


class LaidOut(Strict):
    """A statement: its file's name, what it comes to, how many lines it has."""

    name: str
    opening: int
    closing: int
    lines: int
