"""OpenAPI 3.1 description of the endpoints, with what FastAPI cannot see since bodies are read by ourselves."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from hub.http import problem_types
from hub.http.problem_types import ProblemType
from hub.http.problems import MEDIA_TYPE, RETRY_AFTER, ProblemDocument
from schemas.department import StatusReport
from schemas.portal import Notice, Submission
from schemas.postal import TrackingEvent
from schemas.settlement import TableAnswer

_ADDRESS: Final = {"province": "Ninh Bình", "commune": "Phường Mẫu", "detail": "Số 1 đường Ví Dụ"}

EXAMPLES: Final[Mapping[type[BaseModel], dict[str, Any]]] = {
    Submission: {
        "reference": "CDVC-00000001",
        "procedure": "1.002010",
        "channel": "online",
        "submitted_at": "2026-11-24T08:15:00+07:00",
        "applicant": {
            "kind": "citizen",
            "name": "Nguyễn Văn Ví Dụ",
            "identity": {"kind": "cccd", "number": "000000000001"},
            "phone": "0900000000",
            "address": _ADDRESS,
        },
        "summary": "Đề nghị đăng ký hoạt động (ví dụ)",
        "papers": [
            {
                "code": "giay-de-nghi",
                "name": "Giấy đề nghị đăng ký hoạt động",
                "media_type": "application/pdf",
                "size": 48213,
                "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "reference": "kho/2026/11/24/00000001.pdf",
            }
        ],
        "fees": [],
        "result": {"method": "post", "address": _ADDRESS},
    },
    StatusReport: {
        "report_id": "BC-00000001",
        "dossier_code": "000.00.16.H42-261124-0001",
        "status": "DANG_XU_LY",
        "at": "2026-11-24T09:30:00+07:00",
        "note": "Đã phân công thẩm định",
    },
    TableAnswer: {
        "answer_id": "TL-2026-10",
        "settlement_id": "sm_01JD8M7W4Q2V9X3Y5Z6A7B8C9D",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "verdict": "disputed",
        "lines": [{"number": 17, "reason": "Hồ sơ đã được miễn lệ phí"}],
        "answered_by": "Phòng Kế hoạch - Tài chính",
        "answered_at": "2026-11-05T10:00:00+07:00",
    },
    TrackingEvent: {
        "order_number": "000.00.16.H42-261124-0001-1",
        "item_code": "EA123456785VN",
        "status_code": "4",
        "text": "Phát thành công",
        "at": "2026-11-25T14:20:00+07:00",
        "place": "Bưu cục Ví Dụ",
    },
}
PROBLEM: Final[dict[str, Any]] = {
    "type": "urn:lienthong:hub:problem:content-invalid",
    "title": "Nội dung không hợp lệ",
    "status": 422,
    "detail": "Sửa từng chỗ nêu trong errors (JSON pointer) rồi gửi lại.",
    "code": "content-invalid",
    "request_id": "5f0c9a6be2d14c73a81d",
    "errors": [{"pointer": "/fees/0/amount", "code": "int_type", "detail": "Input should be a valid integer"}],
}


BODIES: Final[tuple[type[BaseModel], ...]] = (Submission, StatusReport, TableAnswer, TrackingEvent)
"""Request bodies: read by schemas.strict, not by FastAPI."""
EVERYWHERE: Final = (
    problem_types.MALFORMED,
    problem_types.RATE_LIMIT_EXCEEDED,
    problem_types.INTERNAL,
    problem_types.UNAVAILABLE,
    problem_types.OVERLOADED,
)
_TEXT: Final = {"schema": {"type": "string"}}
_REF: Final = "#/components/schemas/{model}"

SECURITY: Final[dict[str, Any]] = {
    "httpSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "Signature",
        "description": (
            "HTTP Message Signatures (RFC 9421), hmac-sha256, label `hub`, over `@method`, `@target-uri`,"
            " `content-digest` (RFC 9530, sha-256, where there is a body) and `idempotency-key` (where it is sent);"
            " parameters `created` (±300 s) and `keyid`. See docs/integrators."
        ),
    },
    "clientCertificate": {
        "type": "mutualTLS",
        "description": "TLS client certificate, pinned by SHA-256 fingerprint, checked at the Centre's proxy.",
    },
}


IDEMPOTENCY_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
    "description": "The same in every repetition of one request; bound to the content, for ever.",
}
IF_NONE_MATCH: Final[dict[str, Any]] = {
    "name": "If-None-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The ETag of the version that the caller has.",
}


def answers(
    status: int, model: type[BaseModel], *refusals: ProblemType, headers: Sequence[str] = ()
) -> dict[int | str, Any]:
    """``responses`` of an endpoint: the successful one, and every problem that it may answer with."""
    return {status: {"model": model, "headers": dict.fromkeys(headers, _TEXT)}} | problems(*refusals)


def picture(media_type: str, *refusals: ProblemType) -> dict[int | str, Any]:
    """``responses`` of an endpoint that answers with a picture."""
    return {200: {"description": "A picture.", "content": {media_type: {}}}} | problems(*refusals)


def problems(*refusals: ProblemType, also: Mapping[str, Any] | None = None) -> dict[int | str, Any]:
    """These problems and those that may meet any request, by status; ``also``: media types that may carry them too."""
    by_status: dict[int, list[ProblemType]] = {}
    for kind in (*refusals, *EVERYWHERE):
        by_status.setdefault(kind.status, []).append(kind)
    return {status: _problem(kinds, also or {}) for status, kinds in sorted(by_status.items())}


def extra(
    *, security: Sequence[str], body: type[BaseModel] | None = None, parameters: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """``openapi_extra`` of an endpoint: who may call it (any of ``security``), the body and headers it reads itself."""
    described: dict[str, Any] = {"security": [{name: []} for name in security], "parameters": list(parameters)}
    if body is not None:
        content = {"schema": _ref(body), "example": EXAMPLES[body]}
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    return described


def install(app: FastAPI) -> None:
    """Let ``app`` publish our description instead of FastAPI's own."""

    @app.webhooks.post("submission.status", tags=["portal"])
    def submission_status(notice: Notice) -> None:
        """The status of a submission has changed. Signed by the Standard Webhooks specification; carries ids only."""

    @app.webhooks.post("fee.demanded", tags=["portal"])
    def fee_demanded(notice: Notice) -> None:
        """A dossier's fees are to be paid: ``fee`` says how much, and with which reference."""

    @app.webhooks.post("fee.paid", tags=["portal"])
    def fee_paid(notice: Notice) -> None:
        """Nothing is outstanding any more."""

    @app.webhooks.post("fee.reopened", tags=["portal"])
    def fee_reopened(notice: Notice) -> None:
        """What was paid has been taken back by the bank: it is to be paid again."""

    @app.webhooks.post("fee.changed", tags=["portal"])
    def fee_changed(notice: Notice) -> None:
        """Anything else about the fees: waived, paid in part, expired, cancelled, given back."""

    def description() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    app.openapi = description  # type: ignore[method-assign]  # FastAPI's own way: extending-openapi


