"""A payment notification of a bank or gateway: one movement of money, whatever the dialect."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.strict import Strict
from schemas.values import MOST, Cleaned, Fit, Moment

ProviderTxn = Annotated[str, StringConstraints(min_length=1, max_length=160), Fit]
Account = Annotated[str, StringConstraints(max_length=34), Fit]
Words = Annotated[str, StringConstraints(max_length=1000), Cleaned]


class NotificationKind(StrEnum):
    """What the provider says has happened."""

    PAYMENT = "payment"
    REFUND = "refund"
    """money went back because we, or the payer, asked for it"""
    REVERSAL = "reversal"
    """the bank took it back"""
    FAILED = "failed"
    """the payer tried, and no money moved"""


class Notification(Strict):
    """One movement, as its provider said it under its signature. (provider, provider_txn, kind) names it for ever."""

    provider: Annotated[str, StringConstraints(max_length=40)]
    provider_txn: ProviderTxn
    kind: NotificationKind
    amount: Annotated[int, Field(strict=True, gt=0, le=MOST, description="đồng, where the currency is VND")]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "VND"
    paid_at: Moment | None = None
    """None where the provider does not say"""
    account: Account
    """the receiving account, as the provider names it, or the one that its contract settles to"""
    bank_ref: Annotated[str, StringConstraints(max_length=160), Fit] | None = None
    """the bank's own number of the movement, if it will stand on the account's statement as well"""
    virtual_account: Account | None = None
    reference: Annotated[str, StringConstraints(max_length=255), Fit] | None = None
    """what we gave the provider to name the payment by, given back"""
    text: Words = ""
    """the payer's own words; personal, so never logged"""
    original: ProviderTxn | None = None
    """of a refund or reversal: the provider_txn of the payment"""
    proven: bool = True
    """whether the signature covers that it succeeded; what is not proven waits for the statement"""
