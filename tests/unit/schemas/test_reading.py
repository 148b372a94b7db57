"""JSON from strangers: what is refused, where, and in words that give nothing away."""

import contextlib
import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.strict import MAX_DEPTH, MAX_FAULTS, Fault, Refused, parse

NOT_JSON: Final = {
    "nothing": b"",
    "only space": b" \n\t",
    "a second document": b"{}{}",
    "a trailing word": b'{"a":1} x',
    "a comma too many in an object": b'{"a":1,}',
    "a comma too many in a list": b"[1,]",
    "a comma too few": b'{"a":1 "b":2}',
    "a colon too few": b'{"a" 1}',
    "a key without quotes": b"{a:1}",
    "a key that is a number": b"{1:1}",
    "single quotes": b"{'a':1}",
    "an object left open": b'{"a":1',
    "a list left open": b"[1",
    "a text left open": b'["a',
    "a list closed as an object": b"[1}",
    "a comment": b"[1 /* one */]",
    "a line break inside a text": b'["a\nb"]',
    "a NUL inside a text": b'["a\x00b"]',
    "a NUL instead of a document": b"\x00",
    "an escape that does not exist": b'["\\x41"]',
    "an escape cut short": b'["\\u00"]',
    "a leading zero": b"[012]",
    "a leading plus": b"[+1]",
    "a number without digits": b"[-]",
    "a fraction without digits": b"[1.]",
    "a fraction without a whole": b"[.5]",
    "an exponent without digits": b"[1e]",
    "a hexadecimal number": b"[0x1F]",
    "a number with an underscore": b"[1_000]",
    "digits of another script": "[\N{FULLWIDTH DIGIT ONE}]".encode(),
    "a word in capitals": b"[TRUE]",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a space that JSON does not know": "[1\N{NO-BREAK SPACE}]".encode(),
}
NOT_UTF_8: Final = {
    "a lone continuation byte": b'["\x80"]',
    "Latin-1": '["Ninh Bình"]'.encode("latin-1"),
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "a surrogate in bytes": b'["\xed\xa0\x80"]',
    "an overlong slash": b'["\xc0\xaf"]',
    "beyond Unicode": b'["\xf4\x90\x80\x80"]',
}


def faults(body: bytes) -> list[Fault]:
    with pytest.raises(Refused) as refused:
        parse(body)
    return refused.value.faults


def nested(depth: int) -> bytes:
    """Lists inside one another; the innermost stands ``depth`` steps below the document."""
    return b"[" * (depth + 1) + b"]" * (depth + 1)


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_not_json_is_refused_as_a_whole(body: bytes) -> None:
    assert [(fault.pointer, fault.code) for fault in faults(body)] == [("", "not_json")]


@pytest.mark.parametrize("body", NOT_UTF_8.values(), ids=NOT_UTF_8.keys())
def test_what_is_not_utf_8_is_refused_as_a_whole(body: bytes) -> None:
    assert [(fault.pointer, fault.code) for fault in faults(body)] == [("", "not_utf8")]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        pytest.param('{"a":{"b":1,"c":2,"b":1}}', "/a/b", "duplicate_key", id="the same value twice"),
        pytest.param('{"a~/b":1,"a~/b":2}', "/a~0~1b", "duplicate_key", id="the pointer is escaped"),
        pytest.param('{"a":1,"\\u0061":2}', "/a", "duplicate_key", id="one of the two escaped"),
        pytest.param('[{"a":NaN}]', "/0/a", "not_finite", id="NaN"),
        pytest.param("[0,Infinity]", "/1", "not_finite", id="Infinity"),
        pytest.param("[0,-Infinity]", "/1", "not_finite", id="minus Infinity"),
        pytest.param("[1e400]", "/0", "not_finite", id="a float that is not held"),
        pytest.param("[-1e400]", "/0", "not_finite", id="a negative float that is not held"),
        pytest.param('{"a":12345678901234567890}', "/a", "too_many_digits", id="an integer of 20 digits"),
        pytest.param('{"a":[-' + "9" * 5000 + "]}", "/a/0", "too_many_digits", id="an integer that Python refuses"),
        pytest.param('["\\u0000"]', "/0", "control_character", id="an escaped NUL"),
        pytest.param('["a\\u001b[31m"]', "/0", "control_character", id="an escape sequence of terminals"),
        pytest.param('["a\\b"]', "/0", "control_character", id="a backspace"),
        pytest.param('["\N{DELETE}"]', "/0", "control_character", id="DEL"),
        pytest.param('["\u0085"]', "/0", "control_character", id="C1"),
        pytest.param('["\N{LINE SEPARATOR}"]', "/0", "control_character", id="a line separator"),
        pytest.param('["\N{RIGHT-TO-LEFT OVERRIDE}fdp.exe"]', "/0", "control_character", id="turned writing"),
        pytest.param('["\N{RIGHT-TO-LEFT ISOLATE}"]', "/0", "control_character", id="isolated writing"),
        pytest.param('["a\N{ZERO WIDTH NO-BREAK SPACE}b"]', "/0", "control_character", id="a BOM inside"),
        pytest.param('["\\ud800"]', "/0", "lone_surrogate", id="a lone high surrogate"),
        pytest.param('["\\udc00\\ud800"]', "/0", "lone_surrogate", id="surrogates the wrong way round"),
        pytest.param('{"a":{"b":["x","Bi\u0300nh"]}}', "/a/b/1", "not_nfc", id="decomposed Vietnamese"),
        pytest.param('["Bi\\u0300nh"]', "/0", "not_nfc", id="decomposed by escapes"),
        pytest.param('["\N{ANGSTROM SIGN}"]', "/0", "not_nfc", id="a singleton"),
        pytest.param('{"a":{"Mã":1}}', "/a", "odd_key", id="a key outside ASCII"),
        pytest.param('{"a":{"\\ud800":1}}', "/a", "odd_key", id="a surrogate in a key"),
        pytest.param('{"a":{"\\u0000":1}}', "/a", "odd_key", id="a NUL in a key"),
        pytest.param('{"a":{"":1}}', "/a", "odd_key", id="an empty key"),
        pytest.param('{"a":{"b c":1}}', "/a", "odd_key", id="a space in a key"),
        pytest.param('{"' + "k" * 65 + '":1}', "", "odd_key", id="a key of 65 characters"),
    ],
)
def test_a_fault_names_its_place_and_its_rule(body: str, pointer: str, code: str) -> None:
    assert [(fault.pointer, fault.code) for fault in faults(body.encode())] == [(pointer, code)]


