"""Counter-records of a department that signs (CAdES-B): of a receipt, right or wrong in one way, and of a return."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import rfc8785
from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import BaseModel

from config.catalogue import Department
from connectors.clock import now
from connectors.sandbox.dossier_behaviours import Countersigned
from connectors.sandbox.effects import Submitted
from connectors.trust.development_authority import DevelopmentAuthority, KeyPair
from schemas.handoff import Act, Carrier, CounterRecord, HandoffRecord, HandoffSide, ReceiptRecord, ShareResult


def detached(content: bytes, holder: KeyPair, issuers: Sequence[x509.Certificate], at: datetime) -> bytes:
    """DER; ``issuers`` travel with it."""
    certificate = _asn1(holder.certificate)
    attributes = _attributes(content, certificate, at)
    signer = {
        "version": "v1",
        "sid": {"issuer_and_serial_number": {"issuer": certificate.issuer, "serial_number": certificate.serial_number}},
        "digest_algorithm": {"algorithm": "sha256"},
        "signed_attrs": attributes,
        "signature_algorithm": {"algorithm": "sha256_ecdsa"},
        "signature": holder.key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256())),
    }
    signed = {
        "version": "v1",
        "digest_algorithms": [{"algorithm": "sha256"}],
        "encap_content_info": {"content_type": "data"},
        "certificates": [certificate, *map(_asn1, issuers)],
        "signer_infos": [signer],
    }
    der: bytes = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)}).dump()
    return der


class BadCadesSignature(ValueError):
    """The signature does not hold; the text says what of it does not, in the department's words."""


def signer_of(content: bytes, signature: bytes, issuer: x509.Certificate, at: datetime) -> x509.Certificate:
    """Whose signature over ``content`` it is: a key that ``issuer`` certified, in force. Raises BadCadesSignature."""
    try:
        signed = cms.ContentInfo.load(signature, strict=True)["content"]
        [signer] = signed["signer_infos"]
        named = signer["sid"].chosen
        attributes = {one["type"].native: one["values"][0] for one in signer["signed_attrs"]}
        [certificate] = [one.chosen for one in signed["certificates"] if _is_named(one.chosen, named)]
        bound = attributes["signing_certificate_v2"]["certs"][0]["cert_hash"].native
        digest, signature_value = attributes["message_digest"].native, signer["signature"].native
        covered = signer["signed_attrs"].untag().dump()
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadCadesSignature("tệp chữ ký không đọc được") from None
    if digest != sha256(content).digest():
        raise BadCadesSignature("chữ ký trên nội dung khác")
    if bound != sha256(certificate.dump()).digest():
        raise BadCadesSignature("chữ ký không gắn với chứng thư đi kèm")
    return _believed(x509.load_der_x509_certificate(certificate.dump()), issuer, signature_value, covered, at)


def _is_named(certificate: asn1_x509.Certificate, named: Any) -> bool:
    same: bool = certificate.issuer == named["issuer"] and certificate.serial_number == named["serial_number"].native
    return same


def _believed(
    certificate: x509.Certificate, issuer: x509.Certificate, signature_value: bytes, covered: bytes, at: datetime
) -> x509.Certificate:
    try:
        certificate.verify_directly_issued_by(issuer)
        match certificate.public_key():
            case ec.EllipticCurvePublicKey() as key:
                key.verify(signature_value, covered, ec.ECDSA(hashes.SHA256()))
            case rsa.RSAPublicKey() as key:
                key.verify(signature_value, covered, padding.PKCS1v15(), hashes.SHA256())
            case _:
                raise BadCadesSignature("loại khóa không dùng được")
    except (InvalidSignature, TypeError, ValueError):
        raise BadCadesSignature("chữ ký hoặc chứng thư không đúng") from None
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise BadCadesSignature("chứng thư không còn hiệu lực")
    return certificate


def _attributes(content: bytes, certificate: asn1_x509.Certificate, at: datetime) -> Any:
    bound = tsp.ESSCertIDv2({"cert_hash": sha256(certificate.dump()).digest()})
    values = {
        "content_type": "data",
        "signing_time": cms.Time({"utc_time": at.replace(microsecond=0)}),
        "message_digest": sha256(content).digest(),
        "signing_certificate_v2": tsp.SigningCertificateV2({"certs": [bound]}),
    }
    return cms.CMSAttributes([cms.CMSAttribute({"type": kind, "values": [value]}) for kind, value in values.items()])


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


class CounterSigner:
    """The seal of one department, certified by the development authority."""

    def __init__(self, department: Department, authority: DevelopmentAuthority) -> None:
        self._department = department
        self._authority = authority
        self._seals = {
            Countersigned.REVOKED: authority.revoked_seal(department.code),
            Countersigned.UNKNOWN: authority.stranger(department.code),
        }
        self._seal = authority.seal(department.code)

    def receipt(self, case: Submitted, counter: Countersigned = Countersigned.RIGHT) -> CounterRecord | None:
        """The counter-record for ``case``; None where the hub signed nothing, or ``counter`` says so."""
        if case.handed is None or counter is Countersigned.UNSIGNED:
            return None
        another = counter is Countersigned.ANOTHER
        record = ReceiptRecord(
            v=1,
            typ="vn.hub.receipt",
            handoff="hd_00000000000000000000000000" if another else case.handed.id,
            dossier=case.dossier_code,
            leg=case.handed.leg,
            record=hashlib.sha256(b"another").hexdigest() if another else case.handed.record,
            receiver=self._side,
            number=case.number,
            received_at=case.at,
        )
        return self._signed(record, counter)

    def returned(self, case: Submitted, at: datetime) -> CounterRecord | None:
        """The way back, as a signed row of the Phiếu kiểm soát."""
        if case.handed is None:
            return None
        record = HandoffRecord(
            v=1,
            typ="vn.hub.handoff",
            id=f"{case.number}.2",
            log=case.handed.log,
            dossier=case.dossier_code,
            leg=case.handed.leg + 1,
            act=Act.RETURN,
            carrier=Carrier.WIRE,
            giver=self._side,
            receiver=HandoffSide(agency=case.handed.centre, role="centre"),
            received_at=case.at,
            given_at=at,
            due_at=case.handed.due_at,
            result=_result(at, case.handed.due_at),
            note=None,
            documents=[],
            personal=case.handed.personal,
            prev=case.handed.record,
        )
        return self._signed(record, Countersigned.RIGHT)

    def seal(self, content: bytes) -> str:
        """The seal's own signature over ``content``, in base64."""
        return _base64(detached(content, self._seal, [self._authority.issuing.certificate], now()))

    @property
    def _side(self) -> HandoffSide:
        # Its seal signs and nobody else: a record that named an officer would say more than its signature does.
        return HandoffSide(agency=self._department.agency, role="department", officer=None)

    def _signed(self, record: BaseModel, counter: Countersigned) -> CounterRecord:
        canonical = rfc8785.dumps(record.model_dump(mode="json"))
        content = canonical + b" " if counter is Countersigned.FORGED else canonical
        holder = self._seals.get(counter, self._seal)
        issuers = [] if counter is Countersigned.UNKNOWN else [self._authority.issuing.certificate]
        signature = detached(content, holder, issuers, now())
        return CounterRecord(record=_base64(canonical), signature=_base64(signature))


def _result(given_at: datetime, due_at: datetime) -> ShareResult:
    if given_at > due_at:
        return ShareResult.LATE
    given_day, due_day = (moment.astimezone(_VIETNAM).date() for moment in (given_at, due_at))
    return ShareResult.EARLY if given_day < due_day else ShareResult.ON_TIME


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
