"""The chart of accounts of the Centre's book. Internal codes; the finance office maps them to its accounting regime."""

from enum import StrEnum
from typing import Final


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
    LedgerAccount.BANK: "Tiền gửi ngân hàng",
    LedgerAccount.IN_TRANSIT: "Tiền đang chuyển",
    LedgerAccount.REFUNDS: "Hoàn trả đang chuyển",
    LedgerAccount.PAYABLE: "Phải trả cơ quan về phí, lệ phí",
    LedgerAccount.UNIDENTIFIED: "Tiền thu chưa xác định",
    LedgerAccount.OVERPAID: "Nộp thừa phải hoàn trả",
    LedgerAccount.CHARGEBACK: "Bị đòi lại, phải thu",
    LedgerAccount.OWN: "Tiền không phải thu hộ",
    LedgerAccount.RETAINED: "Phần được để lại",
    LedgerAccount.CHARGES: "Phí ngân hàng, cổng thanh toán",
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
