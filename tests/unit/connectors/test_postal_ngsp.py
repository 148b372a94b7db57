"""The older postal dialect from our side: tokens, orders, the feed behind a cursor; how the answers are read."""

import json
from typing import Any, Final

import pytest

from config.catalogue import load
from connectors.errors import ConnectorCode, ContractBroken, Duplicate, Rejected, Unavailable
from connectors.postal.ngsp import START, NGSPOperator
from schemas.postal import ConsignmentAccepted, EventPage
from tests.catalogue_secrets import CATALOGUE, environment
from tests.postal_orders import an_order
from tests.unit.connectors.partner import Partner, answering, partner
from tests.unit.connectors.test_rest_department_port import http, json_reply

TOKEN: Final = {"access_token": "first-token", "token_type": "Bearer", "expires_in": 3600}
ANOTHER: Final = TOKEN | {"access_token": "second-token"}
DONE: Final = {"Status": "1", "Message": "OK"}
PAGE: Final = http(200, b"<html>Gateway</html>", "text/html")


def port_to(server: Partner, **changes: Any) -> NGSPOperator:
    catalogue = load(CATALOGUE, environment())
    return NGSPOperator(catalogue.operators["post-a"].model_copy(update=changes), catalogue, f"{server.url}/hcc/")


def order(*replies: bytes, token: Any = TOKEN) -> ConsignmentAccepted:
    with partner(answering(json_reply(token), *replies)) as server:
        return port_to(server).order(an_order(), "tr_1")


def an_entry(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "_id": {"$oid": f"{number:024x}"},
        "CustomerCode": "TEST-A",
        "OrderNumber": an_order().order_number,
        "EventTime": "2026-11-24T09:00:00",
        "POSID": "430000",
        "ItemCode": "RR123456785VN",
        "StatusCode": 4,
        "StatusMessage": "Phát thành công",
        "Notes": "",
    } | changes


def a_page(*entries: dict[str, Any]) -> bytes:
    return json_reply(
        {"_size": 9, "_total_pages": 1, "_returned": len(entries), "_embedded": {"rh:doc": list(entries)}}
    )


def feed(*replies: bytes, cursor: str = "", **changes: Any) -> EventPage:
    with partner(answering(json_reply(TOKEN), *replies)) as server:
        return port_to(server, **changes).feed(cursor)


def lines(request: bytes) -> list[str]:
    return request.partition(b"\r\n\r\n")[0].decode().split("\r\n")


def test_an_order_says_who_and_where_and_nothing_else() -> None:
    with partner(answering(json_reply(TOKEN), json_reply(DONE))) as server:
        port_to(server).order(an_order(cash=150_000), "tr_1")
    form = json.loads(server.requests[1].partition(b"\r\n\r\n")[2])
    requested = an_order(cash=150_000)
    assert form == {
        "CustomerCode": "TEST-A",
        "OrderNumber": requested.order_number,
        "CODAmount": 150_000,
        "SenderProvince": 43,
        "SenderDistrict": 4300,
        "SenderAddress": requested.sender.address,
        "SenderName": requested.sender.name,
        "SenderTel": requested.sender.phone,
        "ReceiverProvince": 10,
        "ReceiverDistrict": 0,
        "ReceiverAddress": requested.receiver.address,
        "ReceiverName": requested.receiver.name,
        "ReceiverTel": requested.receiver.phone,
    }


@pytest.mark.parametrize("status", ["1", 1])
def test_a_status_is_text_or_a_number(status: object) -> None:
    assert order(json_reply({"Status": status, "Message": "OK"})) == ConsignmentAccepted(
        order_number=an_order().order_number
    )


def test_what_is_there_already_is_a_success_with_its_answer() -> None:
    with pytest.raises(Duplicate) as caught:
        order(json_reply({"Status": "2", "Message": "Trùng"}))
    assert caught.value.reply == ConsignmentAccepted(order_number=an_order().order_number)


def test_a_refusal_is_told_in_the_operators_words() -> None:
    with pytest.raises(Rejected) as caught:
        order(json_reply({"Status": "0", "Message": "Địa chỉ ngoài vùng phục vụ"}))
    assert caught.value.reason == "Địa chỉ ngoài vùng phục vụ"
    assert "Địa chỉ" not in str(caught.value)


def test_busy_by_status_is_for_later_and_known() -> None:
    with pytest.raises(Unavailable) as caught:
        order(json_reply({"Status": "9"}))
    assert (caught.value.code, caught.value.outcome_unknown) == (ConnectorCode.BUSY, False)


@pytest.mark.parametrize(
    "reply",
    [
        PAGE,
        json_reply({"Status": "77", "Message": "?"}),
        json_reply({"Status": True}),
        json_reply({"Status": None}),
        json_reply({"Message": "OK"}),
        json_reply(["1"]),
        http(200, b'{"Status": "1"', "application/json"),
        http(200, b'{"Status": "1", "Status": "0"}', "application/json"),
        http(200, b"", "application/json"),
        json_reply({"Status": "1"}, 404),
        json_reply({"detail": "no"}, 409),
    ],
    ids=["page", "unlisted", "true", "null", "none", "list", "torn", "twice", "empty", "404", "409"],
)
def test_what_the_contract_does_not_have_is_no_success(reply: bytes) -> None:
    with pytest.raises(ContractBroken):
        order(reply)


def test_a_failure_after_the_order_leaves_its_outcome_unknown() -> None:
    with pytest.raises(Unavailable) as caught:
        order(http(500, b"oops", "text/plain"))
    assert caught.value.outcome_unknown


