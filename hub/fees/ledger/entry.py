"""An entry of the book: what it says, checked before it is posted, and the digest that stands for it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from hub.locale import vi
from schemas.money import MOST


class LedgerAccount(StrEnum):
    """An account and what stands on it. ``label``: what an accountant reads."""

    BANK = "111"
    """on the collection accounts: what their statements show"""
    IN_TRANSIT = "112"
    """notified and not on a statement yet; item: the payment"""
    REFUNDS = "113"
    """ordered to be paid back and not on a statement yet; item: the refund"""
    PAYABLE = "331"
    """owed to a department for a fee"""
    UNIDENTIFIED = "338"
    """received, and not known for what; item: the statement line or payment"""
    OVERPAID = "339"
    """owed back to those who paid too much; item: the payment or line that brought it"""
    CHARGEBACK = "341"
    """charged back after the department had the money; item: the payment"""
    OWN = "411"
    """what is on the accounts and was not collected: opening balances, interest, own transfers"""
    RETAINED = "511"
    """the share of a department's fees that the Centre keeps"""
    CHARGES = "642"
    """of banks and gateways"""

    @property
    def label(self) -> str:
        return LABELS[self]


LABELS: Final = {
    LedgerAccount.BANK: vi("Cash at bank"),
    LedgerAccount.IN_TRANSIT: vi("Cash in transit"),
    LedgerAccount.REFUNDS: vi("Refunds in transit"),
    LedgerAccount.PAYABLE: vi("Fees and charges due to agencies"),
    LedgerAccount.UNIDENTIFIED: vi("Unidentified receipts"),
    LedgerAccount.OVERPAID: vi("Overpayments to refund"),
    LedgerAccount.CHARGEBACK: vi("Clawed back, receivable"),
    LedgerAccount.OWN: vi("Money that is not collected for others"),
    LedgerAccount.RETAINED: vi("Retained share"),
    LedgerAccount.CHARGES: vi("Charges of banks and payment gateways"),
}

OPEN_ITEMS: Final = frozenset(
    {
        LedgerAccount.IN_TRANSIT,
        LedgerAccount.REFUNDS,
        LedgerAccount.UNIDENTIFIED,
        LedgerAccount.OVERPAID,
        LedgerAccount.CHARGEBACK,
    }
)
"""accounts on which every sum has an item behind it, and goes to zero with it"""


_SEPARATORS: Final = ("|", "\n")


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One side of an entry, on one account. Exactly one of ``dr`` and ``cr`` is above zero; đồng."""

    account: LedgerAccount
    dr: int = 0
    cr: int = 0
    department: str | None = None
    fee_code: str | None = None
    demand_id: str | None = None
    item: str | None = None

    def __post_init__(self) -> None:
        if min(self.dr, self.cr) != 0 or not 0 < max(self.dr, self.cr) <= MOST:
            raise ValueError("a line has one side above zero")
        if self.account is LedgerAccount.PAYABLE and not (self.department and self.fee_code):
            raise ValueError("331 is owed to a department for a fee")
        if self.account is LedgerAccount.RETAINED and not self.department:
            raise ValueError("511 is kept from a department's fees")
        if self.account in OPEN_ITEMS and not self.item:
            raise ValueError(f"{self.account} needs the item that is open")
        _check_words(self.department, self.fee_code, self.demand_id, self.item)

    @property
    def content(self) -> str:
        words = (self.account.value, self.department, self.fee_code, self.demand_id, self.item)
        return "|".join([*(word or "" for word in words), str(self.dr), str(self.cr)])


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the money of a demand: which department it belongs to, for which fee; đồng."""

    department: str
    fee_code: str
    amount: int
    demand_id: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """What an entry is about. Of one source there is one entry of a kind, however often it is posted."""

    source_type: str
    source_id: str
    day: date
    """the business date"""
    bank_account: str | None = None
    original: date | None = None
    """the business date on which it belongs, where that was closed when it was found"""

    def __post_init__(self) -> None:
        if self.original is not None and self.original >= self.day:
            raise ValueError("what was found later stands on a later day")


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Both sides are equal, or there is no such entry: raises ValueError."""

    kind: str
    origin: Origin
    lines: tuple[LedgerLine, ...]

    def __post_init__(self) -> None:
        debit, credit = sum(line.dr for line in self.lines), sum(line.cr for line in self.lines)
        if debit != credit or not 0 < debit <= MOST:
            raise ValueError(f"{self.kind}: debit {debit}, credit {credit}")
        if not self.origin.bank_account and any(line.account is LedgerAccount.BANK for line in self.lines):
            raise ValueError("111 is an account at a bank: the origin names it")
        _check_words(self.kind, self.origin.source_type, self.origin.source_id, self.origin.bank_account)

    @property
    def amount(self) -> int:
        """Of either side; đồng."""
        return sum(line.dr for line in self.lines)

    @property
    def source(self) -> tuple[str, str, str]:
        """What makes it the same entry again."""
        return self.origin.source_type, self.origin.source_id, self.kind

    @property
    def content(self) -> str:
        """All that it says, without its number: the text that hub.fees.proof puts together again in SQL."""
        origin = self.origin
        words = [origin.day.isoformat(), self.kind, origin.source_type, origin.source_id, origin.bank_account or ""]
        words += [origin.original.isoformat()] if origin.original else []
        return "\n".join(["|".join(words), *(line.content for line in self.lines)])

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.content.encode()).digest()


def _check_words(*words: str | None) -> None:
    for word in words:
        if word is not None and (not word or any(separator in word for separator in _SEPARATORS)):
            raise ValueError("a word of an entry is not empty and holds neither | nor a line break")


def spread(owed: Sequence[Share], before: int, amount: int) -> list[Share]:
    """``amount`` over the fees of a demand, in their order, where ``before`` was received already.

    However a sum comes in parts, the parts end where the whole would have. Raises ValueError for more than is owed.
    """
    if before < 0 or amount < 0 or before + amount > sum(share.amount for share in owed):
        raise ValueError("more than is owed")
    parts, begin = [], 0
    for share in owed:
        end = begin + share.amount
        part = min(end, before + amount) - max(begin, before)
        if part > 0:
            parts.append(Share(share.department, share.fee_code, part, share.demand_id))
        begin = end
    return parts
