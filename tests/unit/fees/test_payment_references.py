"""Payment references: every single mistake is found, strictly everywhere, and the database checks the same."""

import math
import random
import string
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.payment_reference import LAST_SERIAL, LENGTH, NEIGHBOURS, PaymentReference, is_reference, scattered

ALPHABET = string.digits + string.ascii_uppercase
PREFIXES = st.text(string.ascii_uppercase, min_size=2, max_size=2)


def samples(count: int) -> Iterator[str]:
    chance = random.Random(42)  # noqa: S311 - the same samples every time
    for _ in range(count):
        prefix = "".join(chance.choices(string.ascii_uppercase, k=2))
        yield str(PaymentReference.issued(prefix, chance.randint(0, LAST_SERIAL)))


@given(PREFIXES, st.integers(0, LAST_SERIAL))
def test_what_is_issued_is_read_again(prefix: str, serial: int) -> None:
    text = str(PaymentReference.issued(prefix, serial))

    assert len(text) == LENGTH
    assert PaymentReference.parse(text) == PaymentReference(prefix, serial)


def test_every_single_substitution_is_found() -> None:
    missed = [
        (text, at, sign)
        for text in samples(300)
        for at, right in enumerate(text)
        for sign in ALPHABET
        if sign != right and is_reference(text[:at] + sign + text[at + 1 :])
    ]
    assert missed == []


def test_every_swap_of_two_neighbours_is_found() -> None:
    missed = [
        (text, at)
        for text in samples(5_000)
        for at in range(LENGTH - 1)
        if text[at] != text[at + 1] and is_reference(text[:at] + text[at + 1] + text[at] + text[at + 2 :])
    ]
    assert missed == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hc000000000149",
        "HC0000000001499",
        " HC000000000149",
        "HC000000000149\n",
        "HC00000000014９",
        "H1000000000149",
        "HC-0000000149",
    ],
)
def test_nothing_is_repaired(text: str) -> None:
    assert is_reference("HC000000000149")
    assert not is_reference(text)


def test_two_check_digits_never_stand_for_the_same() -> None:
    """01 and 98 leave the same rest; only one of them is ever issued, and only that one is read."""
    for text in samples(2_000):
        right = [f"{text[:-2]}{check:02}" for check in range(100) if is_reference(f"{text[:-2]}{check:02}")]
        assert right == [text]


@pytest.mark.parametrize(("prefix", "serial"), [("H", 1), ("hc", 1), ("HCM", 1), ("ĐC", 1), ("HC", -1), ("HC", 10**10)])
def test_no_reference_is_made_of_what_it_cannot_hold(prefix: str, serial: int) -> None:
    with pytest.raises(ValueError, match=r"a payment reference|a serial"):
        PaymentReference.issued(prefix, serial)


def test_the_database_finds_the_same_mistakes(database_url: str) -> None:
    chance = random.Random(7)  # noqa: S311 - the same samples every time
    texts = ["", "HC000000000149", "HC0000000001499", "hc000000000149"]
    for text in samples(200):
        at = chance.randrange(LENGTH)
        texts += [text, text[:at] + chance.choice(ALPHABET) + text[at + 1 :]]
        texts += [f"{text[:-2]}{check:02}" for check in range(100)]

    with psycopg.connect(database_url) as conn:
        row = conn.execute(
            "SELECT array_agg(is_payment_reference(t) ORDER BY n) FROM unnest(%s::text[]) WITH ORDINALITY AS u (t, n)",
            (texts,),
        ).fetchone()

    assert row is not None
    assert row[0] == [is_reference(text) for text in texts]


def test_serials_that_are_given_one_after_the_other_differ_in_three_digits() -> None:
    """Worked backwards: how far apart in the order of issue two serials are that differ in one digit or two."""
    powers = [10**place for place in range(10)]
    single = [sign * power for power in powers for sign in range(1, 10)]
    double = [
        sign * powers[high] + other * powers[low]
        for high in range(10)
        for low in range(high)
        for sign in range(1, 10)
        for other in range(-9, 10)
    ]
    whole = LAST_SERIAL + 1
    back = pow(scattered(1), -1, whole)

    apart = min(min(gap * back % whole, -gap * back % whole) for gap in [*single, *double])

    assert apart == NEIGHBOURS


def test_no_serial_comes_again_before_all_were_given() -> None:
    assert math.gcd(scattered(1), LAST_SERIAL + 1) == 1
    assert len({scattered(number) for number in range(200_000)}) == 200_000
