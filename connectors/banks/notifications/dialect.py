"""The common parts of all notification dialects: request, verification, verdict, answer.

A dialect verifies first, in constant time, over the raw bytes or the exact form that its provider signs; only then is
anything in them believed. It looks at nothing else: no clock of its own, no database, no log.
"""

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import ValidationError

from config.notifications import Notifications
from schemas.payment import Notification
from schemas.strict import Fault, Refused, faults_of, parse
from schemas.values import MOST, bounded

VIETNAM: Final = timezone(timedelta(hours=7))
"""The clock of providers, who do not say which: the country has one, without summer time."""


class NotificationVerdict(StrEnum):
    """What a delivery is. All but the last three groups are known before anything but the delivery is looked at."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    """true, and about nothing that came in: money that went out"""

    BAD_SIGNATURE = "bad_signature"  # N04
    STALE = "stale"  # N05
    UNKNOWN_KEY = "unknown_key"  # N06
    MALFORMED = "malformed"
    """its signature holds, and it is not what the contract says"""

    CONFLICT = "conflict"  # N03
    """the same movement was told before in other words: what was said first stands"""

    UNKNOWN_ORDER = "unknown_order"  # R01
    WRONG_AMOUNT = "wrong_amount"  # R04, R05
    FINAL = "final"  # R03, R06, R07
    """the demand is paid, expired or withdrawn. These three are kept as events; only the provider's answer differs."""


class NotVerified(Exception):
    """The delivery is not authentic; ``verdict`` says why."""

    def __init__(self, verdict: NotificationVerdict) -> None:
        self.verdict = verdict
        super().__init__(verdict.value)


@dataclass(frozen=True, slots=True)
class NotificationRequest:
    """One HTTP request, unparsed. ``query`` is raw; the names of ``headers`` are in lower case."""

    query: bytes
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Key:
    """A provider's key, and from when until when it is in force (both ends may be open)."""

    id: str
    secret: str
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def in_force(self, at: datetime) -> bool:
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_until is None or at < self.valid_until
        )


@dataclass(frozen=True, slots=True)
class ProviderContract:
    """What we have agreed with a provider. ``accounts`` is not empty."""

    provider: str
    terms: Notifications
    accounts: Sequence[str]
    keys: Sequence[Key]
    access_key: str = ""

    @property
    def account(self) -> str:
        """Where money comes in whose message names no account."""
        return self.accounts[0]


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """The response to the provider: HTTP status, and a body as its contract has it (None: no body)."""

    status: int
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """A provider's protocol. ``orders``: its contract wants to know at once whether the order exists and is open.

    ``verify`` gives the id of the key that signed, or raises NotVerified (Refused where the delivery has no form that
    could have been signed). ``read`` is called after it: None for what is about nothing that came in; it raises
    Refused. ``answer`` says a verdict in the provider's words.
    """

    method: Literal["GET", "POST"]
    headers: tuple[str, ...]
    verify: Callable[[NotificationRequest, ProviderContract, datetime], str]
    read: Callable[[NotificationRequest, ProviderContract], Notification | None]
    answer: Callable[[NotificationVerdict, ProviderContract, datetime], ProviderAnswer]
    orders: bool = False


def signing_key_id(contract: ProviderContract, at: datetime, matches: Callable[[Key], bool]) -> str:
    """The id of the key under which the delivery ``matches``; every key is tried. Raises NotVerified."""
    matching = [key for key in contract.keys if matches(key)]
    if not matching:
        raise NotVerified(NotificationVerdict.BAD_SIGNATURE)
    for key in matching:
        if key.in_force(at):
            return key.id
    raise NotVerified(NotificationVerdict.UNKNOWN_KEY)


def is_same_signature(signature: object, computed: str) -> bool:
    """Whether a signature in hexadecimal is ``computed``, compared in constant time."""
    return isinstance(signature, str) and hmac.compare_digest(
        signature.lower().encode("utf-8", "replace"), computed.encode()
    )


