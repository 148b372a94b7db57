"""Detached signatures (CAdES-B) as a department makes and checks them: its own RFC 5652 and RFC 5035, not the hub's."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from connectors.trust.development_certificates import KeyPair


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
        digest, made = attributes["message_digest"].native, signer["signature"].native
        covered = signer["signed_attrs"].untag().dump()
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadCadesSignature("tệp chữ ký không đọc được") from None
    if digest != sha256(content).digest():
        raise BadCadesSignature("chữ ký trên nội dung khác")
    if bound != sha256(certificate.dump()).digest():
        raise BadCadesSignature("chữ ký không gắn với chứng thư đi kèm")
    return _believed(x509.load_der_x509_certificate(certificate.dump()), issuer, made, covered, at)


def _is_named(certificate: asn1_x509.Certificate, named: Any) -> bool:
    same: bool = certificate.issuer == named["issuer"] and certificate.serial_number == named["serial_number"].native
    return same


def _believed(
    certificate: x509.Certificate, issuer: x509.Certificate, made: bytes, covered: bytes, at: datetime
) -> x509.Certificate:
    try:
        certificate.verify_directly_issued_by(issuer)
        match certificate.public_key():
            case ec.EllipticCurvePublicKey() as key:
                key.verify(made, covered, ec.ECDSA(hashes.SHA256()))
            case rsa.RSAPublicKey() as key:
                key.verify(made, covered, padding.PKCS1v15(), hashes.SHA256())
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
