"""The operator sees names, addresses and phones, and nothing else; evidence of the talk shows not even those."""

from typing import Any

import pytest

from config.catalogue import load
from connectors.registry import PortOptions, port
from connectors.transport.exchange import Exchange, recording
from schemas.item_code import ItemCode
from schemas.postal import ConsignmentOrder
from tests.catalogue_secrets import CATALOGUE, environment
from tests.postal_orders import an_order
from tests.unit.connectors.partner import Partner, answering, partner
from tests.unit.connectors.test_postal_lgsp import EVENT
from tests.unit.connectors.test_postal_ngsp import TOKEN, a_page, an_entry
from tests.unit.connectors.test_rest_department_port import json_reply

CALLBACK = "https://hub.example/v1/postal/callbacks/a-token-that-opens-one-door"


def conversation(code: str) -> tuple[Partner, list[Exchange], ConsignmentOrder]:
    """Everything that is ever said to an operator, and the evidence of it."""
    catalogue = load(CATALOGUE, environment())
    operator = catalogue.operators[code]
    done = json_reply({"Status": "1" if code == "post-a" else "100", "Message": "Nguyễn Văn Thử, 0900000001"})
    event = {"text": "Giao cho Nguyễn Văn Thử", "notes": "0900000001", "place": "Ngõ 2 đường Thí Điểm"}
    entry = an_entry(1, StatusMessage=event["text"], Notes=event["notes"], POSID=event["place"])
    feed = a_page(entry) if code == "post-a" else json_reply({"events": [EVENT | event], "cursor": "1"})
    replies = [json_reply(TOKEN), done, feed] if code == "post-a" else [done, feed]
    order = an_order(cash=150_000, callback_url=CALLBACK)
    with partner(answering(*replies)) as server, recording() as exchanges:
        speaking = port(operator, PortOptions(catalogue, server.url))
        speaking.order(order, "tr_1")
        speaking.feed("")
    return server, exchanges, order


@pytest.fixture(scope="module", params=["post-a", "post-b"])
def talk(request: pytest.FixtureRequest) -> Any:
    return conversation(request.param)


def test_evidence_shows_nobody_and_no_key(talk: tuple[Partner, list[Exchange], ConsignmentOrder]) -> None:
    _, exchanges, order = talk
    evidence = repr(exchanges)
    personal = [part for end in (order.sender, order.receiver) for part in (end.name, end.phone, end.address)]
    secret = [str(TOKEN["access_token"]), CALLBACK, CALLBACK.rpartition("/")[2], *environment().values()]
    assert [word for word in [*personal, *secret, "Nguyễn", "0900000001", "Thí Điểm"] if word in evidence] == []


def test_evidence_still_says_which_order_it_is_about(talk: tuple[Partner, list[Exchange], ConsignmentOrder]) -> None:
    _, exchanges, order = talk
    assert order.order_number in (exchanges[-2].request.body or "")


def test_an_order_has_no_place_for_the_matter_or_for_an_identity() -> None:
    """Every field that an order can have; a new one has to be thought about here."""
    assert set(ConsignmentOrder.model_fields) == {
        "order_number",
        "item_code",
        "sender",
        "receiver",
        "cash",
        "callback_url",
    }
    assert set(type(an_order().sender).model_fields) == {"name", "phone", "address", "province"}


def test_every_word_that_leaves_is_of_the_order_or_of_the_contract(
    talk: tuple[Partner, list[Exchange], ConsignmentOrder],
) -> None:
    server, _, order = talk
    bodies = [request.partition(b"\r\n\r\n")[2].decode() for request in server.requests]
    (form,) = [body for body in bodies if "OrderNumber" in body]
    for part in (
        *order.sender.model_dump().values(),
        *order.receiver.model_dump().values(),
        order.order_number,
        CALLBACK,
    ):
        form = form.replace(f'"{part}"', "")
    words = {word.strip('",:{} ') for word in form.split()} - {""}
    names = {word for word in words if not word.lstrip("-").isdigit()}
    allowed = {"CustomerCode", "OrderNumber", "CODAmount", "FlagConfig", "CallbackUrl", "TEST-A", "TEST-B"} | {
        f"{end}{part}" for end in ("Sender", "Receiver") for part in ("Name", "Address", "Tel", "Province", "District")
    }
    assert names <= allowed


def test_an_item_code_of_ours_is_right_or_does_not_leave() -> None:
    with pytest.raises(ValueError, match="check digit"):
        an_order(item_code="RR123456784VN")
    assert an_order(item_code=ItemCode.issued("RR", 1).normalised).item_code
