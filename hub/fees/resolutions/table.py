"""What may be done about a case. Each is a row: what it is called, how many persons it takes, and what it does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from hub.events import Event
from hub.fees.exceptions.model import FeeException
from hub.fees.receipts import gaps
from hub.fees.resolutions import allocating, answers, classifying, moving, own_orders, recovering, unconfirmed
from hub.fees.resolutions import refunding as giving_back
from hub.unit_of_work import UnitOfWork

Act = Callable[[UnitOfWork, FeeException, Mapping[str, str]], list[Event]]


@dataclass(frozen=True, slots=True)
class Resolution:
    """One of them. ``act`` runs in the transaction in which the last person agrees, with the case locked.

    ``details`` are the names of what it has to be told (``--set name=value``).
    """

    name: str
    label_vi: str
    persons: Literal[1, 2]
    act: Act
    details: tuple[str, ...] = ()
    asked_by: Callable[[UnitOfWork, FeeException], str | None] | None = None
    """who has asked for it already: that counts as the proposal of that person"""


_ALL: Final = (
    Resolution("assign", "Tính cho một yêu cầu nộp", 2, allocating.assign, ("demand",)),
    Resolution("choose", "Chọn một đề xuất khớp", 2, allocating.choose, ("match",)),
    Resolution("renew", "Gia hạn yêu cầu nộp và tính tiền cho nó", 2, allocating.renew),
    Resolution("allocate", "Tính phần thừa cho yêu cầu nộp khác, theo đề nghị của người nộp", 2, allocating.allocate,
               ("demand",)),
    Resolution("move", "Chuyển sang đúng hồ sơ", 2, moving.move),
    Resolution("no_move", "Không chuyển: không phải nộp nhầm", 1, answers.noted),
    Resolution("waive_rest", "Không thu phần còn thiếu, theo quyết định", 2, answers.waive_rest, ("decision",)),
    Resolution("no_refund", "Không hoàn: phí đã thực hiện xong", 2, answers.no_refund),
    Resolution("refund", "Hoàn trả người nộp", 2, giving_back.agree, asked_by=giving_back.asked_by),
    Resolution("return_to_sender", "Trả lại người chuyển", 2, giving_back.agree, asked_by=giving_back.asked_by),
    Resolution("own_order", "Là lệnh chi này của Trung tâm", 2, own_orders.own_order, ("order",)),
    Resolution("not_fee", "Không phải khoản thu phí", 2, classifying.not_fee, ("kind",)),
    Resolution("charge", "Là phí ngân hàng", 2, classifying.charge),
    Resolution("confirm", "Là dòng sao kê này", 2, unconfirmed.confirm, ("line",)),
    Resolution("void", "Tiền không có thật: hủy thông báo", 2, unconfirmed.void),
    Resolution("book_payout", "Ghi sổ số tiền cổng đã trả, phần chênh là phí", 2, unconfirmed.book_payout),
    Resolution("recover", "Trừ vào khoản đã nộp này", 2, recovering.recover, ("payment",)),
    Resolution("recover_from_department", "Thu hồi từ cơ quan, trừ vào tháng này", 2,
               recovering.recover_from_department),
    Resolution("bank_answer", "Ngân hàng trả lời: không có dòng này", 2, recovering.bank_answer),
    Resolution("answered", "Bên báo có đã trả lời bằng văn bản", 1, answers.noted),
    Resolution("noted", "Đã xem, không phải làm gì", 1, answers.noted),
    Resolution("mended", "Sổ đã đúng trở lại", 1, answers.mended),
    Resolution("receipt_mended", "Biên lai đã đủ và đúng số", 1, gaps.mended),
)  # fmt: skip

RESOLUTIONS: Final[Mapping[str, Resolution]] = {one.name: one for one in _ALL}
