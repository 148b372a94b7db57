"""Where a payment's money stands in the book: owed to departments (331), to its payer (339), or nobody's yet (338)."""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.db import Connection
from hub.fees.ledger import Share
from hub.fees.reconciliation.matching import passes


@dataclass(frozen=True, slots=True)
class PaymentPosition:
    """Of one payment, in đồng."""

    owed: Sequence[Share]
    over: int
    unidentified: int

    @property
    def total(self) -> int:
        return sum(share.amount for share in self.owed) + self.over + self.unidentified

    def is_all(self, amount: int) -> bool:
        """Whether ``amount`` stands there, and nowhere less than nothing: none of it has gone on."""
        least = min(self.over, self.unidentified, *(share.amount for share in self.owed))
        return self.total == amount and least >= 0


def standing(conn: Connection, payment: str, line: int | str | None) -> PaymentPosition:
    """``line``: the one that shows the payment; None: none does."""
    rows = conn.execute(passes.text("standing"), {"payment": payment, "line": line}).fetchall()
    owed = [
        Share(row["department"], row["fee_code"], row["net"], row["demand_id"])
        for row in rows
        if row["account"] == "331"
    ]
    over, unidentified = (sum(row["net"] for row in rows if row["account"] == name) for name in ("339", "338"))
    return PaymentPosition(owed, over, unidentified)
