"""The hub's own postal connectors meet every behaviour of the sandbox's operators: both sides of a dialect agree."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from config.catalogue import Catalogue, Operator
from connectors.errors import ContractBroken, Duplicate, Rejected, Unavailable
from connectors.ports import PostalPort
from connectors.registry import PortOptions, port
from connectors.sandbox.dossier_behaviours import UNKNOWN_CODE
from connectors.sandbox.effects import Ordered, read_effects
from connectors.sandbox.postal_behaviours import POSTAL_BEHAVIOURS, Journey, OrderAnswer, PostalBehaviour
from connectors.sandbox.postal_operator import REASON
from schemas import strict
from schemas.item_code import ItemCode
from schemas.postal import ConsignmentAccepted, PostalStatus, TrackingEvent
from tests.catalogue_secrets import environment
from tests.postal_orders import an_order
from tests.unit.connectors.partner import answering, partner
from tests.unit.sandbox.running import Running, call, sandbox, until

OPERATORS = ["post-a", "post-b"]
CARRIED = [
    behaviour for behaviour in POSTAL_BEHAVIOURS if behaviour.answer in {OrderAnswer.ACCEPTED, OrderAnswer.EVENT_FIRST}
]
TAKEN_AND_NOT_TOLD = [
    behaviour
    for behaviour in POSTAL_BEHAVIOURS
    if behaviour.answer in {OrderAnswer.SILENCE, OrderAnswer.GARBLED, OrderAnswer.ALREADY}
]


@dataclass(frozen=True)
class Post:
    """One operator of the sandbox, and the hub's port to it."""

    running: Running
    operator: Operator
    port: PostalPort

    @property
    def taken(self) -> list[Ordered]:
        effects = read_effects(self.running.data, self.operator.counterparty)
        return [effect for effect in effects if isinstance(effect, Ordered)]

    def turn(self, **settings: Any) -> None:
        self.running.turn(self.operator.counterparty, **settings)

    def events(self, order_number: str, count: int) -> list[TrackingEvent]:
        """What the feed tells of one order, once it tells that much; read by one reader from its start."""
        events: list[TrackingEvent] = []
        cursor = ""

        def read() -> bool:
            nonlocal cursor
            try:
                page = self.port.feed(cursor)
            except ContractBroken:  # the standing token that is refused for once
                return False
            cursor = page.cursor
            assert not page.unreadable
            events.extend(event for event in page.events if event.order_number == order_number)
            return len(events) >= count

        until(read)
        return events

    def statuses(self, events: list[TrackingEvent]) -> list[PostalStatus | None]:
        return [self.operator.status.get(event.status_code) for event in events]


@pytest.fixture(params=OPERATORS)
def post(request: pytest.FixtureRequest, tmp_path: Path, catalogue: Catalogue) -> Iterator[Post]:
    operator = catalogue.operators[request.param]
    with sandbox(tmp_path, [operator.counterparty], hang_seconds=0.1) as running:
        url = running.urls[operator.counterparty]
        yield Post(running, operator, port(operator, PortOptions(catalogue, url)))


def ending(behaviour: PostalBehaviour) -> int:
    """How many events a behaviour tells at the least, to its end."""
    counts = {Journey.TWO_ATTEMPTS: 9, Journey.LOST: 3, Journey.SILENT: 2, Journey.REPEATED: 10}
    return counts.get(behaviour.journey, 6 if behaviour.journey in {Journey.DAMAGED, Journey.UNKNOWN_CODE} else 5)


@pytest.mark.parametrize("behaviour", CARRIED, ids=lambda behaviour: behaviour.name)
def test_an_item_ends_where_its_behaviour_says(post: Post, behaviour: PostalBehaviour) -> None:
    order = an_order(int(behaviour.suffix))
    assert post.port.order(order, "tr_1").order_number == order.order_number
    events = post.events(order.order_number, ending(behaviour))
    last = max(events, key=lambda event: event.at)
    assert post.operator.status[last.status_code] is behaviour.status
    assert [effect.order_number for effect in post.taken] == [order.order_number]


