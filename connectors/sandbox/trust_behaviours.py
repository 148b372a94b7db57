"""What the sandbox's trust services do wrong when they are told to: for their servers, the documentation and tests."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class TrustBehaviour:
    """A knob of a trust service, and what the hub has to make of it."""

    counterparty: str
    knob: str
    english: str
    vietnamese: str


TRUST_BEHAVIOURS: Final = (
    TrustBehaviour(
        "trust.tsa",
        '{"stamps": "nonce"}',
        "A stamp with another nonce: not an answer to our request, refused.",
        "Dấu thời gian mang số nonce khác: không phải trả lời cho yêu cầu, bị từ chối.",
    ),
    TrustBehaviour(
        "trust.tsa",
        '{"stamps": "imprint"}',
        "A stamp on other data: refused.",
        "Dấu thời gian cho dữ liệu khác: bị từ chối.",
    ),
    TrustBehaviour(
        "trust.tsa",
        '{"stamps": "time"}',
        "A stamp of an hour ago, well signed: only who knows when the request was made sees what is wrong.",
        "Dấu thời gian lùi một giờ, chữ ký đúng: chỉ bên biết lúc gửi yêu cầu mới phát hiện.",
    ),
    TrustBehaviour(
        "trust.tsa",
        '{"stamps": "rejection"}',
        "The authority refuses (status rejection, badAlg).",
        "Dịch vụ dấu thời gian từ chối (rejection, badAlg).",
    ),
    TrustBehaviour(
        "trust.tsa",
        '{"stamps": "certificate"}',
        "Signed with a certificate that is not for time stamping: refused.",
        "Ký bằng chứng thư không dùng để cấp dấu thời gian: bị từ chối.",
    ),
    TrustBehaviour(
        "trust.tsa",
        '{"stamps": "garbage"}',
        "No DER at all.",
        "Không phải dữ liệu DER.",
    ),
    TrustBehaviour(
        "trust.ca",
        '{"stale_list": true}',
        "A revocation list whose next update has passed: what it does not speak of is not signed.",
        "Danh sách thu hồi quá hạn cập nhật: không ký khi chưa có danh sách mới.",
    ),
    TrustBehaviour(
        "trust.tsa, trust.ca",
        '{"down": true}, {"cut": true}, {"slow": 30}, {"fail_next": 2}',
        "Down, cut off, slow, failing: asked again later; handoffs go on, their time stamp waits.",
        "Ngừng, đứt kết nối, chậm, lỗi: hỏi lại sau; bàn giao vẫn tiếp tục, dấu thời gian chờ.",
    ),
)
