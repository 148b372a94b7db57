"""What every postal operator keeps, whatever its dialect. Each check is a sentence; a new one passes all of them."""

import json
from collections.abc import Callable
from typing import Final

import pytest

from connectors.errors import ConnectorCode, ContractBroken, Duplicate, Rejected, Unavailable
from schemas.postal import ConsignmentAccepted
from tests.contract.canonical import KEY
from tests.contract.catalogues import holds_exactly
from tests.contract.checks import BUSY, FAILURE, GATEWAY_PAGE
from tests.contract.post_office import CODE, PostalSubject

PostalCheck = Callable[[PostalSubject], None]


def recordings_and_status_codes_cover_one_another(post: PostalSubject) -> None:
    holds_exactly(post.folder, post.files, post.operator.code)


def what_we_order_is_what_was_recorded(post: PostalSubject) -> None:
    with post.playing(post.reply("order")) as (port, server):
        port.order(post.order(), KEY)
    assert post.forms(server) == [json.loads(post.recorded("order.request.json"))]


def an_item_code_of_ours_is_said_or_the_order_stays_here(post: PostalSubject) -> None:
    with post.playing(post.reply("order")) as (port, server):
        if post.operator.dialect == "ngsp":
            with pytest.raises(ContractBroken) as caught:
                port.order(post.order(item_code=CODE), KEY)
            assert caught.value.code == ConnectorCode.OUR_MESSAGE
        else:
            port.order(post.order(item_code=CODE), KEY)
            assert post.forms(server) == [json.loads(post.recorded("order-with-item-code.request.json"))]


def its_answer_is_understood(post: PostalSubject) -> None:
    with post.playing(post.reply("order")) as (port, _):
        assert port.order(post.order(), KEY).order_number == post.order().order_number


def every_attempt_is_the_same_order(post: PostalSubject) -> None:
    with post.playing(BUSY, post.reply("order")) as (port, server):
        with pytest.raises(Unavailable):
            port.order(post.order(), KEY)
        port.order(post.order(), KEY)
    first, second = post.forms(server)
    assert first == second


def what_it_has_already_is_a_success(post: PostalSubject) -> None:
    with post.playing(post.reply("already")) as (port, _), pytest.raises(Duplicate) as caught:
        port.order(post.order(), KEY)
    assert isinstance(caught.value.reply, ConsignmentAccepted)


def a_refusal_comes_with_its_reason(post: PostalSubject) -> None:
    with post.playing(post.reply("refused")) as (port, _), pytest.raises(Rejected) as caught:
        port.order(post.order(), KEY)
    assert caught.value.reason
    assert caught.value.reason.encode() in post.recorded("refused.reply.http")
    assert caught.value.reason not in str(caught.value), "the reason may name people"


def a_garbled_reply_and_a_gateways_page_wait_for_a_person(post: PostalSubject) -> None:
    for reply in (post.reply("garbled"), GATEWAY_PAGE):
        with post.playing(reply) as (port, _), pytest.raises(ContractBroken):
            port.order(post.order(), KEY)


def a_failure_leaves_the_outcome_unknown_and_busy_does_not(post: PostalSubject) -> None:
    with post.playing(FAILURE, BUSY) as (port, _):
        with pytest.raises(Unavailable) as failed:
            port.order(post.order(), KEY)
        with pytest.raises(Unavailable) as busy:
            port.order(post.order(), KEY)
    assert (failed.value.code, failed.value.outcome_unknown) == (ConnectorCode.ERROR, True)
    assert (busy.value.code, busy.value.outcome_unknown, busy.value.retry_after) == (ConnectorCode.BUSY, False, 90)


def an_order_is_cancelled_or_it_says_that_it_cannot(post: PostalSubject) -> None:
    if post.operator.dialect == "ngsp":
        with post.playing(post.reply("cancel")) as (port, server):
            port.cancel(post.order().order_number, KEY)
        assert post.order().order_number.encode() in server.requests[-1].partition(b"\r\n")[0]
    else:
        with post.playing(FAILURE) as (port, server), pytest.raises(Rejected):
            port.cancel(post.order().order_number, KEY)
        assert server.requests == []


def every_status_code_that_it_knows_is_read_from_its_feed(post: PostalSubject) -> None:
    for code in post.operator.status:
        with post.playing(post.page(code)) as (port, _):
            page = port.feed("")
        assert [(event.status_code, event.order_number) for event in page.events] == [(code, post.order().order_number)]
        assert page.unreadable == []
        assert page.cursor


def the_feed_is_never_taken_from_a_gateway(post: PostalSubject) -> None:
    with post.playing(GATEWAY_PAGE) as (port, _), pytest.raises(ContractBroken):
        port.feed("")


def nothing_leaves_but_who_and_where(post: PostalSubject) -> None:
    """The form that was recorded says the order, the contract's own numbers, and no more."""
    order = post.order()
    values = set(json.loads(post.recorded("order.request.json")).values())
    ends = [value for end in (order.sender, order.receiver) for name, value in end if name != "province"]
    numbers = [
        number for province in post.operator.provinces.values() for number in (province.number, province.district)
    ]
    ours = {post.operator.customer_code, order.order_number, order.cash, post.operator.flag_config}
    assert values <= {*ends, *numbers} | ours


def no_recording_is_about_a_real_person(post: PostalSubject) -> None:
    """The recorded order is the canonical one; what comes back need not name anybody."""
    order = post.order()
    for file in sorted(post.files - {"order.request.json", "order-with-item-code.request.json"}):
        text = post.recorded(file).decode()
        assert not [word for end in (order.sender, order.receiver) for word in (end.name, end.phone) if word in text]


POSTAL_CHECKS: Final[tuple[PostalCheck, ...]] = (
    recordings_and_status_codes_cover_one_another,
    what_we_order_is_what_was_recorded,
    an_item_code_of_ours_is_said_or_the_order_stays_here,
    its_answer_is_understood,
    every_attempt_is_the_same_order,
    what_it_has_already_is_a_success,
    a_refusal_comes_with_its_reason,
    a_garbled_reply_and_a_gateways_page_wait_for_a_person,
    a_failure_leaves_the_outcome_unknown_and_busy_does_not,
    an_order_is_cancelled_or_it_says_that_it_cannot,
    every_status_code_that_it_knows_is_read_from_its_feed,
    the_feed_is_never_taken_from_a_gateway,
    nothing_leaves_but_who_and_where,
    no_recording_is_about_a_real_person,
)
