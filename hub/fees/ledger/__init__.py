"""The Centre's book: double entry in whole đồng, append-only (docs/decisions/0017)."""

from hub.fees.ledger.book import DayClosed, SourceReused, closed, post, post_all
from hub.fees.ledger.chart import Account
from hub.fees.ledger.entry import Entry, Line, Origin, Share

__all__ = [
    "Account",
    "DayClosed",
    "Entry",
    "Line",
    "Origin",
    "Share",
    "SourceReused",
    "closed",
    "post",
    "post_all",
]
