"""Time stamps as a TSA makes them (RFC 3161), right or wrong in one way, with the development authority's key."""

from datetime import datetime, timedelta
from hashlib import sha256
from secrets import randbits
from typing import Any, ClassVar, Final

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from connectors.sandbox.runtime_settings import Stamps
from connectors.trust.development_authority import DevelopmentAuthority, KeyPair

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


def reply(body: bytes, authority: DevelopmentAuthority, at: datetime, wrong: Stamps = "right") -> bytes:
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