def test_two_attempts_are_two_events_at_two_times(post: Post) -> None:
    post.port.order(an_order(9102), "tr_1")
    events = post.events(an_order(9102).order_number, 9)
    failed = [e for e, s in zip(events, post.statuses(events), strict=True) if s is PostalStatus.ATTEMPT_FAILED]
    assert len({event.key for event in failed}) == len(failed) == 2


def test_a_repeated_event_has_the_same_key_and_another_has_another(post: Post) -> None:
    post.port.order(an_order(9105), "tr_1")
    keys = [event.key for event in post.events(an_order(9105).order_number, 10)]
    assert keys[::2] == keys[1::2]
    assert len(set(keys)) == 5


def test_what_is_told_out_of_order_happened_in_order(post: Post) -> None:
    post.port.order(an_order(9106), "tr_1")
    events = post.events(an_order(9106).order_number, 5)
    assert post.statuses(events)[-2:] == [PostalStatus.DELIVERED, PostalStatus.OUT_FOR_DELIVERY]
    assert events[-1].at < events[-2].at


def test_an_unknown_code_comes_through_as_it_is(post: Post) -> None:
    post.port.order(an_order(9107), "tr_1")
    assert UNKNOWN_CODE in [event.status_code for event in post.events(an_order(9107).order_number, 6)]


def test_a_wrong_item_code_is_told_with_its_warning(post: Post) -> None:
    post.port.order(an_order(9118), "tr_1")
    codes = {event.item_code for event in post.events(an_order(9118).order_number, 5)}
    (code,) = codes
    assert code is not None
    assert "check digit" in (ItemCode.received(code).warning or "")


def test_a_refusal_comes_with_its_reason_and_has_no_effect(post: Post) -> None:
    with pytest.raises(Rejected) as refused:
        post.port.order(an_order(9110), "tr_1")
    assert refused.value.reason == REASON
    assert REASON not in str(refused.value)
    assert post.taken == []


@pytest.mark.parametrize("behaviour", TAKEN_AND_NOT_TOLD, ids=lambda behaviour: behaviour.name)
def test_an_order_that_was_taken_unheard_is_there_when_it_is_sent_again(post: Post, behaviour: PostalBehaviour) -> None:
    order = an_order(int(behaviour.suffix))
    with pytest.raises((Unavailable, ContractBroken, Duplicate)) as first:
        post.port.order(order, "tr_1")
    if isinstance(first.value, Unavailable):
        assert first.value.outcome_unknown
    with pytest.raises(Duplicate) as again:
        post.port.order(order, "tr_1")
    assert isinstance(again.value.reply, ConsignmentAccepted)
    assert [effect.order_number for effect in post.taken] == [order.order_number]


@pytest.mark.parametrize(
    "behaviour", [behaviour for behaviour in POSTAL_BEHAVIOURS if behaviour.times], ids=lambda behaviour: behaviour.name
)
def test_an_order_that_was_turned_away_is_taken_in_the_end_and_once(post: Post, behaviour: PostalBehaviour) -> None:
    order = an_order(int(behaviour.suffix))
    for _ in range(behaviour.times):
        with pytest.raises(Unavailable):
            post.port.order(order, "tr_1")
        assert post.taken == []
    post.port.order(order, "tr_1")
    assert [effect.order_number for effect in post.taken] == [order.order_number]


def test_a_setting_decides_the_behaviour_of_every_order(post: Post) -> None:
    post.turn(parcel_behaviour="9103")
    post.port.order(an_order(1), "tr_1")
    events = post.events(an_order(1).order_number, 3)
    assert post.statuses(events)[-1] is PostalStatus.LOST


