"""payOS: a POST whose ``data`` is signed with HMAC-SHA256 over its values sorted by name. Only ``data`` is believed."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from connectors.banks.notifications.dialect import (
    Dialect,
    NotificationRequest,
    ProviderContract,
    integer_of,
    is_same_signature,
    json_object,
    notification,
    payment_amount,
    refusal,
    signing_key_id,
    status_answer,
    text_of,
    utf8,
    vietnam_time,
)
from schemas.payment import Notification, NotificationKind

SUCCESS: Final = "00"


def canonical(data: Mapping[str, Any]) -> bytes:
    """What is signed: name=value, sorted by name, joined by "&"; nothing is written as nothing, never as "null"."""
    return utf8("&".join(f"{name}={_written(data[name])}" for name in sorted(data)))


def _written(value: Any) -> str:
    """As their JavaScript writes it."""
    if value is None or value in ("null", "undefined"):
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _data(request: NotificationRequest) -> tuple[dict[str, Any], object]:
    payload = json_object(request.body)
    data = payload.get("data")
    if not isinstance(data, dict):
        raise refusal("/data", "not_an_object", "has to be an object")
    return data, payload.get("signature")


def _verify(request: NotificationRequest, contract: ProviderContract, at: datetime) -> str:
    data, signature = _data(request)
    content = canonical(data)
    return signing_key_id(
        contract,
        at,
        lambda key: is_same_signature(signature, hmac.new(key.secret.encode(), content, hashlib.sha256).hexdigest()),
    )


def _read(request: NotificationRequest, contract: ProviderContract) -> Notification:
    data, _ = _data(request)
    reference = text_of(data, "reference")
    return notification(
        provider=contract.provider,
        # A payment link can be paid by more than one transfer, and the banks' numbers are the banks' own.
        provider_txn=f"{text_of(data, 'paymentLinkId')}.{reference}",
        kind=NotificationKind.PAYMENT if text_of(data, "code") == SUCCESS else NotificationKind.FAILED,
        amount=payment_amount(integer_of(data, "amount"), "/data/amount"),
        currency=text_of(data, "currency"),
        paid_at=vietnam_time(text_of(data, "transactionDateTime"), "/data/transactionDateTime", "%Y-%m-%d %H:%M:%S"),
        account=text_of(data, "accountNumber"),
        virtual_account=data.get("virtualAccountNumber") or None,
        bank_ref=reference,
        reference=str(integer_of(data, "orderCode")),
        text=text_of(data, "description"),
    )


DIALECT: Final = Dialect("POST", (), _verify, _read, status_answer)
