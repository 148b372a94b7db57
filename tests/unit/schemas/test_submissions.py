"""A submission as the portal may send it, and every way in which it may not."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from schemas.portal import INLINE_LIMIT, Submission
from schemas.strict import Refused, read
from schemas.values import MOST
from tests.unit.schemas.documents import Document, a_full_submission, changed, inline, sent


def refused(body: bytes) -> Refused:
    with pytest.raises(Refused) as refusal:
        read(Submission, body)
    return refusal.value


def test_a_good_submission_is_read_as_it_was_sent() -> None:
    document = a_full_submission()
    submission = read(Submission, sent(document))
    assert submission.model_dump(mode="json", exclude_none=True) == document
    assert read(Submission, submission.model_dump_json().encode()) == submission


@pytest.mark.parametrize(
    ("pointer", "value", "code"),
    [
        pytest.param("/fees/0/amount", True, "int_type", id="true for 1"),
        pytest.param("/fees/0/amount", "12", "int_type", id="text for a number"),
        pytest.param("/fees/0/amount", 150_000.5, "int_type", id="half a đồng"),
        pytest.param("/fees/0/amount", 150_000.0, "int_type", id="a float that is whole"),
        pytest.param("/fees/0/amount", -1, "greater_than_equal", id="less than nothing"),
        pytest.param("/fees/0/amount", MOST + 1, "less_than_equal", id="more than there is"),
        pytest.param("/fees/0/amount", None, "int_type", id="null for a number"),
        pytest.param("/fees/0/kind", "thue", "enum", id="a kind of fee that there is not"),
        pytest.param("/channel", "fax", "enum", id="a channel that there is not"),
        pytest.param("/reference", 12345, "string_type", id="a number for text"),
        pytest.param("/reference", "số 1", "string_pattern_mismatch", id="a reference outside ASCII"),
        pytest.param("/reference", "CDVC-1\n", "string_pattern_mismatch", id="a line end behind a reference"),
        pytest.param("/procedure", "1.4227", "value_error", id="no procedure code"),
        pytest.param("/dossier_code", "H42-261331-0001", "value_error", id="a dossier code of no day"),
        pytest.param("/submitted_at", "2026-11-24T08:15:00", "value_error", id="a moment without a zone"),
        pytest.param("/submitted_at", "2026-11-24 08:15:00+07:00", "value_error", id="a space for the T"),
        pytest.param("/submitted_at", "1795482900", "value_error", id="seconds since 1970, as text"),
        pytest.param("/submitted_at", 1_795_482_900, "datetime_type", id="seconds since 1970"),
        pytest.param("/submitted_at", "2026-02-30T08:15:00Z", "value_error", id="a day that does not exist"),
        pytest.param("/submitted_at", "0001-01-01T00:00:00+07:00", "value_error", id="a moment that UTC cannot hold"),
        pytest.param("/submitted_at", "1999-12-31T23:59:59Z", "value_error", id="a moment of the last century"),
        pytest.param("/submitted_at", "2099-01-01T00:00:00+07:00", "value_error", id="a moment that no calendar has"),
        pytest.param("/submitted_at", "9999-12-31T23:59:59-12:00", "value_error", id="a moment beyond UTC's end"),
        pytest.param("/applicant/name", " \t ", "string_pattern_mismatch", id="a blank name"),
        pytest.param("/applicant/name", "An\nInjected", "string_pattern_mismatch", id="a name of two lines"),
        pytest.param("/applicant/name", "x" * 256, "string_too_long", id="a name of 256 characters"),
        pytest.param("/applicant/phone", "٠٩٠٠٠٠٠٠٠٠", "string_pattern_mismatch", id="digits of another script"),
        pytest.param("/applicant/email", "a@b@c", "string_pattern_mismatch", id="two at signs"),
        pytest.param("/applicant/identity", {"kind": "cccd", "number": "03700000001"}, "value_error", id="11 digits"),
        pytest.param("/applicant/identity", [], "model_type", id="a list for an object"),
        pytest.param("/applicant/address/province", "", "string_pattern_mismatch", id="no province"),
        pytest.param("/applicant/extra", 1, "extra_forbidden", id="an unknown key inside"),
        pytest.param("/extra", None, "extra_forbidden", id="an unknown key"),
        pytest.param("/summary", "x" * 1001, "string_too_long", id="a summary of 1001 characters"),
        pytest.param("/papers", [], "too_short", id="no papers"),
        pytest.param("/papers", None, "list_type", id="null for a list"),
        pytest.param("/papers/0/size", 0, "greater_than_equal", id="an empty paper"),
        pytest.param("/papers/0/sha256", "A" * 64, "string_pattern_mismatch", id="a digest in capitals"),
        pytest.param("/papers/0/reference", "a b", "string_pattern_mismatch", id="a space in a reference"),
        pytest.param("/result", {"method": "post"}, "value_error", id="by post to nowhere"),
        pytest.param("/result/method", "pigeon", "literal_error", id="a way that there is not"),
    ],
)
def test_one_wrong_value_is_refused_at_its_place(pointer: str, value: Any, code: str) -> None:
    faults = refused(sent(changed(pointer, value))).faults
    assert [(fault.pointer, fault.code) for fault in faults] == [(pointer, code)]


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"[]", "model_type"), (b"null", "model_type"), (b'"{}"', "model_type"), (b"{}", "missing")],
    ids=["a list", "null", "text", "an empty object"],
)
def test_what_is_no_submission_at_all_is_refused(body: bytes, code: str) -> None:
    assert {fault.code for fault in refused(body).faults} == {code}


@pytest.mark.parametrize(
    ("kind", "number", "good"),
    [
        ("cccd", "037000000001", True),
        ("cccd", "037-00000000", False),
        ("cmnd", "037000001", True),
        ("cmnd", "0370000010", False),
        ("tax_code", "2700000001", True),
        ("tax_code", "2700000001001", True),
        ("tax_code", "2700000001-001", True),
        ("tax_code", "037000000001", True),
        ("tax_code", "27-00000001", False),
    ],
)
def test_a_number_has_the_form_of_its_kind(kind: str, number: str, *, good: bool) -> None:
    body = sent(changed("/applicant/identity", {"kind": kind, "number": number}))
    if good:
        assert read(Submission, body).applicant.identity.number == number
    else:
        assert [fault.pointer for fault in refused(body).faults] == ["/applicant/identity"]


def test_a_paper_may_travel_inside_up_to_the_limit() -> None:
    data = b"%" * INLINE_LIMIT
    paper = read(Submission, sent(inline(data))).papers[0]
    assert base64.b64decode(paper.content or "") == data


@pytest.mark.parametrize(
    ("document", "pointer", "code", "detail"),
    [
        pytest.param(inline(b"abc", size=4), "/papers/0", "value_error", "number of bytes", id="another size"),
        pytest.param(inline(b"abc", sha256="0" * 64), "/papers/0", "value_error", "SHA-256", id="another digest"),
        pytest.param(inline(b"abc", content="YWJj!"), "/papers/0", "value_error", "not base64", id="no base64"),
        pytest.param(inline(b"abc", content="YWJđ"), "/papers/0", "value_error", "not base64", id="outside ASCII"),
        pytest.param(inline(b"abc", content="YW\nJj"), "/papers/0", "value_error", "not base64", id="with a line end"),
        pytest.param(inline(b"abc", content=None), "/papers/0", "value_error", "either", id="neither"),
        pytest.param(inline(b"abc", reference="kho/1"), "/papers/0", "value_error", "either", id="both"),
        pytest.param(inline(b"%" * (INLINE_LIMIT + 1)), "/papers/0", "value_error", "more than", id="a byte too many"),
        pytest.param(inline(b"%" * 400_000), "/papers/0/content", "string_too_long", "at most", id="far too many"),
    ],
)
def test_a_paper_that_is_not_what_it_says_is_refused(document: Document, pointer: str, code: str, detail: str) -> None:
    (fault,) = refused(sent(document)).faults
    assert (fault.pointer, fault.code) == (pointer, code)
    assert detail in fault.detail


def places(part: Any, pointer: str = "") -> Iterator[str]:
    """Every place in a document but the document itself."""
    steps: Any = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for step, inner in steps:
        if isinstance(step, str):
            yield f"{pointer}/{step}"
        yield from places(inner, f"{pointer}/{step}")


CANARY = "canary\N{LATIN SMALL LETTER E WITH CIRCUMFLEX}"
UNWANTED = (CANARY, [CANARY], {"kind": CANARY, "number": CANARY, "code": CANARY}, 270_000_000_123.5)


@pytest.mark.parametrize("pointer", list(places(a_full_submission())))
@pytest.mark.parametrize("value", UNWANTED, ids=["text", "list", "object", "float"])
def test_no_refusal_repeats_what_was_sent(pointer: str, value: Any) -> None:
    try:
        read(Submission, sent(changed(pointer, value)))
    except Refused as refusal:
        message = str(refusal) + repr(refusal.faults)
        assert "canary" not in message
        assert "270000000123" not in message
