"""The magic receipts: the last four digits of the dossier code decide what the sandbox issuer does with one.

One table for everybody, as in connectors.sandbox.dossier_behaviours; docs/reference/sandbox.md is printed from it.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_LAST_DIGITS: Final = re.compile(r"([0-9]{4})$")


class IssueAnswer(StrEnum):
    """What the issuer does when it is first asked to issue a receipt."""

    ACCEPTED = "issues it and answers OK with the number"
    SILENCE = "issues it and never answers"
    ALREADY = "issues it and answers ERR:13, as though it had had it"
    FAULT = "answers HTTP 500 with a SOAP fault, without effect, twice; then issues it"
    BUSY = "answers 503 with Retry-After: 2, without effect, once; then issues it"
    GARBLED = "issues it and answers with half an envelope"
    EXPIRED = "answers ERR:29, its certificate has expired, once; issues it when it is asked again"
    FAILED = "answers ERR:5, without effect, once; then issues it"
    OTHER_NUMBER = "leaves a number out, as though somebody else had used the series, and issues it under the next"


@dataclass(frozen=True, slots=True)
class ReceiptBehaviour:
    """What happens to a receipt at the sandbox issuer."""

    suffix: str
    name: str
    answer: IssueAnswer
    transfer: str
    """the state in which the transfer ends by itself"""
    english: str
    vietnamese: str
    times: int = 0
    """how often it answers so before it gives in"""


RECEIPT_BEHAVIOURS: Final = (
    ReceiptBehaviour(
        "9201",
        "time-out-then-found",
        IssueAnswer.SILENCE,
        "delivered",
        "Issued without an answer: the hub asks by the fkey, finds it, and does not issue it twice.",
        "Đã phát hành nhưng không trả lời: Hub tra theo fkey, thấy, không phát hành lần hai.",
    ),
    ReceiptBehaviour(
        "9202",
        "already-there",
        IssueAnswer.ALREADY,
        "delivered",
        "ERR:13, the fkey is there: a success, once the list shows it with its number.",
        "ERR:13, trùng fkey: coi là xong khi tra thấy đúng số.",
    ),
    ReceiptBehaviour(
        "9203",
        "fault-twice",
        IssueAnswer.FAULT,
        "delivered",
        "A fault leaves it unknown: asked, not found, said again.",
        "Lỗi máy chủ, chưa rõ kết quả: tra, không thấy, gửi lại.",
        times=2,
    ),
    ReceiptBehaviour(
        "9204",
        "busy-once",
        IssueAnswer.BUSY,
        "delivered",
        "Busy: said again after the wish of the issuer.",
        "Bận: gửi lại sau khoảng nơi phát hành yêu cầu.",
        times=1,
    ),
    ReceiptBehaviour(
        "9205",
        "garbled",
        IssueAnswer.GARBLED,
        "stuck",
        "The answer cannot be read; `hub transfer check` finds it issued.",
        "Trả lời không đọc được; `hub transfer check` tra thấy đã phát hành.",
    ),
    ReceiptBehaviour(
        "9206",
        "certificate-expired",
        IssueAnswer.EXPIRED,
        "stuck",
        "ERR:29: those behind it in the series wait; `hub transfer replay` once the issuer has a new certificate.",
        "ERR:29: các biên lai sau trong cùng ký hiệu chờ; thay chứng thư rồi `hub transfer replay`.",
        times=1,
    ),
    ReceiptBehaviour(
        "9207",
        "failed-once",
        IssueAnswer.FAILED,
        "delivered",
        "ERR:5 leaves it unknown: asked, not found, said again.",
        "ERR:5, chưa rõ kết quả: tra, không thấy, gửi lại.",
        times=1,
    ),
    ReceiptBehaviour(
        "9208",
        "other-number",
        IssueAnswer.OTHER_NUMBER,
        "delivered",
        "Issued under another number than ours: a person looks (M03).",
        "Phát hành với số khác số của Hub: cần người xem (M03).",
    ),
)
ORDINARY_RECEIPT: Final = ReceiptBehaviour(
    "", "ordinary", IssueAnswer.ACCEPTED, "delivered", "Issued under our number.", "Phát hành với đúng số của Hub."
)
_BY_SUFFIX: Final = {behaviour.suffix: behaviour for behaviour in RECEIPT_BEHAVIOURS}


def receipt_behaviour_of(dossier_code: str) -> ReceiptBehaviour:
    """The behaviour of a receipt by the dossier that it is for."""
    match = _LAST_DIGITS.search(dossier_code)
    return _BY_SUFFIX.get(match[1] if match else "", ORDINARY_RECEIPT)
