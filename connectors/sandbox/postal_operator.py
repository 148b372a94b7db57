"""A sandbox postal operator, independent of its dialect: orders, items on their way, tracking events, callbacks."""

import asyncio
import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import requests
from pydantic import BaseModel

from config.catalogue import Operator
from config.postal import ReplyMeaning
from connectors.clock import now
from connectors.sandbox.department import RETRY_AFTER, DepartmentBusy, Faulty, Garbled, Silent
from connectors.sandbox.effects import DurableLines, EffectFile, Ordered, effects_path
from connectors.sandbox.postal_behaviours import (
    Journey,
    OrderAnswer,
    PostalBehaviour,
    PostalMove,
    codes_by_status,
    moves,
    postal_behaviour_of,
)
from connectors.sandbox.runtime_settings import RuntimeControl, SandboxSettings
from schemas.item_code import LAST_SERIAL, ItemCode
from schemas.postal import PostalStatus, TrackingEvent
from schemas.strict import Strict

LARGEST_PAGE: Final = 1000
"""entries"""


class _ItemMoveTold(Strict):
    """A move of an item, and the events that were told on its occasion."""

    order_number: str
    move: int
    events: list[TrackingEvent]


class TrackingBook:
    """Every event, and how far each item has come."""

    def __init__(self, path: Path) -> None:
        self._lines = DurableLines(path)
        self._feed: list[TrackingEvent] = []
        self._moves: dict[str, int] = {}
        for text in self._lines.loaded:
            self._enter(_ItemMoveTold.model_validate_json(text))

    def moves_told(self, order_number: str) -> int:
        """How many moves of this item are done."""
        return self._moves.get(order_number, 0)

    def of(self, order_number: str) -> list[TrackingEvent]:
        """All that was told of one item."""
        return [event for event in self._feed if event.order_number == order_number]

    def all(self) -> list[TrackingEvent]:
        """The whole feed."""
        return list(self._feed)

    async def tell(self, order_number: str, move: int, events: Sequence[TrackingEvent]) -> None:
        """Enter the events of one move, all or none. Returns when they are on the disk."""
        entry = _ItemMoveTold(order_number=order_number, move=move, events=list(events))
        await self._lines.append(entry.model_dump_json())
        self._enter(entry)

    def page(self, after: int, size: int) -> list[tuple[int, TrackingEvent]]:
        """The events behind place ``after``, each with its own; places count from 1."""
        events = self._feed[after : after + min(size, LARGEST_PAGE)]
        return list(enumerate(events, after + 1))

    def close(self) -> None:
        self._lines.close()

    def _enter(self, entry: _ItemMoveTold) -> None:
        self._moves[entry.order_number] = entry.move + 1
        self._feed.extend(entry.events)


ATTEMPTS: Final = 5
FIRST_PAUSE: Final = 0.1
"""seconds; doubled after each attempt"""
CALLERS: Final = 4
"""threads"""
TIMEOUT: Final = 10.0
"""seconds"""

log = logging.getLogger(__name__)


class Callbacks:
    """One operator's calls. The events of one item are said one after another."""

    def __init__(self, runtime: RuntimeControl, counterparty: str) -> None:
        self._runtime = runtime
        self._counterparty = counterparty
        self._threads = ThreadPoolExecutor(CALLERS, thread_name_prefix="sandbox-postal")
        self._turns: dict[str, asyncio.Lock] = {}

    async def say(self, url: str, event: TrackingEvent) -> None:
        """Returns when the hub has taken the event, or will not take it, or has been tried often enough."""
        async with self._turns.setdefault(event.order_number, asyncio.Lock()):
            pause = FIRST_PAUSE
            for _ in range(ATTEMPTS):
                if self._runtime.settings.lose_callbacks or await self._call(url, event):
                    return
                await asyncio.sleep(pause)
                pause *= 2
            log.warning("%s: a callback is given up; it stands in the feed", self._counterparty)

    def close(self) -> None:
        """Waits for the calls under way."""
        self._threads.shutdown()

    async def _call(self, url: str, event: TrackingEvent) -> bool:
        """Whether that was the last word: taken, or refused for good (4xx but for 408, 425 and 429)."""
        body = event.model_dump_json(exclude_none=True).encode()
        status = await asyncio.get_running_loop().run_in_executor(self._threads, _post, url, body)
        if status is None or status >= requests.codes.server_error or status in {408, 425, 429}:
            return False
        if status >= requests.codes.bad_request:
            log.warning("%s: the hub answers a callback with HTTP %s", self._counterparty, status)
        return True


