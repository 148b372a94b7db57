"""Messages of postal operators, the same in both dialects: the order form, replies, tracking events, times.

The order's form has no field for the matter of a dossier. Of a reply nothing is trusted.
The names are those of the national gateway's postal interface of 2017 (NGSP) and of the provinces' of 2023 (LGSP).
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from pydantic import ValidationError

from config.catalogue import Operator
from config.postal import Province, ReplyMeaning
from connectors.errors import REASON_LIMIT, ConnectorCode, ContractBroken, Duplicate, Rejected, Unavailable
from connectors.transport import entries
from connectors.transport.http_connection import HttpReply, expect_success
from schemas import replies
from schemas.postal import ConsignmentAccepted, ConsignmentOrder, TrackingEvent
from schemas.replies import UnreadableEntry
from schemas.strict import Fault, Refused, faults_of
from schemas.values import bounded, from_milliseconds

JSON: Final = "application/json"


def order_form(operator: Operator, order: ConsignmentOrder) -> dict[str, Any]:
    """The form. Raises ContractBroken where the operator's list lacks a province: nothing has been sent then."""
    sender, receiver = order.sender, order.receiver
    origin, destination = _province(operator, sender.province), _province(operator, receiver.province)
    return {
        "CustomerCode": operator.customer_code,
        "OrderNumber": order.order_number,
        "CODAmount": order.cash,
        "SenderProvince": origin.number,
        "SenderDistrict": origin.district,
        "SenderAddress": sender.address,
        "SenderName": sender.name,
        "SenderTel": sender.phone,
        "ReceiverProvince": destination.number,
        "ReceiverDistrict": destination.district,
        "ReceiverAddress": receiver.address,
        "ReceiverName": receiver.name,
        "ReceiverTel": receiver.phone,
    }


def _province(operator: Operator, name: str) -> Province:
    province = operator.province(name)
    if province is None:
        raise ContractBroken(
            ConnectorCode.OUR_MESSAGE, f"a province of the order stands in no row of {operator.code}.toml"
        )
    return province


SIZE_CAP: Final = 8 * 1024 * 1024
"""bytes; a page of a thousand entries has half a million"""
LONGEST_WORDS: Final = 500
VIETNAM: Final = timezone(timedelta(hours=7))
"""The clock of operators who do not say which: the country has one, without summer time."""

_LOCAL: Final = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S")
_FRACTION: Final = re.compile(r"\.[0-9]+$")


def document(reply: HttpReply) -> dict[str, Any]:
    """The JSON object in the reply. Raises ContractBroken: a gateway's page in a 200 is no answer."""
    try:
        payload = replies.parse(reply.body)
    except Refused as refused:
        fault = refused.faults[0]
        raise ContractBroken(
            ConnectorCode.CONTRACT,
            f"HTTP {reply.status} {reply.media_type or 'without a type'} is no JSON: {fault.code}",
        ) from None
    if not isinstance(payload, dict):
        raise ContractBroken(ConnectorCode.CONTRACT, f"HTTP {reply.status}: the reply is no JSON object")
    return payload


def ordered(operator: Operator, reply: HttpReply, order_number: str, item_code: str | None) -> ConsignmentAccepted:
    """What became of an order. Raises Duplicate (with the same answer), Rejected, Unavailable, ContractBroken."""
    payload = document(expect_success(reply, idempotent=False))
    accepted = _accepted(order_number, payload.get("ItemCode"), item_code)
    if answer(operator, payload) is ReplyMeaning.ALREADY:
        raise Duplicate(ConnectorCode.DUPLICATE, reply=accepted)
    return accepted


def answer(operator: Operator, payload: Mapping[str, Any]) -> ReplyMeaning:
    """DONE or ALREADY. Raises Rejected or Unavailable as the Status says, ContractBroken for one in no table."""
    meaning = operator.answers.get(_code(payload.get("Status")))
    if meaning is None:
        raise ContractBroken(ConnectorCode.CONTRACT, "the reply's Status stands in no row of [answers]")
    if meaning is ReplyMeaning.REFUSED:
        raise Rejected(
            ConnectorCode.REJECTED, "by its Status", reason=_words(payload.get("Message"), REASON_LIMIT) or ""
        )
    if meaning is ReplyMeaning.BUSY:
        raise Unavailable(ConnectorCode.BUSY, "by its Status")
    return meaning


def page(reply: HttpReply, *path: str) -> list[str]:
    """The entries of a feed's page as they came, each by itself. Raises ContractBroken without a list of them."""
    try:
        return entries.entries(reply.body, *path)
    except ValueError:
        raise ContractBroken(
            ConnectorCode.CONTRACT, f"HTTP {reply.status}: the page holds no list {'.'.join(path)}"
        ) from None


def entry(text: str, names: Mapping[str, str], key: str | None = None) -> TrackingEvent | UnreadableEntry:
    """One entry of a feed. ``names``: our field → theirs. ``key`` names the entry if it cannot be read."""
    try:
        return event(replies.parse(text.encode("utf-8", "surrogateescape")), names)
    except ValidationError as error:
        why = ", ".join(f"{fault.pointer} {fault.code}" for fault in faults_of(error))
    except Refused as refused:
        why = str(refused)
    except ValueError:
        why = "its time cannot be read"
    return UnreadableEntry.entry(text, why, key)


def event(entry: object, names: Mapping[str, str]) -> TrackingEvent:
    """An entry as an event, its texts cleaned. Raises ValueError."""
    return TrackingEvent.model_validate(_fields(replies.cleaned(entry), names))


def moment(value: object) -> datetime:
    """A time as operators write it: RFC 3339, MongoDB's $date, or Vietnamese time without a zone. Raises ValueError."""
    if isinstance(value, dict):
        return _mongo(value.get("$date"))
    if not isinstance(value, str):
        raise ValueError("a time is written as text")  # noqa: TRY004 - what they said, not a fault of ours
    bare = _FRACTION.sub("", value.strip())
    for shape in _LOCAL:
        try:
            local = datetime.strptime(bare, shape).replace(tzinfo=VIETNAM)
        except ValueError:
            continue
        return bounded(local)
    local = datetime.fromisoformat(value.strip())
    if local.tzinfo is None:
        raise ValueError("a time in this form names its zone")
    return bounded(local)


def _mongo(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int):
        return moment(value if isinstance(value, str) else None)
    return from_milliseconds(value)


def _fields(entry: object, names: Mapping[str, str]) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise Refused([Fault("", "not_an_object", "an entry is an object")])
    return {
        "order_number": entry.get(names["order_number"]),
        "item_code": entry.get(names["item_code"]) or None,
        "status_code": _code(entry.get(names["status_code"])),
        "text": _words(entry.get(names["text"])),
        "at": moment(entry.get(names["at"])),
        "place": _words(entry.get(names["place"])),
        "notes": _words(entry.get(names["notes"])),
    }


def _code(value: object) -> str:
    """A code is text or a number, by the operator's mood."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _words(value: object, limit: int = LONGEST_WORDS) -> str | None:
    return str(value)[:limit] if isinstance(value, str | int) and value != "" else None


def _accepted(order_number: str, item_code_given: object, ours: str | None) -> ConsignmentAccepted:
    """With the code that the operator has given, if it can be read as one; the feed tells it again."""
    try:
        return ConsignmentAccepted.model_validate({"order_number": order_number, "item_code": item_code_given or ours})
    except ValidationError:
        return ConsignmentAccepted(order_number=order_number, item_code=ours)
