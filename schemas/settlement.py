"""The monthly table of fees (bảng tổng hợp thu phí, lệ phí): the table, its receipt, the department's answer.

QĐ 743/QĐ-UBND Article 9, 1.d (every month the Centre totals, notifies and transfers) and 2.b (the department checks).
"""

import base64
import hashlib
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.custody import Base64
from schemas.identifiers import Sha256
from schemas.portal import FeeKind
from schemas.strict import Strict
from schemas.values import MOST, Dong, Moment

TYPE: Final = "vn.hub.settlement"
Month = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Signed = Annotated[int, Field(strict=True, ge=-MOST, le=MOST, description="Số tiền, đồng (VND), có thể âm")]
Count = Annotated[int, Field(strict=True, ge=0)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Base64Table = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=64 * 1024 * 1024)]
TableId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
LineNumber = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]
LineKind = Literal["receipt", "refund", "adjustment", "carried"]
"""received · given back · put right in this month for an earlier one · from an earlier table, disputed there"""


class ReceiptRange(Strict):
    """Receipts (biên lai) of a series that belong to a fee of the month, first to last, by number."""

    series: Annotated[str, StringConstraints(min_length=1, max_length=32)]
    first: Count
    last: Count
    count: Count
    amount: Dong


class FeeSum(Strict):
    """One fee of the department in the month; đồng. ``net`` = carried + receipts + refunds + adjustments - retained."""

    fee_code: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    kind: FeeKind
    title: Words
    count: Count
    """receipts, by number of demands"""
    carried: Signed
    receipts: Signed
    refunds: Signed
    """zero or below"""
    adjustments: Signed
    retained: Signed
    """what the Centre keeps; below zero where it gives back"""
    net: Signed
    issued: tuple[ReceiptRange, ...] = ()


class TableLine(Strict):
    """One movement of what is owed to the department, by the number under which it is confirmed or disputed."""

    number: LineNumber
    kind: LineKind
    day: Day
    """the business day of the book"""
    fee_code: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    amount: Signed
    entry: Annotated[int, Field(strict=True, ge=1)]
    """the ledger's entry that it stands in"""
    reference: str | None = None
    """of the payment demand"""
    dossier_code: str | None = None
    original: str | None = None
    """month and number of the line that it carries on or puts right, as 2026-10/17"""


class OpenExceptionSum(Strict):
    """An exception about the department's money that is not settled yet."""

    code: str
    count: Count
    at_risk: Dong


class SettlementTable(Strict):
    """The table. Its bytes are canonical JSON (RFC 8785); its digest is their SHA-256; the Centre's seal signs them."""

    v: Literal[1]
    typ: Literal["vn.hub.settlement"]
    settlement_id: str
    month: Month
    department: str
    department_name: Words
    closed_at: Moment
    opening: Signed
    """carried over from earlier tables"""
    receipts: Signed
    refunds: Signed
    adjustments: Signed
    retained: Signed
    net: Signed
    """what is transferred, unless lines are disputed"""
    fees: tuple[FeeSum, ...]
    lines: tuple[TableLine, ...]
    open_exceptions: tuple[OpenExceptionSum, ...] = ()
    book: Sha256
    """the root of the ledger's checkpoint that covers the month"""
    last_entry: Count
    """the last entry under that root"""


class HandedTable(Strict):
    """A table on its way to its department."""

    table: Base64Table
    """the bytes of a SettlementTable"""
    signature: Base64
    """detached CAdES-B over them, by the Centre's seal"""

    @property
    def content(self) -> bytes:
        """The table as the Centre signed it."""
        return base64.b64decode(self.table)


class TableReceipt(Strict):
    """The department's word that it has the table."""

    settlement_id: str
    sha256: Sha256
    received_at: Moment

    def is_for(self, content: bytes) -> bool:
        """Whether it is about this very table: an older receipt, replayed, is not."""
        return self.sha256 == hashlib.sha256(content).hexdigest()


class DisputedLine(Strict):
    """A line that the department does not accept, and why."""

    number: LineNumber
    reason: Words


class TableAnswer(Strict):
    """The department's answer. ``lines`` are the disputed ones; every other is confirmed. Silence confirms nothing."""

    answer_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
    settlement_id: TableId
    sha256: Sha256
    """of the table that is answered"""
    verdict: Literal["confirmed", "disputed"]
    lines: tuple[DisputedLine, ...] = ()
    answered_by: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    """the office or post that answers, not a person's name"""
    answered_at: Moment

    @model_validator(mode="after")
    def _check_lines(self) -> Self:
        if (self.verdict == "disputed") != bool(self.lines):
            raise ValueError("disputed names the lines that are disputed, confirmed names none")
        if len({line.number for line in self.lines}) < len(self.lines):
            raise ValueError("a line is disputed once")
        return self
