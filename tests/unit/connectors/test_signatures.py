"""What a caller has to prove to our API, and that nothing less passes."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
import requests
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import HMAC_SHA256
from hypothesis import given
from hypothesis import strategies as st

from connectors.transport.signatures import WINDOW, BadSignature, Reason, sign, verify

URL = "https://hub.example/v1/submissions?a=1"
BODY = '{"reference":"CDVC-1","summary":"Đề nghị thử"}'.encode()
NOW = datetime(2026, 11, 24, 1, 15, tzinfo=UTC)
SECRET = b"a secret of the portal in this test"
KEYS = {"portal-1": SECRET, "portal-2": b"its next secret, during a rotation"}

Lines = list[tuple[str, str]]


def a_request(method: str = "POST", body: bytes | None = BODY, url: str = URL) -> requests.PreparedRequest:
    headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": "k-1"} if body else {})
    return requests.Request(method, url, data=body, headers=headers).prepare()


def signed(method: str = "POST", body: bytes | None = BODY, keyid: str = "portal-1", created: datetime = NOW) -> Lines:
    request = a_request(method, body)
    sign(request, keyid, KEYS[keyid], created=created)
    return list(request.headers.items())


def reason(
    lines: Lines, *, method: str = "POST", url: str = URL, body: bytes = BODY, keys: Mapping[str, bytes] = KEYS
) -> Reason:
    with pytest.raises(BadSignature) as caught:
        verify(method, url, lines, body, keys=keys, now=NOW)
    assert str(caught.value) == "The request does not carry a valid signature.", "callers learn nothing"
    return caught.value.reason


def changed(lines: Lines, name: str, value: str | None) -> Lines:
    others = [line for line in lines if line[0].lower() != name.lower()]
    return others if value is None else [*others, (name, value)]


def signed_over(*components: str, label: str = "hub") -> Lines:
    """A valid signature that covers exactly ``components``."""
    request = a_request()
    request.headers["Content-Digest"] = f"sha-256=:{base64.b64encode(hashlib.sha256(BODY).digest()).decode()}:"
    HTTPMessageSigner(
        signature_algorithm=HMAC_SHA256, key_resolver=MappingKeyResolver(public_keys={}, private_keys=KEYS)
    ).sign(
        request,
        key_id="portal-1",
        created=NOW,
        label=label,
        covered_component_ids=components,
        use_existing_digest=True,
    )
    return list(request.headers.items())


def test_a_signed_request_is_known_by_its_key_also_during_a_rotation() -> None:
    for keyid in KEYS:
        assert verify("POST", URL, signed(keyid=keyid), BODY, keys=KEYS, now=NOW) == keyid


def test_a_request_without_a_body_is_known_too() -> None:
    assert verify("GET", URL, signed("GET", None), b"", keys=KEYS, now=NOW) == "portal-1"


def test_names_of_headers_come_in_any_case() -> None:
    lines = [(name.lower(), value) for name, value in signed()]
    assert verify("POST", URL, lines, BODY, keys=KEYS, now=NOW) == "portal-1"


def test_a_request_without_a_signature_is_refused() -> None:
    assert reason(list(a_request().headers.items())) is Reason.MISSING
    assert reason(changed(signed(), "Signature", None)) is Reason.MISSING
    assert reason(changed(signed(), "Signature-Input", None)) is Reason.MISSING


def test_another_body_is_refused_at_every_byte() -> None:
    lines = signed()
    for place in range(len(BODY)):
        body = BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]
        assert reason(lines, body=body) is Reason.BODY_DIFFERS


def test_a_body_cannot_be_added_to_a_request_that_was_signed_without_one() -> None:
    assert reason(signed("POST", None)) is Reason.BODY_DIFFERS


def test_a_signature_is_good_for_one_method_address_and_key_only() -> None:
    lines = signed()
    assert reason(lines, method="PUT") is Reason.WRONG
    assert reason(lines, url=URL + "0") is Reason.WRONG
    assert reason(lines, url=URL.replace("hub.", "other.")) is Reason.WRONG
    assert reason(changed(lines, "Idempotency-Key", "k-2")) is Reason.WRONG
    assert reason(lines, keys={"portal-1": b"another secret"}) is Reason.WRONG


def test_a_digest_that_was_put_in_for_another_body_is_refused() -> None:
    other = b"{}"
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(other).digest()).decode()}:"
    assert reason(changed(signed(), "Content-Digest", digest), body=other) is Reason.WRONG


def test_an_unknown_key_and_an_empty_secret_are_refused() -> None:
    assert reason(signed(), keys={}) is Reason.UNKNOWN_KEY
    assert reason(signed(), keys={"portal-1": b""}) is Reason.UNKNOWN_KEY


@pytest.mark.parametrize(
    "components",
    [
        ("@method",),
        ("@method", "@target-uri", "idempotency-key"),
        ("@target-uri", "content-digest", "idempotency-key"),
        ("@method", "content-digest", "idempotency-key"),
        ("@method", "@target-uri", "content-digest"),
        ("@method", "@path", "@authority", "content-digest", "idempotency-key"),
    ],
)
def test_a_valid_signature_over_too_little_is_refused(components: tuple[str, ...]) -> None:
    assert reason(signed_over(*components)) is Reason.COVERS_TOO_LITTLE


@pytest.mark.parametrize(
    "component", ['"content-type";bs', '"content-digest";key="sha-256"', '"@query-param";name="a"']
)
def test_a_component_with_parameters_is_refused(component: str) -> None:
    required = ('"@method"', '"@target-uri"', '"content-digest"', '"idempotency-key"')
    assert reason(signed_over(*required, component)) is Reason.UNKNOWN_COMPONENT


def test_a_component_that_the_request_does_not_have_is_refused() -> None:
    lines = signed_over("@method", "content-type")
    assert reason(changed(lines, "Content-Type", None)) is Reason.WRONG
    stated = dict(lines)["Signature-Input"]
    assert reason(changed(lines, "Signature-Input", stated.replace("@method", "@status"))) is Reason.UNKNOWN_COMPONENT


def test_more_may_be_covered_than_is_asked_for() -> None:
    lines = signed_over("@method", "@target-uri", "content-digest", "idempotency-key", "content-type", "@authority")
    assert verify("POST", URL, lines, BODY, keys=KEYS, now=NOW) == "portal-1"


def test_a_signature_may_have_any_label() -> None:
    lines = signed_over("@method", "@target-uri", "content-digest", "idempotency-key", label="sig1")
    assert verify("POST", URL, lines, BODY, keys=KEYS, now=NOW) == "portal-1"


def beside(lines: Lines, parameters: str, label: str = "gw") -> Lines:
    """``lines`` with another signature, of whatever ``parameters`` say, in front of the first."""
    for name, value in (("Signature-Input", f'{label}=("@method");{parameters}'), ("Signature", f"{label}=:AAAA:")):
        lines = changed(lines, name, f"{value}, {dict(lines)[name]}")
    return lines


@pytest.mark.parametrize("parameters", ['created=1;keyid="gateway"', "created=1", 'keyid="portal-2"', "alg=?1"])
def test_what_a_gateway_signs_is_passed_over(parameters: str) -> None:
    """In one field, or in a line of its own."""
    lines = beside(signed(), parameters)
    assert verify("POST", URL, lines, BODY, keys=KEYS, now=NOW) == "portal-1"
    split = [(name, part) for name, value in lines for part in (value.split(", ") if "Signature" in name else [value])]
    assert verify("POST", URL, split, BODY, keys=KEYS, now=NOW) == "portal-1"


def test_another_signature_does_not_help_a_wrong_one() -> None:
    lines = beside(signed(), 'created=1;keyid="gateway"')
    assert reason(lines, method="PUT") is Reason.WRONG
    assert reason(lines, body=BODY + b" ") is Reason.BODY_DIFFERS
    assert reason(lines, keys={"gateway": SECRET}) is Reason.WRONG
    assert reason(lines, keys={"nobody": SECRET}) is Reason.UNKNOWN_KEY


def test_of_many_signatures_with_our_keys_none_is_tried() -> None:
    lines = signed()
    for number in range(4):
        lines = beside(lines, 'created=1;keyid="portal-1"', label=f"gw{number}")
    assert reason(lines) is Reason.WRONG


@pytest.mark.parametrize("name", ["Signature", "Signature-Input", "Content-Digest", "Idempotency-Key"])
def test_a_header_that_matters_stands_once(name: str) -> None:
    lines = signed()
    again = [(name.lower(), value) for header, value in lines if header == name]
    assert reason(lines + again) is Reason.REPEATED_HEADER


def test_a_signature_without_its_input_is_refused() -> None:
    lines = signed()
    assert reason(changed(lines, "Signature", f"{dict(lines)['Signature']}, other=:AAAA:")) is Reason.WRONG


@pytest.mark.parametrize("seconds", [-WINDOW.total_seconds(), 0, WINDOW.total_seconds()])
def test_the_window_is_five_minutes_on_either_side(seconds: float) -> None:
    lines = signed(created=NOW + timedelta(seconds=seconds))
    assert verify("POST", URL, lines, BODY, keys=KEYS, now=NOW) == "portal-1"


@pytest.mark.parametrize("seconds", [-WINDOW.total_seconds() - 1, WINDOW.total_seconds() + 1, -86_400])
def test_a_request_is_not_replayed_outside_of_the_window(seconds: float) -> None:
    assert reason(signed(created=NOW + timedelta(seconds=seconds))) is Reason.OUTSIDE_WINDOW


@pytest.mark.parametrize(
    "parameters",
    ['keyid="portal-1"', "created=1795482900", 'created="1795482900";keyid="portal-1"', 'created=?1;keyid="portal-1"'],
)
def test_a_signature_without_key_or_time_is_refused(parameters: str) -> None:
    lines = changed(signed(), "Signature-Input", f'hub=("@method" "@target-uri");{parameters}')
    assert reason(lines) is Reason.WRONG


def test_another_algorithm_is_refused_even_if_the_signature_would_hold() -> None:
    lines = changed(signed(), "Signature-Input", dict(signed())["Signature-Input"] + ';alg="rsa-v1_5-sha256"')
    assert reason(lines) is Reason.WRONG


@given(
    given_input=st.text(max_size=80) | st.just('hub=("@method" "@target-uri");created=1;keyid="portal-1"'),
    given_signature=st.text(max_size=80) | st.just("hub=:AAAA:"),
    digest=st.text(max_size=40),
    url=st.text(max_size=40) | st.just(URL),
)
def test_no_garbage_gets_another_answer_than_a_refusal(
    given_input: str, given_signature: str, digest: str, url: str
) -> None:
    lines = [("Signature-Input", given_input), ("Signature", given_signature), ("Content-Digest", digest)]
    with pytest.raises(BadSignature):
        verify("POST", url, lines, BODY, keys=KEYS, now=NOW)


def test_the_signature_is_the_one_that_rfc_9421_describes() -> None:
    secret = b"0123456789abcdef0123456789abcdef"
    request = a_request(body=b"{}", url="https://hub.example/v1/submissions")
    sign(request, "portal-1", secret, created=NOW)

    parameters = '("@method" "@target-uri" "idempotency-key" "content-digest");created=1795482900;keyid="portal-1"'
    base = (
        '"@method": POST\n'
        '"@target-uri": https://hub.example/v1/submissions\n'
        '"idempotency-key": k-1\n'
        '"content-digest": sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:\n'
        f'"@signature-params": {parameters}'
    )
    signature = base64.b64encode(hmac.digest(secret, base.encode(), "sha256")).decode()
    assert request.headers["Signature-Input"] == f"hub={parameters}"
    assert request.headers["Signature"] == f"hub=:{signature}:"
