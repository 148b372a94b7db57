"""What a sandbox bank does with a transfer, a statement, a payout or an order of ours, when it is told to.

One table each for the servers, the documentation and the tests. ``case``: the code of what the hub finds (R… N… S… V…).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Booked(StrEnum):
    """What the bank's own book has of a transfer."""

    ONCE = "once"
    TWICE = "twice, under two numbers"
    NEVER = "never"
    TAKEN_BACK = "once, and taken back on the same day"
    NEXT_DAY = "on the day after"


class NotificationBehaviour(StrEnum):
    """How often and in what form the provider notifies the hub of it."""

    ONCE = "once"
    REPEATED = "three times, in the same words"
    CROWDED = "twenty times at the same moment"
    NEVER = "never"
    HELD = "when it is told to: POST /_sandbox/tell"
    FORGED = "with a signature that is not the provider's"
    STALE = "with a signature of an hour ago"
    CHANGED = "twice under one number, with another amount"
    FAILED = "that it failed"
    FAILED_FIRST = "that it failed, then that it was paid"


@dataclass(frozen=True, slots=True)
class TransferBehaviour:
    """What becomes of a transfer to an account of ours."""

    name: str
    booked: Booked
    telling: NotificationBehaviour
    case: str
    english: str
    vietnamese: str
    cut: bool = False
    """the payer's words are cut in the middle of the reference"""


TOLD: Final = TransferBehaviour(
    "told",
    Booked.ONCE,
    NotificationBehaviour.ONCE,
    "",
    "Booked and told once: what happens where nothing else is asked for.",
    "Ghi sổ và báo một lần: mặc định.",
)
TRANSFER_BEHAVIOURS: Final = (
    TOLD,
    TransferBehaviour(
        "repeated",
        Booked.ONCE,
        NotificationBehaviour.REPEATED,
        "",
        "The same notification again and again: one payment, the same answer each time.",
        "Báo đi báo lại y hệt: một khoản thu, mỗi lần cùng một câu trả lời.",
    ),
    TransferBehaviour(
        "crowded",
        Booked.ONCE,
        NotificationBehaviour.CROWDED,
        "",
        "Twenty deliveries side by side: one payment.",
        "Hai mươi lần báo cùng lúc: một khoản thu.",
    ),
    TransferBehaviour(
        "lost",
        Booked.ONCE,
        NotificationBehaviour.NEVER,
        "N02",
        "The notification is lost: the statement makes the payment.",
        "Mất báo có: sao kê lập khoản thu.",
    ),
    TransferBehaviour(
        "late",
        Booked.ONCE,
        NotificationBehaviour.HELD,
        "N02",
        "Told only after the statement, if at all.",
        "Báo có đến sau sao kê.",
    ),
    TransferBehaviour(
        "unbooked",
        Booked.NEVER,
        NotificationBehaviour.ONCE,
        "N01",
        "Told, and on no statement ever.",
        "Có báo nhưng không bao giờ có trên sao kê.",
    ),
    TransferBehaviour(
        "forged",
        Booked.NEVER,
        NotificationBehaviour.FORGED,
        "N04",
        "Somebody else speaks in the bank's name: refused, nothing is counted.",
        "Kẻ khác mạo danh ngân hàng: từ chối, không tính gì.",
    ),
    TransferBehaviour(
        "stale",
        Booked.ONCE,
        NotificationBehaviour.STALE,
        "N05",
        "Signed an hour ago (where a time is signed): refused; the statement shows the money (N02).",
        "Ký từ một giờ trước (nơi có ký giờ): từ chối; sao kê cho thấy tiền (N02).",
    ),
    TransferBehaviour(
        "changed",
        Booked.ONCE,
        NotificationBehaviour.CHANGED,
        "N03",
        "Told again with another amount: what was said first stands, a person asks the provider.",
        "Báo lại với số tiền khác: giữ lần đầu, có người hỏi lại.",
    ),
    TransferBehaviour(
        "failed",
        Booked.NEVER,
        NotificationBehaviour.FAILED,
        "",
        "The payment did not succeed: told so (where they tell it), nothing is counted.",
        "Thanh toán không thành công: không tính gì.",
    ),
    TransferBehaviour(
        "failed-first",
        Booked.ONCE,
        NotificationBehaviour.FAILED_FIRST,
        "",
        "Failed at the first try and paid at the second: counted.",
        "Lần đầu thất bại, lần sau thành công: tính.",
    ),
    TransferBehaviour(
        "twice",
        Booked.TWICE,
        NotificationBehaviour.ONCE,
        "R03",
        "The payer pressed twice: two movements of money, each told; the second is owed back.",
        "Người nộp bấm hai lần: hai khoản tiền, khoản sau phải hoàn.",
    ),
    TransferBehaviour(
        "taken-back",
        Booked.TAKEN_BACK,
        NotificationBehaviour.ONCE,
        "R04",
        "Booked, told, and taken back by the bank: what was paid is open again.",
        "Ghi có, báo có, rồi bị ngân hàng đảo: khoản phải thu mở lại.",
    ),
    TransferBehaviour(
        "next-day",
        Booked.NEXT_DAY,
        NotificationBehaviour.ONCE,
        "",
        "Paid late in the evening and booked on the day after.",
        "Nộp tối muộn, ngân hàng hạch toán ngày sau.",
    ),
    TransferBehaviour(
        "cut-words",
        Booked.ONCE,
        NotificationBehaviour.ONCE,
        "R01",
        "The payer's words are cut in the middle of the reference: a person decides.",
        "Nội dung bị cắt giữa mã thu phí: cần người xử lý.",
        cut=True,
    ),
)


