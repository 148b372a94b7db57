"""The quick check of a signature accepts nothing that the library refuses, and everything that callers usually send."""

import string
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests import PreparedRequest

from connectors.transport import signatures
from connectors.transport.signatures import BadSignature
from hub.http import signature_fast_path

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
KEYS = {"key-a": b"one secret of these tests", "key-b": b"another secret of these tests", "empty": b""}
URL = "https://hub.example/v1/submissions"


def a_request(
    body: bytes = b"{}", *, query: str = "", key: str | None = "k-1", key_id: str = "key-a", created: datetime = NOW
) -> PreparedRequest:
    headers = {"Idempotency-Key": key} if key is not None else {}
    request = requests.Request("POST" if body else "GET", URL + query, headers=headers, data=body).prepare()
    signatures.sign(request, key_id, KEYS[key_id] or b"x", created=created)
    return request


def quick(request: PreparedRequest, body: bytes) -> str | None:
    headers = {name.lower(): str(value) for name, value in request.headers.items()}
    return signature_fast_path.key_of(str(request.method), str(request.url), headers, body, keys=KEYS, now=NOW)


def thorough(request: PreparedRequest, body: bytes) -> str | None:
    headers = [(name, str(value)) for name, value in request.headers.items()]
    try:
        return signatures.verify(str(request.method), str(request.url), headers, body, keys=KEYS, now=NOW)
    except BadSignature:
        return None


@pytest.mark.parametrize("key_id", ["key-a", "key-b"])
@pytest.mark.parametrize("key", [None, "k-1"])
@pytest.mark.parametrize("body", [b"", b"{}", "Trần".encode()])
@pytest.mark.parametrize("query", ["", "?limit=1&after=x"])
def test_what_callers_usually_send_is_told_quickly(body: bytes, query: str, key: str | None, key_id: str) -> None:
    request = a_request(body, query=query, key=key, key_id=key_id)

    assert quick(request, body) == thorough(request, body) == key_id


HEADERS = ("Signature", "Signature-Input", "Content-Digest", "Idempotency-Key")


def replace(header: str, position: int, character: str) -> Callable[[PreparedRequest], None]:
    def spoil(request: PreparedRequest) -> None:
        value = str(request.headers[header])
        place = position % len(value)
        request.headers[header] = value[:place] + character + value[place + 1 :]

    return spoil


def put(header: str, text: str) -> Callable[[PreparedRequest], None]:
    return lambda request: request.headers.update({header: text})


spoilings = st.one_of(
    st.builds(put, st.sampled_from(HEADERS), st.text(string.printable[:95], max_size=60)),
    st.builds(replace, st.sampled_from(HEADERS), st.integers(0, 200), st.sampled_from(string.printable[:95])),
    st.sampled_from(HEADERS).map(lambda header: lambda request: request.headers.pop(header)),
)


@given(spoilings, st.sampled_from([b"{}", b"{} ", b""]))
def test_nothing_passes_quickly_that_the_library_refuses(spoil: Callable[[PreparedRequest], None], body: bytes) -> None:
    request = a_request()
    spoil(request)

    told = quick(request, body)

    assert told is None or told == thorough(request, body)


@pytest.mark.parametrize("seconds", [-301, 301, 10**6])
def test_what_is_outside_the_window_is_not_told_quickly(seconds: int) -> None:
    request = a_request(created=NOW + timedelta(seconds=seconds))

    assert quick(request, b"{}") is thorough(request, b"{}") is None


def test_an_empty_secret_is_no_key() -> None:
    assert quick(a_request(key_id="empty"), b"{}") is None


def test_a_line_break_in_a_value_cannot_pass_for_another_component() -> None:
    request = a_request(key="k-1")
    request.headers["Idempotency-Key"] = 'k-1\n"content-digest": x'

    assert quick(request, b"{}") is None
