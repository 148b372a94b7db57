"""The table of magic parcels: complete and without contradiction; and each journey is what it says."""

import pytest

from connectors.sandbox.postal_behaviours import (
    BY_POSTAL_SUFFIX,
    ORDINARY_PARCEL,
    POSTAL_BEHAVIOURS,
    Journey,
    OrderAnswer,
    PostalBehaviour,
    codes_by_status,
    moves,
    postal_behaviour_of,
)
from schemas.postal import PostalStatus

CODES = {status: status.value.upper() for status in PostalStatus}


def test_every_suffix_and_every_name_stands_once() -> None:
    assert len(BY_POSTAL_SUFFIX) == len(POSTAL_BEHAVIOURS) == len({behaviour.name for behaviour in POSTAL_BEHAVIOURS})


def test_every_answer_and_every_journey_is_some_orders_behaviour() -> None:
    assert {behaviour.answer for behaviour in POSTAL_BEHAVIOURS} == set(OrderAnswer)
    assert {behaviour.journey for behaviour in POSTAL_BEHAVIOURS} == set(Journey)


def test_only_answers_without_effect_are_counted() -> None:
    assert {behaviour.answer for behaviour in POSTAL_BEHAVIOURS if behaviour.times} == {
        OrderAnswer.FAULT,
        OrderAnswer.BUSY,
    }


@pytest.mark.parametrize(
    ("order_number", "suffix"),
    [
        ("000.00.01.H42-261124-9103", "9103"),
        ("000.00.01.H42-261124-9103-2", "9103"),
        ("H42.16-261124-019103", "9103"),
        ("cs_9103", "9103"),
        ("000.00.01.H42-261124-0001", ""),
        ("ABC", ""),
    ],
)
def test_an_order_meets_the_behaviour_that_its_dossier_code_names(order_number: str, suffix: str) -> None:
    assert postal_behaviour_of(order_number).suffix == suffix


def test_a_forced_behaviour_goes_before_the_number() -> None:
    assert postal_behaviour_of("000.00.01.H42-261124-9103", "9102").suffix == "9102"
    assert postal_behaviour_of("000.00.01.H42-261124-9103", "9199") is ORDINARY_PARCEL


@pytest.mark.parametrize("behaviour", POSTAL_BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_every_move_is_told_and_the_last_is_where_the_item_ends(behaviour: PostalBehaviour) -> None:
    way = moves(behaviour.journey, CODES)
    assert {place for move in way for place in move.reported} == set(range(len(way)))
    assert (way[-1].code.lower() if way else None) == behaviour.status


def test_a_status_for_which_the_operator_has_no_code_is_left_out() -> None:
    few = {PostalStatus.POSTED: "1", PostalStatus.DELIVERED: "4"}
    assert [move.code for move in moves(Journey.DELIVERED, few)] == ["1", "4"]


def test_of_several_codes_for_one_status_the_first_is_said() -> None:
    assert codes_by_status({"60": PostalStatus.CANCELLED, "61": PostalStatus.CANCELLED}) == {
        PostalStatus.CANCELLED: "60"
    }
