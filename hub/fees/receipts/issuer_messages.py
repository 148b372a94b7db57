"""The issuer is told of a receipt, by a transfer."""

from typing import Final

from hub.db import one
from hub.fees.receipts.store import FeeReceiptRow
from hub.messages.outbox import Posting
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id

ISSUE: Final = "receipt.issue"
VOID: Final = "receipt.void"
"""kinds of the transfer"""


def tell(uow: UnitOfWork, receipt: FeeReceiptRow, kind: str, body: bytes) -> None:
    """One ordering key a series: an issuer that counts by itself comes to the same numbers, and to no older day."""
    if receipt.counterparty is None:
        return
    demand = one(uow.conn, "SELECT dossier_id FROM fee_demand WHERE id = %s", (receipt.demand_id,))
    uow.put(
        Posting(
            id=new_id(Prefix.TRANSFER),
            kind=kind,
            counterparty=receipt.counterparty,
            ordering_key=receipt.series,
            key=receipt.id,
            subject=demand["dossier_id"],
            body=body,
        )
    )
