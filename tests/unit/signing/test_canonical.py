"""Canonical JSON: the published cases of RFC 8785, and a profile in which nothing is left to the reader."""

import json
import unicodedata
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from hub.signing.canonical import GREATEST, NotCanonical, decode, encode
from tests.unit.signing.vectors import vectors

CASES = {case["name"]: case for case in vectors("rfc8785")["cases"]}
INSIDE = [name for name, case in CASES.items() if case["in_profile"]]
OUTSIDE = [name for name, case in CASES.items() if not case["in_profile"]]
TEXT = st.text(st.characters(exclude_categories=["Cs"])).map(lambda text: unicodedata.normalize("NFC", text))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-GREATEST, GREATEST) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner),
    max_leaves=25,
)


@pytest.mark.parametrize("name", INSIDE)
def test_a_published_case_inside_the_profile_is_written_as_published(name: str) -> None:
    published = CASES[name]["output"].encode()
    value = json.loads(CASES[name]["input"], parse_float=lambda digits: int(float(digits)))  # "56.0" is 56 in JSON
    assert encode(value) == published
    assert decode(published) == value


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_published_case_outside_the_profile_is_neither_written_nor_read(name: str) -> None:
    with pytest.raises(NotCanonical):
        encode(json.loads(CASES[name]["input"]))
    with pytest.raises(NotCanonical):
        decode(CASES[name]["output"].encode())


def test_the_published_escapes_are_written_as_published() -> None:
    value = json.loads(CASES["values"]["input"])
    published = json.dumps(value["escaping"], ensure_ascii=False).encode()
    assert published in CASES["values"]["output"].encode()
    assert encode(value["escaping"]) == published


@given(VALUES)
def test_what_is_written_is_read_as_it_was(value: Any) -> None:
    assert decode(encode(value)) == value


@given(VALUES)
def test_another_writer_of_the_standard_writes_the_same_bytes(value: Any) -> None:
    assert encode(value) == rfc8785.dumps(value)


@given(VALUES)
def test_any_reader_of_json_reads_the_same(value: Any) -> None:
    assert json.loads(encode(value)) == value


@given(st.dictionaries(st.text(st.characters(max_codepoint=127)), st.integers(0, 9)), st.randoms())
def test_the_order_in_which_an_object_was_built_changes_nothing(value: dict[str, int], random: Any) -> None:
    pairs = list(value.items())
    random.shuffle(pairs)
    assert encode(dict(pairs)) == encode(value)


@pytest.mark.parametrize(
    "data",
    [
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1}\n',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":1.0}',
        b'{"a":1e2}',
        b"-0",
        b"01",
        b"NaN",
        b"Infinity",
        b"9007199254740992",
        b"1" * 5000,
        rb'"\u0041"',
        rb'"\/"',
        rb'"\ud800"',
        b'"\xed\xa0\x80"',
        b'"e\xcc\x81"',
        b'{"\xc3\xa9":1}',
        b"\xff",
        b"",
        b"{",
        b"[" * 100_000,
        b"[" * 40 + b"]" * 40,
    ],
)
def test_bytes_that_are_not_the_one_form_are_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        decode(data)


@pytest.mark.parametrize(
    "value", [1.0, 2**53, -(2**53), "\ud800", "e\u0301", {"é": 1}, {1: 2}, (1,), b"x", {"a": [{"b": 0.5}]}, {"a": {1}}]
)
def test_a_value_outside_the_profile_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonical):
        encode(value)


def test_a_refusal_never_quotes_the_content() -> None:
    with pytest.raises(NotCanonical) as refused:
        decode(b'{"name":"Nguyen Van Thu","name":""}')
    assert "Nguyen" not in str(refused.value)
