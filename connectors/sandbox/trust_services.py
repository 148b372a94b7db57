"""The trust services as servers: a time-stamping authority (RFC 3161) and a CA's revocation list (RFC 5280).

Both work with the development authority of one folder. Beside the settings of every sandbox server:

    PATCH /_sandbox/           {"stamps": "nonce"}: give stamps that are wrong in that way; {"stale_list": true}
    POST  /_sandbox/revoke     {"serial": "…"}: revoke this certificate (its serial number as a decimal text), now
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from secrets import randbits
from typing import Any, ClassVar, Final

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from connectors.clock import now
from connectors.sandbox.runtime_settings import RuntimeControl, SandboxSettings, Stamps
from connectors.sandbox.server import PREFIX, Obstacles, control
from connectors.trust.development_authority import CRL_LASTS, DevelopmentAuthority, KeyPair


@dataclass(frozen=True, slots=True)
class TrustBehaviour:
    """A setting of a trust service, and what the hub has to make of it."""

    counterparty: str
    setting: str
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


POLICY: Final = "1.3.6.1.4.1.99999.1.1"
"""the development authority's own; the arc belongs to nobody"""
_HOUR: Final = timedelta(hours=1)


class NotARequest(ValueError):
    """The bytes are no TimeStampReq."""


class _Response(core.Sequence):  # type: ignore[misc]  # asn1crypto is untyped
    """TimeStampResp; asn1crypto's own does not know that a refusal has no token."""

    _fields: ClassVar = [
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]


def time_stamp_response(body: bytes, authority: DevelopmentAuthority, at: datetime, wrong: Stamps = "right") -> bytes:
    """The TimeStampResp (DER) to the request in ``body``. Raises NotARequest."""
    request = _request(body)
    if wrong == "garbage":
        return b"no time stamp"
    if wrong == "rejection" or request["message_imprint"]["hash_algorithm"]["algorithm"].native != "sha256":
        return _response("rejection", fail={"bad_alg"})
    token = _token(request, authority, at, wrong)
    return _response("granted", token=token)


def _request(body: bytes) -> Any:
    try:
        request = tsp.TimeStampReq.load(body, strict=True)
        request.native  # noqa: B018 - parsed lazily: this is where what is no request is found out
    except (ValueError, TypeError) as error:
        raise NotARequest(str(error)) from error
    return request


def _response(status: str, *, token: Any = None, fail: set[str] | None = None) -> bytes:
    info: dict[str, Any] = {"status": status}
    if fail:
        info["fail_info"] = fail
    fields: dict[str, Any] = {"status": info}
    if token is not None:
        fields["time_stamp_token"] = token
    der: bytes = _Response(fields).dump()
    return der


def _token(request: Any, authority: DevelopmentAuthority, at: datetime, wrong: Stamps) -> Any:
    # A stamp by somebody's seal is signed well and means nothing: that certificate is not for time stamping.
    holder = authority.seal("no-tsa") if wrong == "certificate" else authority.stamping
    content = _info(request, at, wrong).dump()
    certificate = _asn1(holder)
    attributes = _attributes(content, certificate, at)
    signature = holder.key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": {
                "issuer_and_serial_number": {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
            },
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": signature,
        }
    )
    signed = {
        "version": "v3",
        "digest_algorithms": [{"algorithm": "sha256"}],
        "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(content)},
        "signer_infos": [signer],
    }
    if request["cert_req"].native:
        signed["certificates"] = [certificate, _asn1(authority.issuing)]
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)})


def _info(request: Any, at: datetime, wrong: Stamps) -> Any:
    imprint = request["message_imprint"].native["hashed_message"]
    nonce = request["nonce"].native
    fields: dict[str, Any] = {
        "version": "v1",
        "policy": request["req_policy"].dotted if request["req_policy"].native else POLICY,
        "message_imprint": {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "hashed_message": sha256(imprint).digest() if wrong == "imprint" else imprint,
        },
        "serial_number": randbits(63),
        "gen_time": (at - _HOUR if wrong == "time" else at).replace(microsecond=0),
        "accuracy": {"seconds": 1},
    }
    if nonce is not None:
        fields["nonce"] = nonce ^ 1 if wrong == "nonce" else nonce
    return tsp.TSTInfo(fields)