def _describe(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary="Trục liên thông của Trung tâm Phục vụ hành chính công",
        description="Every refusal is a problem (RFC 9457); its `code` is listed in docs/reference/problems.md.",
        routes=app.routes,
        webhooks=app.webhooks.routes,
    )
    components = document["components"]
    described: tuple[type[BaseModel], ...] = (*BODIES, ProblemDocument)
    for model in described:
        schema = model.model_json_schema(ref_template=_REF)
        components["schemas"] |= schema.pop("$defs", {}) | {model.__name__: schema}
    components["schemas"][ProblemDocument.__name__]["examples"] = [PROBLEM]
    components["securitySchemes"] = SECURITY
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    for path in (*document["paths"].values(), *document["webhooks"].values()):
        for operation in path.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]  # FastAPI's own error, which no endpoint answers with
    return document


def _problem(kinds: Sequence[ProblemType], also: Mapping[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": " · ".join(f"`{kind.code}`: {kind.title}" for kind in kinds),
        "content": {MEDIA_TYPE: {"schema": _ref(ProblemDocument)}, **also},
    }
    if any(kind.code in RETRY_AFTER for kind in kinds):
        described["headers"] = {"Retry-After": _TEXT}
    if problem_types.RATE_LIMIT_EXCEEDED in kinds:
        described["headers"] |= {"RateLimit": _TEXT, "RateLimit-Policy": _TEXT}
    return described


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}
