"""What the Centre keeps: nothing is lost by rounding, nothing of a lệ phí is kept, no order matters."""

import math

from hypothesis import given
from hypothesis import strategies as st

from hub.fees.settlements.table import WHOLE, retained

SHARES = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3),
    st.tuples(st.integers(-(10**12), 10**12), st.integers(0, WHOLE)),
    max_size=20,
)


def retained_of(shares: dict[str, tuple[int, int]]) -> dict[str, int]:
    return retained({code: amount * points for code, (amount, points) in shares.items()})


@given(SHARES)
def test_the_parts_are_the_whole_which_is_cut_off_towards_nothing(shares: dict[str, tuple[int, int]]) -> None:
    exact = sum(amount * points for amount, points in shares.values())
    assert sum(retained_of(shares).values()) == math.trunc(exact / WHOLE) or abs(exact) > 2**53
    assert abs(sum(retained_of(shares).values())) == abs(exact) // WHOLE


@given(SHARES)
def test_every_part_is_within_a_dong_of_its_own_share(shares: dict[str, tuple[int, int]]) -> None:
    for code, part in retained_of(shares).items():
        amount, points = shares[code]
        assert abs(part * WHOLE - amount * points) < WHOLE


@given(SHARES)
def test_of_what_has_no_points_nothing_is_kept_and_never_more_than_was_paid(
    shares: dict[str, tuple[int, int]],
) -> None:
    for code, part in retained_of(shares).items():
        amount, points = shares[code]
        assert points or part == 0
        assert abs(part) <= abs(amount)


@given(SHARES, st.randoms(use_true_random=False))
def test_the_order_of_the_fees_changes_nothing(shares: dict[str, tuple[int, int]], random: object) -> None:
    turned = list(shares.items())
    random.shuffle(turned)  # type: ignore[attr-defined] # hypothesis gives a random.Random
    assert retained_of(dict(turned)) == retained_of(shares)


@given(SHARES)
def test_a_month_that_takes_another_back_gives_back_what_that_one_kept(shares: dict[str, tuple[int, int]]) -> None:
    back = {code: (-amount, points) for code, (amount, points) in shares.items()}
    assert sum(retained_of(back).values()) == -sum(retained_of(shares).values())


def test_the_largest_remainder_gets_the_odd_dong() -> None:
    assert retained({"a": 33_333, "b": 33_333, "c": 33_334}) == {"a": 3, "b": 3, "c": 4}
    assert retained({"a": -33_333, "b": -33_333, "c": -33_334}) == {"a": -3, "b": -3, "c": -4}
    assert retained({"b": 5_000, "a": 5_000}) == {"a": 1, "b": 0}
    assert retained({}) == {}
