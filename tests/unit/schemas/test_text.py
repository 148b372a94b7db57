"""The one rule for text: what an endpoint refuses, what becomes of it in an answer, and what is invisible."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from schemas.payment import Notification, NotificationKind
from schemas.portal import Submission
from schemas.strict import Refused, read
from schemas.values import cleaned, fault_in
from tests.unit.schemas.documents import changed, sent

ANY_TEXT = st.text(st.characters(exclude_categories=()))
"""halves of surrogate pairs included"""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("\x00", "control_character", id="NUL"),
        pytest.param("\x85", "control_character", id="C1"),
        pytest.param("\N{RIGHT-TO-LEFT MARK}", "control_character", id="a mark of direction"),
        pytest.param("\N{ARABIC LETTER MARK}", "control_character", id="another"),
        pytest.param("\N{INTERLINEAR ANNOTATION ANCHOR}", "control_character", id="between the lines"),
        pytest.param("\ufffe", "no_character", id="U+FFFE"),
        pytest.param("\uffff", "no_character", id="U+FFFF"),
        pytest.param("\ufdd0", "no_character", id="U+FDD0"),
        pytest.param("\U0001fffe", "no_character", id="U+1FFFE"),
        pytest.param("\U0010ffff", "no_character", id="U+10FFFF"),
        pytest.param("\ud83d", "lone_surrogate", id="half of a smile"),
        pytest.param("Bi\u0300nh", "not_nfc", id="decomposed"),
    ],
)
def test_what_no_text_may_hold_has_a_rule_and_goes_out_of_an_answer(text: str, code: str) -> None:
    fault = fault_in(f"Nguyễn {text} Thử")
    assert fault is not None
    assert fault[0] == code
    assert cleaned(f"a{text}b") == ("aBìnhb" if code == "not_nfc" else "ab")


@given(ANY_TEXT)
def test_what_is_cleaned_is_fit_for_xml_and_for_a_row_and_stays_as_it_is(text: str) -> None:
    clean = cleaned(text)
    assert fault_in(clean) is None
    assert cleaned(clean) == clean
    assert "\x00" not in clean
    element = etree.Element("text")
    element.text = clean
    assert (etree.fromstring(etree.tostring(element, encoding="utf-8")).text or "") == clean


@given(ANY_TEXT)
def test_what_is_fit_is_left_alone(text: str) -> None:
    if fault_in(text) is None:
        assert cleaned(text) == text


@pytest.mark.parametrize("place", ["/applicant/name", "/applicant/address/detail", "/summary", "/papers/0/name"])
@pytest.mark.parametrize(
    "text",
    ["\u200b\u200b", "\u2060", "\u00ad", " \u3164 ", "\u2800", "\ufe0f", "\U000e0001"],
    ids=["zero width", "word joiner", "soft hyphen", "Hangul filler", "empty Braille", "variation", "a tag"],
)
def test_a_text_that_shows_nothing_is_refused_at_its_place(place: str, text: str) -> None:
    with pytest.raises(Refused) as refusal:
        read(Submission, sent(changed(place, text)))
    assert [(fault.pointer, fault.code) for fault in refusal.value.faults] == [(place, "value_error")]


@pytest.mark.parametrize("text", ["👩🏽\u200d⚖️", "Nguyễn\u200bVăn", "\N{COMBINING ACUTE ACCENT}", "-"])
def test_what_shows_anything_is_a_text(text: str) -> None:
    assert read(Submission, sent(changed("/applicant/name", text))).applicant.name == text


def test_a_payers_words_are_cleaned_and_the_names_of_his_payment_are_not() -> None:
    fields = {"provider": "a", "provider_txn": "1", "kind": NotificationKind.PAYMENT, "amount": 1, "account": "1"}
    assert Notification.model_validate(fields | {"text": "HC\x00 Bi\u0300nh \ud83d"}).text == "HC Bình "
    for name in ("provider_txn", "account", "bank_ref", "reference", "original"):
        with pytest.raises(ValueError, match="control character"):
            Notification.model_validate(fields | {name: "1\x00"})


def test_json_with_escapes_is_held_to_the_same_rule() -> None:
    body = json.dumps(changed("/summary", "a\ufffeb")).encode()
    with pytest.raises(Refused) as refusal:
        read(Submission, body)
    assert [(fault.pointer, fault.code) for fault in refusal.value.faults] == [("/summary", "no_character")]


def test_what_no_text_may_hold_is_never_printable() -> None:
    """By which the cleaning passes over most texts."""
    assert [
        code for code in range(sys.maxunicode + 1) if cleaned(f"\n{chr(code)}") == "\n" and chr(code).isprintable()
    ] == []
