"""KeyPay on the national portal, version 3.0: the callback, signed by check_sum (HMAC-SHA256 with hash_key_2).

check_sum covers the transaction and its amount and not ``status``, so nobody has signed that a payment succeeded: it is
kept, and does not release a dossier before the statement shows the money.
"""

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
    digits,
    is_same_signature,
    json_answer,
    json_object,
    notification,
    payment_amount,
    refusal,
    signing_key_id,
    utf8,
)
from schemas.payment import Notification, NotificationKind

SIGNED: Final = ("addition_fee", "client_id", "command", "trans_amount", "transaction_id", "version")
SUCCESS: Final = "0"
WORDS: Final[Mapping[bool, tuple[int, str]]] = {True: (0, "success"), False: (-1, "error")}


def check_sum(values: list[str], secret: str) -> str:
    """The sum of these values."""
    return hmac.new(secret.encode(), utf8("|".join(values)), hashlib.sha256).hexdigest()


def _text(payload: Mapping[str, Any], name: str) -> str:
    """A text, or a whole number as its digits: they send either. Raises Refused."""
    value = payload.get(name)
    if type(value) is int:
        return str(value)
    if not isinstance(value, str) or "|" in value:
        raise refusal(f"/{name}", "string_type", "has to be a text without the separator of the signature")
    return value


def _verify(request: NotificationRequest, contract: ProviderContract, at: datetime) -> str:
    payload = json_object(request.body)
    values, signature = [_text(payload, name) for name in SIGNED], payload.get("check_sum")
    return signing_key_id(contract, at, lambda key: is_same_signature(signature, check_sum(values, key.secret)))


def _read(request: NotificationRequest, contract: ProviderContract) -> Notification:
    payload = json_object(request.body)
    if _text(payload, "client_id") != contract.terms.merchant:
        raise refusal("/client_id", "merchant", "is another client")
    if (_text(payload, "command"), _text(payload, "version")) != ("PAY", "3.0"):
        raise refusal("/command", "type", "is no payment of version 3.0")
    transaction = _text(payload, "transaction_id")
    return notification(
        provider=contract.provider,
        provider_txn=transaction,
        kind=NotificationKind.PAYMENT if _text(payload, "status") == SUCCESS else NotificationKind.FAILED,
        amount=payment_amount(digits(_text(payload, "trans_amount"), "/trans_amount"), "/trans_amount"),
        account=contract.account,
        reference=transaction.partition("_")[0],
        proven=False,
    )


def _answer(verdict: NotificationVerdict, _contract: ProviderContract, _at: datetime) -> ProviderAnswer:
    status = STATUS[verdict]
    code, message = WORDS[status == 200]  # noqa: PLR2004 - the HTTP status
    return json_answer(status, {"return_code": code, "return_msg": message})


DIALECT: Final = Dialect("POST", (), _verify, _read, _answer)
