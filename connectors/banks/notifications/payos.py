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
    as_bytes,
    document,
    dong,
    local,
    notification,
    plain,
    refused,
    same,
    signed_by,
    text_of,
    whole_of,
)
from schemas.payment import Notification, NotificationKind

SUCCESS: Final = "00"


def canonical(data: Mapping[str, Any]) -> bytes:
    """What is signed: name=value, sorted by name, joined by "&"; nothing is written as nothing, never as "null"."""
    return as_bytes("&".join(f"{name}={_written(data[name])}" for name in sorted(data)))


def _written(value: Any) -> str:
    """As their JavaScript writes it."""
    if value is None or value in ("null", "undefined"):
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _data(came: NotificationRequest) -> tuple[dict[str, Any], object]:
    found = document(came.body)
    data = found.get("data")
    if not isinstance(data, dict):
        raise refused("/data", "not_an_object", "has to be an object")
    return data, found.get("signature")


def _verify(came: NotificationRequest, contract: ProviderContract, at: datetime) -> str:
    data, signature = _data(came)
    content = canonical(data)
    return signed_by(
        contract, at, lambda key: same(signature, hmac.new(key.secret.encode(), content, hashlib.sha256).hexdigest())
    )


def _read(came: NotificationRequest, contract: ProviderContract) -> Notification:
    data, _ = _data(came)
    reference = text_of(data, "reference")
    return notification(
        provider=contract.provider,
        # A payment link can be paid by more than one transfer, and the banks' numbers are the banks' own.
        provider_txn=f"{text_of(data, 'paymentLinkId')}.{reference}",
        kind=NotificationKind.PAYMENT if text_of(data, "code") == SUCCESS else NotificationKind.FAILED,
        amount=dong(whole_of(data, "amount"), "/data/amount"),
        currency=text_of(data, "currency"),
        paid_at=local(text_of(data, "transactionDateTime"), "/data/transactionDateTime", "%Y-%m-%d %H:%M:%S"),
        account=text_of(data, "accountNumber"),
        virtual_account=data.get("virtualAccountNumber") or None,
        bank_ref=reference,
        reference=str(whole_of(data, "orderCode")),
        text=text_of(data, "description"),
    )


DIALECT: Final = Dialect("POST", (), _verify, _read, plain)
