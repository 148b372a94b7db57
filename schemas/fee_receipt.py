"""An electronic receipt (biên lai điện tử) for the fees of one kind of a demand, and what an issuer says of it.

The content is that of NĐ 254/2026: name, symbols, number, collector with its tax code, each fee with its amount in
figures, the sum in words, the day, the collector's signature. The law asks for no payer's name, so none is in it.
"""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from schemas.portal import FeeKind
from schemas.strict import Strict
from schemas.values import Dong, Moment

TYPE: Final = "vn.hub.fee-receipt"
LAST_NUMBER: Final = 99_999_999
"""eight digits; the first receipt of every year has the number 1 again"""
NAMES: Final = {FeeKind.PHI: "Biên lai thu phí", FeeKind.LE_PHI: "Biên lai thu lệ phí"}

ReceiptId = Annotated[str, StringConstraints(pattern=r"^rc_[0-9A-HJKMNP-TV-Z]{26}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Template = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z][0-9A-Z/-]{1,14}$")]
"""Ký hiệu mẫu, as 01BLP0-001"""
Symbol = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z][0-9A-Z/-]{1,14}$")]
"""Ký hiệu biên lai, as AA-26E"""
Number = Annotated[int, Field(strict=True, ge=1, le=LAST_NUMBER)]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class Collector(Strict):
    """Who collects, as the receipt names it."""

    name: Words
    tax_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{10}(-[0-9]{3})?$")]
    address: Words


class ReceiptNumber(Strict):
    """A receipt's name for the law: symbols and number."""

    template: Template
    symbol: Symbol
    number: Number


class ReceiptLine(Strict):
    """One fee on it."""

    fee_code: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    title: Words
    amount: Dong


class FeeReceipt(Strict):
    """The receipt. Its bytes are canonical JSON (RFC 8785); the Centre's seal signs them (detached CAdES-B)."""

    v: Literal[1]
    typ: Literal["vn.hub.fee-receipt"]
    receipt_id: ReceiptId
    name: Words
    template: Template
    symbol: Symbol
    number: Number
    issued_on: Day
    """in Vietnam"""
    issued_at: Moment
    collector: Collector
    department: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """for which it is collected"""
    department_name: Words
    procedure: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    dossier_code: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    reference: Annotated[str, StringConstraints(min_length=1, max_length=32)]
    """of the payment demand"""
    kind: FeeKind
    lines: tuple[ReceiptLine, ...] = Field(min_length=1)
    amount: Dong
    amount_in_words: Words
    currency: Literal["VND"]
    replaces: ReceiptNumber | None = None
    """the void receipt in whose place it stands"""

    @property
    def fkey(self) -> str:
        """Its name at an issuer, where underscores separate the names of a list."""
        return self.receipt_id.replace("_", "")


class Voiding(Strict):
    """What an issuer is told when a receipt does not stand any more."""

    receipt_id: ReceiptId
    template: Template
    symbol: Symbol
    number: Number

    @property
    def fkey(self) -> str:
        return self.receipt_id.replace("_", "")


class Issued(Strict):
    """An issuer's word that a receipt is issued, under the number that the issuer has given it."""

    template: str
    symbol: str
    number: Number


class Voided(Strict):
    """An issuer's word that a receipt is void there."""

    receipt_id: ReceiptId
