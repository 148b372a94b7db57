"""A bank that signs its JSON with RSA or ECDSA: algorithm, canonical form, keys and names all stand in its TOML."""

import base64
import binascii
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from config.notifications import Part, SignedJson
from connectors.banks.notifications.dialect import (
    STATUS,
    Dialect,
    Key,
    NotificationRequest,
    NotificationVerdict,
    NotVerified,
    ProviderAnswer,
    ProviderContract,
    check_timestamp,
    digits,
    json_answer,
    json_object,
    notification,
    payment_amount,
    refusal,
    signing_key_id,
    utf8,
    vietnam_time,
)
from schemas.payment import Notification, NotificationKind
from schemas.values import bounded

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
HASH: Final = hashes.SHA256()
WORDS: Final[Mapping[NotificationVerdict, tuple[str, str]]] = {
    NotificationVerdict.ACCEPTED: ("00", "accepted"),
    NotificationVerdict.IGNORED: ("00", "accepted"),
    NotificationVerdict.UNKNOWN_ORDER: ("00", "accepted"),
    NotificationVerdict.WRONG_AMOUNT: ("00", "accepted"),
    NotificationVerdict.FINAL: ("00", "accepted"),
    NotificationVerdict.BAD_SIGNATURE: ("97", "signature refused"),
    NotificationVerdict.STALE: ("97", "signature refused"),
    NotificationVerdict.UNKNOWN_KEY: ("97", "signature refused"),
    NotificationVerdict.MALFORMED: ("99", "content refused"),
    NotificationVerdict.CONFLICT: ("09", "notified before with other content"),
}


def canonical(request: NotificationRequest, form: SignedJson) -> bytes:
    """What is signed. Raises Refused."""
    content = _content(request, form)
    if form.timestamp_header is None:
        return content
    return request.headers.get(form.timestamp_header, "").encode() + b"." + content


def _content(request: NotificationRequest, form: SignedJson) -> bytes:
    if form.content == "raw":
        return request.body
    payload = json_object(request.body)
    if form.content == "fields":
        values = [_written(_at(payload, path), path) for path in form.fields]
        if any(form.separator in value for value in values[:-1]):
            raise refusal("", "separator", "a value holds the separator of the signature")
        return utf8(form.separator.join(values))
    if form.signature_field is not None:
        _at(payload, form.signature_field, take=True)
    return utf8(json.dumps(payload, ensure_ascii=False, separators=(",", ":"), sort_keys=True))


def _at(payload: Mapping[str, Any], path: str, *, take: bool = False) -> Any:
    """What stands at ``path`` (None: nothing); ``take`` removes it."""
    *steps, last = path.split(".")
    node: Any = payload
    for step in steps:
        node = node.get(step) if isinstance(node, dict) else None
    if not isinstance(node, dict):
        return None
    return node.pop(last, None) if take else node.get(last)


def _written(value: Any, path: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)
    raise refusal("/" + path.replace(".", "/"), "type", "only texts and whole numbers can be signed one by one")


def _signature(request: NotificationRequest, form: SignedJson) -> bytes:
    if form.signature_header is not None:
        shown: object = request.headers.get(form.signature_header)
    else:
        shown = _at(json_object(request.body), form.signature_field or "")
    with suppress(binascii.Error, ValueError):
        if isinstance(shown, str):
            return base64.b64decode(shown, validate=True) if form.encoding == "base64" else bytes.fromhex(shown)
    raise NotVerified(NotificationVerdict.BAD_SIGNATURE)


@cache
def public_key(pem: str) -> PublicKey:
    """The key in a certificate or a public key (PEM). Raises ValueError."""
    data = pem.encode()
    if "CERTIFICATE" in pem:
        key: Any = x509.load_pem_x509_certificate(data).public_key()
    else:
        key = serialization.load_pem_public_key(data)
    if not isinstance(key, PublicKey):
        raise ValueError("a bank signs with RSA or on an elliptic curve")  # noqa: TRY004 - the catalogue's value is wrong
    return key


def _holds(key: PublicKey, signature: bytes, content: bytes, form: SignedJson) -> bool:
    try:
        match form.algorithm, key:
            case "rsa-sha256", rsa.RSAPublicKey():
                key.verify(signature, content, padding.PKCS1v15(), HASH)
            case "rsa-pss-sha256", rsa.RSAPublicKey():
                pss = padding.PSS(mgf=padding.MGF1(HASH), salt_length=HASH.digest_size)
                key.verify(signature, content, pss, HASH)
            case "ecdsa-sha256", ec.EllipticCurvePublicKey():
                key.verify(signature, content, ec.ECDSA(HASH))
            case _:
                return False
    except InvalidSignature:
        return False
    return True


def _form(contract: ProviderContract) -> SignedJson:
    form = contract.terms.signed_json
    assert form is not None  # noqa: S101 - the catalogue sees to it for this dialect
    return form


def _verify(request: NotificationRequest, contract: ProviderContract, at: datetime) -> str:
    form = _form(contract)
    signature, content = _signature(request, form), canonical(request, form)
    named = request.headers.get(form.key_header) if form.key_header else None
    if form.key_header and named not in {key.id for key in contract.keys}:
        raise NotVerified(NotificationVerdict.UNKNOWN_KEY)

    def matches(key: Key) -> bool:
        return named in (None, key.id) and _holds(public_key(key.secret), signature, content, form)

    key = signing_key_id(contract, at, matches)
    if form.timestamp_header:
        check_timestamp(request.headers.get(form.timestamp_header), at, contract.terms.tolerance_seconds)
    return key


def _read(request: NotificationRequest, contract: ProviderContract) -> Notification:
    form = _form(contract)
    payload = json_object(request.body)

    def text_at(part: Part) -> str:
        return _written(_at(payload, form.names[part]), form.names[part]) if part in form.names else ""

    return notification(
        provider=contract.provider,
        provider_txn=text_at("transaction"),
        kind=_kind(text_at("kind"), form),
        amount=_amount(_at(payload, form.names["amount"]), form),
        currency=text_at("currency") or "VND",
        paid_at=_time(text_at("at"), form),
        account=text_at("account") or contract.account,
        bank_ref=text_at("bank_ref") or None,
        reference=text_at("reference") or None,
        text=text_at("text"),
        original=text_at("original") or None,
    )


def _kind(word: str, form: SignedJson) -> NotificationKind:
    if not form.kinds:
        return NotificationKind.PAYMENT
    if word not in form.kinds:
        raise refusal("/kind", "kind", "is a word that the contract does not have")
    return form.kinds[word]


def _amount(value: Any, form: SignedJson) -> int:
    if form.digits and isinstance(value, str):
        return payment_amount(digits(value, "/amount"), "/amount")
    if form.digits or type(value) is not int:
        raise refusal("/amount", "int_type", "is not written as the contract says")
    return payment_amount(value, "/amount")


def _time(value: str, form: SignedJson) -> datetime:
    if form.time != "rfc3339":
        return vietnam_time(value, "/at", form.time)
    with suppress(ValueError):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return bounded(moment).astimezone(UTC)
    raise refusal("/at", "time", "is no time as the contract writes it")


def _answer(verdict: NotificationVerdict, _contract: ProviderContract, _at: datetime) -> ProviderAnswer:
    code, message = WORDS[verdict]
    return json_answer(STATUS[verdict], {"code": code, "message": message})


DIALECT: Final = Dialect("POST", (), _verify, _read, _answer)
