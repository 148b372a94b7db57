"""VNPAY 2.1.0, the IPN: a GET whose query is signed with HMAC-SHA512; amounts in hundredths of a đồng.

vnp_TxnRef names an order within one day only, so the event is named by vnp_TransactionNo. A payment succeeded only if
both its codes are 00. Their checks are ours, in their order: signature, order, amount, not final yet.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, quote_plus

from connectors.banks.notifications.dialect import (
    Dialect,
    NotificationRequest,
    NotificationVerdict,
    NotVerified,
    ProviderAnswer,
    ProviderContract,
    digits,
    is_same_signature,
    json_answer,
    notification,
    payment_amount,
    refusal,
    signing_key_id,
    vietnam_time,
)
from schemas.payment import Notification, NotificationKind
from schemas.strict import Refused

SIGNATURE: Final = "vnp_SecureHash"
UNSIGNED: Final = frozenset({SIGNATURE, "vnp_SecureHashType"})
SUCCESS: Final = "00"
HUNDREDTHS: Final = 100
MOST_PARAMETERS: Final = 40

ANSWERS: Final[Mapping[NotificationVerdict, tuple[str, str]]] = {
    NotificationVerdict.ACCEPTED: ("00", "Confirm Success"),
    NotificationVerdict.IGNORED: ("00", "Confirm Success"),
    NotificationVerdict.UNKNOWN_ORDER: ("01", "Order not found"),
    NotificationVerdict.FINAL: ("02", "Order already confirmed"),
    NotificationVerdict.WRONG_AMOUNT: ("04", "Invalid amount"),
    NotificationVerdict.BAD_SIGNATURE: ("97", "Invalid signature"),
    NotificationVerdict.STALE: ("97", "Invalid signature"),
    NotificationVerdict.UNKNOWN_KEY: ("97", "Invalid signature"),
    NotificationVerdict.MALFORMED: ("99", "Input data required"),
    NotificationVerdict.CONFLICT: ("99", "Transaction was notified with other content"),
}
"""RspCode and Message. They try again unless they hear 00 or 02."""


def canonical(parameters: Mapping[str, str]) -> bytes:
    """What is signed: the parameters sorted by name, encoded as a form, without the signature."""
    signed = sorted((name, value) for name, value in parameters.items() if name not in UNSIGNED)
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in signed).encode()


def parameters(query: bytes) -> dict[str, str]:
    """The parameters, each once. Raises Refused."""
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError:
        raise refusal("", "not_a_query", "the query cannot be read") from None
    by_name = dict(pairs)
    if len(by_name) != len(pairs):
        raise refusal("", "duplicate_key", "a parameter stands twice")
    return by_name


def _verify(request: NotificationRequest, contract: ProviderContract, at: datetime) -> str:
    try:
        query = parameters(request.query)
    except Refused:
        raise NotVerified(NotificationVerdict.BAD_SIGNATURE) from None  # what cannot be read was not signed
    content, signature = canonical(query), query.get(SIGNATURE)
    return signing_key_id(
        contract,
        at,
        lambda key: is_same_signature(signature, hmac.new(key.secret.encode(), content, hashlib.sha512).hexdigest()),
    )


def _read(request: NotificationRequest, contract: ProviderContract) -> Notification:
    query = parameters(request.query)

    def required(name: str) -> str:
        value = query.get(name, "")
        if not value:
            raise refusal(f"/{name}", "missing", "has to be there")
        return value

    if required("vnp_TmnCode") != contract.terms.merchant:
        raise refusal("/vnp_TmnCode", "merchant", "is another merchant")
    amount, rest = divmod(digits(required("vnp_Amount"), "/vnp_Amount"), HUNDREDTHS)
    if rest:
        raise refusal("/vnp_Amount", "fraction", "is no whole number of đồng")
    succeeded = required("vnp_ResponseCode") == SUCCESS == required("vnp_TransactionStatus")
    order, paid_on = required("vnp_TxnRef"), query.get("vnp_PayDate", "")
    number = required("vnp_TransactionNo") if succeeded else query.get("vnp_TransactionNo", "0")
    return notification(
        provider=contract.provider,
        # An attempt that came to nothing may have no number of its own: they write 0.
        provider_txn=number if number.strip("0") else f"{order}.{paid_on}",
        kind=NotificationKind.PAYMENT if succeeded else NotificationKind.FAILED,
        amount=payment_amount(amount, "/vnp_Amount"),
        paid_at=vietnam_time(paid_on, "/vnp_PayDate", "%Y%m%d%H%M%S") if succeeded else None,
        account=contract.account,
        reference=order,
        text=query.get("vnp_OrderInfo", ""),
    )


def _answer(verdict: NotificationVerdict, _contract: ProviderContract, _at: datetime) -> ProviderAnswer:
    code, message = ANSWERS[verdict]
    return json_answer(200, {"RspCode": code, "Message": message})


DIALECT: Final = Dialect("GET", (), _verify, _read, _answer, orders=True)