def _post(url: str, body: bytes) -> int | None:
    """The status of the answer; None if there is none."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            headers = {"Content-Type": "application/json"}
            return session.post(url, body, headers=headers, timeout=TIMEOUT, allow_redirects=False).status_code
        except requests.RequestException:
            return None


REASON: Final = "Yêu cầu thử nghiệm: địa chỉ nhận ngoài vùng phục vụ."
"""Why behaviour 9110 refuses; invented."""
_ONE_SECOND: Final = timedelta(seconds=1)
_ON_ITS_WAY: Final = frozenset(PostalStatus) - {PostalStatus.POSTED, PostalStatus.CANCELLED}


@dataclass(frozen=True, slots=True)
class ParsedOrder:
    """An order as its dialect has read it."""

    order_number: str
    item_code: str | None
    cash: int
    fields: list[str]
    digest: str
    callback_url: str | None = None


@dataclass(frozen=True, slots=True)
class OperatorReply:
    """What the operator answers by its Status."""

    answer: ReplyMeaning
    message: str
    item_code: str | None = None


OrderReply = OperatorReply | DepartmentBusy | Faulty | Garbled | Silent


class TrackedItem(BaseModel):
    """Where an item stands at the operator."""

    order_number: str
    item_code: str
    behaviour: str
    moves_told: int


class PostalOperatorServer:
    """One operator under one contract: its orders, its items on their way, its feed, its calls back."""

    def __init__(self, operator: Operator, data: Path, settings: SandboxSettings) -> None:
        self.operator = operator
        self.runtime = RuntimeControl(settings)
        self._effects = EffectFile(effects_path(data, operator.counterparty), Ordered)
        self._orders = {order.order_number: order for order in self._effects.loaded}
        self._writing: dict[str, asyncio.Task[Ordered]] = {}
        self.book = TrackingBook(data / f"{operator.counterparty}.tracking.jsonl")
        self._callbacks = Callbacks(self.runtime, operator.counterparty)
        self._codes = codes_by_status(operator.status)
        self._turned_away: Counter[str] = Counter()
        self._behaviours: dict[str, PostalBehaviour] = {}
        self._moving: dict[str, asyncio.Task[None]] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """an item is moved or cancelled, never both at once"""
        self._expired_for: set[str] = set()
        self._calling: set[asyncio.Task[None]] = set()

    def orders(self) -> list[Ordered]:
        """Every order, in the order in which they were taken."""
        return list(self._orders.values())

    def items(self) -> list[TrackedItem]:
        return [
            TrackedItem(
                order_number=order.order_number,
                item_code=order.item_code,
                behaviour=self.behaviour(order.order_number).name,
                moves_told=self.book.moves_told(order.order_number),
            )
            for order in self.orders()
        ]

    def behaviour(self, order_number: str) -> PostalBehaviour:
        """What was decided when it was ordered; after a restart, what its number says."""
        return self._behaviours.get(order_number) or postal_behaviour_of(order_number)

    async def order(self, form: ParsedOrder) -> OrderReply:
        """Raises OSError when the disk does not take it."""
        number = form.order_number
        if number in self._orders:
            return OperatorReply(ReplyMeaning.ALREADY, "Đơn hàng đã tồn tại", self._orders[number].item_code)
        behaviour = self._behaviours.setdefault(
            number, postal_behaviour_of(number, self.runtime.settings.parcel_behaviour)
        )
        if behaviour.answer is OrderAnswer.REFUSAL:
            return OperatorReply(ReplyMeaning.REFUSED, REASON)
        if self._turned_away[number] < behaviour.times:
            self._turned_away[number] += 1
            return Faulty() if behaviour.answer is OrderAnswer.FAULT else DepartmentBusy(RETRY_AFTER)
        mine = number not in self._writing
        if mine:
            self._writing[number] = asyncio.create_task(self._take(form, behaviour))
        taken = await asyncio.shield(self._writing[number])
        if not mine:
            return OperatorReply(ReplyMeaning.ALREADY, "Đơn hàng đã tồn tại", taken.item_code)
        return await self._first_answer(taken, behaviour)

    async def cancel(self, order_number: str) -> OperatorReply:
        """Until the item is on its way. Once more is as good as once."""
        order = self._orders.get(order_number)
        if order is None:
            return OperatorReply(ReplyMeaning.REFUSED, "Không có đơn hàng này")
        async with self._turns[order_number]:
            return await self._cancel(order)

    def token_expires(self, page: list[tuple[int, TrackingEvent]]) -> bool:
        """Whether it shall expire now: once for each order that behaves so, where its first event would be read."""
        numbers = {event.order_number for _, event in page} - self._expired_for
        expiring = {number for number in numbers if self.behaviour(number).journey is Journey.EXPIRED_TOKEN}
        self._expired_for |= expiring
        return bool(expiring)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """While it is open, its items move."""
        for order in self.orders():
            self._set_off(order)
        try:
            yield
        finally:
            working = [*self._moving.values(), *self._calling]
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            self._callbacks.close()
            self._effects.close()
            self.book.close()

    async def _cancel(self, order: Ordered) -> OperatorReply:
        number = order.order_number
        statuses = {self.operator.status.get(event.status_code) for event in self.book.of(number)}
        if PostalStatus.CANCELLED in statuses:
            return OperatorReply(ReplyMeaning.ALREADY, "Đơn hàng đã huỷ")
        if statuses & _ON_ITS_WAY or PostalStatus.CANCELLED not in self._codes:
            return OperatorReply(ReplyMeaning.REFUSED, "Bưu gửi đang được vận chuyển, không huỷ được")
        event = self._event(order, self._codes[PostalStatus.CANCELLED], now())
        await self._tell(order, len(self._moves(number)), [event])
        return OperatorReply(ReplyMeaning.DONE, "Đã huỷ")

    async def _take(self, form: ParsedOrder, behaviour: PostalBehaviour) -> Ordered:
        order = Ordered(
            at=now(),
            counterparty=self.operator.counterparty,
            key=form.order_number,
            order_number=form.order_number,
            item_code=form.item_code
            or _item_code(form.order_number, wrong=behaviour.journey is Journey.WRONG_ITEM_CODE),
            cash=form.cash,
            fields=form.fields,
            digest=form.digest,
            callback_url=form.callback_url,
        )
        try:
            await self._effects.append(order)
            self._orders[order.order_number] = order
        finally:
            del self._writing[form.order_number]
        return order

    async def _first_answer(self, order: Ordered, behaviour: PostalBehaviour) -> OrderReply:
        if behaviour.answer is OrderAnswer.EVENT_FIRST:
            for call in await self._move(order, 0):
                await call
        self._set_off(order)
        match behaviour.answer:
            case OrderAnswer.SILENCE:
                return Silent()
            case OrderAnswer.GARBLED:
                return Garbled()
            case OrderAnswer.ALREADY:
                return OperatorReply(ReplyMeaning.ALREADY, "Đơn hàng đã tồn tại", order.item_code)
            case OrderAnswer.SLOW:
                await asyncio.sleep(self.runtime.environment.slow_seconds)
        return OperatorReply(ReplyMeaning.DONE, "Thành công", order.item_code)

    def _set_off(self, order: Ordered) -> None:
        task = asyncio.create_task(self._carry(order))
        self._moving[order.order_number] = task
        task.add_done_callback(lambda _: self._moving.pop(order.order_number, None))

    async def _carry(self, order: Ordered) -> None:
        while self._is_moving(order.order_number):
            await self.runtime.one_step()
            async with self._turns[order.order_number]:
                if self._is_moving(order.order_number):
                    await self._move(order, self.book.moves_told(order.order_number))

    def _is_moving(self, order_number: str) -> bool:
        return self.book.moves_told(order_number) < len(self._moves(order_number))

    def _moves(self, order_number: str) -> tuple[PostalMove, ...]:
        return moves(self.behaviour(order_number).journey, self._codes)

    async def _move(self, order: Ordered, place: int) -> list[asyncio.Task[None]]:
        way, pace = self._moves(order.order_number), self.runtime.environment.pace
        events = [self._event(order, way[move].code, _moment(order, move, pace)) for move in way[place].reported]
        return await self._tell(order, place, events)

    async def _tell(self, order: Ordered, place: int, events: list[TrackingEvent]) -> list[asyncio.Task[None]]:
        await self.book.tell(order.order_number, place, events)
        url = order.callback_url
        return [self._begin(self._callbacks.say(url, event)) for event in events] if url else []

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._calling.add(task)
        task.add_done_callback(self._calling.discard)
        return task

    def _event(self, order: Ordered, code: str, at: datetime) -> TrackingEvent:
        return TrackingEvent(
            order_number=order.order_number,
            item_code=order.item_code,
            status_code=code,
            text=f"Mã {code} (dữ liệu thử nghiệm)",
            at=at,
            place="BC-THU-NGHIEM",
        )


def _moment(order: Ordered, move: int, pace: float) -> datetime:
    """When a move happens by the operator's own clock: a pace after the one before, and never less than a second.

    Operators tell whole seconds, and two attempts in one second would be one.
    """
    step = max(_ONE_SECOND, timedelta(seconds=pace))
    return (order.at.astimezone(UTC) + (move + 1) * step).replace(microsecond=0)


def _item_code(order_number: str, *, wrong: bool) -> str:
    """A code of the operator's own, the same for the same order."""
    serial = int.from_bytes(hashlib.sha256(order_number.encode()).digest()[:8]) % (LAST_SERIAL + 1)
    code = ItemCode.issued("RN", serial).normalised
    return f"{code[:10]}{(int(code[10]) + 1) % 10}{code[11:]}" if wrong else code
