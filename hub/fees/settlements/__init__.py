"""Settlements: a department's month, from the ledger to its bank account (QĐ 743/QĐ-UBND Article 9)."""

from hub.fees.settlements.answers import HAND
from hub.fees.settlements.computing import compute, withdraw
from hub.fees.settlements.store import handed_over

__all__ = ["HAND", "compute", "handed_over", "withdraw"]
