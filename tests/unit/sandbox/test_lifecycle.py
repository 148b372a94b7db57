"""The plans of dossiers: which moves, and how they are told."""

from config.catalogue import DepartmentStatus
from connectors.sandbox.dossier_behaviours import (
    BY_SUFFIX,
    ORDINARY,
    SUPPLEMENT_ONE_IN,
    UNKNOWN_CODE,
    DossierBehaviour,
    codes_of,
    plan,
)
from tests.builders import a_code

TABLE = {
    "10": DepartmentStatus.ACCEPTED,
    "20": DepartmentStatus.IN_PROCESS,
    "21": DepartmentStatus.IN_PROCESS,
    "30": DepartmentStatus.SUPPLEMENT_REQUESTED,
    "90": DepartmentStatus.RESOLVED,
    "99": DepartmentStatus.RETURNED,
}
CODES = codes_of(TABLE)


def statuses_told(
    behaviour: DossierBehaviour, codes: dict[DepartmentStatus, str] = CODES, code: str = "000.00.01.H42-261124-0001"
) -> list[str]:
    """The statuses in the order in which they are told, each with what marks its id."""
    moves = plan(code, behaviour, codes)
    return [moves[word.move].status + word.again for move in moves for word in move.words]


def test_of_several_codes_for_one_status_the_first_is_used() -> None:
    assert CODES[DepartmentStatus.IN_PROCESS] == "20"


def test_a_fated_dossier_goes_the_straight_way() -> None:
    assert statuses_told(BY_SUFFIX["9001"]) == ["10", "20", "90", "99"]


def test_a_refused_dossier_is_never_spoken_of() -> None:
    assert statuses_told(BY_SUFFIX["9002"]) == []


def test_an_unknown_code_is_the_last_word_and_stands_in_no_table() -> None:
    assert statuses_told(BY_SUFFIX["9008"]) == ["10", "20", UNKNOWN_CODE]
    assert UNKNOWN_CODE not in TABLE


def test_statuses_out_of_order_swap_two_that_the_lifecycle_needs_in_order() -> None:
    assert statuses_told(BY_SUFFIX["9009"]) == ["10", "90", "20", "99"]


def test_a_repeated_report_comes_twice_as_it_is_and_once_under_a_new_id() -> None:
    assert statuses_told(BY_SUFFIX["9011"]) == ["10", "20", "20", "20b", "90", "99"]


def test_a_late_report_comes_after_a_newer_one() -> None:
    assert statuses_told(BY_SUFFIX["9012"]) == ["10", "20", "90", "30late", "99"]


def test_where_supplements_have_no_code_it_is_the_first_status_that_comes_late() -> None:
    without = {status: code for status, code in CODES.items() if code != "30"}
    assert statuses_told(BY_SUFFIX["9012"], without) == ["10", "20", "90", "10late", "99"]


def test_about_one_ordinary_dossier_in_five_is_asked_for_a_supplement_and_always_the_same_ones() -> None:
    codes = [a_code(serial) for serial in range(1, 1001)]
    asked = {code for code in codes if "30" in statuses_told(ORDINARY, code=code)}
    assert 150 < len(asked) < 250
    assert 1000 // len(asked) in {SUPPLEMENT_ONE_IN - 1, SUPPLEMENT_ONE_IN, SUPPLEMENT_ONE_IN + 1}
    assert asked == {code for code in codes if "30" in statuses_told(ORDINARY, code=code)}


def test_a_status_without_a_code_is_left_out() -> None:
    assert statuses_told(BY_SUFFIX["9001"], {DepartmentStatus.RESOLVED: "90"}) == ["90"]
