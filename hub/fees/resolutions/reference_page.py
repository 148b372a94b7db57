"""docs/reference/exceptions.md: the accountants' page, made from the tables of codes and of resolutions."""

from typing import Final

from hub.fees.exceptions.codes import CODES, SEVERITY, ExceptionDescription
from hub.fees.exceptions.model import STATES
from hub.fees.resolutions.classifying import KINDS
from hub.fees.resolutions.table import RESOLUTIONS
from hub.locale import vi
from schemas.figures import grouped

_INTRO: Final = """# Ca xử lý: tiền chưa ở đúng chỗ, và được làm gì

Dành cho kế toán. Sinh từ `hub/fees/exceptions` (`make docs`); sửa ở đó. For developers: the codes are the contract.

Mỗi khoản tiền không tự tìm được chỗ thành một **ca**: mã, số tiền, hạn (ngày làm việc), tiền đang nằm ở tài khoản nào của sổ. Một việc về một khoản chỉ có một ca đang mở. Ca không đóng được khi tiền của nó còn nằm ở 338, 339, 341; xử lý một phần thì ca mở tiếp với số còn lại.

```
hub fee exceptions                                  # gấp nhất đứng trước
hub fee exceptions show ex_…                        # đã thấy gì, được làm gì, ai đã làm gì
hub fee exceptions assign ex_… chuyen.vien.a        # giao người
hub fee resolve ex_… assign --set demand=HC… -r "…" # người thứ nhất: đề nghị
hub fee resolve ex_… assign --set demand=HC… -r "…" # người thứ hai, từ tài khoản của mình: đồng ý
hub fee exceptions withdraw ex_… -r "…"             # rút lại, hoặc người thứ hai không đồng ý
hub fee exceptions carry ex_… -r "…"                # treo sang kỳ sau: ngày khóa được, ca vẫn mở
hub fee exceptions report HC… HC… -r "…"            # nộp nhầm hồ sơ: khoản đã nộp, và hồ sơ đúng
hub fee exceptions reopen ex_… -r "…"               # mở lại ca; việc đã ghi sổ vẫn giữ
```

Ai được đề nghị (`propose`), ai được đồng ý (`agree`): `[[clerks]]` trong `fees.toml`; việc chỉ cần một người thì ai có tên ở đó đều làm được. Việc không làm được (sai mã, tiền đã có chỗ, chưa ai lập khoản hoàn) thì không đề nghị được: lệnh nói ngay vì sao và không ghi gì. Người thứ hai phải nói đúng như người thứ nhất và không được là cùng một người; cơ sở dữ liệu cũng không cho. Với `refund`, `return_to_sender`, người đã lập khoản hoàn (`hub fee refund`) là người thứ nhất: người khác chỉ cần nói một lần. Khi người thứ hai đồng ý, mọi điều kiện được xét lại: tiền đã đi chỗ khác thì lệnh bị từ chối (mã thoát 5). Tiền đã báo có mà chưa có trên sao kê thành ca N01 lúc khóa ngày; lập và duyệt lệnh chuyển cho cơ quan đều nói rõ số tiền đó. Bút toán ghi vào ngày đang mở, không bao giờ vào ngày đã khóa. Ca mở lại khi tiền của nó đã rời 338, 339, 341 thì đóng bằng `noted`.
"""  # noqa: E501 - a paragraph is a line


def page() -> str:
    """The page, in Markdown."""
    levels = ", ".join(f"từ {grouped(least)} đ: {level}" for least, level in SEVERITY)
    return "\n".join(
        [
            _INTRO,
            f"Mức: {levels}; còn lại: 4; L01–L04 luôn là 1. Trạng thái: "
            + ", ".join(f"`{state}` {label}" for state, label in STATES.items())
            + ".",
            "",
            "## Các mã",
            "",
            "| Mã | Nghĩa | Tiền nằm ở | Hạn (ngày làm việc) | Được làm | Nếu không ai làm gì |",
            "| --- | --- | --- | --- | --- | --- |",
            *(_row(code.value, about) for code, about in CODES.items()),
            "",
            "## Các cách xử lý",
            "",
            "| Cách | Nghĩa | Số người | Phải nói rõ |",
            "| --- | --- | --- | --- |",
            *(
                f"| `{way.name}` | {way.label_vi} | {way.persons} | {_told(way.details)} |"
                for way in RESOLUTIONS.values()
            ),
            "",
            "`kind` của `not_fee`: " + ", ".join(f"`{name}` {label}" for name, label in KINDS.items()) + ".",
            "",
        ]
    )


def _row(code: str, about: ExceptionDescription) -> str:
    days = str(about.days) if about.days else "ngay"
    ways = [*(f"`{name}`" for name in about.resolutions), about.elsewhere]
    done = "; ".join(way for way in ways if way)
    return f"| {code} | {vi(about.title)} | {about.sits or '–'} | {days} | {done} | {about.otherwise} |"


def _told(details: tuple[str, ...]) -> str:
    return ", ".join(f"`--set {name}=…`" for name in details) or "–"
