"""Item codes by UPU S10: right where we issue, a warning where the operator is wrong."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.item_code import LAST_SERIAL, READS, RESERVED, IssuedItemCode, ItemCode, ReceivedItemCode, check_digit

INDICATORS: Final = st.from_regex(r"[A-IL-RU-VX-Z][A-Z]", fullmatch=True)
SERIALS: Final = st.integers(0, LAST_SERIAL)
ISSUED: Final = TypeAdapter(IssuedItemCode)


@pytest.mark.parametrize(
    "code",
    ["RR123456785VN", "RR473124829GB", "EB000717618HK", "EI471123454VN"],
)
def test_published_codes_are_right(code: str) -> None:
    assert ItemCode.received(code).warning is None
    assert ItemCode.issued(code[:2], int(code[2:10]), code[11:]).normalised == code


@pytest.mark.parametrize(("serial", "digit"), [("12345678", 5), ("47312482", 9), ("00071761", 8), ("47112345", 4)])
def test_the_check_digit_is_that_of_the_standard(serial: str, digit: int) -> None:
    assert check_digit(serial) == digit


@pytest.mark.parametrize(("serial", "digit"), [("00000008", 0), ("00000000", 5)])
def test_ten_becomes_nought_and_eleven_becomes_five(serial: str, digit: int) -> None:
    assert check_digit(serial) == digit


@given(INDICATORS, SERIALS)
def test_whatever_is_issued_is_right(indicator: str, serial: int) -> None:
    code = ItemCode.issued(indicator, serial)
    assert code.is_valid
    assert ItemCode.checked(code.normalised) == code
    assert ISSUED.validate_python(code.normalised) == code.normalised


@given(INDICATORS, SERIALS, st.integers(2, 10), st.integers(1, 9))
def test_one_wrong_digit_is_noticed_unless_it_hides_behind_a_five(
    indicator: str, serial: int, place: int, by: int
) -> None:
    """The weights have no common factor with 11; but two of its eleven remainders share the check digit 5."""
    code = ItemCode.issued(indicator, serial).normalised
    wrong = f"{code[:place]}{(int(code[place]) + by) % 10}{code[place + 1 :]}"
    assert not ItemCode.received(wrong).is_valid or (place < len(code) - 3 and wrong[-3] == "5")


@pytest.mark.parametrize("first", sorted(RESERVED))
def test_a_reserved_indicator_is_never_issued_and_received_with_a_warning(first: str) -> None:
    with pytest.raises(ValueError, match="keeps it for later"):
        ItemCode.issued(f"{first}A", 1)
    digit = check_digit("00000001")
    assert "keeps it for later" in (ItemCode.received(f"{first}A00000001{digit}VN").warning or "")


def test_a_wrong_check_digit_from_the_operator_is_a_warning_that_says_the_right_one() -> None:
    code = ItemCode.received("RR123456784VN")
    assert (code.normalised, code.warning) == ("RR123456784VN", "the check digit is 4 and ought to be 5")


def test_spaces_and_small_letters_are_read_and_kept_as_they_were() -> None:
    code = ItemCode.received("rr 12345678 5 vn")
    assert (code.raw, code.normalised, code.is_valid) == ("rr 12345678 5 vn", "RR123456785VN", True)


@pytest.mark.parametrize("raw", ["", "RR12345678VN", "ＲＲ123456785VN", "RR١٢٣٤٥٦٧٨٥VN", "1234567890123"])
def test_what_is_no_code_at_all_is_a_warning_too(raw: str) -> None:
    assert ItemCode.received(raw).warning == READS


@given(st.text(max_size=20))
def test_nothing_that_the_operator_writes_raises(raw: str) -> None:
    ItemCode.received(raw)


@pytest.mark.parametrize("raw", ["RR123456784VN", "rr123456785vn", "RR 123456785 VN", "JA000000018VN"])
def test_an_issued_code_is_nothing_but_right(raw: str) -> None:
    with pytest.raises(ValidationError):
        ISSUED.validate_python(raw)


@pytest.mark.parametrize(
    ("indicator", "serial", "country"), [("R", 1, "VN"), ("RR", 10**8, "VN"), ("RR", -1, "VN"), ("RR", 1, "V1")]
)
def test_what_cannot_be_a_code_is_not_issued(indicator: str, serial: int, country: str) -> None:
    with pytest.raises(ValueError, match=r"item code|serial"):
        ItemCode.issued(indicator, serial, country)


def test_a_received_code_has_32_characters_at_most() -> None:
    received = TypeAdapter(ReceivedItemCode)
    assert received.validate_python("CB 123456785 VN")
    with pytest.raises(ValidationError):
        received.validate_python("A" * 33)
