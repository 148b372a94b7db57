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
    as_bytes,
    document,
    dong,
    notification,
    refused,
    same,
    signed_by,
    text_of,
    whole_of,
)
from schemas.moment import from_milliseconds
from schemas.payment import Notification, NotificationKind

TEXTS: Final = ("extraData", "message", "orderId", "orderInfo", "orderType", "partnerCode", "payType", "requestId")
NUMBERS: Final = ("amount", "responseTime", "resultCode", "transId")
SIGNED: Final = tuple(sorted((*TEXTS, *NUMBERS)))
SUCCESS: Final = 0


def canonical(said: Mapping[str, Any], access_key: str) -> bytes:
    """What is signed. Numbers are whole numbers, so a text cannot be cut to look like one. Raises Refused."""
    values = {name: text_of(said, name) for name in TEXTS} | {name: str(whole_of(said, name)) for name in NUMBERS}
    return as_bytes("&".join([f"accessKey={access_key}", *(f"{name}={values[name]}" for name in SIGNED)]))


def _verify(came: NotificationRequest, contract: ProviderContract, at: datetime) -> str:
    found = document(came.body)
    content, signature = canonical(found, contract.access_key), found.get("signature")
    return signed_by(
        contract, at, lambda key: same(signature, hmac.new(key.secret.encode(), content, hashlib.sha256).hexdigest())
    )


def _read(came: NotificationRequest, contract: ProviderContract) -> Notification:
    found = document(came.body)
    if text_of(found, "partnerCode") != contract.terms.merchant:
        raise refused("/partnerCode", "merchant", "is another partner")
    try:
        paid_at = from_milliseconds(whole_of(found, "responseTime"))
    except ValueError as error:
        raise refused("/responseTime", "time", str(error)) from None
    number = whole_of(found, "transId")
    return notification(
        provider=contract.provider,
        # An attempt that came to nothing may have no number of its own: as VNPAY's, it is 0.
        provider_txn=str(number) if number else f"{text_of(found, 'orderId')}.{text_of(found, 'requestId')}",
        kind=NotificationKind.PAYMENT if whole_of(found, "resultCode") == SUCCESS else NotificationKind.FAILED,
        amount=dong(whole_of(found, "amount"), "/amount"),
        paid_at=paid_at,
        account=contract.account,
        reference=text_of(found, "orderId"),
        text=text_of(found, "orderInfo"),
    )


def _answer(verdict: NotificationVerdict, _contract: ProviderContract, _at: datetime) -> ProviderAnswer:
    status = STATUS[verdict]
    return ProviderAnswer(204 if status == 200 else status)  # noqa: PLR2004 - HTTP statuses


DIALECT: Final = Dialect("POST", (), _verify, _read, _answer)
