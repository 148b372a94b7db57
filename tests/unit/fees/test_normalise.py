"""The copies of a text in which evidence is looked for: no marks, no case, no separators, whatever the bank wrote."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.fees.ledger.normalise import normalise


@pytest.mark.parametrize(
    ("raw", "spaced", "squeezed"),
    [
        ("Nộp lệ phí hồ sơ", "NOP LE PHI HO SO", "NOPLEPHIHOSO"),
        ("Đỗ Đình Đức, đường số 5", "DO DINH DUC DUONG SO 5", "DODINHDUCDUONGSO5"),
        ("HC0000\n00000149", "HC0000 00000149", "HC000000000149"),
        ("a.b-c_d/e  f", "A B C D E F", "ABCDEF"),
        ("５０ ０００", "50 000", "50000"),
        ("x\u200by\ufeffz\u00adw", "XYZW", "XYZW"),
        ("", "", ""),
        ("\x00\r\n\t", "", ""),
    ],
)
def test_a_text_is_read_in_two_copies(raw: str, spaced: str, squeezed: str) -> None:
    text = normalise(raw)

    assert (text.raw, text.spaced, text.squeezed) == (raw, spaced, squeezed)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_composed_and_decomposed_letters_are_the_same(form: str) -> None:
    name = "Trần Thị Phượng nộp tiền"

    assert normalise(unicodedata.normalize(form, name)).spaced == "TRAN THI PHUONG NOP TIEN"  # type: ignore[arg-type]


@given(st.text(max_size=200))
def test_whatever_comes_the_copies_hold_capitals_and_digits_only(raw: str) -> None:
    text = normalise(raw)

    assert text.spaced.replace(" ", "") == text.squeezed
    assert text.squeezed.isascii()
    assert text.squeezed == "" or text.squeezed.isalnum()
    assert text.squeezed == text.squeezed.upper()
    assert "  " not in text.spaced
    assert normalise(text.spaced).spaced == text.spaced