def test_the_form_that_was_taken_holds_nothing_but_names_addresses_phones_cash_and_codes(post: Post) -> None:
    post.port.order(an_order(1), "tr_1")
    (effect,) = post.taken
    ends = {
        f"{end}{part}" for end in ("Sender", "Receiver") for part in ("Name", "Address", "Tel", "Province", "District")
    }
    assert set(effect.fields) - {"FlagConfig"} == ends | {"CustomerCode", "OrderNumber", "CODAmount"}


def test_a_field_that_is_not_on_the_form_is_refused(post: Post) -> None:
    """The sandbox is a witness: a hub that would say what the matter is could not place an order here."""
    answer = call("POST", address(post, "order"), json={"SenderDesc": "Đơn"}, headers=credentials(post))
    assert answer.status_code == 400
    assert "/SenderDesc: extra_forbidden" in answer.json()["errors"]
    assert post.taken == []


def address(post: Post, operation: Any) -> str:
    return f"{post.running.urls[post.operator.counterparty]}/{post.operator.operation(operation)}"


def credentials(post: Post) -> dict[str, str]:
    """What the operator knows us by."""
    secrets = environment()
    if post.operator.dialect == "lgsp":
        return {"access_token": secrets["HUB_SECRET_TEST_POST_B_TOKEN"]}
    pair = secrets["HUB_SECRET_TEST_POST_A_KEY"], secrets["HUB_SECRET_TEST_POST_A_SECRET"]
    answer = call("POST", address(post, "token"), auth=pair, data="grant_type=client_credentials").json()
    return {"Authorization": f"{answer['token_type']} {answer['access_token']}"}


def test_the_health_of_an_operator_is_one_line(post: Post) -> None:
    assert post.operator.name in post.port.check()


def test_an_order_is_cancelled_once_and_again_and_not_when_it_is_on_its_way(post: Post) -> None:
    order = an_order(1)
    post.turn(pace=600)
    post.port.order(order, "tr_1")
    if post.operator.dialect == "lgsp":
        with pytest.raises(Rejected):
            post.port.cancel(order.order_number, "tr_2")
        return
    for _ in range(2):
        post.port.cancel(order.order_number, "tr_2")
    assert post.statuses(post.events(order.order_number, 1)) == [PostalStatus.CANCELLED]
    post.turn(pace=0)
    other = an_order(2)
    post.port.order(other, "tr_3")
    post.events(other.order_number, 3)
    with pytest.raises(Rejected) as late:
        post.port.cancel(other.order_number, "tr_4")
    assert late.value.reason


def test_a_restart_forgets_neither_orders_nor_how_far_items_have_come(tmp_path: Path, catalogue: Catalogue) -> None:
    operator = catalogue.operators["post-a"]
    order = an_order(9101)
    seen: list[list[TrackingEvent]] = []
    for pace in (0.01, 600.0):
        with sandbox(tmp_path, [operator.counterparty], pace=pace) as running:
            post = Post(running, operator, port(operator, PortOptions(catalogue, running.urls[operator.counterparty])))
            if not seen:
                post.port.order(order, "tr_1")
            seen.append(post.events(order.order_number, 5))
            with pytest.raises(Duplicate):
                post.port.order(order, "tr_1")
    assert seen[0] == seen[1]


def test_events_are_called_back_and_stand_in_the_feed_when_callbacks_are_lost(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    operator = catalogue.operators["post-b"]
    taken = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
    with sandbox(tmp_path, [operator.counterparty]) as running, partner(answering(taken)) as hub:
        post = Post(running, operator, port(operator, PortOptions(catalogue, running.urls[operator.counterparty])))
        post.port.order(an_order(1, callback_url=f"{hub.url}/one"), "tr_1")
        events = post.events(an_order(1).order_number, 5)
        until(lambda: len(hub.requests) >= 5)
        post.turn(lose_callbacks=True)
        post.port.order(an_order(2, callback_url=f"{hub.url}/two"), "tr_1")
        post.events(an_order(2).order_number, 5)
    assert [strict.read(TrackingEvent, request.partition(b"\r\n\r\n")[2]) for request in hub.requests] == events