def test_an_order_that_the_form_cannot_hold_is_not_sent() -> None:
    elsewhere = an_order().receiver.model_copy(update={"province": "Xứ Không Có"})
    with partner(answering(json_reply(TOKEN))) as server:
        for wrong in (an_order(receiver=elsewhere), an_order(item_code="RR123456785VN")):
            with pytest.raises(ContractBroken) as caught:
                port_to(server).order(wrong, "tr_1")
            assert caught.value.code == ConnectorCode.OUR_MESSAGE
            assert "Xứ" not in str(caught.value)
    assert server.requests == []


def test_cancelling_names_customer_and_order() -> None:
    with partner(
        answering(json_reply(TOKEN), json_reply(DONE), json_reply({"Status": "2"}), json_reply({"Status": "0"}))
    ) as server:
        port = port_to(server)
        port.cancel("A-1", "tr_1")
        port.cancel("A-1", "tr_1")
        with pytest.raises(Rejected):
            port.cancel("A-1", "tr_1")
    assert lines(server.requests[1])[0] == "GET /hcc/apiCancelOrder?CustomerCode=TEST-A&OrderNumber=A-1 HTTP/1.1"


def test_the_feed_begins_at_24_zeros_and_goes_on_behind_the_last_entry() -> None:
    with partner(answering(json_reply(TOKEN), a_page(an_entry(7), an_entry(9)), a_page())) as server:
        port = port_to(server)
        page = port.feed("")
        last = port.feed(page.cursor)
    assert lines(server.requests[1])[0] == f"GET /hcc/apiGetOrderTracking?pagesize=100&lastId={START} HTTP/1.1"
    assert page.cursor == last.cursor == f"{9:024x}"
    assert last.events == []


def test_an_entry_is_an_event_in_the_operators_code_and_vietnamese_time() -> None:
    (event,) = feed(a_page(an_entry(1))).events
    assert (event.order_number, event.item_code, event.status_code) == (an_order().order_number, "RR123456785VN", "4")
    assert event.at.isoformat() == "2026-11-24T09:00:00+07:00"
    assert (event.text, event.place, event.notes) == ("Phát thành công", "430000", None)
    assert event.key == f"{event.order_number}:4:20261124T020000Z"


def test_an_empty_page_may_lack_its_list() -> None:
    page = feed(json_reply({"_size": 0, "_total_pages": 0, "_returned": 0, "_embedded": []}), cursor=f"{5:024x}")
    assert (page.events, page.cursor) == ([], f"{5:024x}")


def test_what_belongs_to_another_customer_is_passed_over_and_not_read_again() -> None:
    page = feed(a_page(an_entry(1, CustomerCode="SOMEBODY-ELSE")))
    assert (page.events, page.unreadable, page.cursor) == ([], [], f"{1:024x}")


@pytest.mark.parametrize(
    "changes",
    [
        {"EventTime": None},
        {"EventTime": "yesterday"},
        {"EventTime": "1970-01-01T00:00:00"},
        {"EventTime": 1_700_000_000},
        {"OrderNumber": ""},
        {"OrderNumber": {"a": 1}},
        {"StatusCode": None},
        {"StatusCode": "đã phát"},
        {"ItemCode": "x" * 100},
    ],
)
def test_one_entry_that_cannot_be_read_is_kept_for_a_person_and_stops_nothing(changes: dict[str, Any]) -> None:
    page = feed(a_page(an_entry(1, **changes), an_entry(2)))
    (unreadable,) = page.unreadable
    assert unreadable.key == f"oid:{1:024x}"
    assert json.loads(unreadable.document) == an_entry(1, **changes)
    assert len(page.events) == 1
    assert page.cursor == f"{2:024x}"


def test_an_entry_without_a_name_of_its_own_is_kept_too_and_the_feed_goes_on_behind_the_others() -> None:
    page = feed(a_page(an_entry(1), an_entry(2, _id="x"), an_entry(3)))
    assert (len(page.events), page.cursor) == (3, f"{3:024x}")
    page = feed(a_page(an_entry(1), an_entry(2, _id="x", EventTime=None), an_entry(3)))
    assert [one.key.partition(":")[0] for one in page.unreadable] == ["entry"]


@pytest.mark.parametrize(
    "reply",
    [
        PAGE,
        json_reply({"_returned": 2, "_embedded": {}}),
        json_reply({"_embedded": {"rh:doc": "none"}}),
        json_reply({"_embedded": {"rh:doc": ["none"]}}),
        a_page(an_entry(1, _id="x")),
        a_page(an_entry(1, _id={"$oid": "x"})),
        a_page(an_entry(3), an_entry(2)),
        a_page(an_entry(1), an_entry(1)),
    ],
    ids=["page", "no list", "text", "no objects", "no id", "wrong id", "backwards", "twice"],
)
def test_a_feed_that_cannot_be_gone_on_with_is_for_a_person(reply: bytes) -> None:
    with pytest.raises(ContractBroken):
        feed(reply)


def test_a_feed_that_ignores_the_cursor_is_noticed() -> None:
    with pytest.raises(ContractBroken, match="lastId"):
        feed(a_page(an_entry(1)), cursor=f"{1:024x}")


def test_health_is_a_new_token_and_a_look_at_the_feed() -> None:
    with partner(answering(json_reply(TOKEN), json_reply(ANOTHER), a_page())) as server:
        assert "credentials are accepted" in port_to(server).check()
