"""A refund (hoàn trả): money that came and goes back to its payer. Pure; đồng."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from hub.fees.ledger import LedgerAccount
from hub.fees.payouts.orders.model import OrderState

SOURCES: Final = (LedgerAccount.PAYABLE, LedgerAccount.UNIDENTIFIED, LedgerAccount.OVERPAID)
"""where money stands that may be given back"""


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund's row. ``item``: the demand where it stands on 331, else what the account calls it by."""

    id: str
    source: LedgerAccount
    item: str
    amount: int
    state: OrderState
    """its order's; after ``failed`` it is ordered again"""
    reason: str
    due_on: date
    requested_at: datetime
    booked_at: datetime | None
    exception_ids: list[str]
