"""A file of statements: what is wrong with it, and the movements that its entries are."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from schemas.statement import Code, Entry, Kind, Standing, Statement

MEANING: Final[Mapping[Code, str]] = {
    Code.UNBALANCED: "Số dư đầu cộng phát sinh không bằng số dư cuối",
    Code.CHAIN_BREAK: "Không nối tiếp sao kê trước",
    Code.MISSING_DAY: "Thiếu sao kê trước đó; chờ",
    Code.OTHER_CONTENT: "Cùng kỳ đã nhận với nội dung khác",
    Code.UNPARSABLE: "Không đọc được trọn vẹn",
    Code.WRONG_ACCOUNT: "Không phải tài khoản của Trung tâm",
    Code.WRONG_CURRENCY: "Không phải đồng Việt Nam",
    Code.VANISHED_LINE: "Thiếu dòng mà sao kê trước đã có",
}
APPROVABLE: Final = frozenset({Code.CHAIN_BREAK, Code.MISSING_DAY, Code.OTHER_CONTENT, Code.VANISHED_LINE})
"""What two persons may accept. What does not add up, or is not ours, nobody may."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a file, with the three numbers where it is about a sum. Never anybody's words."""

    code: Code
    sentence: str
    account: str = ""
    bank_id: str = ""
    line: int | None = None
    opening: int | None = None
    total: int | None = None
    closing: int | None = None

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "code": self.code.value}


@dataclass(frozen=True, slots=True)
class Movement:
    """A line to be: an entry, or one of the details that it is made of."""

    entry: int
    booking_date: date
    value_date: date
    amount: int
    standing: Standing
    bank_ref: str | None
    e2e: str | None
    text: str
    reversal: bool


def movements(statement: Statement) -> list[Movement]:
    """The movements of a statement. Of what is no statement, none is booked: it only tells what one will say."""
    return [one for number, entry in enumerate(statement.entries, 1) for one in _of(number, entry, statement.kind)]


def _of(number: int, entry: Entry, kind: Kind) -> Iterator[Movement]:
    standing = entry.standing if kind is Kind.STATEMENT else Standing.PDNG
    for part in entry.details or (entry,):
        yield Movement(
            entry=number,
            booking_date=entry.booking_date,
            value_date=entry.value_date,
            amount=part.amount,
            standing=standing,
            bank_ref=part.bank_ref,
            e2e=part.e2e,
            text=part.text,
            reversal=part.reversal,
        )


def booked(statement: Statement) -> int:
    """The sum of its booked entries."""
    return sum(entry.amount for entry in statement.entries if entry.standing is Standing.BOOK)