def check_timestamp(timestamp: str | None, at: datetime, tolerance: int, *, per_second: int = 1) -> None:
    """Raises NotVerified unless the signed Unix time (``per_second=1000``: in ms) is within ``tolerance`` seconds."""
    if timestamp is None or not (timestamp.isascii() and timestamp.isdecimal()) or len(timestamp) > 16:  # noqa: PLR2004 - of milliseconds
        raise NotVerified(NotificationVerdict.BAD_SIGNATURE)
    if abs(at.timestamp() - int(timestamp) / per_second) > tolerance:
        raise NotVerified(NotificationVerdict.STALE)


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in ``body``, with nothing hidden in it but in its texts: what is signed stays as it is.

    A notification cleans the words in it (schemas.payment). Raises Refused.
    """
    payload = parse(body, texts=False)
    if not isinstance(payload, dict):
        raise refusal("", "not_an_object", "a notification is a JSON object")
    return payload


def utf8(content: str) -> bytes:
    """What was signed, as UTF-8. Raises Refused: half of a surrogate pair has no bytes of its own."""
    try:
        return content.encode()
    except UnicodeEncodeError:
        raise refusal("", "lone_surrogate", "what is signed holds half of a surrogate pair") from None


def refusal(pointer: str, code: str, detail: str) -> Refused:
    """A Refused with this one fault."""
    return Refused([Fault(pointer, code, detail)])


def text_of(payload: Mapping[str, Any], key: str) -> str:
    """A text that has to be there. Raises Refused."""
    value = payload.get(key)
    if not isinstance(value, str):
        raise refusal(f"/{key}", "string_type", "has to be a text")
    return value


def integer_of(payload: Mapping[str, Any], key: str) -> int:
    """A whole number that has to be there: no text, no fraction, no true. Raises Refused."""
    value = payload.get(key)
    if type(value) is not int:
        raise refusal(f"/{key}", "int_type", "has to be a whole number")
    return value


def payment_amount(amount: int, pointer: str) -> int:
    """Raises Refused for an amount that no payment has."""
    if not 0 < amount <= MOST:
        raise refusal(pointer, "amount", "an amount is a whole number of đồng above nothing")
    return amount


def digits(text: str, pointer: str) -> int:
    """A whole number that is written as digits and nothing else. Raises Refused."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 18 or (len(text) > 1 and text[0] == "0"):  # noqa: PLR2004 - above any amount
        raise refusal(pointer, "digits", "has to be digits and nothing else")
    return int(text)


def vietnam_time(text: str, pointer: str, pattern: str) -> datetime:
    """A time of Vietnam written as ``pattern`` has it, in UTC. Raises Refused."""
    try:
        return bounded(datetime.strptime(text, pattern).replace(tzinfo=VIETNAM)).astimezone(UTC)
    except ValueError:
        raise refusal(pointer, "time", "is no time as the contract writes it") from None


def notification(**parts: Any) -> Notification:
    """The notification of these parts. Raises Refused for what no notification holds."""
    try:
        return Notification(**parts)
    except ValidationError as error:
        raise Refused(faults_of(error)) from None


def json_answer(status: int, payload: Mapping[str, Any]) -> ProviderAnswer:
    """An answer in JSON."""
    return ProviderAnswer(status, json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode())


STATUS: Final[Mapping[NotificationVerdict, int]] = {
    NotificationVerdict.ACCEPTED: 200,
    NotificationVerdict.IGNORED: 200,
    NotificationVerdict.BAD_SIGNATURE: 401,
    NotificationVerdict.STALE: 401,
    NotificationVerdict.UNKNOWN_KEY: 401,
    NotificationVerdict.MALFORMED: 400,
    NotificationVerdict.CONFLICT: 409,
    NotificationVerdict.UNKNOWN_ORDER: 200,
    NotificationVerdict.WRONG_AMOUNT: 200,
    NotificationVerdict.FINAL: 200,
}
"""For providers whose contract asks for an HTTP status: what is kept is a success, whatever it pays."""


def status_answer(verdict: NotificationVerdict, _contract: ProviderContract, _at: datetime) -> ProviderAnswer:
    """The answer of the contracts that ask for a status and {"success": …}."""
    status = STATUS[verdict]
    return json_answer(status, {"success": status == 200})  # noqa: PLR2004 - the HTTP status
