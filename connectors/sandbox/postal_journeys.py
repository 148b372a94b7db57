"""What becomes of an item at a sandbox operator: the moves, and in which order they are told. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from connectors.sandbox.lifecycle import UNKNOWN_CODE
from connectors.sandbox.postal_behaviours import Journey
from schemas.postal import PostalStatus

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
    told: tuple[int, ...]
    """places of moves; the same one twice is told twice"""


def moves(journey: Journey, codes: Mapping[PostalStatus, str]) -> tuple[PostalMove, ...]:
    """The moves in their true order. ``codes``: our status → the operator's code; one that it lacks is left out."""
    way = _WAYS.get(journey, _WAYS[Journey.DELIVERED])
    names = [UNKNOWN_CODE if status is None else codes[status] for status in way if status is None or status in codes]
    told: list[tuple[int, ...]] = [(place,) for place in range(len(names))]
    if journey is Journey.REPEATED:
        told = [(place, place) for place in range(len(names))]
    if journey is Journey.OUT_OF_ORDER and len(names) > 1:
        told[-2:] = [(), (len(names) - 1, len(names) - 2)]
    return tuple(PostalMove(name, places) for name, places in zip(names, told, strict=True))


def codes_by_status(table: Mapping[str, PostalStatus]) -> dict[PostalStatus, str]:
    """The catalogue's [status] table read backwards; of several codes for one status the first."""
    found: dict[PostalStatus, str] = {}
    for code, status in table.items():
        found.setdefault(status, code)
    return found
