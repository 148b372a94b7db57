"""What accountants read about the proof: each check, and the things in which an offender may be found."""

from collections.abc import Mapping
from typing import Final

CHECKS: Final[Mapping[str, str]] = {
    # I1
    "entries are numbered without a gap": "Số bút toán liền mạch, không thiếu số nào",
    "both sides of every entry are equal and what it says": "Mỗi bút toán có Nợ = Có = số tiền ghi trên bút toán",
    "debit and credit of the whole book are equal": "Tổng Nợ = tổng Có của toàn sổ",
    "every entry is the one that was posted": "Mọi bút toán còn nguyên như khi ghi sổ",
    "a closed day has the entries with which it was closed": "Ngày đã khóa còn đúng các bút toán khi khóa",
    "a closed month has the entries with which it was closed": "Tháng đã khóa còn đúng các bút toán khi khóa",
    "the entries lead to the signed roots": "Các bút toán dẫn đến đúng giá trị gốc đã ký",
    "checkpoints follow one another and lie in the custody log": (
        "Các điểm kiểm tra nối tiếp nhau và có trong sổ lưu vết"
    ),
    # I2
    "111 of every account is what its statements have booked": (
        "Số dư 111 của từng tài khoản = tổng các dòng sao kê đã ghi sổ"
    ),
    "every booked line that has an outcome is in the book once, with its amount and its account": (
        "Mỗi dòng sao kê đã có kết quả vào sổ đúng một lần, đúng số tiền, đúng tài khoản"
    ),
    # I3
    "no booked line has waited for an hour without an outcome": "Không dòng sao kê nào quá một giờ chưa có kết quả",
    "a line is matched, in an open case, or no fee: one of the three": (
        "Mỗi dòng sao kê hoặc đã khớp, hoặc có ca đang mở, hoặc không phải phí"
    ),
    "a line, and a payment, stand in one confirmed match": (
        "Mỗi dòng sao kê, mỗi khoản nộp chỉ nằm trong một nhóm khớp đã xác nhận"
    ),
    "what a match counts for a demand was credited to it by its payment": (
        "Số tiền nhóm khớp tính cho yêu cầu nộp đã được khoản nộp ghi có cho yêu cầu đó"
    ),
    "a match counts no more than came, and its line and payment are of one amount and account": (
        "Nhóm khớp không tính quá số tiền đến; dòng sao kê và khoản nộp cùng số tiền, cùng tài khoản"
    ),
    "no movement is two payments because two issuers number it": (
        "Không giao dịch nào thành hai khoản nộp vì hai nơi báo đánh số khác nhau"
    ),
    "a payment order that was paid is one debit of its account and its amount; one that came back is a credit too": (
        "Lệnh chi đã trả là một dòng ghi nợ đúng tài khoản, đúng số tiền; lệnh bị trả lại có thêm một dòng ghi có"
    ),
    # I4
    "deliveries are the bytes that came": "Nội dung báo có còn nguyên như khi nhận",
    "deliveries are events, repetitions, conflicts, and what was not believed": (
        "Mỗi lần báo là sự kiện mới, báo lặp, báo mâu thuẫn hoặc bị từ chối"
    ),
    "events are what their messages say": "Sự kiện đúng như nội dung tin báo",
    "a payment that was notified has one outcome": "Mỗi khoản nộp được báo có đúng một kết quả",
    "what was taken back has ended its payment, or is a case": (
        "Khoản bị thu hồi đã kết thúc khoản nộp hoặc đang có ca xử lý"
    ),
    "every payment by notification was notified, with its amount and number": (
        "Mọi khoản nộp theo báo có đều có tin báo, đúng số tiền và số giao dịch"
    ),
    "what postmen have collected is what consignments were delivered for": (
        "Tiền bưu tá thu = tiền thu hộ của bưu gửi đã phát"
    ),
    "what was notified of a known payment is that payment, told once by each provider": (
        "Tin báo muộn thuộc đúng khoản nộp đã biết, mỗi nơi báo một lần"
    ),
    # I5
    "a demand is the sum of its lines": "Yêu cầu nộp = tổng các dòng của nó",
    "what is allocated to a demand is what was credited to it": (
        "Số tiền đã tính cho yêu cầu nộp = số tiền đã ghi có cho nó"
    ),
    "what is allocated to a demand is owed to its departments by the book": (
        "Số tiền đã tính cho yêu cầu nộp = số phải trả cơ quan trên 331"
    ),
    "no more is allocated of a payment than it counts for": (
        "Số tiền đã dùng của khoản nộp = số tiền các yêu cầu nộp nhận từ nó"
    ),
    # I6
    "112 is the payments that no statement has shown yet": "Số dư 112 = các khoản nộp chưa có trên sao kê",
    "behind every sum on 338, 339 and 341 there is an open case, and on its right side": (
        "Mỗi số dư trên 338, 339, 341 có một ca đang mở và ở đúng bên"
    ),
    "113 is the refunds that are approved and on no statement yet": (
        "Số dư 113 = các khoản hoàn đã duyệt, chưa có trên sao kê"
    ),
    "a refund stands as its last order does": "Trạng thái khoản hoàn theo lệnh chi cuối cùng của nó",
    # I7
    "files are the bytes that came, and what was not accepted has posted nothing": (
        "Tệp sao kê còn nguyên như khi nhận; tệp chưa được nhận không ghi sổ"
    ),
    "the statements of an account follow one another without a gap": (
        "Sao kê của mỗi tài khoản nối tiếp nhau, không đứt quãng"
    ),
    "an account's last closing balance is its first opening balance and all that was booked": (
        "Số dư cuối kỳ sau cùng = số dư đầu kỳ đầu tiên + mọi phát sinh"
    ),
    # I8
    "every movement of 331 in a month that has tables is one line of its department's table": (
        "Mỗi phát sinh 331 của tháng đã lập bảng là một dòng trong bảng của cơ quan"
    ),
    "the sums of a table are those of its lines, and what was signed says the same": (
        "Các tổng của bảng = tổng các dòng = số đã ký"
    ),
    "what the Centre keeps of a month is what its tables say": (
        "Số Trung tâm được để lại của tháng = số ghi trên các bảng"
    ),
    "a settlement whose money has gone was paid what it came to, but for what is disputed": (
        "Bảng đã chuyển tiền được trả đúng số phải chuyển, trừ phần đang tranh chấp"
    ),
    "331 of a department is what is in no table yet, in tables not paid yet, and disputed": (
        "Số dư 331 của cơ quan = chưa lập bảng + bảng chưa trả + đang tranh chấp"
    ),
    # I9
    "every payment that was notified is in the book once, with its amount and its account": (
        "Mỗi khoản nộp đã báo vào sổ đúng một lần, đúng số tiền, đúng tài khoản"
    ),
    "what was taken back is taken back in the book": "Khoản bị thu hồi đã được ghi đảo trong sổ",
    "the second engine comes to the same balances": "Công cụ tính thứ hai cho cùng số dư",
    "the second engine reads the same entries": "Công cụ tính thứ hai đọc ra cùng các bút toán",
    "the second engine finds the same demands in the lines": (
        "Công cụ tính thứ hai tìm thấy cùng yêu cầu nộp trong các dòng sao kê"
    ),
    "all that came, handled again from the beginning, ends where the hub stands": (
        "Xử lý lại từ đầu mọi dữ liệu đã nhận cho cùng kết quả với hiện tại"
    ),
    # I10
    "the numbers of a series begin with 1 every year and none is missing": (
        "Số biên lai của mỗi ký hiệu bắt đầu từ 1 mỗi năm, không thiếu số nào"
    ),
    "the receipts of a demand that stand are what is allocated to it": (
        "Biên lai còn hiệu lực của yêu cầu nộp = số tiền đã tính cho nó"
    ),
    "what a receipt says is what was sealed and what its row says": (
        "Nội dung biên lai đúng như bản đã ký số và như dữ liệu lưu"
    ),
}
"""Check.name → its label"""
_SUBJECTS: Final[Mapping[str, str]] = {
    "book": "toàn sổ",
    "chargeback": "tra soát",
    "checkpoint": "điểm kiểm tra",
    "delivery": "lần báo",
    "entry": "bút toán",
    "event": "sự kiện",
    "line": "dòng sao kê",
    "match": "nhóm khớp",
    "payment": "khoản nộp",
    "refund": "khoản hoàn",
    "settlement": "bảng",
}


def subject(what: str) -> str:
    """Name an offender: "entry 12" is "bút toán 12"; an id or an account stays as it is."""
    kind, space, number = what.partition(" ")
    return _SUBJECTS.get(kind, kind) + space + number
