"""Payment notifications of a sandbox bank or gateway: each signed in its own dialect, by its description.

The signing code here is not the one that the hub verifies with.

They are sent to the hub once, or as often as the transfer's behaviour says.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any, Final, Self
from urllib.parse import urlencode

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from config.catalogue import Bank, Catalogue
from config.notifications import Notifications, Part, SignedJson
from connectors.clock import now
from connectors.sandbox.bank_behaviours import NotificationBehaviour

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


def vnpay(notice: MovementNotice, secret: str) -> Sent:
    code = "24" if notice.failed else "00"
    fields = {
        "vnp_Amount": str(notice.amount * 100),
        "vnp_BankCode": "NCB",
        "vnp_BankTranNo": "VNP14226112",
        "vnp_CardType": "ATM",
        "vnp_OrderInfo": notice.text,
        "vnp_PayDate": f"{notice.at:%Y%m%d%H%M%S}",
        "vnp_ResponseCode": code,
        "vnp_TmnCode": notice.merchant,
        "vnp_TransactionNo": notice.txn,
        "vnp_TransactionStatus": "02" if notice.failed else "00",
        "vnp_TxnRef": notice.reference,
    } | dict(notice.changes)
    signature = _hex(secret, urlencode(sorted(fields.items())).encode(), "sha512")
    return Sent(query=urlencode({**fields, "vnp_SecureHash": signature}).encode())


def national(notice: MovementNotice, secret: str) -> Sent:
    fields = {
        "LoaiBanTin": "CONFIRM",
        "MaLoi": "01" if notice.failed else "00",
        "MaDoiTac": notice.merchant,
        "MaThamChieu": notice.reference,
        "SoTien": str(notice.amount),
        "MaTienTe": notice.currency,
        "MaGiaoDich": notice.txn,
        "MaNganHang": "VCB",
        "ThoiGianGD": f"{notice.at:%Y%m%d%I%M%S}",
        "ThongTinGiaoDich": notice.words or "THANH TOAN HO SO 000.00.16.H42-200923-0001",
    } | dict(notice.changes)
    values = "|".join([*(str(value) for value in fields.values()), secret])
    return as_json(fields | {"MaXacThuc": hashlib.sha256(values.encode()).hexdigest()})


def keypay(notice: MovementNotice, secret: str) -> Sent:
    fields = {
        "addition_fee": "0",
        "client_id": notice.merchant,
        "command": "PAY",
        "trans_amount": str(notice.amount),
        "transaction_id": keypay_transaction(notice),
        "version": "3.0",
        "status": "1" if notice.failed else "0",
    } | dict(notice.changes)
    order = ("addition_fee", "client_id", "command", "trans_amount", "transaction_id", "version")
    values = "|".join(str(fields[name]) for name in order)
    return as_json(fields | {"check_sum": _hex(secret, values.encode(), "sha256")})


def keypay_transaction(notice: MovementNotice) -> str:
    """KeyPay's own name of a payment begins with what we called it."""
    return f"{notice.reference}_{notice.txn}"[:40]


def payos(notice: MovementNotice, secret: str) -> Sent:
    data = {
        "orderCode": 123,
        "amount": notice.amount,
        "description": notice.text,
        "accountNumber": notice.account,
        "reference": notice.bank_ref or f"TF{notice.txn}",
        "transactionDateTime": f"{notice.at:%Y-%m-%d %H:%M:%S}",
        "currency": notice.currency,
        "paymentLinkId": "124c33293c43417ab7879e14c8d9eb18",
        "code": "01" if notice.failed else "00",
        "desc": "Thành công",
        "counterAccountName": None,
        "virtualAccountNumber": "",
    } | dict(notice.changes)
    content = "&".join(f"{name}={'' if data[name] is None else data[name]}" for name in sorted(data))
    signature = _hex(secret, content.encode(), "sha256")
    return as_json({"code": "00", "desc": "success", "success": True, "data": data, "signature": signature})


