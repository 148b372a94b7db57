"""A bank that signs its own JSON, as the catalogue describes it in [notifications.signed_json]."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from config.notifications import Part, SignedJson
from connectors.clock import now
from connectors.sandbox.bank_notices import LOCAL, MovementNotice, Sender, Sent, as_json

_HASH: Final = hashes.SHA256()


def signed_json(form: SignedJson) -> Sender:
    """The dialect of a bank with this contract; its secret is a private key, PEM."""

    def send(said: MovementNotice, private_pem: str) -> Sent:
        document = _document(form, said)
        moment = str(int((said.signed_at or now()).timestamp())) if form.timestamp_header else ""
        body = as_json(document).body
        stamped = f"{moment}.".encode() if form.timestamp_header else b""
        signature = _signature(form, stamped + _content(form, document, body), private_pem)
        headers = {form.timestamp_header: moment} if form.timestamp_header else {}
        if form.signature_field is None:
            return Sent(headers={**headers, str(form.signature_header): signature}, body=body)
        _put(document, form.signature_field, signature)
        return as_json(document, headers)

    return send


def word_of(form: SignedJson, kind: str) -> str:
    """Their word for what is ``kind`` with us; empty if they have none."""
    return next((theirs for theirs, ours in form.kinds.items() if ours == kind), "")


def _document(form: SignedJson, said: MovementNotice) -> dict[str, Any]:
    known: dict[Part, Any] = {
        "transaction": said.txn,
        "amount": str(said.amount) if form.digits else said.amount,
        "kind": said.kind or word_of(form, "failed" if said.failed else "payment"),
        "account": said.account,
        "text": said.text,
        "at": said.at.isoformat() if form.time == "rfc3339" else _written(said.at, form.time),
        "currency": said.currency,
        "bank_ref": said.bank_ref or f"FT{said.txn}",
        "reference": said.reference,
    }
    document: dict[str, Any] = {}
    for part, place in form.names.items():
        if part in known:
            _put(document, place, known[part])
    for name, value in said.changes:
        _put(document, name, value)
    return document


def _written(at: datetime, form: str) -> str:
    return at.astimezone(LOCAL).strftime(form)


def _put(document: dict[str, Any], place: str, value: Any) -> None:
    *parents, last = place.split(".")
    for parent in parents:
        document = document.setdefault(parent, {})
    document[last] = value


def _at(document: Mapping[str, Any], place: str) -> str:
    found: Any = document
    for name in place.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return "" if found is None else str(found)


def _content(form: SignedJson, document: Mapping[str, Any], body: bytes) -> bytes:
    match form.content:
        case "raw":
            return body
        case "fields":
            return form.separator.join(_at(document, place) for place in form.fields).encode()
        case "sorted":
            return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _signature(form: SignedJson, content: bytes, private_pem: str) -> str:
    signature = _signer(form, private_pem)(content)
    return base64.b64encode(signature).decode() if form.encoding == "base64" else signature.hex()


def _signer(form: SignedJson, private_pem: str) -> Callable[[bytes], bytes]:
    key = serialization.load_pem_private_key(private_pem.encode(), None)
    match form.algorithm, key:
        case "rsa-sha256", rsa.RSAPrivateKey():
            return lambda content: key.sign(content, padding.PKCS1v15(), _HASH)
        case "rsa-pss-sha256", rsa.RSAPrivateKey():
            pss = padding.PSS(mgf=padding.MGF1(_HASH), salt_length=_HASH.digest_size)
            return lambda content: key.sign(content, pss, _HASH)
        case "ecdsa-sha256", ec.EllipticCurvePrivateKey():
            return lambda content: key.sign(content, ec.ECDSA(_HASH))
        case _:
            raise ValueError(f"the key is not one for {form.algorithm}")
