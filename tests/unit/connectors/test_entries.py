"""A feed's page cut into its entries: whatever one of them holds, the others are found, and each as it came."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.transport.entries import entries, value

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(JSON, max_size=5), st.text(max_size=5), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_every_entry_is_found_as_it_was_written(values: list[Any], cursor: str, indent: Any, ascii_only: bool) -> None:
    written = [json.dumps(one, indent=indent, ensure_ascii=ascii_only) for one in values]
    around = json.dumps(cursor, ensure_ascii=ascii_only)
    page = '{ "a": {"b": [ %s ]} , "cursor": %s}' % (" ,\n ".join(written), around)  # noqa: UP031 - braces
    body = page.encode("utf-8", "surrogatepass")
    assert [text.encode("utf-8", "surrogateescape") for text in entries(body, "a", "b")] == [
        one.encode("utf-8", "surrogatepass") for one in written
    ]
    assert ascii_only is False or value(body, "cursor") == cursor


@pytest.mark.parametrize(
    "odd",
    [
        b'{"a": 1, "a": 2}',
        b'{"a": %s}' % (b"9" * 10_000),
        b'{"a": "\xff\xfe"}',
        b'{"a": "\x00\x01"}',
        b'{"a": "\\ud800"}',
        b'{"a": NaN}',
        b"[" * 40 + b"]" * 40,
    ],
)
def test_what_nobody_could_read_is_cut_out_like_the_others(odd: bytes) -> None:
    read = entries(b'{"reports": [{"x": 1}, %s, {"x": 2}], "cursor": "3"}' % odd, "reports")
    assert [text.encode("utf-8", "surrogateescape") for text in read] == [b'{"x": 1}', odd, b'{"x": 2}']


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"<html></html>",
        b"[]",
        b'{"reports": {}}',
        b'{"reports": [1, 2}',
        b'{"reports": [1 2]}',
        b'{"reports": [1,',
        b'{"reports": [',
        b'{"cursor": "1"}',
        b'{"reports": ' + b"[" * 100_000,
        b"{1: []}",
    ],
)
def test_a_page_without_a_list_is_refused(page: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        entries(page, "reports")
