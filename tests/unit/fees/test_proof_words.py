"""What accountants read of the proof is Vietnamese, for every check."""

import unicodedata

import pytest

from hub.cli import fee_exceptions
from hub.fees.proof import anchors, proving, words
from hub.fees.replay import duckdb_check, duckdb_matches, replaying

NAMES = (
    *(check.name for check in proving.CHECKS),
    anchors.CHAIN,
    anchors.ROOTS,
    duckdb_check.BALANCES,
    duckdb_check.ENTRIES,
    duckdb_matches.NAME,
    replaying.NAME,
)


def test_every_check_has_a_label_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert set(words.CHECKS) == set(NAMES)
    assert len(set(words.CHECKS.values())) == len(NAMES)


@pytest.mark.parametrize("label", words.CHECKS.values())
def test_a_label_has_vietnamese_letters(label: str) -> None:
    assert any(letter in "đĐ" or unicodedata.decomposition(letter) for letter in label)
    assert unicodedata.is_normalized("NFC", label)


def test_an_offender_is_named_in_vietnamese_and_an_id_stays() -> None:
    assert words.subject("entry 12") == "bút toán 12"
    assert words.subject("fd_01ARZ3NDEKTSV4RRFFQ69G5FAV") == "fd_01ARZ3NDEKTSV4RRFFQ69G5FAV"


def test_a_case_of_the_proof_is_read_in_vietnamese() -> None:
    facts = {"check": anchors.ROOTS, "count": 1, "offenders": [["checkpoint 2", "gồm 3 bút toán từ số 1; nay có 2"]]}
    assert {row["name"]: row["value"] for row in fee_exceptions.written(facts)} == {
        "Phép kiểm tra": words.CHECKS[anchors.ROOTS],
        "Số điểm sai": "1",
        "Sai ở": "điểm kiểm tra 2: gồm 3 bút toán từ số 1; nay có 2",
    }
    about = fee_exceptions.subject("invariant", f"I1: {anchors.ROOTS}")
    assert about == f"điều kiện bất biến I1: {words.CHECKS[anchors.ROOTS]}"
