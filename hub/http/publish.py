"""Write the published OpenAPI description and the list of problems: ``python -m hub.http.publish``."""

import json
import sys
from pathlib import Path
from typing import Final

from hub.http import problem_types
from hub.http.app import application
from hub.locale import vi

ROOT: Final = Path(__file__).parents[2]

PREFACE: Final = """# Các loại lỗi · Problems

<!-- Tệp này được sinh ra từ hub/http/problem_types.py bằng `python -m hub.http.publish`. Made from
hub/http/problem_types.py. -->

Mọi lời từ chối của Hub đều là `application/problem+json` (RFC 9457). `code` và `status` là cam kết và không đổi;
câu chữ có thể đổi, đừng dựa vào câu chữ. `type` là `urn:lienthong:hub:problem:` cộng với `code`. `errors` chỉ chỗ cần
sửa bằng JSON pointer (RFC 6901); tham số của địa chỉ đứng sau `/query`. Khi hỏi Trung tâm, gửi kèm `request_id`.

Every refusal is `application/problem+json` (RFC 9457). `code` and `status` are the contract; the words may change.
`errors` names each place to correct by JSON pointer (RFC 6901); parameters of the address stand behind `/query`. When
you ask the Centre, give the `request_id`.

```json
{
  "type": "urn:lienthong:hub:problem:content-invalid",
  "title": "Nội dung không hợp lệ",
  "status": 422,
  "detail": "Sửa từng chỗ nêu trong errors (JSON pointer) rồi gửi lại; chưa lưu gì, Idempotency-Key vẫn chưa dùng.",
  "code": "content-invalid",
  "request_id": "5f0c9a6be2d14c73a81d",
  "errors": [{"pointer": "/fees/0/amount", "code": "int_type", "detail": "Input should be a valid integer"}]
}
```

"""


def openapi() -> str:
    """The description as schemas/wire/openapi.json has it."""
    return json.dumps(application().openapi(), ensure_ascii=False, indent=2) + "\n"


def problems() -> str:
    """docs/reference/problems.md: what each problem means, and what its caller should do."""
    sections = [
        f"## {kind.code}\n\n`{kind.status}` · **{vi(kind.title)}** · {kind.title}\n\n{vi(kind.advice)}\n\n"
        f"{kind.advice}\n"
        for kind in problem_types.KINDS
    ]
    return PREFACE + "\n".join(sections)


FILES: Final = {
    ROOT / "schemas" / "wire" / "openapi.json": openapi,
    ROOT / "docs" / "reference" / "problems.md": problems,
}


def main() -> None:
    for path, written in FILES.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(), encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
