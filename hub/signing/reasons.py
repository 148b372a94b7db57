"""Why a signature, a certificate or a time stamp is refused, in Vietnamese: by the codes of hub.signing.verdicts."""

from collections.abc import Mapping
from typing import Final

from hub.signing.verdicts import Invalid, Undecided

VI: Final[Mapping[str, str]] = {
    "another-party": "theo danh sách tin cậy, chứng thư này của bên khác",
    "algorithm-refused": "thuật toán không được chấp nhận",
    "certificate-absent": "không có chứng thư của người ký",
    "certificate-refused": "chứng thư có điều kiện không hiểu được",
    "certificate-unreadable": "không đọc được chứng thư",
    "certificates-superfluous": "có chứng thư thừa, không liên quan đến chữ ký",
    "content-changed": "nội dung không phải nội dung đã ký",
    "content-gone": "nội dung không còn và chữ ký dùng thuật toán băm khác",
    "content-type": "sai loại nội dung được ký",
    "crl-missing": "thiếu danh sách thu hồi của nơi cấp chứng thư",
    "crl-stale": "không có danh sách thu hồi nói về thời điểm đó",
    "expired": "chứng thư đã hết hạn vào thời điểm đó",
    "issuer-refused": "nơi cấp chứng thư không có quyền cấp",
    "key-refused": "khóa quá yếu hoặc không được chấp nhận",
    "key-usage": "chứng thư không dùng để ký",
    "no-path": "chứng thư không dẫn tới gốc được tin cậy",
    "not-a-signature": "tệp không phải chữ ký hoặc đã hỏng",
    "not-a-stamp": "tệp không phải dấu thời gian hoặc đã hỏng",
    "not-der": "tệp chữ ký không đúng dạng chuẩn, đã bị sửa",
    "not-detached": "tệp chữ ký chứa cả nội dung",
    "not-listed": "danh sách tin cậy không có chứng thư này cho bên phải ký; hỏi phiên bản mới hơn",
    "not-one-signer": "tệp không có đúng một chữ ký",
    "not-yet-valid": "chứng thư chưa có hiệu lực vào thời điểm đó",
    "officer-absent": "bản ghi không nêu cán bộ, mà của Trung tâm phải có cán bộ ký",
    "out-of-period": "theo danh sách tin cậy, chứng thư không ký thay bên này vào thời điểm đó",
    "revoked": "chứng thư đã bị thu hồi trước thời điểm đó",
    "sides": "các bên ghi trong bản ghi không đúng với loại bàn giao",
    "signature-wrong": "chữ ký không do khóa của chứng thư này tạo ra",
    "signing-certificate-absent": "chữ ký không gắn với chứng thư (không phải CAdES)",
    "signing-certificate-wrong": "chữ ký gắn với chứng thư khác",
    "signing-time": "thời điểm ký không hợp lý",
    "stamp-imprint": "dấu thời gian thuộc nội dung khác",
    "stamp-purpose": "chứng thư không phải của nơi cấp dấu thời gian",
    "unsigned-parts": "tệp chữ ký có phần không được chữ ký bảo vệ",
}


def said(end: Invalid | Undecided) -> str:
    """The code and what it means; in English where nobody has put it into Vietnamese yet."""
    return f"{end.code}: {VI.get(end.code, end.sentence)}"