def test_every_fault_is_named_up_to_twenty() -> None:
    two = faults(b'{"a":["\\u0007", 1, NaN], "b":2, "b":3}')
    assert {(fault.pointer, fault.code) for fault in two} == {
        ("/a/0", "control_character"),
        ("/a/2", "not_finite"),
        ("/b", "duplicate_key"),
    }
    assert len(faults(b"[" + b"NaN," * 100_000 + b"NaN]")) == MAX_FAULTS


def test_a_document_may_be_thirty_two_levels_deep_and_no_deeper() -> None:
    assert parse(nested(MAX_DEPTH)) is not None
    deeper = faults(nested(MAX_DEPTH + 1))
    assert [(fault.pointer, fault.code) for fault in deeper] == [("/0" * MAX_DEPTH, "too_deep")]


@pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["lists", "objects"])
def test_a_bottomless_document_is_refused_and_ends_nothing(opening: bytes) -> None:
    assert faults(opening * 200_000)[0].code in {"too_deep", "not_json"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Ủy ban nhân dân tỉnh Ninh Bình", id="composed Vietnamese"),
        pytest.param("dòng một\ndòng hai\tcột\r\n", id="lines and tabs"),
        pytest.param("👩🏽‍⚖️ 𝒳", id="beyond the first plane, with a joiner"),
        pytest.param("\N{COMBINING GRAVE ACCENT}", id="an accent with nothing before it"),
        pytest.param("", id="no text at all"),
    ],
)
def test_ordinary_text_arrives_as_it_was_sent(text: str) -> None:
    assert parse(json.dumps([text]).encode()) == [text]
    assert parse(json.dumps([text], ensure_ascii=False).encode()) == [text]


def test_no_fault_repeats_what_was_sent() -> None:
    body = '{"a":["canary\\u0000"],"b":"canary\\ud800","c":"canaryi\u0300","canary b":1,"d":{"canary\\u0007":1}}'
    with pytest.raises(Refused) as refused:
        parse(body.encode())
    assert "canary" not in str(refused.value) + repr(refused.value.faults)


JSON_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)  # fmt: skip


@given(JSON_VALUES)
def test_any_json_is_either_read_as_python_reads_it_or_refused_with_a_place_in_it(value: Any) -> None:
    body = json.dumps(value).encode()
    try:
        assert parse(body) == value
    except Refused as refused:
        for fault in refused.faults:
            assert at(value, fault.pointer) is not None
            assert fault.pointer.isascii()


def at(document: Any, pointer: str) -> Any:
    """What stands at ``pointer``, in a list so that null is something. Raises if there is nothing."""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return [document]


@given(st.binary(max_size=60))
def test_no_bytes_bring_forth_anything_but_a_document_or_a_refusal(body: bytes) -> None:
    with contextlib.suppress(Refused):
        parse(body)
