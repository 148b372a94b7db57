"""Amounts in Vietnamese words: every hard case by hand, and whatever is said can be read back."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.amount_in_words import in_words
from schemas.values import MOST

HARD = {
    0: "Không đồng",
    1: "Một đồng",
    4: "Bốn đồng",
    5: "Năm đồng",
    10: "Mười đồng",
    11: "Mười một đồng",
    14: "Mười bốn đồng",
    15: "Mười lăm đồng",
    20: "Hai mươi đồng",
    21: "Hai mươi mốt đồng",
    24: "Hai mươi tư đồng",
    25: "Hai mươi lăm đồng",
    31: "Ba mươi mốt đồng",
    91: "Chín mươi mốt đồng",
    94: "Chín mươi tư đồng",
    95: "Chín mươi lăm đồng",
    99: "Chín mươi chín đồng",
    100: "Một trăm đồng",
    101: "Một trăm linh một đồng",
    104: "Một trăm linh bốn đồng",
    105: "Một trăm linh năm đồng",
    110: "Một trăm mười đồng",
    111: "Một trăm mười một đồng",
    115: "Một trăm mười lăm đồng",
    121: "Một trăm hai mươi mốt đồng",
    155: "Một trăm năm mươi lăm đồng",
    1_000: "Một nghìn đồng",
    1_001: "Một nghìn không trăm linh một đồng",
    1_010: "Một nghìn không trăm mười đồng",
    1_015: "Một nghìn không trăm mười lăm đồng",
    1_100: "Một nghìn một trăm đồng",
    8_000: "Tám nghìn đồng",
    10_005: "Mười nghìn không trăm linh năm đồng",
    15_000: "Mười lăm nghìn đồng",
    21_000: "Hai mươi mốt nghìn đồng",
    24_000: "Hai mươi tư nghìn đồng",
    50_000: "Năm mươi nghìn đồng",
    55_555: "Năm mươi lăm nghìn năm trăm năm mươi lăm đồng",
    104_000: "Một trăm linh bốn nghìn đồng",
    150_000: "Một trăm năm mươi nghìn đồng",
    1_000_000: "Một triệu đồng",
    1_000_001: "Một triệu không trăm linh một đồng",
    1_001_000: "Một triệu không trăm linh một nghìn đồng",
    1_050_000: "Một triệu không trăm năm mươi nghìn đồng",
    1_250_000: "Một triệu hai trăm năm mươi nghìn đồng",
    21_021_021: "Hai mươi mốt triệu không trăm hai mươi mốt nghìn không trăm hai mươi mốt đồng",
    1_000_000_000: "Một tỷ đồng",
    1_000_000_005: "Một tỷ không trăm linh năm đồng",
    1_005_000_000: "Một tỷ không trăm linh năm triệu đồng",
    1_234_567_891: ("Một tỷ hai trăm ba mươi tư triệu năm trăm sáu mươi bảy nghìn tám trăm chín mươi mốt đồng"),
    15_000_000_000: "Mười lăm tỷ đồng",
    1_000_000_000_000: "Một nghìn tỷ đồng",
    1_001_000_000_000: "Một nghìn không trăm linh một tỷ đồng",
    1_000_001_000_000: "Một nghìn tỷ không trăm linh một triệu đồng",
    10**15: "Một triệu tỷ đồng",
}

DIGITS = {
    "không": 0, "một": 1, "mốt": 1, "hai": 2, "ba": 3, "bốn": 4, "tư": 4, "năm": 5, "lăm": 5, "sáu": 6, "bảy": 7,
    "tám": 8, "chín": 9,
}  # fmt: skip


def read(text: str) -> int:
    """The amount that somebody hears, word by word, by none of the writer's code."""
    words = text.lower().removesuffix(" đồng").split()
    total = millions = hundreds = held = 0
    for word in words:
        match word:
            case "trăm":
                hundreds, held = held * 100, 0
            case "mươi":
                hundreds, held = hundreds + held * 10, 0
            case "mười":
                hundreds += 10
            case "linh":
                pass
            case "nghìn" | "triệu":
                millions += (hundreds + held) * {"nghìn": 10**3, "triệu": 10**6}[word]
                hundreds = held = 0
            case "tỷ":
                total, millions, hundreds, held = (millions + hundreds + held) * 10**9, 0, 0, 0
            case _:
                held = DIGITS[word]
    return total + millions + hundreds + held


@pytest.mark.parametrize(("amount", "words"), HARD.items(), ids=str)
def test_the_hard_cases_are_said_as_the_language_has_them(amount: int, words: str) -> None:
    assert in_words(amount) == words
    assert read(words) == amount, "the reader of this test is right too"


def test_every_group_of_three_digits_is_said_by_itself_and_behind_another() -> None:
    for group, size in itertools.product(range(1000), (1, 10**3, 10**6, 10**9)):
        assert read(in_words(group * size)) == group * size
        assert read(in_words(10**12 + group * size)) == 10**12 + group * size


def test_no_two_amounts_below_a_hundred_thousand_sound_alike() -> None:
    assert len({in_words(amount) for amount in range(100_000)}) == 100_000


@given(st.integers(0, MOST))
def test_whatever_is_said_can_be_read_back(amount: int) -> None:
    assert read(in_words(amount)) == amount


@pytest.mark.parametrize("amount", [-1, MOST + 1])
def test_what_is_no_amount_of_a_fee_is_not_said(amount: int) -> None:
    with pytest.raises(ValueError, match="between 0"):
        in_words(amount)
