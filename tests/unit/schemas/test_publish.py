"""The JSON Schemas that integrators are given: fresh, and in agreement with our endpoints."""

import json
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from schemas.portal import Submission
from schemas.publish import WIRE, documents
from schemas.strict import Refused, read
from tests.unit.schemas.documents import a_full_submission, changed, inline, sent

SUBMISSION: Final = Draft202012Validator(json.loads(documents()["submission.schema.json"]))


@pytest.mark.parametrize("name", documents())
def test_the_committed_schema_is_fresh(name: str) -> None:
    assert (WIRE / name).read_bytes() == documents()[name], "run: python -m schemas.publish"


def test_no_committed_schema_is_left_over() -> None:
    assert {path.name for path in WIRE.glob("*.schema.json")} == set(documents())


@pytest.mark.parametrize("name", documents())
def test_the_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(json.loads(documents()[name]))


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(a_full_submission(), id="every field given"),
        pytest.param(inline(b"abc"), id="a paper inside"),
        pytest.param(inline(b"abc", reference=None), id="a paper inside, and null for the reference"),
        pytest.param(changed("/dossier_code", None), id="no dossier code yet"),
        pytest.param(changed("/result", {"method": "counter"}), id="the result at the counter"),
    ],
)
def test_what_we_take_the_schema_takes(document: dict[str, Any]) -> None:
    read(Submission, sent(document))
    SUBMISSION.validate(document)


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/fees/0/amount", True),
        ("/fees/0/amount", "12"),
        ("/fees/0/amount", 1.5),
        ("/channel", "fax"),
        ("/reference", "số 1"),
        ("/procedure", "1.4227"),
        ("/applicant/name", "  "),
        ("/applicant/name", "An\nInjected"),
        ("/applicant/phone", "٠٩٠٠٠٠٠٠٠٠"),
        ("/applicant/identity", {"kind": "cccd", "number": "03700000001"}),
        ("/papers", []),
        ("/papers/0/reference", None),
        ("/papers/0/content", "YWJj"),
        ("/result", {"method": "post"}),
        ("/extra", 1),
    ],
)
def test_what_the_schema_refuses_we_refuse_too(pointer: str, value: Any) -> None:
    document = changed(pointer, value)
    assert not SUBMISSION.is_valid(document)
    with pytest.raises(Refused):
        read(Submission, sent(document))
