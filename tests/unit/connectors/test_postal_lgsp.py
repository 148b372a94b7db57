"""The newer postal dialect from our side: orders with and without an item code, and our own feed."""

import json
from typing import Any, Final

import pytest

from config.catalogue import load
from connectors.errors import ConnectorCode, ContractBroken, Duplicate, Rejected, Unavailable
from connectors.postal.lgsp import LGSPOperator
from schemas.postal import ConsignmentAccepted, ConsignmentOrder, EventPage
from tests.catalogue_secrets import CATALOGUE, environment
from tests.postal_orders import an_order
from tests.unit.connectors.partner import Partner, answering, partner
from tests.unit.connectors.test_postal_ngsp import PAGE, lines
from tests.unit.connectors.test_rest_department_port import http, json_reply

DONE: Final = {"Status": "100", "Message": "Thành công"}
EVENT: Final = {
    "order_number": "000.00.01.H42-261124-0001",
    "item_code": "RR123456785VN",
    "status_code": "100",
    "text": "Phát thành công",
    "at": "2026-11-24T09:00:00+07:00",
    "place": "BC 1",
    "notes": "Người nhận ký",
}


def port_to(server: Partner, **changes: Any) -> LGSPOperator:
    catalogue = load(CATALOGUE, environment())
    return LGSPOperator(catalogue.operators["post-b"].model_copy(update=changes), catalogue, f"{server.url}/post/")


def order(reply: bytes, requested: ConsignmentOrder | None = None) -> ConsignmentAccepted:
    with partner(answering(reply)) as server:
        return port_to(server).order(requested or an_order(), "tr_1")


def feed(reply: bytes, cursor: str = "") -> EventPage:
    with partner(answering(reply)) as server:
        return port_to(server).feed(cursor)


def form(server: Partner) -> Any:
    return json.loads(server.requests[0].partition(b"\r\n\r\n")[2])


def test_an_order_without_an_item_code_shows_our_token_in_its_header() -> None:
    with partner(answering(json_reply(DONE))) as server:
        port_to(server).order(an_order(), "tr_1")
    assert lines(server.requests[0])[0] == "POST /post/OrderLGSP HTTP/1.1"
    assert f"access_token: {environment()['HUB_SECRET_TEST_POST_B_TOKEN']}" in lines(server.requests[0])
    assert form(server)["FlagConfig"] == 2
    assert not {"ItemCode", "CallbackUrl"} & form(server).keys()


def test_an_order_with_a_pre_printed_code_is_another_call() -> None:
    with partner(answering(json_reply(DONE))) as server:
        accepted = port_to(server).order(an_order(item_code="RR123456785VN"), "tr_1")
    assert lines(server.requests[0])[0] == "POST /post/OrderLGSPWithItemCode HTTP/1.1"
    assert form(server)["ItemCode"] == accepted.item_code == "RR123456785VN"


def test_the_callbacks_address_is_said_to_who_calls_back_only() -> None:
    requested = an_order(callback_url="https://hub.example/v1/postal/callbacks/abc")
    with partner(answering(json_reply(DONE))) as server:
        port_to(server).order(requested, "tr_1")
        assert form(server)["CallbackUrl"] == requested.callback_url
        server.requests.clear()
        port_to(server, callbacks=False).order(requested, "tr_1")
        assert "CallbackUrl" not in form(server)


def test_the_operators_item_code_is_kept_even_with_a_wrong_check_digit() -> None:
    assert order(json_reply(DONE | {"ItemCode": "RR123456784VN"})).item_code == "RR123456784VN"


@pytest.mark.parametrize("code", [7, {"a": 1}, "x" * 99, "<b>"])
def test_an_item_code_that_cannot_be_read_does_not_undo_an_order_that_was_taken(code: object) -> None:
    assert order(json_reply(DONE | {"ItemCode": code})) == ConsignmentAccepted(order_number=an_order().order_number)


