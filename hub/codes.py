"""Why a message waits for a person or for another message: stable words of the hub's own, each with its meaning.

The words for what went wrong at a counterparty are connectors.errors.ConnectorCode.
"""

from schemas.explained import Explained


class HubCode(Explained):
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
    PROCESS_DIED = (
        "PROCESS_DIED",
        "The process that had it died twice in a row, or slept in sending. See the worker's log and memory first.",
        "Tiến trình xử lý bị dừng hai lần liên tiếp. Xem nhật ký và bộ nhớ của tiến trình trước khi cho chạy lại.",
    )
    DATABASE_BUSY = (
        "DATABASE_BUSY",
        "Other work held what this needed to change, several times in a row. It is tried again by itself.",
        "Dữ liệu cần sửa đang bị việc khác giữ nhiều lần liền; hệ thống sẽ tự làm lại.",
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
        "A fault of ours while handling what came in; the log names it. Mend, then requeue.",
        "Lỗi của trục khi xử lý tin đến (xem nhật ký). Sửa lỗi rồi phục hồi tin.",
    )
    PROCEDURE_UNKNOWN = (
        "PROCEDURE_UNKNOWN",
        "The procedure left the catalogue after the submission was accepted. Restore it, then requeue.",
        "Thủ tục đã bị gỡ khỏi danh mục sau khi nhận hồ sơ. Khôi phục thủ tục rồi phục hồi tin.",
    )
    DOSSIER_CODE_TAKEN = (
        "DOSSIER_CODE_TAKEN",
        "Another dossier has the code that the portal issued for this one: the submission is refused, the portal told.",
        "Mã số hồ sơ do Cổng cấp đã thuộc hồ sơ khác: hồ sơ bị từ chối và Cổng được báo.",
    )
    REFUSED = (
        "REFUSED",
        "A person has refused the message (hub inbox refuse); the audit log says who and why.",
        "Người có trách nhiệm đã từ chối tin này (hub inbox refuse); nhật ký ghi ai và vì sao.",
    )
    STATUS_UNKNOWN = (
        "STATUS_UNKNOWN",
        "A department or operator reports a code that is not in its [status] table. Ask, add it, then requeue.",
        "Đối tác báo một mã trạng thái không có trong bảng [status]. Hỏi rõ nghĩa, bổ sung bảng rồi phục hồi tin.",
    )
    MATCHING_BUSY = (
        "MATCHING_BUSY",
        "Somebody is matching this account's lines at this moment. It is tried again by itself.",
        "Tài khoản này đang được đối soát ở nơi khác; hệ thống sẽ tự làm lại.",
    )
    DOSSIER_UNKNOWN = (
        "DOSSIER_UNKNOWN",
        "The department reports on a dossier that it was never handed. It waits in case the dossier is on its way.",
        "Sở báo trạng thái của hồ sơ chưa từng được chuyển đến. Tin chờ phòng khi hồ sơ đang đến.",
    )
    ANSWER_REFUSED = (
        "ANSWER_REFUSED",
        "A department's answer to a month's table cannot stand: another table, lines that it has not, or too late.",
        "Trả lời của sở về bảng tổng hợp tháng không dùng được: sai bảng, sai dòng, hoặc bảng đã được trả lời.",
    )
    CONSIGNMENT_UNKNOWN = (
        "CONSIGNMENT_UNKNOWN",
        "The operator tells of a consignment that was never ordered here. Ask whose it is.",
        "Bưu chính báo về một bưu gửi chưa từng đặt ở đây. Hỏi lại bưu chính.",
    )
    ENTRY_UNREADABLE = (
        "ENTRY_UNREADABLE",
        "An entry of a feed cannot be read; the feed went on. Ask what it says; requeue reads it again, or refuse it.",
        "Một mục trong luồng tin không đọc được; các mục sau vẫn được nhận. Hỏi lại; requeue: đọc lại, hoặc refuse.",
    )
    REPORT_CONFLICT = (
        "REPORT_CONFLICT",
        "A name that was used before came with other content; the first counts. Ask; requeue takes both, or refuse it.",
        "Cùng một mã báo cáo nhưng nội dung khác; bản trước có hiệu lực. Hỏi lại; requeue: nhận cả hai, hoặc refuse.",
    )
    DATED_AHEAD = (
        "DATED_AHEAD",
        "Dated later than it came, by more than clocks may differ. Ask; requeue takes it as of then, or refuse it.",
        "Ghi thời điểm sau lúc nhận, quá mức lệch đồng hồ. Hỏi lại; requeue: áp dụng theo lúc nhận, hoặc refuse.",
    )
    REPORT_LATE = (
        "REPORT_LATE",
        "A result or an end is reported for an earlier time than the status. Ask; requeue to apply it, or refuse.",
        "Báo kết quả hoặc kết thúc tại thời điểm trước trạng thái hiện tại. Hỏi lại sở; requeue: áp dụng, hoặc refuse.",
    )
    PAYMENT_UNKNOWN = (
        "PAYMENT_UNKNOWN",
        "A refund or reversal of a payment that nobody has told of yet; it waits half an hour for it, then is a case.",
        "Báo hoàn tiền hoặc đảo giao dịch của khoản chưa được báo; tin chờ nửa giờ rồi chuyển thành việc cần xử lý.",
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
    OFFICER_MAY_NOT_SIGN = (
        "OFFICER_MAY_NOT_SIGN",
        "The officer is off the roster that day, has another role, or serves another department: see officers.toml.",
        "Cán bộ không có trong danh sách ngày đó, khác nhiệm vụ hoặc thuộc sở khác: xem officers.toml.",
    )
    KEY_UNAVAILABLE = (
        "KEY_UNAVAILABLE",
        "A signing key is missing, locked or expired, so nothing is signed. Mend it (hub keys check), then requeue.",
        "Khóa ký bị thiếu, bị khóa hoặc hết hạn nên không ký. Khắc phục (hub keys check) rồi phục hồi tin.",
    )
    CERTIFICATE_REFUSED = (
        "CERTIFICATE_REFUSED",
        "The signer's certificate is revoked, expired, not bound to the officer, or of an unknown authority.",
        "Chứng thư của người ký bị thu hồi, hết hạn, không gắn với cán bộ hoặc do nơi không được tin cậy cấp.",
    )
    REVOCATION_UNKNOWN = (
        "REVOCATION_UNKNOWN",
        "There is no fresh revocation list of the signer's CA, so nothing is signed until it has been fetched.",
        "Chưa có danh sách thu hồi còn hiệu lực của nơi cấp chứng thư nên chưa ký cho đến khi tải được.",
    )
    RECEIPT_UNSIGNED = (
        "RECEIPT_UNSIGNED",
        "The department has the dossier, and its receipt lacks the counter-record that it signs. Ask it, then check.",
        "Sở đã nhận hồ sơ nhưng biên nhận thiếu bản ghi đã ký. Liên hệ sở rồi hỏi lại trạng thái.",
    )
    RECEIPT_UNREADABLE = (
        "RECEIPT_UNREADABLE",
        "A department's signed record is not the canonical JSON of the contract. Ask the department, then check.",
        "Bản ghi đã ký của sở không đúng dạng JSON chính tắc theo quy ước. Liên hệ sở rồi hỏi lại trạng thái.",
    )
    RECEIPT_OF_ANOTHER = (
        "RECEIPT_OF_ANOTHER",
        "A department's signed record is about another handoff, or in another's name. Ask the department, then check.",
        "Bản ghi đã ký của sở thuộc lần bàn giao khác hoặc đứng tên cơ quan khác. Liên hệ sở rồi hỏi lại trạng thái.",
    )
    RECEIPT_REFUSED = (
        "RECEIPT_REFUSED",
        "A department's signature does not hold: forged, revoked, expired, or not by its certificate. Ask, then check.",
        "Chữ ký của sở không hợp lệ: sai, bị thu hồi, hết hạn hoặc không phải chứng thư của sở. Liên hệ rồi hỏi lại.",
    )
    STAMP_UNTRUE = (
        "STAMP_UNTRUE",
        "What the time-stamping authority gave is no true stamp of what was asked: not kept. Ask it, then replay.",
        "Dấu thời gian nhận được không đúng với nội dung đã gửi nên không lưu. Hỏi nơi cấp rồi gửi lại.",
    )
    STAMP_UNDECIDED = (
        "STAMP_UNDECIDED",
        "The stamp cannot be judged yet: its authority's CA has no fresh revocation list. It is asked for again.",
        "Chưa đánh giá được dấu thời gian vì thiếu danh sách thu hồi còn hiệu lực; hệ thống sẽ xin lại.",
    )
    WITNESS_UNTRUE = (
        "WITNESS_UNTRUE",
        "The department's receipt for a checkpoint is about another one, or is not signed by it. Ask the department.",
        "Biên nhận điểm kiểm tra của sở không đúng điểm đã gửi hoặc không do sở ký. Hỏi lại sở.",
    )
    WITNESS_UNDECIDED = (
        "WITNESS_UNDECIDED",
        "The department's counter-signature on a checkpoint cannot be judged yet (revocation list); asked again later.",
        "Chưa đánh giá được chữ ký của sở trên điểm kiểm tra (thiếu danh sách thu hồi); hệ thống sẽ gửi lại.",
    )