def casso(notice: MovementNotice, secret: str) -> Sent:
    data = {
        "id": notice.number,
        "reference": notice.bank_ref or f"FT{notice.txn}",
        "description": notice.text,
        "amount": notice.amount,
        "transactionDateTime": f"{notice.at:%Y-%m-%d %H:%M:%S}",
        "accountNumber": notice.account,
        "bankName": "Ngân hàng Thử nghiệm",
        "virtualAccountNumber": "",
    } | dict(notice.changes)
    body = {"error": 0, "data": data}
    moment = str(int((notice.signed_at or now()).timestamp() * 1000))
    content = f"{moment}.{json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(',', ':'))}"
    signature = _hex(secret, content.encode(), "sha512")
    return as_json(body, {"X-Casso-Signature": f"t={moment},v1={signature}"})


def sepay(notice: MovementNotice, secret: str) -> Sent:
    fields = {
        "id": notice.number,
        "gateway": "Vietcombank",
        "transactionDate": f"{notice.at:%Y-%m-%d %H:%M:%S}",
        "accountNumber": notice.account,
        "code": None,
        "content": notice.text,
        "transferType": "in",
        "transferAmount": notice.amount,
        "accumulated": 19_077_000,
        "subAccount": None,
        "referenceCode": notice.bank_ref or f"MBVCB.{notice.txn}",
        "description": "",
    } | dict(notice.changes)
    unsigned = as_json(fields)
    moment = str(int((notice.signed_at or now()).timestamp()))
    signature = "sha256=" + _hex(secret, f"{moment}.".encode() + unsigned.body, "sha256")
    return replace(unsigned, headers={"X-SePay-Timestamp": moment, "X-SePay-Signature": signature})


def momo(notice: MovementNotice, secret: str) -> Sent:
    fields = {
        "amount": notice.amount,
        "extraData": "",
        "message": "Thành công.",
        "orderId": notice.reference,
        "orderInfo": notice.text,
        "orderType": "momo_wallet",
        "partnerCode": notice.merchant,
        "payType": "qr",
        "requestId": "1721720620078",
        "responseTime": int(notice.at.timestamp() * 1000),
        "resultCode": 1006 if notice.failed else 0,
        "transId": notice.number,
    } | dict(notice.changes)
    signed = {"accessKey": notice.access_key, **fields}
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


_HASH: Final = hashes.SHA256()


def signed_json(form: SignedJson) -> Sender:
    """The dialect of a bank with this contract; its secret is a private key, PEM."""

    def send(notice: MovementNotice, private_pem: str) -> Sent:
        document = _document(form, notice)
        moment = str(int((notice.signed_at or now()).timestamp())) if form.timestamp_header else ""
        body = as_json(document).body
        stamped = f"{moment}.".encode() if form.timestamp_header else b""
        signature = _signature(form, stamped + _content(form, document, body), private_pem)
        headers = {form.timestamp_header: moment} if form.timestamp_header else {}
        if form.signature_field is None:
            return Sent(headers={**headers, str(form.signature_header): signature}, body=body)
        _put(document, form.signature_field, signature)
        return as_json(document, headers)

    return send


def word_of(form: SignedJson, kind: str) -> str:
    """Their word for what is ``kind`` with us; empty if they have none."""
    return next((theirs for theirs, ours in form.kinds.items() if ours == kind), "")


def _document(form: SignedJson, notice: MovementNotice) -> dict[str, Any]:
    known: dict[Part, Any] = {
        "transaction": notice.txn,
        "amount": str(notice.amount) if form.digits else notice.amount,
        "kind": notice.kind or word_of(form, "failed" if notice.failed else "payment"),
        "account": notice.account,
        "text": notice.text,
        "at": notice.at.isoformat() if form.time == "rfc3339" else _written(notice.at, form.time),
        "currency": notice.currency,
        "bank_ref": notice.bank_ref or f"FT{notice.txn}",
        "reference": notice.reference,
    }
    document: dict[str, Any] = {}
    for part, path in form.names.items():
        if part in known:
            _put(document, path, known[part])
    for name, value in notice.changes:
        _put(document, name, value)
    return document


