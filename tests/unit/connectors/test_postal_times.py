"""When something happened, however an operator writes it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.postal.messages import entry, event, moment
from schemas.postal import TrackingEvent
from schemas.replies import UnreadableEntry

NINE = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
NAMES = {name: name for name in TrackingEvent.model_fields}


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-24T09:00:00+07:00",
        "2026-11-24T02:00:00Z",
        "2026-11-24T02:00:00.000Z",
        "2026-11-24T09:00:00",
        "2026-11-24T09:00:00.000",
        "2026-11-24 09:00:00",
        "24/11/2026 09:00:00",
        {"$date": 1_795_485_600_000},
        {"$date": "2026-11-24T02:00:00Z"},
    ],
)
def test_the_same_moment_in_every_way_of_writing(written: Any) -> None:
    assert moment(written) == NINE


@pytest.mark.parametrize(
    "written", ["", "2026-11-24", "24-11-2026 09:00", 1_795_485_600, None, True, {}, {"$date": None}, {"$date": 10**30}]
)
def test_what_is_no_time_is_not_guessed(written: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        moment(written)


def an_event(at: str, **changes: str) -> TrackingEvent:
    return event({"order_number": "A-1", "status_code": "4", "at": at} | changes, NAMES)


def test_one_event_has_one_key_by_whatever_way_and_in_whatever_zone_it_is_told() -> None:
    events = [an_event("2026-11-24T09:00:00"), an_event("2026-11-24T02:00:00.250Z", notes="lần nữa")]
    assert len({one.key for one in events}) == 1


def test_another_second_another_code_or_another_order_is_another_event() -> None:
    keys = {
        an_event("2026-11-24T09:00:00").key,
        an_event("2026-11-24T09:00:01").key,
        an_event("2026-11-24T09:00:00", status_code="5").key,
        an_event("2026-11-24T09:00:00", order_number="A-2").key,
    }
    assert len(keys) == 4


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(NAMES)), inner, max_size=7),
    max_leaves=12,
)


@given(JSON)
def test_an_entry_is_an_event_or_is_kept_whatever_it_holds(document: Any) -> None:
    assert isinstance(entry(json.dumps(document), NAMES), TrackingEvent | UnreadableEntry)
