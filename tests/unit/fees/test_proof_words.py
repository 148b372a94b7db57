"""What accountants read of the proof is Vietnamese, for every check."""

import unicodedata

import pytest

from hub.cli import fee_exceptions
from hub.fees.proof import findings, ledger_checks, proving
from hub.fees.replay import duckdb_check, replaying

NAMES = (
    *(check.name for check in proving.CHECKS),
    ledger_checks.CHAIN,
    ledger_checks.ROOTS,
    duckdb_check.BALANCES,
    duckdb_check.ENTRIES,
    duckdb_check.NAME,
    replaying.NAME,
)


def test_every_check_has_a_label_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert set(findings.CHECKS) == set(NAMES)
    assert len(set(findings.CHECKS.values())) == len(NAMES)


@pytest.mark.parametrize("label", findings.CHECKS.values())
def test_a_label_has_vietnamese_letters(label: str) -> None:
    assert any(letter in "đĐ" or unicodedata.decomposition(letter) for letter in label)
    assert unicodedata.is_normalized("NFC", label)


def test_an_offender_is_named_in_vietnamese_and_an_id_stays() -> None:
    assert findings.subject("entry 12") == "bút toán 12"
    assert findings.subject("fd_01ARZ3NDEKTSV4RRFFQ69G5FAV") == "fd_01ARZ3NDEKTSV4RRFFQ69G5FAV"


def test_a_case_of_the_proof_is_read_in_vietnamese() -> None:
    facts = {
        "check": ledger_checks.ROOTS,
        "count": 1,
        "offenders": [["checkpoint 2", "gồm 3 bút toán từ số 1; nay có 2"]],
    }
    assert {row["name"]: row["value"] for row in fee_exceptions.facts_as_text(facts)} == {
        "Phép kiểm tra": findings.CHECKS[ledger_checks.ROOTS],
        "Số điểm sai": "1",
        "Sai ở": "điểm kiểm tra 2: gồm 3 bút toán từ số 1; nay có 2",
    }
    about = fee_exceptions.subject("invariant", f"I1: {ledger_checks.ROOTS}")
    assert about == f"điều kiện bất biến I1: {findings.CHECKS[ledger_checks.ROOTS]}"