class StatementFault(StrEnum):
    """What is wrong with a statement."""

    NONE = "right"
    UNBALANCED = "unbalanced"
    CUT = "cut"
    OTHER_OPENING = "other-opening"
    WITHHELD = "withheld"
    OTHER_CONTENT = "other-content"
    LINE_GONE = "line-gone"
    OTHER_ACCOUNT = "other-account"
    OTHER_CURRENCY = "other-currency"
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class StatementBehaviour:
    """How a day's statement is laid out."""

    fault: StatementFault
    case: str
    english: str
    vietnamese: str


STATEMENT_BEHAVIOURS: Final = (
    StatementBehaviour(
        StatementFault.NONE, "", "As the book has it; its balances are right.", "Đúng như sổ của ngân hàng."
    ),
    StatementBehaviour(
        StatementFault.UNBALANCED, "S01", "The closing balance is one đồng off.", "Số dư cuối lệch một đồng."
    ),
    StatementBehaviour(StatementFault.CUT, "S05", "The file breaks off in its middle.", "Tệp bị cắt giữa chừng."),
    StatementBehaviour(
        StatementFault.OTHER_OPENING,
        "S02",
        "It does not go on from where the last one ended.",
        "Số dư đầu không nối tiếp sao kê trước.",
    ),
    StatementBehaviour(
        StatementFault.WITHHELD,
        "S03",
        "It is made and not laid out: the next one waits for it. `POST /_sandbox/release` lays it out.",
        "Lập nhưng không đưa ra: sao kê sau phải chờ.",
    ),
    StatementBehaviour(
        StatementFault.OTHER_CONTENT,
        "S04",
        "The last statement again, under its own number, with a line more.",
        "Sao kê cũ đưa lại cùng số nhưng thêm một dòng.",
    ),
    StatementBehaviour(
        StatementFault.LINE_GONE,
        "S08",
        "The last statement again without its first line.",
        "Sao kê cũ đưa lại, mất dòng đầu.",
    ),
    StatementBehaviour(
        StatementFault.OTHER_ACCOUNT,
        "S06",
        "Of an account that is not ours.",
        "Của tài khoản không phải của Trung tâm.",
    ),
    StatementBehaviour(StatementFault.OTHER_CURRENCY, "S07", "In US dollars.", "Bằng đô la Mỹ."),
    StatementBehaviour(
        StatementFault.AGAIN, "", "The last file again under another name: no line is new.", "Tệp cũ dưới tên khác."
    ),
)


@dataclass(frozen=True, slots=True)
class BankOrderBehaviour:
    """What the bank does with a payment order of ours, or a gateway with a payout."""

    name: str
    case: str
    english: str
    vietnamese: str


EXECUTED: Final = "executed"
ORDER_BEHAVIOURS: Final = (
    BankOrderBehaviour(
        EXECUTED, "", "The money leaves: a debit line with our reference.", "Tiền đi: một dòng nợ có mã lệnh chi."
    ),
    BankOrderBehaviour(
        "other-amount", "V05", "A thousand đồng more leave than were ordered.", "Chi thừa một nghìn đồng."
    ),
    BankOrderBehaviour("returned", "V04", "The money leaves and comes back.", "Tiền đi rồi bị trả lại."),
    BankOrderBehaviour("never", "M02", "Nothing happens.", "Ngân hàng không thực hiện."),
)
PAID_OUT: Final = "paid-out"
PAYOUT_BEHAVIOURS: Final = (
    BankOrderBehaviour(
        PAID_OUT, "", "All that was collected, less the charge, and its report.", "Trả đủ trừ phí, kèm báo cáo."
    ),
    BankOrderBehaviour(
        "other-net", "P01", "A thousand đồng less come than the report says.", "Trả thiếu một nghìn so với báo cáo."
    ),
)