def _attributes(content: bytes, certificate: asn1_x509.Certificate, at: datetime) -> Any:
    known = tsp.ESSCertIDv2({"cert_hash": sha256(certificate.dump()).digest()})
    values = {
        "content_type": "tst_info",
        "signing_time": cms.Time({"utc_time": at.replace(microsecond=0)}),
        "message_digest": sha256(content).digest(),
        "signing_certificate_v2": tsp.SigningCertificateV2({"certs": [known]}),
    }
    return cms.CMSAttributes([cms.CMSAttribute({"type": kind, "values": [value]}) for kind, value in values.items()])


def _asn1(holder: KeyPair) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(holder.certificate.public_bytes(Encoding.DER))


QUERY: Final = "application/timestamp-query"
REPLY: Final = "application/timestamp-reply"
_EVERY: Final = timedelta(hours=1)
_ONE_DAY: Final = timedelta(days=1)
_STALE: Final = timedelta(days=2)


class TimeStampServer:
    """A TSA. Its key and certificate are the development authority's."""

    def __init__(self, pki: Path, settings: SandboxSettings) -> None:
        self.runtime = RuntimeControl(settings)
        self._authority = DevelopmentAuthority(pki)
        self.app = Starlette(
            routes=[control(self.runtime), Route("/{path:path}", self._stamp, methods=["POST"])],
            middleware=[Middleware(Obstacles, runtime=self.runtime)],
        )

    async def _stamp(self, request: Request) -> Response:
        if request.headers.get("content-type") != QUERY:
            return PlainTextResponse(f"send {QUERY}\n", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        try:
            reply = time_stamp_response(await request.body(), self._authority, now(), self.runtime.settings.stamps)
        except NotARequest:
            return PlainTextResponse("not a TimeStampReq\n", HTTPStatus.BAD_REQUEST)
        return Response(reply, media_type=REPLY)


class _Revocation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    serial: str = Field(pattern=r"^[0-9]{1,49}$")


class RevocationListServer:
    """A CA's distribution point: a new list every hour, and at once when something has been revoked."""

    def __init__(self, pki: Path, settings: SandboxSettings) -> None:
        self.runtime = RuntimeControl(settings)
        self._authority = DevelopmentAuthority(pki)
        self._list = b""
        self._list_state: tuple[datetime, object] | None = None
        self.app = Starlette(
            routes=[
                Route(f"{PREFIX}/revoke", self._revoke, methods=["POST"]),
                control(self.runtime),
                Route("/{path:path}", self._serve, methods=["GET"]),
            ],
            middleware=[Middleware(Obstacles, runtime=self.runtime)],
        )

    async def _serve(self, request: Request) -> Response:
        if request.path_params["path"].endswith("root.crl"):
            return Response(self._authority.root_crl(), media_type="application/pkix-crl")
        return Response(self._current(now()), media_type="application/pkix-crl")

    def _current(self, at: datetime) -> bytes:
        state = (self.runtime.settings.stale_list, frozenset(self._authority.revoked()))
        if self._list_state is None or self._list_state[1] != state or at - self._list_state[0] > _EVERY:
            stale = self.runtime.settings.stale_list
            self._list = self._authority.crl(at=at - _STALE if stale else at, lasts=_ONE_DAY if stale else CRL_LASTS)
            self._list_state = at, state
        return self._list

    async def _revoke(self, request: Request) -> Response:
        try:
            revocation = _Revocation.model_validate_json(await request.body())
        except ValidationError:
            return PlainTextResponse('say {"serial": "123"}\n', HTTPStatus.UNPROCESSABLE_ENTITY)
        self._authority.revoke(int(revocation.serial))
        return Response(status_code=HTTPStatus.NO_CONTENT)
