"""The status is the fold of what happened: no order of arrival, no repetition and no delay changes where it ends."""

import random
from datetime import UTC, datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from hub.consignments.model import LIFECYCLE, SETTLED, ConsignmentStatus
from hub.consignments.tracking import TrackingRecord, TrackingStatus, fold

ORDERED_AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SAID = [
    status
    for status in ConsignmentStatus
    if status not in (ConsignmentStatus.ORDERED, ConsignmentStatus.ACCEPTED, ConsignmentStatus.REFUSED)
]


def at(minute: float) -> datetime:
    return ORDERED_AT + timedelta(minutes=minute)


def happening(status: ConsignmentStatus, minute: float) -> TrackingRecord:
    return TrackingRecord(f"{status}|{at(minute).isoformat()}", status, at(minute))


def way(*statuses: ConsignmentStatus) -> list[TrackingRecord]:
    """These, a minute apart."""
    return [happening(status, minute) for minute, status in enumerate(statuses, 1)]


def standing(records: list[TrackingRecord]) -> TrackingStatus:
    return fold(ConsignmentStatus.ACCEPTED, ORDERED_AT, records)


RETURNED = way(
    ConsignmentStatus.POSTED,
    ConsignmentStatus.AT_DELIVERY_OFFICE,
    ConsignmentStatus.ATTEMPT_FAILED,
    ConsignmentStatus.ATTEMPT_FAILED,
    ConsignmentStatus.RETURNING,
    ConsignmentStatus.RETURNED,
)

happenings = st.lists(st.builds(happening, st.sampled_from(SAID), st.integers(0, 20)), max_size=25)


def test_every_order_of_six_events_ends_in_the_same_place() -> None:
    expected = standing(RETURNED)
    assert (expected.status, len(expected.attempts)) == (ConsignmentStatus.RETURNED, 2)
    for order in permutations(RETURNED):
        assert standing(list(order)) == expected


@given(happenings, st.randoms(use_true_random=False))
def test_shuffled_and_repeated_events_say_what_the_ordered_ones_say(
    records: list[TrackingRecord], chance: random.Random
) -> None:
    disturbed = records + chance.choices(records, k=len(records)) if records else []
    chance.shuffle(disturbed)
    assert standing(disturbed) == standing(sorted(records, key=lambda one: one.at))


@given(happenings, happenings)
def test_what_is_delayed_changes_nothing_once_it_is_there(
    early: list[TrackingRecord], late: list[TrackingRecord]
) -> None:
    """Whatever was concluded meanwhile, the same set ends the same."""
    standing(early)
    assert standing(early + late) == standing(late + early)


@given(happenings)
def test_nothing_that_happens_after_a_delivery_undoes_it(records: list[TrackingRecord]) -> None:
    delivered = happening(ConsignmentStatus.DELIVERED, 5)
    before = [
        one
        for one in records
        if one.at < delivered.at and one.status not in (ConsignmentStatus.DELIVERED, ConsignmentStatus.RETURNED)
    ]
    after = [one for one in records if one.at > delivered.at]
    tracking = standing([*before, delivered, *after])
    assert (tracking.status, tracking.at) == (ConsignmentStatus.DELIVERED, delivered.at)
    assert {one.key for one in tracking.late_events} == {
        one.key for one in after if one.status is not ConsignmentStatus.DELIVERED
    }


def test_what_was_lost_may_be_found_and_what_was_damaged_stays_damaged() -> None:
    tracking = standing(
        way(
            ConsignmentStatus.POSTED,
            ConsignmentStatus.LOST,
            ConsignmentStatus.DAMAGED,
            ConsignmentStatus.IN_TRANSIT,
            ConsignmentStatus.DELIVERED,
        )
    )
    assert (tracking.status, tracking.damaged) == (ConsignmentStatus.DELIVERED, True)


def test_what_was_cancelled_and_collected_all_the_same_is_on_its_way() -> None:
    tracking = fold(ConsignmentStatus.CANCELLED, at(10), way(ConsignmentStatus.POSTED, ConsignmentStatus.IN_TRANSIT))
    assert tracking.status is ConsignmentStatus.IN_TRANSIT


def test_a_posting_that_is_scanned_on_the_way_moves_nothing_and_begins_no_other_term() -> None:
    tracking = standing(
        [*way(ConsignmentStatus.POSTED, ConsignmentStatus.IN_TRANSIT), happening(ConsignmentStatus.POSTED, 60 * 24)]
    )
    assert (tracking.status, str(tracking.posted_on)) == (ConsignmentStatus.IN_TRANSIT, "2026-11-23")


def test_of_two_things_in_one_moment_the_one_further_on_the_way_happened_last() -> None:
    together = [happening(ConsignmentStatus.DELIVERED, 3), happening(ConsignmentStatus.OUT_FOR_DELIVERY, 3)]
    assert standing(together).status is standing(together[::-1]).status is ConsignmentStatus.DELIVERED


def test_the_lifecycle_knows_every_status_and_ends_where_nothing_is_expected() -> None:
    assert set(LIFECYCLE.moves) == set(ConsignmentStatus)
    assert {status for status, following in LIFECYCLE.moves.items() if not following} == SETTLED - {
        ConsignmentStatus.CANCELLED
    }


def test_ten_thousand_events_in_any_order_leave_each_of_a_thousand_consignments_where_the_ordered_ones_do() -> None:
    """What arrives is folded again at every arrival, as in the hub: only the last word counts."""
    chance = random.Random(2026)  # noqa: S311 - the same disorder in every run
    sent: list[tuple[int, TrackingRecord]] = []
    for number in range(1_000):
        minutes = sorted(chance.sample(range(5_000), 8))
        statuses = [
            ConsignmentStatus.POSTED,
            *chance.choices(SAID, k=6),
            chance.choice([ConsignmentStatus.DELIVERED, ConsignmentStatus.RETURNED]),
        ]
        sent += [(number, happening(status, minute)) for status, minute in zip(statuses, minutes, strict=True)]
    expected = {number: standing([one for owner, one in sent if owner == number]) for number in range(1_000)}
    arriving = sent + chance.choices(sent, k=2_000)
    chance.shuffle(arriving)
    assert len(arriving) == 10_000

    known: dict[int, list[TrackingRecord]] = {number: [] for number in range(1_000)}
    folded: dict[int, TrackingStatus] = {}
    for number, one in arriving:
        known[number].append(one)
        folded[number] = standing(known[number])

    assert folded == expected
