"""The tracking events of a sandbox operator: its feed, in the order of telling. Written down before they are told."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from connectors.sandbox.durable_lines import DurableLines
from schemas.postal import TrackingEvent
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
        told = _ItemMoveTold(order_number=order_number, move=move, events=list(events))
        await self._lines.append(told.model_dump_json())
        self._enter(told)

    def page(self, after: int, size: int) -> list[tuple[int, TrackingEvent]]:
        """The events behind place ``after``, each with its own; places count from 1."""
        events = self._feed[after : after + min(size, LARGEST_PAGE)]
        return list(enumerate(events, after + 1))

    def close(self) -> None:
        self._lines.close()

    def _enter(self, told: _ItemMoveTold) -> None:
        self._moves[told.order_number] = told.move + 1
        self._feed.extend(told.events)
