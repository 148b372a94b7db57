"""Lengths that are not counted by a pattern: a counted pattern would weigh megabytes in every thread."""

import json
from typing import Any

import pytest

from schemas import strict
from schemas.portal import Submission
from tests.builders import a_submission


def faults(email: str = "a@b.example", reference: str = "kho/1.pdf") -> list[tuple[str, str]]:
    submission: dict[str, Any] = a_submission()
    submission["applicant"]["email"] = email
    submission["papers"][0]["reference"] = reference
    try:
        strict.read(Submission, json.dumps(submission).encode())
    except strict.Refused as refused:
        return [(fault.pointer, fault.code) for fault in refused.faults]
    return []


@pytest.mark.parametrize("email", ["x" * 64 + "@" + "y" * 190, "ư@ờ"])
def test_an_email_address_may_be_this_long(email: str) -> None:
    assert faults(email=email) == []


@pytest.mark.parametrize(
    ("email", "code"),
    [
        ("x" * 65 + "@y", "value_error"),
        ("x@" + "y" * 191, "value_error"),
        ("@y", "string_pattern_mismatch"),
        ("x@", "string_pattern_mismatch"),
        ("x@y\n", "string_pattern_mismatch"),
    ],
)
def test_an_email_address_may_not_be_longer_nor_lack_a_side(email: str, code: str) -> None:
    assert faults(email=email) == [("/applicant/email", code)]


def test_a_reference_has_1_to_500_characters() -> None:
    assert faults(reference="ư" * 500) == []
    assert faults(reference="ư" * 501) == [("/papers/0/reference", "string_too_long")]
    assert faults(reference="") == [("/papers/0/reference", "string_pattern_mismatch")]
