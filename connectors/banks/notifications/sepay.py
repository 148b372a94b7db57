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
    document,
    dong,
    fresh,
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

SIGNATURE: Final = "x-sepay-signature"
TIMESTAMP: Final = "x-sepay-timestamp"
SCHEME: Final = "sha256="


def signature(moment: str, body: bytes, secret: str) -> str:
    """What stands in the header."""
    return SCHEME + hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


def _verify(came: NotificationRequest, contract: ProviderContract, at: datetime) -> str:
    moment, shown = came.headers.get(TIMESTAMP, ""), came.headers.get(SIGNATURE)
    key = signed_by(contract, at, lambda key: same(shown, signature(moment, came.body, key.secret)))
    fresh(moment, at, contract.terms.tolerance_seconds)
    return key


def _read(came: NotificationRequest, contract: ProviderContract) -> Notification | None:
    found = document(came.body)
    direction = text_of(found, "transferType")
    if direction not in ("in", "out"):
        raise refused("/transferType", "direction", "is neither in nor out")
    amount = dong(whole_of(found, "transferAmount"), "/transferAmount")
    if direction == "out":
        return None
    return notification(
        provider=contract.provider,
        provider_txn=str(whole_of(found, "id")),
        kind=NotificationKind.PAYMENT,
        amount=amount,
        paid_at=local(text_of(found, "transactionDate"), "/transactionDate", "%Y-%m-%d %H:%M:%S"),
        account=text_of(found, "accountNumber"),
        virtual_account=found.get("subAccount") or None,
        bank_ref=found.get("referenceCode") or None,
        reference=found.get("code") or None,
        text=text_of(found, "content"),
    )


DIALECT: Final = Dialect("POST", (SIGNATURE, TIMESTAMP), _verify, _read, plain)
