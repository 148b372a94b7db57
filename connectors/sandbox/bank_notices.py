"""What providers of payments send to the hub: each signs in its own dialect, by its description and not by our code."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any, Final, Self
from urllib.parse import urlencode

from connectors.clock import now

LOCAL: Final = timezone(timedelta(hours=7))


@dataclass(frozen=True)
class MovementNotice:
    """What a provider tells of one movement of money. Amounts in đồng; ``at`` in Vietnam's time."""

    txn: str
    amount: int
    reference: str
    at: datetime
    account: str
    merchant: str = ""
    failed: bool = False
    currency: str = "VND"
    words: str = ""
    """of the payer; empty: some that hold the reference"""
    bank_ref: str = ""
    """the bank's number of the movement; empty: one made of ``txn``"""
    access_key: str = ""
    kind: str = ""
    """signed-json: the provider's word for what happened; empty: what it says of a payment"""
    signed_at: datetime | None = None
    """where the time of sending is signed; None: now"""
    changes: tuple[tuple[str, Any], ...] = ()
    """fields that are put in place of theirs before signing"""

    def with_field(self, name: str, value: Any) -> Self:
        return replace(self, changes=(*self.changes, (name, value)))

    @property
    def text(self) -> str:
        return self.words or f"MBVCB.3278907687.{self.reference} nop phi"

    @property
    def number(self) -> int:
        """The provider's number of it, where that is one."""
        return int(self.txn) if self.txn.isdecimal() else 1


@dataclass(frozen=True)
class Sent:
    """A request of a provider."""

    query: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Sender = Callable[[MovementNotice, str], Sent]
"""(what is told, the secret that it is signed with) → the request"""


def vnpay(said: MovementNotice, secret: str) -> Sent:
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


def national(said: MovementNotice, secret: str) -> Sent:
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
        "ThongTinGiaoDich": said.words or "THANH TOAN HO SO 000.00.16.H42-200923-0001",
    } | dict(said.changes)
    values = "|".join([*(str(value) for value in fields.values()), secret])
    return as_json(fields | {"MaXacThuc": hashlib.sha256(values.encode()).hexdigest()})


def keypay(said: MovementNotice, secret: str) -> Sent:
    fields = {
        "addition_fee": "0",
        "client_id": said.merchant,
        "command": "PAY",
        "trans_amount": str(said.amount),
        "transaction_id": keypay_transaction(said),
        "version": "3.0",
        "status": "1" if said.failed else "0",
    } | dict(said.changes)
    order = ("addition_fee", "client_id", "command", "trans_amount", "transaction_id", "version")
    values = "|".join(str(fields[name]) for name in order)
    return as_json(fields | {"check_sum": _hex(secret, values.encode(), "sha256")})


def keypay_transaction(said: MovementNotice) -> str:
    """KeyPay's own name of a payment begins with what we called it."""
    return f"{said.reference}_{said.txn}"[:40]


def payos(said: MovementNotice, secret: str) -> Sent:
    data = {
        "orderCode": 123,
        "amount": said.amount,
        "description": said.text,
        "accountNumber": said.account,
        "reference": said.bank_ref or f"TF{said.txn}",
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
    return as_json({"code": "00", "desc": "success", "success": True, "data": data, "signature": signature})


def casso(said: MovementNotice, secret: str) -> Sent:
    data = {
        "id": said.number,
        "reference": said.bank_ref or f"FT{said.txn}",
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
    return as_json(body, {"X-Casso-Signature": f"t={moment},v1={signature}"})


def sepay(said: MovementNotice, secret: str) -> Sent:
    fields = {
        "id": said.number,
        "gateway": "Vietcombank",
        "transactionDate": f"{said.at:%Y-%m-%d %H:%M:%S}",
        "accountNumber": said.account,
        "code": None,
        "content": said.text,
        "transferType": "in",
        "transferAmount": said.amount,
        "accumulated": 19_077_000,
        "subAccount": None,
        "referenceCode": said.bank_ref or f"MBVCB.{said.txn}",
        "description": "",
    } | dict(said.changes)
    made = as_json(fields)
    moment = str(int((said.signed_at or now()).timestamp()))
    signature = "sha256=" + _hex(secret, f"{moment}.".encode() + made.body, "sha256")
    return replace(made, headers={"X-SePay-Timestamp": moment, "X-SePay-Signature": signature})


def momo(said: MovementNotice, secret: str) -> Sent:
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
        "transId": said.number,
    } | dict(said.changes)
    signed = {"accessKey": said.access_key, **fields}
    content = "&".join(f"{name}={value}" for name, value in signed.items())
    return as_json(fields | {"signature": _hex(secret, content.encode(), "sha256")})


def as_json(document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Sent:
    return Sent(headers=headers or {}, body=json.dumps(document, ensure_ascii=False).encode())


def _hex(secret: str, content: bytes, algorithm: str) -> str:
    return hmac.new(secret.encode(), content, algorithm).hexdigest()


SENDERS: Final[Mapping[str, Sender]] = {
    "vnpay": vnpay,
    "national": national,
    "keypay": keypay,
    "payos": payos,
    "casso": casso,
    "sepay": sepay,
    "momo": momo,
}
"""Every dialect that is always the same; signed-json is as its contract has it (bank_signed_json)."""
