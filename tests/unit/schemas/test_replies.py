"""What partners answer: read with tolerance for more, and none for other."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import replies
from schemas.department import Changes, HandoffReceipt
from schemas.strict import Refused

RECEIPT = {"number": "A-1", "received_at": "2026-11-24T09:00:00+07:00"}


def the_receipt(body: bytes) -> HandoffReceipt:
    return replies.read(HandoffReceipt, replies.parse(body))


@pytest.mark.parametrize(
    "more",
    [
        '"Ghi chú": "x"',
        '"id": 12345678901234567890',
        '"ratio": 1e400, "none": NaN',
        '"note\\u0000": "\\ud800"',
        '"twice": 1, "twice": 2',
        '"": {"": [{"\\udc00": 1}]}',
    ],
)
def test_what_we_do_not_know_is_passed_over_whole(more: str) -> None:
    body = json.dumps(RECEIPT)[:-1] + f", {more}" + "}"
    assert the_receipt(body.encode()).number == "A-1"


def test_a_byte_order_mark_is_skipped() -> None:
    assert the_receipt(b"\xef\xbb\xbf" + json.dumps(RECEIPT).encode()).number == "A-1"


def test_texts_are_composed_and_cleaned() -> None:
    report = {
        "report_id": "R-2",
        "dossier_code": "000.00.01.H42-261130-0001",
        "status": "DANG_XU_LY",
        "at": "2026-11-30T16:00:00+07:00",
        "note": "\u0110a\u0303 pha\u0302n co\u0302ng\x00 \u202e\ud83d",
    }
    changes = replies.read(Changes, replies.parse(json.dumps({"reports": [report], "cursor": "2"}).encode()))
    assert changes.reports[0].note == "Đã phân công "


@pytest.mark.parametrize("field", ['"number": 12345678901234567890', '"number": "A-1", "number": "A-2"'])
def test_what_we_do_know_has_to_be_what_it_says(field: str) -> None:
    with pytest.raises(Refused) as refusal:
        the_receipt(f'{{"received_at": "2026-11-24T09:00:00+07:00", {field}}}'.encode())
    assert [fault.pointer for fault in refusal.value.faults] == ["/number"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 100_000, b"[" * 40 + b"]" * 40, b'{"a":' * 40 + b"1" + b"}" * 40]
)
def test_what_is_no_document_is_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        replies.parse(body)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=())), inner),
    max_leaves=20,
)


@given(VALUES)
def test_no_document_brings_forth_anything_but_a_model_or_a_refusal(value: Any) -> None:
    document = replies.parse(json.dumps(value).encode())
    with pytest.raises(Refused):
        replies.read(Changes, document)
    json.dumps(replies.cleaned(document), ensure_ascii=False).encode()
