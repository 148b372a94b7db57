"""SePay: X-SePay-Signature "sha256=<hex>", HMAC-SHA256 over X-SePay-Timestamp, a dot and the raw body.

Their API key, OAuth2 and "none" are not taken: they say nothing of what was sent. Answered within 30 seconds with
{"success": true}; otherwise they try eight times in 33 minutes and give up.
"""

import hashlib
import hmac
from datetime import datetime
from typing import Final

from connectors.banks.notifications.dialect import (
    Dialect,
    NotificationRequest,
    ProviderContract,
    check_timestamp,
    integer_of,
    is_same_signature,
    json_object,
    notification,
    payment_amount,
    refusal,
    signing_key_id,
    status_answer,
    text_of,
    vietnam_time,
)
from schemas.payment import Notification, NotificationKind

SIGNATURE: Final = "x-sepay-signature"
TIMESTAMP: Final = "x-sepay-timestamp"
SCHEME: Final = "sha256="


def signature(moment: str, body: bytes, secret: str) -> str:
    """What stands in the header."""
    return SCHEME + hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


def _verify(request: NotificationRequest, contract: ProviderContract, at: datetime) -> str:
    moment, shown = request.headers.get(TIMESTAMP, ""), request.headers.get(SIGNATURE)
    key = signing_key_id(
        contract, at, lambda key: is_same_signature(shown, signature(moment, request.body, key.secret))
    )
    check_timestamp(moment, at, contract.terms.tolerance_seconds)
    return key


def _read(request: NotificationRequest, contract: ProviderContract) -> Notification | None:
    payload = json_object(request.body)
    direction = text_of(payload, "transferType")
    if direction not in ("in", "out"):
        raise refusal("/transferType", "direction", "is neither in nor out")
    amount = payment_amount(integer_of(payload, "transferAmount"), "/transferAmount")
    if direction == "out":
        return None
    return notification(
        provider=contract.provider,
        provider_txn=str(integer_of(payload, "id")),
        kind=NotificationKind.PAYMENT,
        amount=amount,
        paid_at=vietnam_time(text_of(payload, "transactionDate"), "/transactionDate", "%Y-%m-%d %H:%M:%S"),
        account=text_of(payload, "accountNumber"),
        virtual_account=payload.get("subAccount") or None,
        bank_ref=payload.get("referenceCode") or None,
        reference=payload.get("code") or None,
        text=text_of(payload, "content"),
    )


DIALECT: Final = Dialect("POST", (SIGNATURE, TIMESTAMP), _verify, _read, status_answer)
