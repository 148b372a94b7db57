"""The status is the fold of what happened: no order of arrival, no repetition and no delay changes where it ends."""

import random
from datetime import UTC, datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from hub.consignments.model import LIFECYCLE, SETTLED, Status
from hub.consignments.tracking import Happening, Standing, fold

ORDERED_AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SAID = [status for status in Status if status not in (Status.ORDERED, Status.ACCEPTED, Status.REFUSED)]


def at(minute: float) -> datetime:
    return ORDERED_AT + timedelta(minutes=minute)


def happening(status: Status, minute: float) -> Happening:
    return Happening(f"{status}|{at(minute).isoformat()}", status, at(minute))


def way(*statuses: Status) -> list[Happening]:
    """These, a minute apart."""
    return [happening(status, minute) for minute, status in enumerate(statuses, 1)]


def standing(said: list[Happening]) -> Standing:
    return fold(Status.ACCEPTED, ORDERED_AT, said)


RETURNED = way(
    Status.POSTED,
    Status.AT_DELIVERY_OFFICE,
    Status.ATTEMPT_FAILED,
    Status.ATTEMPT_FAILED,
    Status.RETURNING,
    Status.RETURNED,
)

happenings = st.lists(st.builds(happening, st.sampled_from(SAID), st.integers(0, 20)), max_size=25)


def test_every_order_of_six_events_ends_in_the_same_place() -> None:
    expected = standing(RETURNED)
    assert (expected.status, len(expected.attempts)) == (Status.RETURNED, 2)
    for order in permutations(RETURNED):
        assert standing(list(order)) == expected


@given(happenings, st.randoms(use_true_random=False))
def test_shuffled_and_repeated_events_say_what_the_ordered_ones_say(
    said: list[Happening], chance: random.Random
) -> None:
    disturbed = said + chance.choices(said, k=len(said)) if said else []
    chance.shuffle(disturbed)
    assert standing(disturbed) == standing(sorted(said, key=lambda one: one.at))


@given(happenings, happenings)
def test_what_is_delayed_changes_nothing_once_it_is_there(early: list[Happening], late: list[Happening]) -> None:
    """Whatever was concluded meanwhile, the same set ends the same."""
    standing(early)
    assert standing(early + late) == standing(late + early)


@given(happenings)
def test_nothing_that_happens_after_a_delivery_undoes_it(said: list[Happening]) -> None:
    delivered = happening(Status.DELIVERED, 5)
    before = [one for one in said if one.at < delivered.at and one.status not in (Status.DELIVERED, Status.RETURNED)]
    after = [one for one in said if one.at > delivered.at]
    found = standing([*before, delivered, *after])
    assert (found.status, found.at) == (Status.DELIVERED, delivered.at)
    assert {one.key for one in found.strays} == {one.key for one in after if one.status is not Status.DELIVERED}


def test_what_was_lost_may_be_found_and_what_was_damaged_stays_damaged() -> None:
    found = standing(way(Status.POSTED, Status.LOST, Status.DAMAGED, Status.IN_TRANSIT, Status.DELIVERED))
    assert (found.status, found.damaged) == (Status.DELIVERED, True)


def test_what_was_cancelled_and_collected_all_the_same_is_on_its_way() -> None:
    found = fold(Status.CANCELLED, at(10), way(Status.POSTED, Status.IN_TRANSIT))
    assert found.status is Status.IN_TRANSIT


def test_a_posting_that_is_scanned_on_the_way_moves_nothing_and_begins_no_other_term() -> None:
    found = standing([*way(Status.POSTED, Status.IN_TRANSIT), happening(Status.POSTED, 60 * 24)])
    assert (found.status, str(found.posted_on)) == (Status.IN_TRANSIT, "2026-11-23")


def test_of_two_things_in_one_moment_the_one_further_on_the_way_happened_last() -> None:
    together = [happening(Status.DELIVERED, 3), happening(Status.OUT_FOR_DELIVERY, 3)]
    assert standing(together).status is standing(together[::-1]).status is Status.DELIVERED


def test_the_lifecycle_knows_every_status_and_ends_where_nothing_is_expected() -> None:
    assert set(LIFECYCLE.moves) == set(Status)
    assert {status for status, following in LIFECYCLE.moves.items() if not following} == SETTLED - {Status.CANCELLED}


def test_ten_thousand_events_in_any_order_leave_each_of_a_thousand_consignments_where_the_ordered_ones_do() -> None:
    """What arrives is folded again at every arrival, as in the house: only the last word counts."""
    chance = random.Random(2026)  # noqa: S311 - the same disorder in every run
    sent: list[tuple[int, Happening]] = []
    for number in range(1_000):
        minutes = sorted(chance.sample(range(5_000), 8))
        statuses = [Status.POSTED, *chance.choices(SAID, k=6), chance.choice([Status.DELIVERED, Status.RETURNED])]
        sent += [(number, happening(status, minute)) for status, minute in zip(statuses, minutes, strict=True)]
    expected = {number: standing([one for owner, one in sent if owner == number]) for number in range(1_000)}
    arriving = sent + chance.choices(sent, k=2_000)
    chance.shuffle(arriving)
    assert len(arriving) == 10_000

    known: dict[int, list[Happening]] = {number: [] for number in range(1_000)}
    found: dict[int, Standing] = {}
    for number, one in arriving:
        known[number].append(one)
        found[number] = standing(known[number])

    assert found == expected
