"""Settlements: a department's month, from the book to its account (QĐ 743/QĐ-UBND Article 9)."""

from hub.fees.settlements.computing import compute, withdraw
from hub.fees.settlements.sending import HAND

__all__ = ["HAND", "compute", "withdraw"]
