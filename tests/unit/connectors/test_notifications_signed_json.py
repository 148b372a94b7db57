"""A bank that signs its JSON: every algorithm and canonical form that its TOML can name."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.banks.notifications.dialect import Key, NotificationRequest, NotificationVerdict
from schemas.payment import Notification, NotificationKind
from tests.self_signed import rsa_key
from tests.unit.connectors.notifications import contract_of, judged, terms_of

NAMES = {"transaction": "data.id", "amount": "data.money", "at": "data.time", "text": "data.note"}
FIELDS = ["data.id", "data.money", "data.time", "data.note"]
RSA = rsa_key()
CURVE = ec.generate_private_key(ec.SECP256R1())
SHA = hashes.SHA256()
SAID: dict[str, Any] = {
    "data": {"id": "GD1", "money": 150_000, "time": "2026-11-24T08:15:02", "note": "nộp phí HC000000000182"},
    "version": 2,
}


def public(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def signature(algorithm: str, content: bytes) -> bytes:
    if algorithm == "ecdsa-sha256":
        return CURVE.sign(content, ec.ECDSA(SHA))
    if algorithm == "rsa-pss-sha256":
        return RSA.sign(content, padding.PSS(padding.MGF1(SHA), SHA.digest_size), SHA)
    return RSA.sign(content, padding.PKCS1v15(), SHA)


def form_of(algorithm: str, content: str, encoding: str) -> dict[str, Any]:
    form: dict[str, Any] = {"algorithm": algorithm, "content": content, "encoding": encoding, "names": NAMES}
    if content == "raw":
        return form | {"signature_header": "X-Bank-Signature"}
    return form | {"signature_field": "signature"} | ({"fields": FIELDS} if content == "fields" else {})


def sent(form: dict[str, Any], document: dict[str, Any]) -> NotificationRequest:
    plain = json.dumps(document).encode()
    if form["content"] == "fields":
        content = "|".join(str(document["data"][path.split(".")[1]]) for path in FIELDS).encode()
    elif form["content"] == "sorted":
        content = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    else:
        content = plain
    signed = signature(form["algorithm"], content)
    written = base64.b64encode(signed).decode() if form["encoding"] == "base64" else signed.hex()
    if "signature_header" in form:
        return NotificationRequest(b"", {"x-bank-signature": written}, plain)
    return NotificationRequest(b"", {}, json.dumps(document | {"signature": written}).encode())


def judgement(form: dict[str, Any], came: NotificationRequest) -> Notification | NotificationVerdict:
    key = public(CURVE if form["algorithm"] == "ecdsa-sha256" else RSA)
    return judged("signed-json", came, contract_of("signed-json", Key("k", key), signed_json=form))


each_form = pytest.mark.parametrize(
    "form",
    [
        form_of(algorithm, content, encoding)
        for algorithm in ("rsa-sha256", "rsa-pss-sha256", "ecdsa-sha256")
        for content in ("raw", "sorted", "fields")
        for encoding in ("base64", "hex")
    ],
    ids=lambda form: "-".join(form[name] for name in ("algorithm", "content", "encoding")),
)


@each_form
def test_what_it_signs_is_read(form: dict[str, Any]) -> None:
    read = judgement(form, sent(form, SAID))
    assert isinstance(read, Notification)
    assert (read.provider_txn, read.amount, read.kind) == ("GD1", 150_000, NotificationKind.PAYMENT)


@each_form
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_refused_or_changes_nothing_that_is_believed(
    form: dict[str, Any], data: st.DataObject
) -> None:
    came = sent(form, SAID)
    true = judgement(form, came)
    place = data.draw(st.integers(0, 9_999)) % len(came.body)  # a signature on a curve is not always as long
    byte = bytes([came.body[place] ^ data.draw(st.integers(1, 255))])
    spoilt = judgement(form, NotificationRequest(b"", came.headers, came.body[:place] + byte + came.body[place + 1 :]))
    if form["content"] == "raw":
        assert spoilt is NotificationVerdict.BAD_SIGNATURE
    else:
        assert spoilt == true or spoilt in (NotificationVerdict.BAD_SIGNATURE, NotificationVerdict.MALFORMED)


@each_form
@pytest.mark.parametrize("written", ["", "!", "AAAA", "00", None])
def test_a_signature_that_is_none_is_refused(form: dict[str, Any], written: str | None) -> None:
    headers: dict[str, str] = (
        {"x-bank-signature": written} if written is not None and "signature_header" in form else {}
    )
    body = SAID if "signature_header" in form else SAID | {"signature": written}
    assert (
        judgement(form, NotificationRequest(b"", headers, json.dumps(body).encode()))
        is NotificationVerdict.BAD_SIGNATURE
    )


def test_a_key_of_another_kind_than_the_algorithm_verifies_nothing() -> None:
    form = form_of("rsa-sha256", "raw", "base64")
    agreed = contract_of("signed-json", Key("k", public(CURVE)), signed_json=form)
    assert judged("signed-json", sent(form, SAID), agreed) is NotificationVerdict.BAD_SIGNATURE


def test_a_named_key_is_the_only_one_that_counts() -> None:
    form = form_of("rsa-sha256", "raw", "base64") | {"key_header": "X-Key"}
    agreed = contract_of("signed-json", Key("a", public(CURVE)), Key("b", public(RSA)), signed_json=form)
    came = sent(form, SAID)
    by_name = {
        name: judged("signed-json", NotificationRequest(b"", {**came.headers, "x-key": name}, came.body), agreed)
        for name in ("a", "b", "c")
    }
    assert by_name["a"] is NotificationVerdict.BAD_SIGNATURE
    assert isinstance(by_name["b"], Notification)
    assert by_name["c"] is NotificationVerdict.UNKNOWN_KEY


def test_a_separator_within_a_value_cannot_move_its_borders() -> None:
    form = form_of("rsa-sha256", "fields", "base64")
    document = {"data": SAID["data"] | {"time": "2026-11-24T08:15:02|x"}}
    assert judgement(form, sent(form, document)) is NotificationVerdict.MALFORMED


def test_amounts_may_be_texts_of_digits_where_the_contract_says_so() -> None:
    form = form_of("rsa-sha256", "raw", "base64") | {"digits": True}
    for money, amount in (("150000", 150_000), (150_000, None), ("150,000", None), ("-1", None)):
        read = judgement(form, sent(form, {"data": SAID["data"] | {"money": money}}))
        assert (read.amount if isinstance(read, Notification) else None) == amount


def test_a_word_that_the_contract_does_not_have_is_refused() -> None:
    form: dict[str, Any] = form_of("rsa-sha256", "raw", "base64")
    form |= {"names": NAMES | {"kind": "data.kind"}, "kinds": {"CR": "payment"}}
    read = [judgement(form, sent(form, {"data": SAID["data"] | {"kind": word}})) for word in ("CR", "DR", "")]
    assert isinstance(read[0], Notification)
    assert read[1:] == [NotificationVerdict.MALFORMED, NotificationVerdict.MALFORMED]


@pytest.mark.parametrize(
    ("changes", "mend"),
    [
        ({"signature_header": None}, "where the signature stands"),
        ({"signature_field": "signature"}, "where the signature stands"),
        ({"content": "fields"}, "fields belong to"),
        ({"content": "fields", "fields": FIELDS[:3]}, "fields lack data.note"),
        ({"names": {"transaction": "id", "amount": "amount"}}, "names lacks at"),
        ({"kinds": {"CR": "payment"}}, "kinds and names.kind go together"),
        ({"kinds": {"RV": "reversal"}, "names": NAMES | {"kind": "k"}}, "names lacks original"),
    ],
)
def test_a_form_that_is_not_whole_stops_the_start(changes: dict[str, Any], mend: str) -> None:
    form = form_of("rsa-sha256", "raw", "base64") | changes
    with pytest.raises(ValidationError, match=mend):
        terms_of("signed-json", signed_json={name: value for name, value in form.items() if value is not None})


@pytest.mark.parametrize(
    ("dialect", "changes", "mend"),
    [
        ("vnpay", {"merchant": None}, "vnpay needs merchant"),
        ("momo", {"access_key": None}, "momo dialect needs access_key"),
        ("sepay", {"access_key": "HUB_SECRET_X1"}, "no other has it"),
        ("sepay", {"keys": []}, "at least 1 item"),
        ("sepay", {"keys": [{"id": "a", "secret": "HUB_SECRET_A1"}] * 2}, "the key a stands twice"),
        (
            "sepay",
            {
                "keys": [
                    {
                        "id": "a",
                        "secret": "HUB_SECRET_A1",
                        "valid_from": "2026-01-02T00:00:00Z",
                        "valid_until": "2026-01-01T00:00:00Z",
                    }
                ]
            },
            "ends before it begins",
        ),
        ("signed-json", {"signed_json": None}, "needs signed_json"),
    ],
)
def test_terms_that_are_not_whole_stop_the_start(dialect: str, changes: dict[str, Any], mend: str) -> None:
    with pytest.raises(ValidationError, match=mend):
        terms_of(dialect, **changes)
