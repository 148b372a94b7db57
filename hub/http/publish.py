"""Write the published OpenAPI description, the list of problems and that of limits: ``python -m hub.http.publish``."""

import json
import sys
from pathlib import Path
from typing import Final

from config.limits import PARTNER, PORTAL, ApiLimits, BacklogLimits, InProgress
from hub.http import banks, ingest, problem_types
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


LIMITS: Final = """# Các giới hạn của API · Limits of the API

<!-- Tệp này được sinh ra bằng `python -m hub.http.publish`. Made by `python -m hub.http.publish`. -->

Vượt giới hạn thì bị từ chối ngay, chưa lưu gì: gửi lại cùng `Idempotency-Key` sau số giây trong `Retry-After`.

What is above a limit is refused at once and nothing of it is stored: send it again with the same `Idempotency-Key`
after `Retry-After` seconds. A submission that was answered 202 is never refused afterwards for load.

## Requests per second

`429` [rate-limit-exceeded](problems.md#rate-limit-exceeded). Counted by a moving window in each API process (`hub api
--workers`), whichever of its keys a client signs with. Every answer to an authenticated client has
`RateLimit-Policy: "client";q=1000;w=5` (1,000 requests in any 5 seconds) and `RateLimit: "client";r=998;t=3` (998 are
left; in 3 seconds there is one more), as draft-ietf-httpapi-ratelimit-headers has them.

| client | on average | at once | where to change it |
| --- | --- | --- | --- |
{rates}

A signature in the head (RFC 9421) and a client certificate are verified, and the request counted, before the body is
read. Banks and SOAP sign the body: they are counted when it has been read, and not at all read where the address is
above its own limit. Behind a proxy (`HUB_PROXY_SECRET`), whose address all share, it is the proxy that counts addresses
(`limit_req` in deploy/nginx/hub.conf).

## Requests in progress

`503` [overloaded](problems.md#overloaded), in each API process, by kind of client; `[in_progress]` in limits.toml.

| client | requests in progress |
| --- | --- |
{in_progress}

## What waits

`503` [backlog-full](problems.md#backlog-full), by the messages of the inbox that are due and that no worker has taken;
`[backlog]` in limits.toml. Counted once a second in each API process. A repetition of what is stored is answered as the
first time. Notifications of banks are never refused for it, and what waits for a department is not counted.

| what waits | what is refused |
| --- | --- |
{backlog}

## Sizes and times

| what | limit | beyond it |
| --- | --- | --- |
{sizes}
"""


def limits() -> str:
    """docs/reference/limits.md: the defaults of config.limits, and the bounds of reading a request."""
    partner = "`[rate_limit]` in its file"
    unidentified = ApiLimits().unidentified
    rates = [
        ("the portal", PORTAL, "`[rate_limit]` in portal.toml"),
        ("a department, a postal operator, a bank", PARTNER, partner),
        ("an address that is not authenticated", unidentified, "`[unidentified]` in limits.toml"),
    ]
    sizes = [
        ("body", f"{ingest.BODY_LIMIT:,} bytes", problem_types.TOO_LARGE),
        ("body of a bank's notification", f"{banks.LIMIT:,} bytes", problem_types.TOO_LARGE),
        ("arrival of the body", f"{ingest.BODY_SECONDS:.0f} s", problem_types.TOO_SLOW),
        ("a database connection", f"{ingest.CONNECTION_WAIT:.0f} s", problem_types.UNAVAILABLE),
    ]
    backlog = BacklogLimits()
    waits = [
        (f"{backlog.submissions:,} messages, or the oldest for {backlog.seconds:,.0f} s", "new submissions"),
        (f"{backlog.messages:,} messages", "status reports, postal events and answers to tables, too"),
    ]
    return LIMITS.format(
        rates="\n".join(
            f"| {who} | {rate.requests_per_second:,}/s | {rate.burst:,} | {where} |" for who, rate, where in rates
        ),
        in_progress="\n".join(f"| `{kind}` | {bound} |" for kind, bound in InProgress().model_dump().items()),
        backlog="\n".join(f"| {waiting} | {refused} |" for waiting, refused in waits),
        sizes="\n".join(f"| {what} | {limit} | `{kind.status}` {kind.code} |" for what, limit, kind in sizes),
    )


FILES: Final = {
    ROOT / "schemas" / "wire" / "openapi.json": openapi,
    ROOT / "docs" / "reference" / "problems.md": problems,
    ROOT / "docs" / "reference" / "limits.md": limits,
}


def main() -> None:
    for path, written in FILES.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(), encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
