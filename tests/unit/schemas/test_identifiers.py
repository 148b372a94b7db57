"""Identifiers check themselves: agencies in both registers, procedures, dossiers, and our own ids."""

from datetime import date
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers import (
    LAST_SERIAL,
    DossierCode,
    Prefix,
    Scheme,
    agency_scheme,
    is_id,
    new_id,
    to_qcvn102,
    to_qd20,
)

ROOTS: Final = st.from_regex(r"[A-Y][0-9]{2}", fullmatch=True)
QCVN_102: Final = st.from_regex(r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Y][0-9]{2}", fullmatch=True)
QD_20: Final = st.from_regex(r"[A-Y][0-9]{2}(\.[0-9A-Z]{1,6}){0,3}", fullmatch=True)
DAYS: Final = st.dates(date(2000, 1, 1), date(2099, 12, 31))
SERIALS: Final = st.integers(1, LAST_SERIAL)


@pytest.mark.parametrize(
    ("qcvn102", "qd20"),
    [
        ("000.00.00.H42", "H42"),
        ("000.00.16.H42", "H42.16"),
        ("000.12.24.H42", "H42.24.12"),
        ("001.12.24.H42", "H42.24.12.001"),
        ("000.12.00.H42", "H42.00.12"),
        ("000.00.00.G22", "G22"),
    ],
)
def test_an_agency_has_one_code_in_each_register(qcvn102: str, qd20: str) -> None:
    assert (to_qd20(qcvn102), to_qcvn102(qd20)) == (qd20, qcvn102)
    assert (to_qd20(qd20), to_qcvn102(qcvn102)) == (qd20, qcvn102)
    assert (agency_scheme(qcvn102), agency_scheme(qd20)) == (Scheme.QCVN_102, Scheme.QD_20)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("H42.1", id="a group too short"),
        pytest.param("H42.123", id="a group too long"),
        pytest.param("H42.16.01.02", id="the deepest group too short"),
        pytest.param("H42.16.01.002.03", id="a level too many"),
        pytest.param("H42.1A", id="a letter"),
        pytest.param("H42.00", id="a group of zeros that would be lost"),
    ],
)
def test_a_code_that_the_older_register_cannot_hold_is_an_error_and_never_cut_short(code: str) -> None:
    assert agency_scheme(code) is Scheme.QD_20
    with pytest.raises(ValueError, match="no QCVN 102 form"):
        to_qcvn102(code)


@given(QCVN_102)
def test_a_code_of_the_older_register_comes_back_from_the_newer_one(code: str) -> None:
    assert to_qcvn102(to_qd20(code)) == code


@given(QD_20)
def test_a_code_of_the_newer_register_comes_back_from_the_older_one_or_does_not_go(code: str) -> None:
    try:
        older = to_qcvn102(code)
    except ValueError:
        return
    assert to_qd20(older) == code


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("", id="nothing"),
        pytest.param("H42.", id="an empty last group"),
        pytest.param(".H42", id="an empty first group"),
        pytest.param("H42..16", id="an empty group between"),
        pytest.param("Z42", id="a letter that no body has"),
        pytest.param("h42", id="lower case"),
        pytest.param("H4", id="a digit too few"),
        pytest.param("0.00.16.H42", id="a deepest group too short"),
        pytest.param("H42.16 ", id="a space behind"),
        pytest.param("H42\n", id="a line end behind"),
        pytest.param("٠٠٠.٠٠.١٦.H42", id="digits of another script"),
        pytest.param("H42." + "1" * 11, id="a group of eleven"),
        pytest.param("H42.1.1.1.1.1", id="six levels"),
        pytest.param("H42" + ".1234567890" * 3, id="36 characters"),
    ],
)
def test_a_code_in_neither_register_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="an agency code reads"):
        agency_scheme(code)


