"""A chargeback: a payer has his bank ask back what a card had paid. Pure; đồng."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from hub.lifecycle import Lifecycle


class ChargebackState(StrEnum):
    """Where it stands. A debit loses what had been won: money that has left has left."""

    NOTICED = "noticed"
    EVIDENCE = "evidence"
    WON = "won"
    LOST = "lost"

    @property
    def label(self) -> str:
        return LABELS[self]


LABELS: Final = {
    ChargebackState.NOTICED: "Mới nhận tra soát",
    ChargebackState.EVIDENCE: "Đã gửi chứng từ",
    ChargebackState.WON: "Giữ được tiền",
    ChargebackState.LOST: "Phải trả lại",
}
LIFECYCLE: Final = Lifecycle(
    {
        ChargebackState.NOTICED: frozenset({ChargebackState.EVIDENCE, ChargebackState.WON, ChargebackState.LOST}),
        ChargebackState.EVIDENCE: frozenset({ChargebackState.WON, ChargebackState.LOST}),
        ChargebackState.WON: frozenset({ChargebackState.LOST}),
        ChargebackState.LOST: frozenset(),
    }
)


@dataclass(frozen=True, slots=True)
class Chargeback:
    """A chargeback's row."""

    id: str
    payment_id: str
    account: str
    amount: int
    provider_case: str
    state: ChargebackState
    answer_by: date
    maker: str
    reason: str
    noticed_at: datetime
    settled_at: datetime | None
    line_id: int | None
