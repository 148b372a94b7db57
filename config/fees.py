"""What is collected: fees with effective dates, who is exempt by which provision, and into which account they go."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from config.data import Data, ListCode, Name, PartyCode, no_duplicates
from schemas.portal import FeeKind
from schemas.values import Dong

Basis = Annotated[str, StringConstraints(min_length=1, max_length=255)]
"""the legal provision, as it is cited"""


class Pay(StrEnum):
    """When the fees of a procedure are to be paid (Thu trước, Thu sau), or that the Centre does not collect them."""

    FIRST = "first"
    LATER = "later"
    NONE = "none"


class ProcedureFee(Data):
    """A fee of a procedure, in force from ``since`` to ``until``, both inclusive; open: until further notice."""

    code: ListCode
    kind: FeeKind
    title: Name
    basis: Basis | None = None
    amount: Dong
    retention_bp: int = Field(0, ge=0, le=10_000)
    """what the collector may keep, in basis points (NĐ 120/2016 Đ5); of a lệ phí nothing (Luật 97/2015 Đ13)"""
    since: date
    until: date | None = None

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.until is not None and self.until < self.since:
            raise ValueError("until lies before since")
        return self

    @model_validator(mode="after")
    def _keeps_nothing_of_a_le_phi(self) -> Self:
        if self.kind is FeeKind.LE_PHI and self.retention_bp:
            raise ValueError("all of a le_phi goes to the budget: retention_bp is 0 (Luật 97/2015 Đ13)")
        return self


class Exemption(Data):
    """Who pays nothing, by which provision. ``fees``: the codes of those that it lifts; empty: all of them."""

    code: ListCode
    title: Name
    basis: Basis
    fees: list[ListCode] = Field([])

    def lifts(self, fee_code: str) -> bool:
        return not self.fees or fee_code in self.fees


class ReceivingAccount(Data):
    """The account that citizens pay into. ``bank``: the bank in banks/*.toml whose statements show it."""

    bank: PartyCode
    bin: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    """the bank's number in NAPAS's list"""
    number: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{4,19}$")]
    holder: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9 .,-]{1,100}$")]
    """as the bank writes it: capitals without marks"""


class ClerkRight(StrEnum):
    """What a clerk may say about money where two persons decide."""

    PROPOSE = "propose"
    AGREE = "agree"


class Clerk(Data):
    """Who decides about money; by the account alone, no name of a person."""

    account: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_][a-z0-9_.:@-]{1,63}$")]
    """as the audit log says it: cli:<the account at the operating system>"""
    title: Name
    may: frozenset[ClerkRight] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_a_person(self) -> Self:
        if self.account == "hub":
            raise ValueError("hub is what the hub does by itself: a clerk is a person")
        return self


class FeeSettings(Data):
    """How the Centre demands: the letters of its payment references, its account, and for how long a demand stands."""

    prefix: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    pay_within_days: int = Field(30, ge=1, le=365)
    """calendar days to the end of which a fee that is paid first may be paid"""
    order_prefix: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "LC"
    """the letters of the references of what we pay out"""
    account: ReceivingAccount
    clerks: list[Clerk] = Field([])
    """who decides about money; none: everybody, which production refuses"""

    @model_validator(mode="after")
    def _two_clerks_can_decide(self) -> Self:
        no_duplicates("clerk", [clerk.account for clerk in self.clerks])
        makers, checkers = (
            {clerk.account for clerk in self.clerks if right in clerk.may}
            for right in (ClerkRight.PROPOSE, ClerkRight.AGREE)
        )
        if self.clerks and not any(maker != checker for maker in makers for checker in checkers):
            raise ValueError("clerks: one may propose and another one agree, or nothing can be decided")
        return self

    def clerk(self, account: str) -> Clerk | None:
        """The clerk of that account."""
        return next((clerk for clerk in self.clerks if clerk.account == account), None)

    @model_validator(mode="after")
    def _payments_out_and_in_are_told_apart(self) -> Self:
        if self.order_prefix == self.prefix:
            raise ValueError("order_prefix is another than prefix: what we pay out is not what is paid to us")
        return self


def check_fees(fees: Sequence[ProcedureFee], exemptions: Sequence[Exemption], pay: Pay) -> None:
    """Raises ValueError where the fees of a procedure contradict one another, its exemptions, or when they are paid."""
    for before, after in pairwise(sorted(fees, key=lambda fee: (fee.code, fee.since))):
        if before.code != after.code:
            continue
        if before.until is None or before.until >= after.since:
            raise ValueError(f"the periods of fee {after.code} overlap on {after.since}")
        if before.kind is not after.kind:
            raise ValueError(f"the fee {after.code} is a {before.kind} first and a {after.kind} later")
    no_duplicates("exemption", [exemption.code for exemption in exemptions])
    known = {fee.code for fee in fees}
    for exemption in exemptions:
        for code in exemption.fees or sorted(known) or [""]:
            if code not in known:
                raise ValueError(f"the exemption {exemption.code} lifts a fee that is not there: {code or 'any'}")
    if pay is Pay.FIRST and not fees:
        raise ValueError('pay is "first", and there is no fee to pay')
