"""Our verifier beside the library http-message-signatures: what it signs is accepted, what it refuses is refused."""

import string
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import requests
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, InvalidSignature, MappingKeyResolver
from http_message_signatures.algorithms import HMAC_SHA256
from hypothesis import given
from hypothesis import strategies as st
from requests import PreparedRequest

from connectors.transport import signatures
from connectors.transport.signatures import BadSignature

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
KEYS = {"key-a": b"one secret of these tests", "key-b": b"another secret of these tests"}
URL = "https://hub.example/v1/submissions"
LIBRARY = {"signature_algorithm": HMAC_SHA256, "key_resolver": MappingKeyResolver(public_keys=KEYS, private_keys=KEYS)}
REQUIRED = ("@method", "@target-uri", "idempotency-key", "content-digest")
OPTIONAL = ("@authority", "@scheme", "@path", "@query", "@request-target", "content-type", "content-length")


def unsigned(body: bytes = b"{}", *, url: str = URL, key: str | None = "k-1") -> PreparedRequest:
    headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key is not None else {})
    return requests.Request("POST" if body else "GET", url, headers=headers, data=body).prepare()


def ours(request: PreparedRequest, body: bytes) -> str | None:
    headers = [(name, str(value)) for name, value in request.headers.items()]
    try:
        return signatures.verify(str(request.method), str(request.url), headers, body, keys=KEYS, now=NOW)
    except BadSignature:
        return None


def library(request: PreparedRequest, body: bytes) -> str | None:
    """The library judges by the machine's clock, so the window is left to our own tests."""
    verifier = HTTPMessageVerifier(**LIBRARY)
    verifier.max_clock_skew = timedelta(days=36_500)
    try:
        [result] = verifier.verify(request, max_age=None, body=body)
    except InvalidSignature:
        return None
    return str(result.parameters["keyid"])


@pytest.mark.parametrize("key_id", ["key-a", "key-b"])
@pytest.mark.parametrize("key", [None, "k-1"])
@pytest.mark.parametrize("body", [b"", b"{}", "Trần".encode()])
@pytest.mark.parametrize("query", ["", "?limit=1&after=x"])
def test_both_accept_what_we_sign(body: bytes, query: str, key: str | None, key_id: str) -> None:
    request = unsigned(body, url=URL + query, key=key)
    signatures.sign(request, key_id, KEYS[key_id], created=NOW)
    assert ours(request, body) == library(request, body) == key_id


@given(
    st.permutations(REQUIRED),
    st.sets(st.sampled_from(OPTIONAL)),
    st.sampled_from(
        [URL, URL + "?limit=1&after=x", "https://hub.example", "https://HUB.example:443/a", "http://h:80/?"]
    ),
    st.sampled_from(["sha-256", "sha-512"]),
)
def test_both_accept_what_the_library_signs_over_more_components(
    required: list[str], optional: set[str], url: str, algorithm: str
) -> None:
    request = unsigned(url=url)
    signer = HTTPMessageSigner(**LIBRARY)
    digest = signer.content_digest_class
    signer.content_digest_class = type("Digest", (digest,), {"algorithm": algorithm})
    names = [*(name for name in required if name != "content-digest"), *sorted(optional)]
    signer.sign(request, key_id="key-a", created=NOW, covered_component_ids=names, body=b"{}")
    assert ours(request, b"{}") == library(request, b"{}") == "key-a"


HEADERS = ("Signature", "Signature-Input", "Content-Digest", "Idempotency-Key")


def replaced(header: str, position: int, character: str) -> Callable[[PreparedRequest], None]:
    def spoil(request: PreparedRequest) -> None:
        value = str(request.headers[header])
        place = position % len(value)
        request.headers[header] = value[:place] + character + value[place + 1 :]

    return spoil


def put(header: str, text: str) -> Callable[[PreparedRequest], None]:
    return lambda request: request.headers.update({header: text})


spoilings = st.one_of(
    st.builds(put, st.sampled_from(HEADERS), st.text(string.printable[:95], max_size=60)),
    st.builds(replaced, st.sampled_from(HEADERS), st.integers(0, 200), st.sampled_from(string.printable[:95])),
    st.sampled_from(HEADERS).map(lambda header: lambda request: request.headers.pop(header)),
)


@given(spoilings, st.sampled_from([b"{}", b"{} ", b""]))
def test_we_accept_nothing_that_the_library_refuses(spoil: Callable[[PreparedRequest], None], body: bytes) -> None:
    request = unsigned()
    signatures.sign(request, "key-a", KEYS["key-a"], created=NOW)
    spoil(request)

    key_id = ours(request, body)

    assert key_id is None or key_id == library(request, body)


def test_a_line_break_in_a_value_cannot_pass_for_another_component() -> None:
    request = unsigned()
    signatures.sign(request, "key-a", KEYS["key-a"], created=NOW)
    request.headers["Idempotency-Key"] = 'k-1\n"content-digest": x'

    assert ours(request, b"{}") is None
