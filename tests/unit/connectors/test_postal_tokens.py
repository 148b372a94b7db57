"""Tokens of the older postal dialect: asked for once, replaced when they run out or are refused."""

import threading
from typing import Any, Final

import pytest

from connectors.errors import ConnectorCode, ContractBroken, Unavailable
from tests.postal_orders import an_order
from tests.unit.connectors.partner import answering, partner
from tests.unit.connectors.test_postal_ngsp import ANOTHER, DONE, TOKEN, a_page, an_entry, lines, order, port_to
from tests.unit.connectors.test_rest_department_port import http, json_reply

REFUSED_TOKEN: Final = json_reply({"error": "invalid_token"}, 401)


def test_a_token_is_asked_for_with_our_credentials_and_then_shown() -> None:
    with partner(answering(json_reply(TOKEN), json_reply(DONE))) as server:
        port_to(server).order(an_order(), "tr_1")
    asked, shown = server.requests
    assert lines(asked)[0] == "POST /hcc/apiGetToken HTTP/1.1"
    assert any(line.startswith("Authorization: Basic ") for line in lines(asked))
    assert asked.endswith(b"\r\n\r\ngrant_type=client_credentials")
    assert lines(shown)[0] == "POST /hcc/apiPostOrder HTTP/1.1"
    assert "Authorization: Bearer first-token" in lines(shown)


def test_one_token_serves_many_requests() -> None:
    with partner(answering(json_reply(TOKEN), json_reply(DONE), json_reply(DONE), a_page())) as server:
        port = port_to(server)
        port.order(an_order(1), "tr_1")
        port.order(an_order(2), "tr_2")
        port.feed("")
    assert [lines(request)[0].split()[1].partition("?")[0] for request in server.requests] == [
        "/hcc/apiGetToken",
        "/hcc/apiPostOrder",
        "/hcc/apiPostOrder",
        "/hcc/apiGetOrderTracking",
    ]


def test_threads_that_need_a_token_at_once_ask_for_one() -> None:
    with partner(answering(json_reply(TOKEN), json_reply(DONE))) as server:
        port = port_to(server)
        threads = [threading.Thread(target=port.order, args=(an_order(n), "tr_1")) for n in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [b"apiGetToken" in request for request in server.requests].count(True) == 1


def test_a_token_that_has_run_out_is_not_shown_again() -> None:
    short = TOKEN | {"expires_in": 1}
    with partner(answering(json_reply(short), json_reply(DONE), json_reply(ANOTHER), json_reply(DONE))) as server:
        port = port_to(server)
        port.order(an_order(1), "tr_1")
        threading.Event().wait(1)
        port.order(an_order(2), "tr_2")
    assert "Authorization: Bearer second-token" in lines(server.requests[3])


def test_a_token_that_is_refused_is_replaced_once_and_the_order_said_again() -> None:
    with partner(answering(json_reply(TOKEN), REFUSED_TOKEN, json_reply(ANOTHER), json_reply(DONE))) as server:
        port_to(server).order(an_order(), "tr_1")
    assert "Authorization: Bearer second-token" in lines(server.requests[3])
    assert server.requests[1].partition(b"\r\n\r\n")[2] == server.requests[3].partition(b"\r\n\r\n")[2]


def test_a_token_that_runs_out_in_the_middle_of_the_feed_loses_nothing() -> None:
    first, second = a_page(an_entry(1)), a_page(an_entry(2))
    with partner(answering(json_reply(TOKEN), first, REFUSED_TOKEN, json_reply(ANOTHER), second)) as server:
        port = port_to(server)
        page = port.feed("")
        assert port.feed(page.cursor).cursor == f"{2:024x}"
    assert lines(server.requests[2])[0] == lines(server.requests[4])[0], "the same page is asked for again"


def test_credentials_that_are_refused_are_for_a_person() -> None:
    with pytest.raises(ContractBroken) as caught:
        order(REFUSED_TOKEN)
    assert caught.value.code == ConnectorCode.AUTH


@pytest.mark.parametrize(
    "token",
    [
        {},
        TOKEN | {"expires_in": "3600"},
        TOKEN | {"expires_in": 0},
        TOKEN | {"access_token": "a b"},
        TOKEN | {"access_token": "a\r\nX: y"},
        [],
    ],
)
def test_what_is_no_token_is_not_shown_to_anybody(token: Any) -> None:
    with pytest.raises(ContractBroken) as caught:
        order(json_reply(DONE), token=token)
    assert caught.value.code == ConnectorCode.CONTRACT


def test_a_failure_to_get_a_token_leaves_no_outcome_unknown() -> None:
    with partner(answering(http(500, b"oops", "text/plain"))) as server, pytest.raises(Unavailable) as caught:
        port_to(server).order(an_order(), "tr_1")
    assert not caught.value.outcome_unknown
