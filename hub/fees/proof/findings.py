"""What is proven, and what the proof found."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, LiteralString

from hub.fees.proof import words
from schemas.explained import Explained


class Invariant(StrEnum):
    """A sentence that is true of the book as long as nothing is lost, invented or changed."""

    I1 = "I1"
    I2 = "I2"
    I3 = "I3"
    I4 = "I4"
    I5 = "I5"
    I6 = "I6"
    I7 = "I7"
    I8 = "I8"
    I9 = "I9"
    I10 = "I10"

    @property
    def label(self) -> str:
        return LABELS[self]


LABELS: Final = {
    Invariant.I1: "Nợ = Có, số bút toán liền mạch, điểm kiểm tra khớp",
    Invariant.I2: "Số dư sổ theo tài khoản = số dư sao kê",
    Invariant.I3: "Dòng sao kê = đã khớp + đang xử lý + không phải phí",
    Invariant.I4: "Thông báo = sự kiện + lặp + từ chối; mỗi sự kiện một kết quả",
    Invariant.I5: "Phải nộp = đã nộp + còn lại + được miễn",
    Invariant.I6: "Số dư 112, 113, 338, 339, 341 = các khoản đang mở",
    Invariant.I7: "Chuỗi sao kê không đứt, không thiếu ngày",
    Invariant.I8: "Bảng quyết toán tháng = phát sinh 331",
    Invariant.I9: "Lập lại từ dữ liệu gốc cho cùng kết quả",
    Invariant.I10: "Biên lai = số đã thu, số biên lai liền mạch",
}


class ProofCode(Explained):
    """The cases that a red proof opens; while one is open nothing is closed and nothing is transferred."""

    INVARIANT = ("L01", "An invariant of the book does not hold.")
    CHAIN = (
        "L02",
        "The numbers of the entries or of the checkpoints have a gap, or an entry is not the one that was posted.",
    )
    CHECKPOINT = (
        "L03",
        "The entries do not lead to a root that was signed: something below it was changed or cut off.",
    )
    REPLAY = ("L04", "Made anew from its sources, the book is another.")


@dataclass(frozen=True, slots=True)
class Offender:
    """One thing that breaks an invariant: which (an id, a number), and how, in Vietnamese, with the numbers."""

    what: str
    how: str


@dataclass(frozen=True, slots=True)
class Check:
    """A part of an invariant, as a query that gives those who break it as (what, how); none: it holds."""

    invariant: Invariant
    name: str
    """what holds, in English; stable, for scripts. People read its label (words.CHECKS)"""
    query: LiteralString
    code: ProofCode = ProofCode.INVARIANT


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What became of a check. ``offenders``: at most proving.MOST of them; ``count``: how many there are."""

    invariant: Invariant
    name: str
    code: ProofCode
    offenders: Sequence[Offender] = ()
    count: int = 0

    @property
    def label(self) -> str:
        return words.CHECKS[self.name]

    @property
    def green(self) -> bool:
        return self.count == 0


@dataclass(frozen=True, slots=True)
class ProofReport:
    """All checks over one reading of the database, and the digest of what was proven."""

    results: Sequence[CheckOutcome]
    digest: bytes
    last_seq: int
    missing: Sequence[Invariant] = field(default=())
    """invariants of which nothing was looked at: what they speak of is not there yet"""

    @property
    def green(self) -> bool:
        return all(result.green for result in self.results)

    @property
    def red(self) -> list[CheckOutcome]:
        return [result for result in self.results if not result.green]


def digest_of(rows: Sequence[str]) -> bytes:
    """SHA-256 over sorted lines: the same rows in any order are the same digest."""
    return hashlib.sha256("\n".join(sorted(rows)).encode()).digest()
