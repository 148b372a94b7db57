"""The cases that there are: what each means, where its money sits, by when and how it may be settled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hub.locale import msgid


class ExceptionCode(StrEnum):
    """The code of a case: R money received, N notifications, S statements, V money taken back, P charges and payouts,
    M the month, L the book itself."""

    R01 = "R01"
    R02 = "R02"
    R03 = "R03"
    R04 = "R04"
    R05 = "R05"
    R06 = "R06"
    R07 = "R07"
    R08 = "R08"
    R09 = "R09"
    N01 = "N01"
    N02 = "N02"
    N03 = "N03"
    S01 = "S01"
    S02 = "S02"
    S03 = "S03"
    S04 = "S04"
    S05 = "S05"
    S06 = "S06"
    S07 = "S07"
    S08 = "S08"
    V01 = "V01"
    V02 = "V02"
    V03 = "V03"
    V04 = "V04"
    V05 = "V05"
    P01 = "P01"
    P02 = "P02"
    M01 = "M01"
    M02 = "M02"
    M03 = "M03"
    L01 = "L01"
    L02 = "L02"
    L03 = "L03"
    L04 = "L04"

    @property
    def about(self) -> "ExceptionDescription":
        return CODES[self]


@dataclass(frozen=True, slots=True)
class ExceptionDescription:
    """What a code means."""

    title: str
    """in few words (msgid)"""
    sits: str
    """where the money is meanwhile: accounts of the book (hub.fees.ledger.entry); empty: nowhere"""
    days: int
    """working days within which it is to be settled; 0: today"""
    otherwise: str
    """what happens if nobody acts, in Vietnamese"""
    resolutions: Sequence[str] = ()
    """names in resolutions.RESOLUTIONS; none: it is settled by what ``elsewhere`` says"""
    elsewhere: str = ""
    """a command that settles it, or what comes by itself; in Vietnamese"""


_FILE: Final = "`hub fee statements approve` hoặc `reject`, hai người; tệp không đọc được: một người `reject`"
_HELD: Final = "Tệp bị giữ nguyên, không dòng nào được ghi sổ; ngày chưa khóa được."

CODES: Final[Mapping[ExceptionCode, ExceptionDescription]] = {
    ExceptionCode.R01: ExceptionDescription(
        msgid("Money of which nobody knows what it is for"),
        "338",
        3,
        "Tiền nằm ở 338, hồ sơ của người nộp vẫn chờ; ngày không khóa được nếu chưa treo.",
        ("assign", "return_to_sender", "not_fee"),
    ),
    ExceptionCode.R02: ExceptionDescription(
        msgid("Several demands are equally likely"),
        "338",
        1,
        "Tiền nằm ở 338, không yêu cầu nào được tính là đã nộp.",
        ("choose", "assign", "return_to_sender"),
    ),
    ExceptionCode.R03: ExceptionDescription(
        msgid("A demand was paid a second time"),
        "339",
        5,
        "Tiền nằm ở 339, là nợ phải trả người nộp.",
        ("refund", "allocate"),
    ),
    ExceptionCode.R04: ExceptionDescription(
        msgid("Less came than is due"),
        "331",
        5,
        "Hồ sơ chờ nộp đủ; hết hạn nộp thì yêu cầu nộp hết hiệu lực.",
        ("waive_rest", "refund"),
        "người nộp bù đủ thì tự đóng",
    ),
    ExceptionCode.R05: ExceptionDescription(
        msgid("More came than is due"),
        "339",
        5,
        "Phần thừa nằm ở 339, là nợ phải trả người nộp.",
        ("refund", "allocate"),
    ),
    ExceptionCode.R06: ExceptionDescription(
        msgid("Money for a demand that has expired"),
        "338",
        2,
        "Tiền nằm ở 338, hồ sơ không đi tiếp.",
        ("renew", "return_to_sender"),
    ),
    ExceptionCode.R07: ExceptionDescription(
        msgid("Money for what has ended"),
        "339 hoặc 331",
        5,
        "Tiền nằm yên; người nộp chưa được trả lời.",
        ("refund", "no_refund"),
    ),
    ExceptionCode.R08: ExceptionDescription(
        msgid("Paid for the wrong dossier"),
        "331",
        2,
        "Cả hai yêu cầu nộp giữ nguyên như đang ghi.",
        ("move", "no_move"),
    ),
    ExceptionCode.R09: ExceptionDescription(
        msgid("Not ours, or another account"),
        "338",
        5,
        "Tiền nằm ở 338 hoặc chưa vào sổ.",
        ("not_fee", "return_to_sender", "noted"),
    ),
    ExceptionCode.N01: ExceptionDescription(
        msgid("Notified, and on no statement"),
        "112",
        1,
        "Tiền nằm ở 112; hồ sơ vẫn đi tiếp theo thông báo, có thể là tiền không có thật.",
        ("confirm", "void"),
        "dòng sao kê đến thì tự đóng",
    ),
    ExceptionCode.N02: ExceptionDescription(
        msgid("On the statement, and nobody notified it"),
        "",
        5,
        "Không sao: tiền đã tính cho hồ sơ. Để đếm lỗi của bên báo có.",
        ("noted",),
    ),
    ExceptionCode.N03: ExceptionDescription(
        msgid("The same movement was told in other words"),
        "338 hoặc 112",
        0,
        "Lời báo đầu giữ nguyên, lời báo sau không có tác dụng.",
        ("answered", "assign", "return_to_sender", "not_fee"),
    ),
    ExceptionCode.S01: ExceptionDescription(
        msgid("The file does not balance"),
        "",
        1,
        _HELD,
        elsewhere=_FILE,
    ),
    ExceptionCode.S02: ExceptionDescription(
        msgid("The chain of balances is broken"),
        "",
        1,
        _HELD,
        elsewhere=_FILE,
    ),
    ExceptionCode.S03: ExceptionDescription(
        msgid("A day is missing"),
        "",
        1,
        _HELD,
        elsewhere=_FILE,
    ),
    ExceptionCode.S04: ExceptionDescription(
        msgid("The period came before, with other content"),
        "",
        1,
        _HELD,
        elsewhere=_FILE,
    ),
    ExceptionCode.S05: ExceptionDescription(
        msgid("It cannot be read"), "", 1, _HELD, elsewhere=_FILE
    ),
    ExceptionCode.S06: ExceptionDescription(
        msgid("An account that is not ours"), "", 1, _HELD, elsewhere=_FILE
    ),
    ExceptionCode.S07: ExceptionDescription(
        msgid("Another currency"), "", 1, _HELD, elsewhere=_FILE
    ),
    ExceptionCode.S08: ExceptionDescription(
        msgid("A line of an accepted statement has vanished"),
        "",
        1,
        "Dòng cũ không còn tính vào số dư; cần ngân hàng trả lời.",
        ("bank_answer",),
    ),
    ExceptionCode.V01: ExceptionDescription(
        msgid("Taken back, and nobody knows of which payment"),
        "341",
        1,
        "Tiền đã ra khỏi tài khoản và nằm ở 341, chưa trừ của ai.",
        ("recover", "answered"),
    ),
    ExceptionCode.V02: ExceptionDescription(
        msgid("Taken back after the department had the money"),
        "341",
        1,
        "Tiền nằm ở 341; cơ quan còn giữ số tiền mà Trung tâm đã mất.",
        ("recover_from_department",),
    ),
    ExceptionCode.V03: ExceptionDescription(
        msgid("A chargeback"),
        "331 hoặc 341",
        5,
        "Hết hạn phản hồi thì thua tra soát.",
        elsewhere="`hub fee chargebacks`; dòng trừ tiền đến thì tự đóng",
    ),
    ExceptionCode.V04: ExceptionDescription(
        msgid("A refund, or a payment of ours, came back"),
        "113 hoặc 338",
        5,
        "Người nộp chưa nhận được tiền.",
        ("refund", "return_to_sender", "not_fee"),
    ),
    ExceptionCode.V05: ExceptionDescription(
        msgid("A debit that is not what was ordered"),
        "642",
        5,
        "Không rõ tiền ra cho ai; ngày không khóa được nếu chưa treo.",
        ("own_order", "charge", "not_fee"),
    ),
    ExceptionCode.P01: ExceptionDescription(
        msgid("A payout is not what its report comes to"),
        "338",
        5,
        "Tiền cổng trả nằm ở 338, các khoản nộp qua cổng nằm ở 112.",
        ("book_payout", "not_fee"),
    ),
    ExceptionCode.P02: ExceptionDescription(
        msgid("A debit that nobody expected"),
        "642",
        5,
        "Tạm ghi là phí ngân hàng (642).",
        ("own_order", "charge", "not_fee"),
    ),
    ExceptionCode.M01: ExceptionDescription(
        msgid("A department disputes a line"),
        "331",
        5,
        "Dòng đó không được chuyển, sang bảng tháng sau.",
        elsewhere="cơ quan xác nhận dòng đó trong bảng sau thì tự đóng",
    ),
    ExceptionCode.M02: ExceptionDescription(
        msgid("A transfer that is on no statement"),
        "331",
        2,
        "Cơ quan chưa nhận được tiền.",
        elsewhere="dòng sao kê đến thì tự đóng; ngân hàng không chi thì `hub fee orders fail`",
    ),
    ExceptionCode.M03: ExceptionDescription(
        msgid("A receipt is missing, or has another number at its issuer"),
        "",
        1,
        "Tháng không khóa được.",
        ("receipt_mended",),
    ),
    ExceptionCode.L01: ExceptionDescription(
        msgid("An invariant of the book does not hold"),
        "",
        0,
        "Không khóa ngày, không chuyển tiền.",
        ("mended",),
    ),
    ExceptionCode.L02: ExceptionDescription(
        msgid("Numbers have a gap, or an entry was changed"),
        "",
        0,
        "Không khóa ngày, không chuyển tiền.",
        ("mended",),
    ),
    ExceptionCode.L03: ExceptionDescription(
        msgid("Entries do not lead to a signed root"),
        "",
        0,
        "Không khóa ngày, không chuyển tiền.",
        ("mended",),
    ),
    ExceptionCode.L04: ExceptionDescription(
        msgid("Made anew, the book is another"),
        "",
        0,
        "Không khóa ngày, không chuyển tiền.",
        ("mended",),
    ),
}  # fmt: skip

SEVERITY: Final = ((10_000_000, 1), (1_000_000, 2), (100_000, 3))
"""đồng at risk, from which on it is so severe; 1: the worst, 4: whatever is less"""
WORST: Final = frozenset({ExceptionCode.L01, ExceptionCode.L02, ExceptionCode.L03, ExceptionCode.L04})
"""severe whatever is at risk"""


def severity(code: ExceptionCode, at_risk: int) -> int:
    """How severe a case of this code is; ``at_risk`` in đồng."""
    if code in WORST:
        return 1
    return next((level for least, level in SEVERITY if at_risk >= least), 4)