def _written(at: datetime, form: str) -> str:
    return at.astimezone(LOCAL).strftime(form)


def _put(document: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        document = document.setdefault(parent, {})
    document[last] = value


def _at(document: Mapping[str, Any], path: str) -> str:
    node: Any = document
    for name in path.split("."):
        node = node.get(name) if isinstance(node, Mapping) else None
    return "" if node is None else str(node)


def _content(form: SignedJson, document: Mapping[str, Any], body: bytes) -> bytes:
    match form.content:
        case "raw":
            return body
        case "fields":
            return form.separator.join(_at(document, path) for path in form.fields).encode()
        case "sorted":
            return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _signature(form: SignedJson, content: bytes, private_pem: str) -> str:
    signature = _signer(form, private_pem)(content)
    return base64.b64encode(signature).decode() if form.encoding == "base64" else signature.hex()


def _signer(form: SignedJson, private_pem: str) -> Callable[[bytes], bytes]:
    key = _key_of(private_pem)
    match form.algorithm, key:
        case "rsa-sha256", rsa.RSAPrivateKey():
            return lambda content: key.sign(content, padding.PKCS1v15(), _HASH)
        case "rsa-pss-sha256", rsa.RSAPrivateKey():
            pss = padding.PSS(mgf=padding.MGF1(_HASH), salt_length=_HASH.digest_size)
            return lambda content: key.sign(content, pss, _HASH)
        case "ecdsa-sha256", ec.EllipticCurvePrivateKey():
            return lambda content: key.sign(content, ec.ECDSA(_HASH))
        case _:
            raise ValueError(f"the key is not one for {form.algorithm}")


@cache
def _key_of(pem: str) -> PrivateKeyTypes:
    """Read once, because checking an RSA key takes 40 ms."""
    return serialization.load_pem_private_key(pem.encode(), None)


CALLERS: Final = 8
"""threads"""
TIMEOUT: Final = 10.0
"""seconds"""
ATTEMPTS: Final = 5
FIRST_PAUSE: Final = 0.1
"""seconds; doubled after each attempt. Like the real ones it gives up: what is lost so, the statement says."""
REPEATS: Final = 3
CROWD: Final = 20
ANOTHER_AMOUNT: Final = 1_000
"""đồng by which a second telling differs"""
LONG_AGO: Final = timedelta(hours=1)
_FORGED: Final = "somebody else's secret, of the same length"


NOTICES: Final[Mapping[NotificationBehaviour, Callable[[MovementNotice], list[MovementNotice]]]] = {
    NotificationBehaviour.ONCE: lambda notice: [notice],
    NotificationBehaviour.REPEATED: lambda notice: [notice] * REPEATS,
    NotificationBehaviour.CROWDED: lambda notice: [notice] * CROWD,
    NotificationBehaviour.NEVER: lambda _: [],
    NotificationBehaviour.HELD: lambda _: [],
    NotificationBehaviour.FORGED: lambda notice: [notice],
    NotificationBehaviour.STALE: lambda notice: [replace(notice, signed_at=now() - LONG_AGO)],
    NotificationBehaviour.CHANGED: lambda notice: [notice, replace(notice, amount=notice.amount + ANOTHER_AMOUNT)],
    NotificationBehaviour.FAILED: lambda notice: [replace(notice, failed=True)],
    NotificationBehaviour.FAILED_FIRST: lambda notice: [replace(notice, failed=True), notice],
}
"""What is said, one after another (crowded: at the same moment)."""


@dataclass(frozen=True, slots=True)
class HubAnswer:
    """What the hub answered; ``status`` 0: nothing."""

    status: int
    body: str


class BankNotifier:
    """One provider's calls to the hub's notification endpoint."""

    def __init__(self, bank: Bank, catalogue: Catalogue, hub: str, environment: Mapping[str, str]) -> None:
        """Raises ValueError when the key with which the bank signs is not in the environment."""
        self.terms = _terms(bank)
        self._url = f"{hub}/v1/banks/{bank.code}/notifications"
        self._send: Sender = SENDERS.get(self.terms.dialect) or signed_json(_form(self.terms))
        name = _in_force(self.terms)
        self._secret = _private_key(name, environment) if self.terms.signed_json else catalogue.secret(name)
        self.access_key = catalogue.secret(self.terms.access_key) if self.terms.access_key else ""
        self._threads = ThreadPoolExecutor(CALLERS, thread_name_prefix=f"sandbox-{bank.code}")

    async def notify(self, notice: MovementNotice, telling: NotificationBehaviour) -> list[HubAnswer]:
        """Say it as ``telling`` has it; what was answered, in the order of asking."""
        calls = [self._notify(one, forged=telling is NotificationBehaviour.FORGED) for one in NOTICES[telling](notice)]
        if telling is NotificationBehaviour.CROWDED:
            return list(await asyncio.gather(*calls))
        return [await call for call in calls]

    def close(self) -> None:
        """Waits for the calls under way."""
        self._threads.shutdown()

    async def _notify(self, notice: MovementNotice, *, forged: bool = False) -> HubAnswer:
        """Until it is answered with anything but a server error, or often enough."""
        sent = self._forged(notice) if forged else self._send(notice, self._secret)
        answer, pause = HubAnswer(0, ""), FIRST_PAUSE
        for _ in range(ATTEMPTS):
            answer = await asyncio.get_running_loop().run_in_executor(self._threads, self._call, sent)
            if 0 < answer.status < requests.codes.server_error:
                break
            await asyncio.sleep(pause)
            pause *= 2
        return answer

    def _forged(self, notice: MovementNotice) -> Sent:
        if self.terms.signed_json is None:
            return self._send(notice, _FORGED)
        # Signed for another amount: whoever has no key of theirs can only change what is signed.
        sent, other = (
            self._send(notice, self._secret),
            self._send(replace(notice, amount=notice.amount + 1), self._secret),
        )
        return Sent(sent.query, other.headers, sent.body) if self.terms.signed_json.signature_header else _spoiled(sent)

    def _call(self, sent: Sent) -> HubAnswer:
        with requests.Session() as session:
            session.trust_env = False
            try:
                if sent.query:
                    reply = session.get(f"{self._url}?{sent.query.decode()}", timeout=TIMEOUT, allow_redirects=False)
                else:
                    headers = {"Content-Type": "application/json", **sent.headers}
                    reply = session.post(self._url, sent.body, headers=headers, timeout=TIMEOUT, allow_redirects=False)
            except requests.RequestException:
                return HubAnswer(0, "")
            return HubAnswer(reply.status_code, reply.text)


def _spoiled(sent: Sent) -> Sent:
    return Sent(sent.query, sent.headers, sent.body.replace(b"0", b"1", 1))


def _terms(bank: Bank) -> Notifications:
    if bank.notifications is None:
        raise ValueError(f"{bank.code} tells nothing")
    return bank.notifications


def _form(terms: Notifications) -> SignedJson:
    if terms.signed_json is None:
        raise ValueError(f"the sandbox does not speak {terms.dialect}")
    return terms.signed_json


def _in_force(terms: Notifications) -> str:
    """The name of the key that it signs with today: the newest of those in force."""
    moment = now()
    known = [
        key.secret
        for key in terms.keys
        if (key.valid_from is None or key.valid_from <= moment)
        and (key.valid_until is None or moment < key.valid_until)
    ]
    return (known or [terms.keys[-1].secret])[-1]


def _private_key(certificate: str, environment: Mapping[str, str]) -> str:
    """The bank's own, beside its certificate: HUB_SECRET_…_CERTIFICATE, HUB_SECRET_…_KEY."""
    name = certificate.removesuffix("CERTIFICATE") + "KEY"
    if name not in environment:
        raise ValueError(f"the sandbox needs {name}, the private key of {certificate}")
    return environment[name]
