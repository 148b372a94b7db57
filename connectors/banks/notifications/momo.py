"""MoMo, IPN v2: HMAC-SHA256 over a fixed list of name=value, with our access key in front. Answered by 204 in 15 s."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from connectors.banks.notifications.dialect import (
    STATUS,
    Dialect,
    NotificationRequest,
    NotificationVerdict,
    ProviderAnswer,
    ProviderContract,
    integer_of,
    is_same_signature,
    json_object,
    notification,
    payment_amount,
    refusal,
    signing_key_id,
    text_of,
    utf8,
)
from schemas.payment import Notification, NotificationKind
from schemas.values import from_milliseconds

TEXTS: Final = ("extraData", "message", "orderId", "orderInfo", "orderType", "partnerCode", "payType", "requestId")
NUMBERS: Final = ("amount", "responseTime", "resultCode", "transId")
SIGNED: Final = tuple(sorted((*TEXTS, *NUMBERS)))
SUCCESS: Final = 0


def canonical(payload: Mapping[str, Any], access_key: str) -> bytes:
    """What is signed. Numbers are whole numbers, so a text cannot be cut to look like one. Raises Refused."""
    values = {name: text_of(payload, name) for name in TEXTS} | {
        name: str(integer_of(payload, name)) for name in NUMBERS
    }
    return utf8("&".join([f"accessKey={access_key}", *(f"{name}={values[name]}" for name in SIGNED)]))


def _verify(request: NotificationRequest, contract: ProviderContract, at: datetime) -> str:
    payload = json_object(request.body)
    content, signature = canonical(payload, contract.access_key), payload.get("signature")
    return signing_key_id(
        contract,
        at,
        lambda key: is_same_signature(signature, hmac.new(key.secret.encode(), content, hashlib.sha256).hexdigest()),
    )


def _read(request: NotificationRequest, contract: ProviderContract) -> Notification:
    payload = json_object(request.body)
    if text_of(payload, "partnerCode") != contract.terms.merchant:
        raise refusal("/partnerCode", "merchant", "is another partner")
    try:
        paid_at = from_milliseconds(integer_of(payload, "responseTime"))
    except ValueError as error:
        raise refusal("/responseTime", "time", str(error)) from None
    number = integer_of(payload, "transId")
    return notification(
        provider=contract.provider,
        # An attempt that came to nothing may have no number of its own: as VNPAY's, it is 0.
        provider_txn=str(number) if number else f"{text_of(payload, 'orderId')}.{text_of(payload, 'requestId')}",
        kind=NotificationKind.PAYMENT if integer_of(payload, "resultCode") == SUCCESS else NotificationKind.FAILED,
        amount=payment_amount(integer_of(payload, "amount"), "/amount"),
        paid_at=paid_at,
        account=contract.account,
        reference=text_of(payload, "orderId"),
        text=text_of(payload, "orderInfo"),
    )


def _answer(verdict: NotificationVerdict, _contract: ProviderContract, _at: datetime) -> ProviderAnswer:
    status = STATUS[verdict]
    return ProviderAnswer(204 if status == 200 else status)  # noqa: PLR2004 - HTTP statuses


DIALECT: Final = Dialect("POST", (), _verify, _read, _answer)
