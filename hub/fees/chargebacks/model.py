"""A chargeback: a payer has his bank ask back what a card had paid. Pure; đồng."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from hub.lifecycle import Lifecycle


class State(StrEnum):
    """Where it stands. A debit loses what had been won: money that has left has left."""

    NOTICED = "noticed"
    EVIDENCE = "evidence"
    WON = "won"
    LOST = "lost"

    @property
    def label(self) -> str:
        return LABELS[self]


LABELS: Final = {
    State.NOTICED: "Mới nhận tra soát",
    State.EVIDENCE: "Đã gửi chứng từ",
    State.WON: "Giữ được tiền",
    State.LOST: "Phải trả lại",
}
LIFECYCLE: Final = Lifecycle(
    {
        State.NOTICED: frozenset({State.EVIDENCE, State.WON, State.LOST}),
        State.EVIDENCE: frozenset({State.WON, State.LOST}),
        State.WON: frozenset({State.LOST}),
        State.LOST: frozenset(),
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
    state: State
    answer_by: date
    maker: str
    reason: str
    noticed_at: datetime
    settled_at: datetime | None
    line_id: int | None
