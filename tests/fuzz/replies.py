"""What partners answer: every parser of a reply, with replies that are right to begin with and then spoilt."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from pydantic import BaseModel
from requests.structures import CaseInsensitiveDict

from config.catalogue import Catalogue, load
from connectors.banks.files import _List
from connectors.departments import soap
from connectors.departments.rest import Renames, RESTDepartment
from connectors.errors import ConnectorError
from connectors.postal import lgsp, ngsp
from connectors.postal import messages as postal
from connectors.postal.ngsp import _Granted
from connectors.transport import envelope, xml
from connectors.transport.contract import contract
from connectors.transport.exchange import RecordedMessage
from connectors.transport.http_connection import PROBLEM, HttpReply, checked
from connectors.trust import services
from schemas import replies
from schemas.department import Changes, HandoffReceipt
from schemas.postal import TrackingEvent
from schemas.replies import UnreadableEntry
from schemas.strict import Refused
from tests.catalogue_secrets import CATALOGUE, environment
from tests.fuzz import mutations
from tests.fuzz.subject import FuzzSubject, storable

JSON: Final = (
    mutations.some_values,
    mutations.some_values,
    mutations.some_values,
    mutations.some_words,
    mutations.some_bytes,
    mutations.another_encoding,
)
XML: Final = (mutations.some_elements, mutations.some_elements, mutations.some_words, mutations.some_bytes)
AT: Final = "2026-11-24T09:00:00+07:00"
RECEIPT: Final = {"number": "A-1", "received_at": AT, "Ghi chú": {"x": [1, None]}}
REPORT: Final = {"report_id": "R-1", "dossier_code": "000.00.01.H42-261124-0001", "status": "A", "at": AT, "note": "ổn"}
EVENT: Final = {
    "order_number": "A-1",
    "item_code": "EA123456785VN",
    "status_code": 4,
    "text": "Phát",
    "at": AT,
    "place": "Bưu cục",
    "notes": None,
}


@cache
def catalogue() -> Catalogue:
    return load(CATALOGUE, environment())


def a_reply(raw: bytes, status: int = 200, media_type: str = "application/json") -> HttpReply:
    """A reply whose evidence is made first, as the transport does."""
    headers = CaseInsensitiveDict({"Content-Type": media_type})
    message = RecordedMessage.of(headers, raw)
    storable((message.body or "") + (message.raw or ""))
    return HttpReply(status, headers, raw)


def _storable_model(model: BaseModel) -> None:
    """What goes into columns can; an entry that nobody can read is kept as bytes, but for its name."""
    if isinstance(model, UnreadableEntry):
        storable(model.key)
        return
    storable("".join(_texts(model.model_dump(mode="json"))))


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict | list):
        return [text for item in (value.values() if isinstance(value, dict) else value) for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def _encoded(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _department(model: type[BaseModel], document: Any) -> FuzzSubject:
    port = object.__new__(RESTDepartment)
    port._renames = Renames({"Mã hồ sơ": "dossier_code"})
    return FuzzSubject(
        [_encoded(document)], JSON, lambda raw: _storable_model(port.decode(model, a_reply(raw))), (ConnectorError,)
    )


def _problem(raw: bytes) -> None:
    try:
        checked(a_reply(raw, 422, PROBLEM), idempotent=False)
    except ConnectorError as error:
        storable(str(getattr(error, "reason", "")) + error.detail)


def _feed(names: Mapping[str, str]) -> Callable[[bytes], object]:
    def read(raw: bytes) -> None:
        for text in postal.page(a_reply(raw), "events"):
            event = postal.entry(text, names)
            _storable_model(event)
            if isinstance(event, TrackingEvent):
                storable(event.key)

    return read


def _postal(names: Mapping[str, str]) -> FuzzSubject:
    entry = {names[ours]: value for ours, value in EVENT.items()}
    return FuzzSubject([_encoded({"events": [entry, entry], "cursor": "2"})], JSON, _feed(names), (ConnectorError,))


def _ngsp() -> FuzzSubject:
    def read(raw: bytes) -> None:
        for text in ngsp._entries(a_reply(raw)):
            ngsp._id(text)
            _storable_model(postal.entry(text, ngsp.NAMES))

    entry = {ngsp.NAMES[ours]: value for ours, value in EVENT.items()} | {
        "_id": {"$oid": "0" * 24},
        "EventTime": {"$date": 1_795_485_600_000},
    }
    return FuzzSubject([_encoded({"_embedded": {"rh:doc": [entry]}, "_returned": 1})], JSON, read, (ConnectorError,))


def _ordered() -> FuzzSubject:
    operator = catalogue().operators["post-a"]
    seed = {"Status": "00", "Message": "Thành công", "OrderNumber": "A-1", "ItemCode": "EA123456785VN"}
    return FuzzSubject(
        [_encoded(seed | {"Status": code}) for code in (*operator.answers, "x")],
        JSON,
        lambda raw: _storable_model(postal.ordered(operator, a_reply(raw), "A-1", None)),
        (ConnectorError,),
    )


def _soap() -> FuzzSubject:
    head = f'<r:X xmlns:r="{soap.NAMESPACE}" xmlns="{soap.NAMESPACE}">'
    receipt = "<receipt><number>31/2026-7</number><receivedAt>2026-11-24T09:00:00+07:00</receivedAt></receipt>"
    report = f"<report>{''.join(f'<{name}>{value}</{name}>' for name, value in _camel(REPORT).items())}</report>"
    seeds = [
        _envelope(f"{head}{receipt}</r:X>".replace("r:X", "SubmitDossierResponse")),
        _envelope(f"{head}{report}<cursor>2</cursor></r:X>".replace("r:X", "ListChangesResponse")),
        envelope.to_bytes(envelope.fault("Client", "không")),
    ]
    terms = contract("department.wsdl")

    def read(raw: bytes) -> None:
        a_reply(raw, media_type="text/xml; charset=utf-8")
        payload = envelope.payload_of(envelope.body_of(xml.parse(raw)))
        fault = envelope.fault_in(payload)
        if fault is not None or terms.fault(payload):
            return
        for decode in (soap.decode_receipt, soap.decode_changes):
            try:
                _storable_model(decode(payload))
            except ConnectorError:
                continue

    return FuzzSubject(seeds, XML, read, (xml.UnsafeXML, envelope.NotSOAP))


def _camel(document: Mapping[str, str]) -> dict[str, str]:
    return {soap._camel_name(name): value for name, value in document.items()}


def _envelope(payload: str) -> bytes:
    return (f'<soap:Envelope xmlns:soap="{envelope.SOAP}"><soap:Body>{payload}</soap:Body></soap:Envelope>').encode()


def _model(model: type[BaseModel], document: Any) -> FuzzSubject:
    return FuzzSubject(
        [_encoded(document)], JSON, lambda raw: _storable_model(replies.read(model, replies.parse(raw))), (Refused,)
    )


SUBJECTS: Final[Mapping[str, Callable[[], FuzzSubject]]] = {
    "reply-receipt": lambda: _department(HandoffReceipt, RECEIPT),
    "reply-changes": lambda: _department(Changes, {"reports": [REPORT, REPORT], "cursor": "2"}),
    "reply-refusal": lambda: FuzzSubject(
        [_encoded({"type": "x", "title": "Từ chối", "detail": "Thiếu giấy tờ", "status": 422})], JSON, _problem, ()
    ),
    "reply-lgsp": lambda: _postal(lgsp.NAMES),
    "reply-ngsp": _ngsp,
    "reply-order": _ordered,
    "reply-soap": _soap,
    "reply-token": lambda: _model(_Granted, {"access_token": "abc", "token_type": "Bearer", "expires_in": 3600}),
    "reply-files": lambda: _model(_List, {"files": [{"name": "a", "size": 3, "sha256": "ab" * 32}], "cursor": "1"}),
    "reply-revocation": lambda: FuzzSubject(
        [b"-----BEGIN X509 CRL-----\nMA==\n-----END X509 CRL-----\n"],
        (mutations.some_bytes, mutations.some_words),
        services.decoded,
        (ConnectorError,),
    ),
}
