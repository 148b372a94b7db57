"""What both dialects hold about a month's table: its receipt has to be about these very bytes."""

import base64
import hashlib

from connectors.errors import ConnectorCode, ContractBroken
from schemas.settlement import HandedTable, TableReceipt


def bytes_of(handed: HandedTable) -> bytes:
    """The table as the Centre signed it."""
    return base64.b64decode(handed.table)


def checked(receipt: TableReceipt, table: bytes) -> TableReceipt:
    """``receipt``, if it is for ``table``. Raises ContractBroken: an older answer, replayed, must not pass for it."""
    if receipt.sha256 != hashlib.sha256(table).hexdigest():
        raise ContractBroken(ConnectorCode.CONTRACT, "the receipt is about another table")
    return receipt
