"""Casso, webhook V2: X-Casso-Signature "t=<ms>,v1=<hex>", HMAC-SHA512 over t, a dot and the JSON with its keys sorted.

Their samples differ in how they write "/" and Vietnamese letters: PHP escapes both, JavaScript does not. What is signed
may be written in either way; both come from the same values.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from connectors.banks.notifications.dialect import (
    Dialect,
    Key,
    NotificationRequest,
    NotificationVerdict,
    NotVerified,
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
    utf8,
    vietnam_time,
)
from schemas.payment import Notification, NotificationKind

HEADER: Final = "x-casso-signature"
_SIGNATURE: Final = re.compile(r"t=(?P<t>[0-9]{1,16}),\s*v1=(?P<v1>[0-9a-fA-F]{128})")


def canonical(moment: str, payload: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """What is signed: as JavaScript writes it, and as PHP does."""
    unescaped = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    escaped = json.dumps(payload, ensure_ascii=True, separators=(",", ":"), sort_keys=True).replace("/", "\\/")
    return utf8(f"{moment}.{unescaped}"), utf8(f"{moment}.{escaped}")


def _verify(request: NotificationRequest, contract: ProviderContract, at: datetime) -> str:
    match = _SIGNATURE.fullmatch(request.headers.get(HEADER, "").strip())
    if match is None:
        raise NotVerified(NotificationVerdict.BAD_SIGNATURE)
    contents = canonical(match["t"], json_object(request.body))

    def matches(key: Key) -> bool:
        sums = [hmac.new(key.secret.encode(), content, hashlib.sha512).hexdigest() for content in contents]
        return any(is_same_signature(match["v1"], computed) for computed in sums)

    key = signing_key_id(contract, at, matches)
    check_timestamp(match["t"], at, contract.terms.tolerance_seconds, per_second=1000)
    return key


def _read(request: NotificationRequest, contract: ProviderContract) -> Notification:
    payload = json_object(request.body)
    data = payload.get("data")
    if integer_of(payload, "error") != 0 or not isinstance(data, dict):
        raise refusal("/data", "not_an_object", "has to be one transaction")
    return notification(
        provider=contract.provider,
        provider_txn=f"{integer_of(data, 'id')}.{text_of(data, 'reference')}",
        kind=NotificationKind.PAYMENT,
        amount=payment_amount(integer_of(data, "amount"), "/data/amount"),
        paid_at=vietnam_time(text_of(data, "transactionDateTime"), "/data/transactionDateTime", "%Y-%m-%d %H:%M:%S"),
        account=text_of(data, "accountNumber"),
        virtual_account=data.get("virtualAccountNumber") or None,
        bank_ref=text_of(data, "reference") or None,
        text=text_of(data, "description"),
    )


DIALECT: Final = Dialect("POST", (HEADER,), _verify, _read, status_answer)
