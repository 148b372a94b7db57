"""The magic parcels: the last four digits of the dossier code in an order's number decide what a sandbox operator does.

One table for everybody, as in dossier_behaviours: the sandbox acts on it, tests expect what it says, and
docs/reference/sandbox.md is printed from both.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from connectors.sandbox.dossier_behaviours import UNKNOWN_CODE
from schemas.postal import PostalStatus

_SERIAL: Final = re.compile(r"-[0-9]{6}-[0-9]{0,2}([0-9]{4})(?![0-9])")
_LAST_DIGITS: Final = re.compile(r"([0-9]{4})[^0-9]*$")


class OrderAnswer(StrEnum):
    """What the operator does when something is ordered for the first time."""

    ACCEPTED = "accepts the order"
    REFUSAL = "refuses it by its Status, with a reason; has no effect"
    SILENCE = "takes the order and never answers"
    FAULT = "answers HTTP 500, without effect, twice; then takes the order"
    BUSY = "answers 503 with Retry-After: 2, without effect, once; then takes the order"
    GARBLED = "takes the order and answers with a gateway's page, HTTP 200"
    ALREADY = "answers that it has the order already, and has it"
    SLOW = "takes the order and answers after 25 seconds (HUB_SANDBOX_SLOW_SECONDS)"
    EVENT_FIRST = "takes the order, tells its first event, and answers after that"


class Journey(StrEnum):
    """What then becomes of the item, and how that is told."""

    DELIVERED = "posted, in transit, at the delivery office, out for delivery, delivered"
    TWO_ATTEMPTS = "two attempts of delivery fail; returning, returned"
    LOST = "lost on the way; nothing more"
    DAMAGED = "damaged on the way, delivered all the same"
    REPEATED = "every event twice"
    OUT_OF_ORDER = "delivered is told before out for delivery"
    UNKNOWN_CODE = "a code that stands in no table, on the way; then delivered"
    SILENT = "posted, in transit, and never a word more"
    EXPIRED_TOKEN = "the feed answers 401 where this item's first event would be; then delivered"  # noqa: S105 - prose
    WRONG_ITEM_CODE = "delivered, under an item code whose check digit is wrong"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class PostalBehaviour:
    """What happens to an order at a sandbox operator, and where its item ends."""

    suffix: str
    name: str
    answer: OrderAnswer
    journey: Journey
    transfer: str
    """the state in which the transfer of the order ends"""
    status: PostalStatus | None
    """where the item ends; None: it was never on its way"""
    english: str
    vietnamese: str
    times: int = 0
    """how often it answers so before it gives in; 0: it does not count"""


def _journey(
    suffix: str, name: str, journey: Journey, status: PostalStatus, english: str, vietnamese: str
) -> PostalBehaviour:
    return PostalBehaviour(suffix, name, OrderAnswer.ACCEPTED, journey, "delivered", status, english, vietnamese)


def _answer(
    suffix: str,
    name: str,
    answer: OrderAnswer,
    english: str,
    vietnamese: str,
    *,
    transfer: str = "delivered",
    times: int = 0,
) -> PostalBehaviour:
    journey = Journey.NOTHING if answer is OrderAnswer.REFUSAL else Journey.DELIVERED
    status = None if answer is OrderAnswer.REFUSAL else PostalStatus.DELIVERED
    return PostalBehaviour(suffix, name, answer, journey, transfer, status, english, vietnamese, times)


POSTAL_BEHAVIOURS: Final = (
    _journey(
        "9101",
        "delivered",
        Journey.DELIVERED,
        PostalStatus.DELIVERED,
        "Carried and delivered.",
        "Vận chuyển và phát thành công.",
    ),
    _journey(
        "9102",
        "two-attempts-then-returned",
        Journey.TWO_ATTEMPTS,
        PostalStatus.RETURNED,
        "Nobody is in, twice; the item goes back to the agency.",
        "Hai lần phát không thành công; chuyển hoàn cho cơ quan.",
    ),
    _journey(
        "9103",
        "lost",
        Journey.LOST,
        PostalStatus.LOST,
        "Lost on the way: a person finds out who is liable.",
        "Thất lạc trên đường: cần người xác định trách nhiệm.",
    ),
    _journey(
        "9104",
        "damaged",
        Journey.DAMAGED,
        PostalStatus.DELIVERED,
        "Damaged on the way, delivered all the same: a person finds out who is liable.",
        "Hư hỏng trên đường nhưng vẫn phát: cần người xác định trách nhiệm.",
    ),
    _journey(
        "9105",
        "events-repeated",
        Journey.REPEATED,
        PostalStatus.DELIVERED,
        "Every event is told twice: each counts once.",
        "Mỗi sự kiện được báo hai lần: chỉ tính một lần.",
    ),
    _journey(
        "9106",
        "events-out-of-order",
        Journey.OUT_OF_ORDER,
        PostalStatus.DELIVERED,
        "The delivery is told before what led to it: the order of occurrence counts, not that of arrival.",
        "Tin phát thành công đến trước tin dẫn tới nó: tính theo thời điểm xảy ra, không theo lúc nhận tin.",
    ),
    _journey(
        "9107",
        "unknown-code",
        Journey.UNKNOWN_CODE,
        PostalStatus.DELIVERED,
        "One event carries a code that stands in no table: it moves nothing and waits for a person.",
        "Một sự kiện mang mã không có trong danh mục: không làm thay đổi trạng thái, chờ người xử lý.",
    ),
    _journey(
        "9108",
        "silent",
        Journey.SILENT,
        PostalStatus.IN_TRANSIT,
        "No word after the second event: a person is asked to look before the citizen calls.",
        "Im lặng sau sự kiện thứ hai: báo người xử lý trước khi người dân gọi.",
    ),
    _journey(
        "9109",
        "token-expired-mid-feed",
        Journey.EXPIRED_TOKEN,
        PostalStatus.DELIVERED,
        "The token expires in the middle of the feed: a new one is asked for, and the feed goes on where it was.",
        "Mã truy cập hết hạn giữa chừng khi đọc luồng sự kiện: xin mã mới và đọc tiếp từ chỗ cũ.",
    ),
    _answer(
        "9110",
        "order-refused",
        OrderAnswer.REFUSAL,
        "The operator does not take the order, and says why.",
        "Bưu điện không nhận yêu cầu và nêu lý do.",
        transfer="refused",
    ),
    _answer(
        "9111",
        "order-time-out",
        OrderAnswer.SILENCE,
        "The operator takes the order and never answers. It is sent again and is there already.",
        "Bưu điện đã nhận yêu cầu nhưng không trả lời. Gửi lại thì bưu điện báo đã có.",
    ),
    _answer(
        "9112",
        "order-fault-twice",
        OrderAnswer.FAULT,
        "Two faults without effect, then accepted.",
        "Hai lần báo lỗi không có tác dụng, sau đó tiếp nhận.",
        times=2,
    ),
    _answer(
        "9113",
        "order-busy-once",
        OrderAnswer.BUSY,
        "503 with Retry-After: 2 once; accepted when the hub comes back, not earlier than it was asked to.",
        "Một lần 503 kèm Retry-After: 2; tiếp nhận khi gửi lại, không sớm hơn thời gian được yêu cầu.",
        times=1,
    ),
    _answer(
        "9114",
        "order-page-for-an-answer",
        OrderAnswer.GARBLED,
        "The order is taken; a gateway answers with a page. A person looks; sent again, it is there already.",
        "Đã nhận yêu cầu nhưng thiết bị trung gian trả về trang web. Cần người xem: gửi lại thì bưu điện báo đã có.",
        transfer="stuck",
    ),
    _answer(
        "9115",
        "order-already-there",
        OrderAnswer.ALREADY,
        "The operator says that it has the order already: a success.",
        "Bưu điện trả lời đã có yêu cầu này: coi là thành công.",
    ),
    _answer(
        "9116",
        "order-slow",
        OrderAnswer.SLOW,
        "Accepted, but after 25 seconds; where that is too late, it is sent again and is there already.",
        "Tiếp nhận nhưng sau 25 giây mới trả lời; nếu quá hạn chờ thì gửi lại và bưu điện báo đã có.",
    ),
    _answer(
        "9117",
        "event-before-answer",
        OrderAnswer.EVENT_FIRST,
        "The first event arrives before the order has been answered.",
        "Sự kiện đầu tiên đến trước khi yêu cầu được trả lời.",
    ),
    _journey(
        "9118",
        "wrong-item-code",
        Journey.WRONG_ITEM_CODE,
        PostalStatus.DELIVERED,
        "The operator's item code has a wrong check digit: a warning, and everything goes on.",
        "Mã bưu gửi của bưu điện sai số kiểm tra: chỉ cảnh báo, vẫn tiếp tục theo dõi.",
    ),
)

ORDINARY_PARCEL: Final = _journey(
    "",
    "ordinary",
    Journey.DELIVERED,
    PostalStatus.DELIVERED,
    "Carried and delivered.",
    "Vận chuyển và phát thành công.",
)

BY_POSTAL_SUFFIX: Final = {behaviour.suffix: behaviour for behaviour in POSTAL_BEHAVIOURS}


def postal_behaviour_of(order_number: str, forced: str = "") -> PostalBehaviour:
    """The behaviour of an order: what the setting forces, else by the dossier code in its number, else the ordinary."""
    match = _SERIAL.search(order_number) or _LAST_DIGITS.search(order_number)
    return BY_POSTAL_SUFFIX.get(forced or (match[1] if match else ""), ORDINARY_PARCEL)


_BEGINNING: Final = (PostalStatus.POSTED, PostalStatus.IN_TRANSIT)
_DELIVERY: Final = (PostalStatus.AT_DELIVERY_OFFICE, PostalStatus.OUT_FOR_DELIVERY, PostalStatus.DELIVERED)
_FAILED: Final = (PostalStatus.OUT_FOR_DELIVERY, PostalStatus.ATTEMPT_FAILED)
_WAYS: Final[Mapping[Journey, tuple[PostalStatus | None, ...]]] = {
    Journey.DELIVERED: (*_BEGINNING, *_DELIVERY),
    Journey.TWO_ATTEMPTS: (
        *_BEGINNING,
        PostalStatus.AT_DELIVERY_OFFICE,
        *_FAILED,
        *_FAILED,
        PostalStatus.RETURNING,
        PostalStatus.RETURNED,
    ),
    Journey.LOST: (*_BEGINNING, PostalStatus.LOST),
    Journey.DAMAGED: (*_BEGINNING, PostalStatus.DAMAGED, *_DELIVERY),
    Journey.UNKNOWN_CODE: (*_BEGINNING, None, *_DELIVERY),
    Journey.SILENT: _BEGINNING,
    Journey.NOTHING: (),
}
"""The true way; None is a code that no catalogue has. What is not here goes as DELIVERED."""


@dataclass(frozen=True, slots=True)
class PostalMove:
    """Something happens to the item (in the operator's code), and these moves are told on the occasion."""

    code: str
    reported: tuple[int, ...]
    """places of moves; the same one twice is told twice"""


def moves(journey: Journey, codes: Mapping[PostalStatus, str]) -> tuple[PostalMove, ...]:
    """The moves in their true order. ``codes``: our status → the operator's code; one that it lacks is left out."""
    way = _WAYS.get(journey, _WAYS[Journey.DELIVERED])
    names = [UNKNOWN_CODE if status is None else codes[status] for status in way if status is None or status in codes]
    places_by_move: list[tuple[int, ...]] = [(place,) for place in range(len(names))]
    if journey is Journey.REPEATED:
        places_by_move = [(place, place) for place in range(len(names))]
    if journey is Journey.OUT_OF_ORDER and len(names) > 1:
        places_by_move[-2:] = [(), (len(names) - 1, len(names) - 2)]
    return tuple(PostalMove(name, places) for name, places in zip(names, places_by_move, strict=True))


def codes_by_status(table: Mapping[str, PostalStatus]) -> dict[PostalStatus, str]:
    """The catalogue's [status] table read backwards; of several codes for one status the first."""
    codes: dict[PostalStatus, str] = {}
    for code, status in table.items():
        codes.setdefault(status, code)
    return codes
