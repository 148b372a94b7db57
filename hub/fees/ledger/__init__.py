"""The Centre's book: double entry in whole đồng, append-only (docs/decisions/0017)."""

from hub.fees.ledger.entry import (
    DayClosed,
    LedgerAccount,
    LedgerEntry,
    LedgerLine,
    Origin,
    Share,
    SourceReused,
    closed,
    post,
    post_all,
)

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
