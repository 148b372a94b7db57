"""References in remittance texts: found through what banks and payers do to them, and only with right check digits."""

import random
from collections.abc import Iterator
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.fees.ledger.normalise import normalise
from hub.fees.reconciliation.matching.references import MOST_ERRORS, Index, MatchMethod, dossier_codes, references
from schemas.payment_reference import PaymentReference, is_reference, scattered
from tests.fees_noise import Grammar

PREFIXES = ("HC",)
OURS = "HC618034573120"
SERIALS = st.integers(0, 10**10 - 1)


def references_in(text: str) -> dict[str, MatchMethod]:
    return {clue.value: clue.how for clue in references(normalise(text), PREFIXES)}


@pytest.mark.parametrize(
    "text",
    [
        OURS,
        f"nop phi {OURS} cam on",
        f"MBVCB.1234567890.123456.{OURS}.CT tu 0011004455667 NGUYEN VAN A toi 1020304050607 TTPVHCC tai VCB",
        f"NOPPHI{OURS}NGUYENVANTHU",
        f"nộp phí {OURS.lower()}",
        f"{OURS}/{OURS}",
    ],
)
def test_what_is_written_as_it_was_issued_is_strict(text: str) -> None:
    assert references_in(text) == {OURS: MatchMethod.STRICT}


@pytest.mark.parametrize(
    "text",
    [
        "HC6l8O34573120",
        "HC61803457312O",
        "HC6I8034S73l20",
        "HC 6180 3457 3120",
        "HC-618034573120",
        "HC6180345\n73120",
        "H C618034573120",
        f"{OURS}20261124",
    ],
)
def test_look_alikes_and_what_was_torn_apart_are_repaired(text: str) -> None:
    assert references_in(f"nop phi {text} cam on") == {OURS: MatchMethod.REPAIRED}


@pytest.mark.parametrize("text", ["618034573120", "C618034573120", "618034 573120", "6l8O34573120", "phi618034573120"])
def test_a_reference_without_its_letters_is_found_where_digits_begin(text: str) -> None:
    assert references_in(f"nop phi {text} cam on") == {OURS: MatchMethod.UNPREFIXED}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "HC",
        "HC618034573121",
        "HC61803457312",
        "0912345678",
        "9704181020304050607",
        "XX618034573121",
        "HCHCHCHC" * 40,
    ],
)
def test_nothing_is_found_in_what_holds_no_reference(text: str) -> None:
    assert references_in(f"nop phi {text}") == {}


def test_a_reference_of_another_centre_is_told_only_where_it_is_written_exactly() -> None:
    other = str(PaymentReference.issued("TB", 7))

    assert references_in(f"{other} phi") == {other: MatchMethod.STRICT}
    assert references_in(f"{other[:5]} {other[5:]}") == {}


def test_a_digit_that_is_wrong_is_repaired_by_nobody() -> None:
    assert references_in(f"HC718034573120 {OURS[:-1]}1") == {}


@given(SERIALS, st.text(max_size=60), st.text(max_size=60))
def test_a_reference_between_any_words_is_found(serial: int, before: str, after: str) -> None:
    written = str(PaymentReference.issued("HC", serial))

    assert written in references_in(f"{before} {written} {after}")


@given(st.text(max_size=300))
def test_whatever_comes_only_references_are_found(text: str) -> None:
    assert all(is_reference(value) for value in references_in(text))


@given(st.text("HC0123456789OILSB .-\n", max_size=120))
def test_among_digits_only_references_of_right_check_digits_are_found(text: str) -> None:
    assert all(is_reference(value) for value in references_in(text))


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("phi HS 000.00.01.H42-261124-0001", ["0000001H422611240001"]),
        ("HS0000001H42 261124 0001", ["0000001H422611240001"]),
        ("H42.16-261124-0001", ["H42162611240001"]),
        ("000.00.01.H42-261324-0001", []),
        ("H42", []),
    ],
)
def test_dossier_codes_are_found_without_their_separators(text: str, codes: list[str]) -> None:
    assert [code for code in dossier_codes(normalise(text)) if code in codes] == codes
    assert codes or dossier_codes(normalise(text)) == []


def wrong(text: str, chance: random.Random, errors: int) -> str:
    for _ in range(errors):
        at = chance.randrange(len(text))
        kind = chance.choice("sid")
        sign = chance.choice("0123456789")
        text = text[:at] + {"s": sign, "i": sign + text[at], "d": ""}[kind] + text[at + 1 :]
    return text


def damaged(count: int) -> Iterator[tuple[str, str]]:
    chance = random.Random(7)  # noqa: S311 - the same texts every time
    for number in range(1, count + 1):
        written = str(PaymentReference.issued("HC", scattered(number)))
        yield written, f"nop phi {wrong(written[2:], chance, chance.randint(0, MOST_ERRORS))} ct tu 0011004455667"


def test_up_to_two_errors_a_reference_is_near_and_among_the_nearest() -> None:
    texts = list(damaged(500))
    index = Index(str(PaymentReference.issued("HC", scattered(number))) for number in range(1, 5_001))

    missed = [
        (written, text)
        for written, text in texts
        if written not in [near.reference for near in index.near(normalise(text))[:5]]
    ]

    assert missed == []


def test_what_has_three_errors_is_near_to_nothing() -> None:
    index = Index([OURS])

    assert index.near(normalise("HC618034573120"))[0].errors == 0
    assert index.near(normalise("HC618734573927")) == []


def test_reading_is_fast() -> None:
    """One core reads a day of 3,000 lines in a fraction of a second; the bar is a tenth of what was measured."""
    texts = [normalise(one.text) for one in Grammar(1).texts([OURS] * 2_000)]
    begun = process_time()

    for text in texts:
        references(text, PREFIXES)

    assert len(texts) / (process_time() - begun) > 2_000
