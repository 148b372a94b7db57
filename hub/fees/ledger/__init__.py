"""The Centre's book: double entry in whole đồng, append-only (docs/decisions/0017)."""

from hub.fees.ledger.book import DayClosed, SourceReused, closed, post, post_all
from hub.fees.ledger.entry import LedgerAccount, LedgerEntry, LedgerLine, Origin, Share

__all__ = [
    "DayClosed",
    "LedgerAccount",
    "LedgerEntry",
    "LedgerLine",
    "Origin",
    "Share",
    "SourceReused",
    "closed",
    "post",
    "post_all",
]