@given(QCVN_102 | ROOTS | QD_20, DAYS, SERIALS)
def test_a_code_that_we_issue_reads_back_as_what_it_was_made_of(agency: str, day: date, serial: int) -> None:
    code = DossierCode.issued(agency, day, serial)
    assert (code.agency, code.day, code.serial, code.scheme) == (agency, day, serial, agency_scheme(agency))
    assert code.raw == code.normalised
    assert DossierCode.received(code.raw) == code


def test_the_code_of_the_circular_reads_as_the_circular_says() -> None:
    code = DossierCode.issued("000.00.16.H42", date(2020, 9, 23), 1)
    assert code.raw == "000.00.16.H42-200923-0001"


def test_a_day_has_9999_codes_and_the_next_one_is_an_error() -> None:
    day = date(2026, 11, 24)
    assert DossierCode.issued("H42", day, 9999).raw == "H42-261124-9999"
    for serial in (0, 10_000):
        with pytest.raises(ValueError, match="all 9999 dossier codes of 24/11/2026"):
            DossierCode.issued("H42", day, serial)


@pytest.mark.parametrize(("agency", "day"), [("h42", date(2026, 11, 24)), ("H42", date(1999, 11, 24))])
def test_a_code_that_would_not_read_back_is_not_issued(agency: str, day: date) -> None:
    with pytest.raises(ValueError, match="no dossier code can name"):
        DossierCode.issued(agency, day, 1)


@pytest.mark.parametrize(
    ("raw", "normalised"),
    [
        pytest.param("000.00.16.H42-200923-0001", "000.00.16.H42-200923-0001", id="as the circular has it"),
        pytest.param("h42.16-200923-0001", "H42.16-200923-0001", id="lower case, newer register"),
        pytest.param(" 000.00.16.H42 - 200923 - 0001 ", "000.00.16.H42-200923-0001", id="spaces"),
        pytest.param("000.00.16.H42-200923-12345", "000.00.16.H42-200923-12345", id="five digits"),
        pytest.param("000.00.16.H42-200923-123456", "000.00.16.H42-200923-123456", id="six digits"),
    ],
)
def test_a_code_of_somebody_else_is_read_leniently_and_kept_as_it_came(raw: str, normalised: str) -> None:
    code = DossierCode.received(raw)
    assert (code.raw, code.normalised) == (raw, normalised)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "reads"),
        ("000.00.16.H42-200923-001", "reads"),
        ("000.00.16.H42-200923-1234567", "reads"),
        ("000.00.16.H42-20200923-0001", "reads"),
        ("000.00.16.H42_200923_0001", "reads"),
        ("000.00.16.H42-200923-٠٠٠١", "reads"),
        ("000.00.16.ſ42-200923-0001", "reads"),
        ("000.00.16.H42-200230-0001", "no day"),
        ("000.00.16.H42-201301-0001", "no day"),
        ("000.00.16.H42-200900-0001", "no day"),
        ("12.H42-200923-0001", "an agency code reads"),
    ],
)
def test_what_is_no_dossier_code_is_refused_without_being_repeated(raw: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        DossierCode.received(raw)
    assert raw == "" or raw not in str(refused.value)


def test_an_id_says_what_it_is_of_and_no_two_are_the_same() -> None:
    ids = [new_id(prefix) for prefix in Prefix for _ in range(100)]
    assert len(set(ids)) == len(ids)
    for prefix in Prefix:
        one = new_id(prefix)
        assert is_id(one)
        assert is_id(one, prefix)
        assert not is_id(one, *set(Prefix) - {prefix})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("sub_", id="a prefix alone"),
        pytest.param("SUB_01KB0000000000000000000000", id="capitals"),
        pytest.param("sub_01KB000000000000000000000I", id="a letter that ULIDs leave out"),
        pytest.param("sub_01KB000000000000000000000", id="a character too few"),
        pytest.param("sub_01KB0000000000000000000000\n", id="a line end behind"),
        pytest.param("xyz_01KB0000000000000000000000", id="a prefix that there is not"),
    ],
)
def test_what_only_looks_like_an_id_is_none(text: str) -> None:
    assert not is_id(text)
