"""Why a message waits for a person or for another message: stable words of the hub's own, each with its meaning.

The words for what went wrong at a counterparty are connectors.errors.Code.
"""

from schemas.explained import Explained


class Code(Explained):
    """A word that stands in rows, logs and docs/reference/errors.md; ``en`` and ``vi`` say what it means and asks."""

    NOT_THERE = (
        "NOT_THERE",
        "The counterparty was asked and does not have it: replaying is safe.",
        "Đã hỏi và bên nhận chưa có hồ sơ này: có thể gửi lại an toàn.",
    )
    OUTCOME_UNKNOWN = (
        "OUTCOME_UNKNOWN",
        "It may have arrived, and this counterparty cannot be asked. Ask its people, then replay or cancel.",
        "Có thể đã đến nơi nhưng không hỏi lại được bên nhận. Liên hệ cán bộ bên nhận rồi gửi lại hoặc hủy.",
    )
    LEASE_EXPIRED = (
        "LEASE_EXPIRED",
        "The process that was sending it died or slept; the outcome is unknown and is asked about next.",
        "Tiến trình đang gửi bị dừng; kết quả chưa rõ, hệ thống sẽ hỏi lại bên nhận.",
    )
    HUB_FAILED = (
        "HUB_FAILED",
        "A fault of ours in mid-sentence; the log of the worker names it. The outcome is unknown and is asked about.",
        "Lỗi của trục khi đang gửi (xem nhật ký tiến trình); kết quả chưa rõ, hệ thống sẽ hỏi lại bên nhận.",
    )
    REPLY_FAILED = (
        "REPLY_FAILED",
        "The counterparty answered and we could not process its answer; the log names the fault. Mend, then check.",
        "Bên nhận đã trả lời nhưng trục không xử lý được (xem nhật ký). Sửa lỗi rồi hỏi lại trạng thái.",
    )
    HANDLER_FAILED = (
        "HANDLER_FAILED",
        "A fault of ours while handling what came in; the log names it. Mend, then revive.",
        "Lỗi của trục khi xử lý tin đến (xem nhật ký). Sửa lỗi rồi phục hồi tin.",
    )
    PROCEDURE_UNKNOWN = (
        "PROCEDURE_UNKNOWN",
        "The procedure left the catalogue after the submission was accepted. Restore it, then revive.",
        "Thủ tục đã bị gỡ khỏi danh mục sau khi nhận hồ sơ. Khôi phục thủ tục rồi phục hồi tin.",
    )
    DOSSIER_CODE_TAKEN = (
        "DOSSIER_CODE_TAKEN",
        "Another dossier has the code that the portal issued for this one. The portal has to say which is right.",
        "Mã số hồ sơ do Cổng cấp đã thuộc hồ sơ khác. Cổng cần xác định mã nào đúng.",
    )
    STATUS_UNKNOWN = (
        "STATUS_UNKNOWN",
        "The department reports a code that is not in its [status] table. Ask what it means, add it, then revive.",
        "Sở báo một mã trạng thái không có trong bảng [status]. Hỏi rõ nghĩa, bổ sung bảng rồi phục hồi tin.",
    )
    DOSSIER_UNKNOWN = (
        "DOSSIER_UNKNOWN",
        "The department reports on a dossier that it was never handed. It waits in case the dossier is on its way.",
        "Sở báo trạng thái của hồ sơ chưa từng được chuyển đến. Tin chờ phòng khi hồ sơ đang đến.",
    )
    REPORT_EARLY = (
        "REPORT_EARLY",
        "The report came before one that has to precede it; it waits for that, at most the department's patience.",
        "Báo cáo đến trước báo cáo phải có trước nó; tin chờ, tối đa bằng thời gian chờ của sở.",
    )
    MOVE_REFUSED = (
        "MOVE_REFUSED",
        "No road of the lifecycle leads from where the dossier stands to what is reported. Ask the department.",
        "Vòng đời hồ sơ không có đường đi từ trạng thái hiện tại đến trạng thái được báo. Hỏi lại sở.",
    )
