"""The table of problems: every way in which a door says no, with its stable code and its words in both languages.

``code`` and ``status`` are the contract and never change; titles and advice may. The table also makes
docs/reference/problems.md.
"""

from dataclasses import dataclass
from typing import Final, Literal

Language = Literal["vi", "en"]


@dataclass(frozen=True, slots=True)
class ProblemWords:
    """The same sentence in Vietnamese and in English."""

    vi: str
    en: str

    def said(self, language: Language) -> str:
        return self.vi if language == "vi" else self.en


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A type of problem (RFC 9457): ``title`` says what happened, ``advice`` what the caller should do."""

    code: str
    status: int
    title: ProblemWords
    advice: ProblemWords

    @property
    def uri(self) -> str:
        """``type``: a name, the same on every installation, not an address."""
        return f"urn:lienthong:hub:problem:{self.code}"


MALFORMED: Final = ProblemType(
    "request-malformed",
    400,
    ProblemWords("Yêu cầu HTTP không hợp lệ", "The HTTP request is malformed"),
    ProblemWords(
        "Một tiêu đề cần duy nhất bị lặp lại hoặc có giá trị không đọc được. Sửa rồi gửi lại.",
        "A header that must stand once is repeated, or cannot be read. Mend the request and send it again.",
    ),
)
KEY_MISSING: Final = ProblemType(
    "idempotency-key-missing",
    400,
    ProblemWords("Thiếu Idempotency-Key", "The Idempotency-Key is missing"),
    ProblemWords(
        "Đặt tiêu đề Idempotency-Key gồm 1 đến 255 ký tự ASCII nhìn thấy được, giữ nguyên khi gửi lại.",
        "Send an Idempotency-Key of 1 to 255 visible ASCII characters, the same one in every repetition.",
    ),
)
NOT_JSON: Final = ProblemType(
    "body-not-readable",
    400,
    ProblemWords("Không đọc được nội dung", "The body cannot be read"),
    ProblemWords("Nội dung phải là JSON (RFC 8259) mã hóa UTF-8.", "The body must be JSON (RFC 8259) in UTF-8."),
)
NOT_SOAP: Final = ProblemType(
    "envelope-not-readable",
    400,
    ProblemWords("Không đọc được phong bì SOAP", "The SOAP envelope cannot be read"),
    ProblemWords(
        "Gửi một phong bì SOAP 1.1 đúng WSDL, UTF-8, không có DOCTYPE.",
        "Send one SOAP 1.1 envelope as the WSDL has it, in UTF-8, without a DOCTYPE.",
    ),
)
HEADER_UNKNOWN: Final = ProblemType(
    "soap-header-not-understood",
    400,
    ProblemWords("Không hiểu một phần đầu SOAP bắt buộc", "A SOAP header that must be understood is not understood"),
    ProblemWords(
        "Bỏ khối Header có mustUnderstand mà WSDL không nêu (như WS-Addressing, WS-ReliableMessaging).",
        "Leave out header blocks with mustUnderstand that the WSDL does not have, such as WS-Addressing.",
    ),
)
SIGNATURE_REFUSED: Final = ProblemType(
    "authentication-failed",
    401,
    ProblemWords("Không xác thực được bên gửi", "The sender could not be authenticated"),
    ProblemWords(
        "Kiểm tra khóa, các thành phần được ký và đồng hồ (sai lệch tối đa 300 giây). Lý do cụ thể nằm trong nhật ký"
        " của Trung tâm; hãy báo request_id.",
        "Check the key, the covered components and the clock (300 seconds at most). The reason stands in the Centre's"
        " log: give it the request_id.",
    ),
)
NOT_FOUND: Final = ProblemType(
    "not-found",
    404,
    ProblemWords("Không tìm thấy", "There is nothing here"),
    ProblemWords("Kiểm tra đường dẫn và mã định danh.", "Check the path and the identifier."),
)
METHOD_NOT_ALLOWED: Final = ProblemType(
    "method-not-allowed",
    405,
    ProblemWords("Phương thức không được hỗ trợ", "The method is not allowed"),
    ProblemWords("Dùng một phương thức nêu trong tiêu đề Allow.", "Use one of the methods in the Allow header."),
)
TOO_SLOW: Final = ProblemType(
    "request-too-slow",
    408,
    ProblemWords("Yêu cầu đến quá chậm", "The request came too slowly"),
    ProblemWords("Gửi lại toàn bộ yêu cầu.", "Send the whole request again."),
)
IN_FLIGHT: Final = ProblemType(
    "request-in-flight",
    409,
    ProblemWords("Yêu cầu cùng khóa đang được tiếp nhận", "A request with this key is being accepted at this moment"),
    ProblemWords(
        "Gửi lại nguyên yêu cầu sau Retry-After giây.", "Send the same request again after Retry-After seconds."
    ),
)
TOO_LARGE: Final = ProblemType(
    "body-too-large",
    413,
    ProblemWords("Nội dung quá lớn", "The body is too large"),
    ProblemWords(
        "Tối đa 1 MiB. Gửi giấy tờ lớn bằng tham chiếu kèm SHA-256.",
        "1 MiB at most. Send large papers by reference with their SHA-256.",
    ),
)
ENCODING: Final = ProblemType(
    "content-encoding-not-supported",
    415,
    ProblemWords("Không nhận nội dung nén", "Encoded bodies are not taken"),
    ProblemWords(
        "Bỏ tiêu đề Content-Encoding và gửi nội dung không nén.", "Send the body as it is, without Content-Encoding."
    ),
)
MEDIA_TYPE: Final = ProblemType(
    "media-type-not-supported",
    415,
    ProblemWords("Loại nội dung không được hỗ trợ", "The media type is not supported"),
    ProblemWords(
        "Dùng application/json (cửa SOAP: text/xml), UTF-8.",
        "Use application/json (text/xml at the SOAP door), in UTF-8.",
    ),
)
CONTENT: Final = ProblemType(
    "content-invalid",
    422,
    ProblemWords("Nội dung không hợp lệ", "The content is not valid"),
    ProblemWords(
        "Sửa từng chỗ nêu trong errors (JSON pointer) rồi gửi lại; chưa lưu gì, Idempotency-Key vẫn chưa dùng.",
        "Mend each place named in errors (JSON pointer) and send again. Nothing was stored, so the Idempotency-Key is"
        " still free: the same one may be used.",
    ),
)
PARAMETER: Final = ProblemType(
    "parameter-invalid",
    422,
    ProblemWords("Tham số không hợp lệ", "A parameter is not valid"),
    ProblemWords("Sửa tham số nêu trong errors.", "Mend the parameter named in errors."),
)
KEY_REUSED: Final = ProblemType(
    "idempotency-key-reused",
    422,
    ProblemWords("Idempotency-Key đã dùng cho nội dung khác", "The Idempotency-Key was used with other content"),
    ProblemWords("Dùng khóa mới cho nội dung mới.", "Use a new key for new content."),
)
REFERENCE_REUSED: Final = ProblemType(
    "reference-reused",
    422,
    ProblemWords("Số tham chiếu đã dùng cho nội dung khác", "The reference was used with other content"),
    ProblemWords(
        "Mỗi reference (report_id) chỉ dùng một lần, mãi mãi. Cấp số mới cho nội dung mới.",
        "A reference (report_id) is used once, for ever. Give new content a new one.",
    ),
)
INTERNAL: Final = ProblemType(
    "internal-error",
    500,
    ProblemWords("Lỗi trong Hub", "The hub failed"),
    ProblemWords(
        "Gửi lại sau với cùng Idempotency-Key. Nếu lặp lại, báo request_id cho Trung tâm.",
        "Send it again later with the same Idempotency-Key. If it stays, give the Centre the request_id.",
    ),
)
UNAVAILABLE: Final = ProblemType(
    "unavailable",
    503,
    ProblemWords("Hub tạm thời không tiếp nhận được", "The hub cannot accept anything at the moment"),
    ProblemWords(
        "Chưa chắc đã lưu. Gửi lại nguyên yêu cầu với cùng Idempotency-Key sau Retry-After giây.",
        "It may not have been stored. Send the same request with the same Idempotency-Key after Retry-After seconds.",
    ),
)

KINDS: Final = (
    MALFORMED,
    KEY_MISSING,
    NOT_JSON,
    NOT_SOAP,
    HEADER_UNKNOWN,
    SIGNATURE_REFUSED,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    TOO_SLOW,
    IN_FLIGHT,
    TOO_LARGE,
    ENCODING,
    MEDIA_TYPE,
    CONTENT,
    PARAMETER,
    KEY_REUSED,
    REFERENCE_REUSED,
    INTERNAL,
    UNAVAILABLE,
)
OF_A_READ: Final = (SIGNATURE_REFUSED, METHOD_NOT_ALLOWED, PARAMETER)
OF_A_WRITE: Final = (
    NOT_JSON,
    SIGNATURE_REFUSED,
    METHOD_NOT_ALLOWED,
    TOO_SLOW,
    IN_FLIGHT,
    TOO_LARGE,
    ENCODING,
    MEDIA_TYPE,
    CONTENT,
    KEY_REUSED,
    REFERENCE_REUSED,
)
BY_STATUS: Final = {400: MALFORMED, 404: NOT_FOUND, 405: METHOD_NOT_ALLOWED, 413: TOO_LARGE, 503: UNAVAILABLE}
"""For what FastAPI refuses by itself."""
