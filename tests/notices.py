"""Providers of payments as tests play them: each signs in its own dialect, by its description and not by our code."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from hub.clock import now
from tests.catalogue_secrets import environment

LOCAL: Final = timezone(timedelta(hours=7))
ACCOUNT: Final = "1020304050607"


@dataclass(frozen=True)
class Said:
    """What a provider tells of one movement of money."""

    txn: str = "14226112"
    amount: int = 150_000
    reference: str = "HC000000000182"
    at: datetime = datetime(2026, 11, 24, 8, 15, 2, tzinfo=LOCAL)
    failed: bool = False
    account: str = ACCOUNT
    currency: str = "VND"
    merchant: str = "DEMOTMN1"
    signed_at: datetime | None = None
    """where the time of sending is signed; None: now"""
    changes: tuple[tuple[str, Any], ...] = ()
    """fields that are put in place of theirs before signing"""

    def with_field(self, name: str, value: Any) -> "Said":
        return replace(self, changes=(*self.changes, (name, value)))

    @property
    def text(self) -> str:
        return f"MBVCB.3278907687.{self.reference} nop phi"


@dataclass(frozen=True)
class Sent:
    """A request of a provider."""

    query: bytes = b""
    headers: Mapping[str, str] = ()  # type: ignore[assignment]  # read-only either way
    body: bytes = b""


def _hex(secret: str, content: bytes, algorithm: str) -> str:
    return hmac.new(secret.encode(), content, algorithm).hexdigest()


def vnpay(said: Said, secret: str) -> Sent:
    code = "24" if said.failed else "00"
    fields = {
        "vnp_Amount": str(said.amount * 100),
        "vnp_BankCode": "NCB",
        "vnp_BankTranNo": "VNP14226112",
        "vnp_CardType": "ATM",
        "vnp_OrderInfo": said.text,
        "vnp_PayDate": f"{said.at:%Y%m%d%H%M%S}",
        "vnp_ResponseCode": code,
        "vnp_TmnCode": said.merchant,
        "vnp_TransactionNo": said.txn,
        "vnp_TransactionStatus": "02" if said.failed else "00",
        "vnp_TxnRef": said.reference,
    } | dict(said.changes)
    signature = _hex(secret, urlencode(sorted(fields.items())).encode(), "sha512")
    return Sent(query=urlencode({**fields, "vnp_SecureHash": signature}).encode())


def national(said: Said, secret: str) -> Sent:
    fields = {
        "LoaiBanTin": "CONFIRM",
        "MaLoi": "01" if said.failed else "00",
        "MaDoiTac": said.merchant,
        "MaThamChieu": said.reference,
        "SoTien": str(said.amount),
        "MaTienTe": said.currency,
        "MaGiaoDich": said.txn,
        "MaNganHang": "VCB",
        "ThoiGianGD": f"{said.at:%Y%m%d%I%M%S}",
        "ThongTinGiaoDich": "THANH TOAN HO SO 000.00.16.H42-200923-0001",
    } | dict(said.changes)
    values = "|".join([*(str(value) for value in fields.values()), secret])
    return _json(fields | {"MaXacThuc": hashlib.sha256(values.encode()).hexdigest()})


def keypay(said: Said, secret: str) -> Sent:
    fields = {
        "addition_fee": "0",
        "client_id": said.merchant,
        "command": "PAY",
        "trans_amount": str(said.amount),
        "transaction_id": f"{said.reference}_{said.txn}"[:40],
        "version": "3.0",
        "status": "1" if said.failed else "0",
    } | dict(said.changes)
    order = ("addition_fee", "client_id", "command", "trans_amount", "transaction_id", "version")
    values = "|".join(str(fields[name]) for name in order)
    return _json(fields | {"check_sum": _hex(secret, values.encode(), "sha256")})


def payos(said: Said, secret: str) -> Sent:
    data = {
        "orderCode": 123,
        "amount": said.amount,
        "description": said.text,
        "accountNumber": said.account,
        "reference": f"TF{said.txn}",
        "transactionDateTime": f"{said.at:%Y-%m-%d %H:%M:%S}",
        "currency": said.currency,
        "paymentLinkId": "124c33293c43417ab7879e14c8d9eb18",
        "code": "01" if said.failed else "00",
        "desc": "Thành công",
        "counterAccountName": None,
        "virtualAccountNumber": "",
    } | dict(said.changes)
    content = "&".join(f"{name}={'' if data[name] is None else data[name]}" for name in sorted(data))
    signature = _hex(secret, content.encode(), "sha256")
    return _json({"code": "00", "desc": "success", "success": True, "data": data, "signature": signature})


def casso(said: Said, secret: str) -> Sent:
    data = {
        "id": int(said.txn) if said.txn.isdecimal() else 1,
        "reference": f"FT{said.txn}",
        "description": said.text,
        "amount": said.amount,
        "transactionDateTime": f"{said.at:%Y-%m-%d %H:%M:%S}",
        "accountNumber": said.account,
        "bankName": "Ngân hàng Thử nghiệm",
        "virtualAccountNumber": "",
    } | dict(said.changes)
    body = {"error": 0, "data": data}
    moment = str(int((said.signed_at or now()).timestamp() * 1000))
    content = f"{moment}.{json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(',', ':'))}"
    signature = _hex(secret, content.encode(), "sha512")
    return _json(body, {"X-Casso-Signature": f"t={moment},v1={signature}"})


def sepay(said: Said, secret: str) -> Sent:
    fields = {
        "id": int(said.txn) if said.txn.isdecimal() else 1,
        "gateway": "Vietcombank",
        "transactionDate": f"{said.at:%Y-%m-%d %H:%M:%S}",
        "accountNumber": said.account,
        "code": None,
        "content": said.text,
        "transferType": "in",
        "transferAmount": said.amount,
        "accumulated": 19_077_000,
        "subAccount": None,
        "referenceCode": f"MBVCB.{said.txn}",
        "description": "",
    } | dict(said.changes)
    made = _json(fields)
    moment = str(int((said.signed_at or now()).timestamp()))
    signature = "sha256=" + _hex(secret, f"{moment}.".encode() + made.body, "sha256")
    return replace(made, headers={"X-SePay-Timestamp": moment, "X-SePay-Signature": signature})


MOMO_KEY: Final = environment()["HUB_SECRET_TEST_MOMO_ACCESS"]


def momo(said: Said, secret: str) -> Sent:
    fields = {
        "amount": said.amount,
        "extraData": "",
        "message": "Thành công.",
        "orderId": said.reference,
        "orderInfo": said.text,
        "orderType": "momo_wallet",
        "partnerCode": said.merchant,
        "payType": "qr",
        "requestId": "1721720620078",
        "responseTime": int(said.at.timestamp() * 1000),
        "resultCode": 1006 if said.failed else 0,
        "transId": int(said.txn) if said.txn.isdecimal() else 1,
    } | dict(said.changes)
    content = "&".join(f"{name}={value}" for name, value in {"accessKey": MOMO_KEY, **fields}.items())
    return _json(fields | {"signature": _hex(secret, content.encode(), "sha256")})


def signed_json(said: Said, private_pem: str) -> Sent:
    fields = {
        "event": "FAILED" if said.failed else "CREDIT",
        "id": said.txn,
        "amount": said.amount,
        "currency": said.currency,
        "account": said.account,
        "ft": f"FT{said.txn}",
        "content": said.text,
        "time": said.at.isoformat(),
    } | dict(said.changes)
    made = _json(fields)
    moment = str(int((said.signed_at or now()).timestamp()))
    key = serialization.load_pem_private_key(private_pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    signature = key.sign(f"{moment}.".encode() + made.body, padding.PKCS1v15(), hashes.SHA256())
    return replace(made, headers={"X-Time": moment, "X-Signature": base64.b64encode(signature).decode()})


def _json(document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Sent:
    return Sent(headers=headers or {}, body=json.dumps(document, ensure_ascii=False).encode())


SENDERS: Final[Mapping[str, Callable[[Said, str], Sent]]] = {
    "vnpay": vnpay,
    "national": national,
    "keypay": keypay,
    "payos": payos,
    "casso": casso,
    "sepay": sepay,
    "momo": momo,
    "signed-json": signed_json,
}

SIGNED_JSON: Final[dict[str, Any]] = {
    "algorithm": "rsa-sha256",
    "content": "raw",
    "signature_header": "x-signature",
    "timestamp_header": "x-time",
    "time": "rfc3339",
    "names": {
        "transaction": "id",
        "amount": "amount",
        "kind": "event",
        "account": "account",
        "text": "content",
        "at": "time",
        "currency": "currency",
        "bank_ref": "ft",
        "original": "original",
    },
    "kinds": {"CREDIT": "payment", "FAILED": "failed", "REFUND": "refund", "REVERSAL": "reversal"},
}
"""What tests/catalogue/banks/signed.toml says."""


@cache
def rsa_pair(owner: str = "bank") -> tuple[str, str]:
    """The private key and the certificate of ``owner``, PEM; the same ones whenever they are asked for."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{owner} (test)")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), made.public_bytes(serialization.Encoding.PEM).decode()
