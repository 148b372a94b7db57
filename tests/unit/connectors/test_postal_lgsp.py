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
from tests.unit.connectors.test_rest_department_port import http, said

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


def port_to(there: Partner, **changes: Any) -> LGSPOperator:
    catalogue = load(CATALOGUE, environment())
    return LGSPOperator(catalogue.operators["post-b"].model_copy(update=changes), catalogue, f"{there.url}/post/")


def order(reply: bytes, wanted: ConsignmentOrder | None = None) -> ConsignmentAccepted:
    with partner(answering(reply)) as there:
        return port_to(there).order(wanted or an_order(), "tr_1")


def feed(reply: bytes, cursor: str = "") -> EventPage:
    with partner(answering(reply)) as there:
        return port_to(there).feed(cursor)


def form(there: Partner) -> Any:
    return json.loads(there.requests[0].partition(b"\r\n\r\n")[2])


def test_an_order_without_an_item_code_shows_our_token_in_its_header() -> None:
    with partner(answering(said(DONE))) as there:
        port_to(there).order(an_order(), "tr_1")
    assert lines(there.requests[0])[0] == "POST /post/OrderLGSP HTTP/1.1"
    assert f"access_token: {environment()['HUB_SECRET_TEST_POST_B_TOKEN']}" in lines(there.requests[0])
    assert form(there)["FlagConfig"] == 2
    assert not {"ItemCode", "CallbackUrl"} & form(there).keys()


def test_an_order_with_a_pre_printed_code_is_another_call() -> None:
    with partner(answering(said(DONE))) as there:
        accepted = port_to(there).order(an_order(item_code="RR123456785VN"), "tr_1")
    assert lines(there.requests[0])[0] == "POST /post/OrderLGSPWithItemCode HTTP/1.1"
    assert form(there)["ItemCode"] == accepted.item_code == "RR123456785VN"


def test_the_callbacks_address_is_said_to_who_calls_back_only() -> None:
    wanted = an_order(callback_url="https://hub.example/v1/postal/callbacks/abc")
    with partner(answering(said(DONE))) as there:
        port_to(there).order(wanted, "tr_1")
        assert form(there)["CallbackUrl"] == wanted.callback_url
        there.requests.clear()
        port_to(there, callbacks=False).order(wanted, "tr_1")
        assert "CallbackUrl" not in form(there)


def test_the_operators_item_code_is_kept_even_with_a_wrong_check_digit() -> None:
    assert order(said(DONE | {"ItemCode": "RR123456784VN"})).item_code == "RR123456784VN"


@pytest.mark.parametrize("code", [7, {"a": 1}, "x" * 99, "<b>"])
def test_an_item_code_that_cannot_be_read_does_not_undo_an_order_that_was_taken(code: object) -> None:
    assert order(said(DONE | {"ItemCode": code})) == ConsignmentAccepted(order_number=an_order().order_number)


def test_101_is_a_success() -> None:
    with pytest.raises(Duplicate) as caught:
        order(said({"Status": "101", "Message": "Đã tồn tại"}), an_order(item_code="RR123456785VN"))
    assert caught.value.reply == ConsignmentAccepted(order_number=an_order().order_number, item_code="RR123456785VN")


@pytest.mark.parametrize("reply", [PAGE, said({"Status": "500"}), said({}), http(201, b"null", "application/json")])
def test_anything_else_is_no_success(reply: bytes) -> None:
    with pytest.raises(ContractBroken):
        order(reply)


def test_a_refusal_comes_with_its_reason() -> None:
    with pytest.raises(Rejected) as caught:
        order(said({"Status": 102, "Message": "Sai mã khách hàng"}))
    assert caught.value.reason == "Sai mã khách hàng"


def test_a_token_that_is_refused_is_for_a_person() -> None:
    with pytest.raises(ContractBroken) as caught:
        order(said({}, 401))
    assert caught.value.code == ConnectorCode.AUTH


def test_a_failure_leaves_the_outcome_unknown() -> None:
    with pytest.raises(Unavailable) as caught:
        order(http(502, b"oops", "text/plain"))
    assert caught.value.outcome_unknown


def test_nothing_is_cancelled_over_a_wire_that_has_no_such_call() -> None:
    with partner(answering(said(DONE))) as there, pytest.raises(Rejected) as caught:
        port_to(there).cancel("A-1", "tr_1")
    assert "điện thoại" in caught.value.reason
    assert there.requests == []


def test_the_feed_is_read_from_its_cursor_on() -> None:
    with partner(answering(said({"events": [EVENT], "cursor": "17"}))) as there:
        page = port_to(there).feed("16")
    assert lines(there.requests[0])[0] == "GET /post/events?after=16&limit=100 HTTP/1.1"
    assert page.cursor == "17"
    assert page.events[0].model_dump(mode="json") == EVENT


def test_an_event_may_say_more_than_we_know_and_less() -> None:
    least = {name: EVENT[name] for name in ("order_number", "status_code", "at")}
    events = feed(said({"events": [EVENT | {"weight": 20}, least], "cursor": "2"})).events
    assert events[0].key == events[1].key


@pytest.mark.parametrize(
    "wrong",
    [{}, "x", None, EVENT | {"at": "2026-11-24"}, EVENT | {"status_code": ["1"]}],
)
def test_one_event_that_cannot_be_read_is_kept_for_a_person(wrong: Any) -> None:
    page = feed(said({"events": [wrong, EVENT], "cursor": "2"}))
    again = feed(said({"events": [wrong], "cursor": "2"}))
    assert [json.loads(one.document) for one in page.unreadable] == [wrong]
    assert [one.key for one in page.unreadable] == [one.key for one in again.unreadable]
    assert len(page.events) == 1


@pytest.mark.parametrize(
    "reply",
    [
        PAGE,
        said({"events": []}),
        said({"cursor": "1"}),
        said({"events": [EVENT], "cursor": "1"}),
        said({"events": [], "cursor": "x" * 201}),
    ],
    ids=["page", "no cursor", "no events", "cursor stands still", "long cursor"],
)
def test_a_feed_that_cannot_be_gone_on_with_is_for_a_person(reply: bytes) -> None:
    with pytest.raises(ContractBroken):
        feed(reply, cursor="1")


def test_health_is_a_look_at_the_feed_or_any_answer() -> None:
    with partner(answering(said({"events": [], "cursor": ""}))) as there:
        assert "token are accepted" in port_to(there).check()
    with partner(answering(http(404, b"", "text/plain"))) as there:
        assert "HTTP 404" in port_to(there, feed=False).check()
    with partner(answering(http(502, b"", "text/plain"))) as there, pytest.raises(Unavailable):
        port_to(there, feed=False).check()