def test_101_is_a_success() -> None:
    with pytest.raises(Duplicate) as caught:
        order(json_reply({"Status": "101", "Message": "Đã tồn tại"}), an_order(item_code="RR123456785VN"))
    assert caught.value.reply == ConsignmentAccepted(order_number=an_order().order_number, item_code="RR123456785VN")


@pytest.mark.parametrize(
    "reply", [PAGE, json_reply({"Status": "500"}), json_reply({}), http(201, b"null", "application/json")]
)
def test_anything_else_is_no_success(reply: bytes) -> None:
    with pytest.raises(ContractBroken):
        order(reply)


def test_a_refusal_comes_with_its_reason() -> None:
    with pytest.raises(Rejected) as caught:
        order(json_reply({"Status": 102, "Message": "Sai mã khách hàng"}))
    assert caught.value.reason == "Sai mã khách hàng"


def test_a_token_that_is_refused_is_for_a_person() -> None:
    with pytest.raises(ContractBroken) as caught:
        order(json_reply({}, 401))
    assert caught.value.code == ConnectorCode.AUTH


def test_a_failure_leaves_the_outcome_unknown() -> None:
    with pytest.raises(Unavailable) as caught:
        order(http(502, b"oops", "text/plain"))
    assert caught.value.outcome_unknown


def test_nothing_is_cancelled_over_a_wire_that_has_no_such_call() -> None:
    with partner(answering(json_reply(DONE))) as server, pytest.raises(Rejected) as caught:
        port_to(server).cancel("A-1", "tr_1")
    assert "điện thoại" in caught.value.reason
    assert server.requests == []


def test_the_feed_is_read_from_its_cursor_on() -> None:
    with partner(answering(json_reply({"events": [EVENT], "cursor": "17"}))) as server:
        page = port_to(server).feed("16")
    assert lines(server.requests[0])[0] == "GET /post/events?after=16&limit=100 HTTP/1.1"
    assert page.cursor == "17"
    assert page.events[0].model_dump(mode="json") == EVENT


def test_an_event_may_say_more_than_we_know_and_less() -> None:
    least = {name: EVENT[name] for name in ("order_number", "status_code", "at")}
    events = feed(json_reply({"events": [EVENT | {"weight": 20}, least], "cursor": "2"})).events
    assert events[0].key == events[1].key


@pytest.mark.parametrize(
    "wrong",
    [{}, "x", None, EVENT | {"at": "2026-11-24"}, EVENT | {"status_code": ["1"]}],
)
def test_one_event_that_cannot_be_read_is_kept_for_a_person(wrong: Any) -> None:
    page = feed(json_reply({"events": [wrong, EVENT], "cursor": "2"}))
    again = feed(json_reply({"events": [wrong], "cursor": "2"}))
    assert [json.loads(one.document) for one in page.unreadable] == [wrong]
    assert [one.key for one in page.unreadable] == [one.key for one in again.unreadable]
    assert len(page.events) == 1


@pytest.mark.parametrize(
    "reply",
    [
        PAGE,
        json_reply({"events": []}),
        json_reply({"cursor": "1"}),
        json_reply({"events": [EVENT], "cursor": "1"}),
        json_reply({"events": [], "cursor": "x" * 201}),
    ],
    ids=["page", "no cursor", "no events", "cursor stands still", "long cursor"],
)
def test_a_feed_that_cannot_be_gone_on_with_is_for_a_person(reply: bytes) -> None:
    with pytest.raises(ContractBroken):
        feed(reply, cursor="1")


def test_health_is_a_look_at_the_feed_or_any_answer() -> None:
    with partner(answering(json_reply({"events": [], "cursor": ""}))) as server:
        assert "token are accepted" in port_to(server).check()
    with partner(answering(http(404, b"", "text/plain"))) as server:
        assert "HTTP 404" in port_to(server, feed=False).check()
    with partner(answering(http(502, b"", "text/plain"))) as server, pytest.raises(Unavailable):
        port_to(server, feed=False).check()
