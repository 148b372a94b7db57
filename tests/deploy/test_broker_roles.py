"""The roles of deploy/rabbitmq on a real RabbitMQ, started with the configuration and the definitions that we ship."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from amqp.exceptions import AccessRefused  # type: ignore[import-untyped] # the library ships no types
from kombu import Connection, Exchange

from config.catalogue import Catalogue
from config.settings import Settings
from deploy.rabbitmq import definitions
from hub.broker import QUORUM, Publisher, application, queue_names
from hub.messages.model import Wakeup
from tests.deploy.installed import broker_url
from tests.rabbitmq import RabbitMQ

pytestmark = pytest.mark.server_stack

EVENTS: Final = "celeryev.0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
CONTROL: Final = "worker@somewhere.celery.pidbox"
OUTBOX: Final = "outbox.department.rest-a"


def publish(exchange: str, key: str) -> Callable[[Any], None]:
    def act(channel: Any) -> None:
        message = channel.prepare_message("x", content_type="text/plain", content_encoding="utf-8")
        channel.basic_publish(message, exchange=exchange, routing_key=key)

    return act


def listen(queue: str, exchange: str, key: str) -> Callable[[Any], None]:
    def act(channel: Any) -> None:
        channel.queue_declare(queue, exclusive=True)
        channel.queue_bind(queue, exchange, key)
        channel.basic_get(queue, no_ack=True)

    return act


ACTS: Final[dict[str, Callable[[Any], Any]]] = {
    "wake-up the inbox": publish("hub", "inbox"),
    "wake-up a department": publish("hub", OUTBOX),
    "tick": publish("hub", "ticks"),
    "publish past the exchange": publish("", "inbox"),
    "publish as if dead": publish("hub.dead", ""),
    "tell events": publish("celeryev", "worker.online"),
    "command the workers": publish("celery.pidbox", ""),
    "take from the inbox": lambda channel: channel.basic_get("inbox"),
    "take a department's": lambda channel: channel.basic_get(OUTBOX),
    "take ticks": lambda channel: channel.basic_get("ticks"),
    "take the dead": lambda channel: channel.basic_get("hub.dead"),
    "empty the inbox": lambda channel: channel.queue_purge("inbox"),
    "declare the inbox": lambda channel: channel.queue_declare(
        "inbox", durable=True, auto_delete=False, arguments=QUORUM
    ),
    "make a queue": lambda channel: channel.queue_declare("mine", exclusive=True),
    "make an exchange": lambda channel: channel.exchange_declare("mine", "topic"),
    "overhear the hub": lambda channel: channel.queue_bind("inbox", "hub", "#"),
    "hear events": listen(EVENTS, "celeryev", "#"),
    "hear commands": listen(CONTROL, "celery.pidbox", ""),
}
MAY: Final = {
    "api": {"wake-up the inbox"},
    "beat": {"tick"},
    "worker": {
        "wake-up the inbox",
        "wake-up a department",
        "tell events",
        "take from the inbox",
        "take a department's",
        "take ticks",
        "empty the inbox",  # RabbitMQ has no right to take one message that is not also the right to take all
        "hear commands",
    },
    "flower": {"hear events", "command the workers"},
    "deploy": set(ACTS),
}


def settings(broker: RabbitMQ, role: str, *, declares: bool) -> Settings:
    values = {
        "database_url": "postgresql://nowhere/",
        "broker_url": broker_url(broker, role),
        "broker_declares": declares,
        "cursor_key": "a key for cursors in tests only",
    }
    return Settings.model_validate(values)


def waiting(broker: RabbitMQ, queue: str) -> int:
    with Connection(broker_url(broker, "deploy")) as connection:
        declared = connection.default_channel.queue_declare(queue, passive=True)
        return int(declared.message_count)


def refused(broker: RabbitMQ, role: str, act: Callable[[Any], None]) -> bool:
    with Connection(broker_url(broker, role), transport_options={"confirm_publish": True}) as connection:
        try:
            act(connection.channel())
        except AccessRefused:
            return True
    return False


def test_the_hub_finds_the_queues_as_it_would_have_declared_them(broker: RabbitMQ, catalogue: Catalogue) -> None:
    hub = settings(broker, "deploy", declares=True)
    publisher = Publisher(application(hub, queue_names(catalogue)), hub)
    for name in queue_names(catalogue):
        list(publisher.publish([Wakeup(name, "in_x")]))  # a difference raises 406
    publisher.close()
    assert {waiting(broker, name) for name in queue_names(catalogue)} == {1}
    with Connection(broker_url(broker, "deploy")) as connection:
        for name in queue_names(catalogue):
            connection.default_channel.queue_purge(name)


def test_the_api_wakes_the_inbox_without_declaring_anything(broker: RabbitMQ, catalogue: Catalogue) -> None:
    hub = settings(broker, "api", declares=False)
    publisher = Publisher(application(hub, queue_names(catalogue)), hub)
    before = waiting(broker, "inbox")
    list(publisher.publish([Wakeup("inbox", "sub_x")]))
    with pytest.raises(AccessRefused):
        list(publisher.publish([Wakeup(OUTBOX, "tr_x")]))
    list(publisher.publish([Wakeup("inbox", "sub_y")]))
    publisher.close()
    assert waiting(broker, "inbox") == before + 2


@pytest.mark.parametrize("role", MAY)
def test_a_role_may_do_its_work_and_nothing_else(broker: RabbitMQ, role: str) -> None:
    with Connection(broker_url(broker, "deploy")) as connection:
        for name, kind, durable in (("celeryev", "topic", True), ("celery.pidbox", "fanout", False)):
            Exchange(name, kind, durable=durable).bind(connection.default_channel).declare()
    assert {name for name, act in ACTS.items() if not refused(broker, role, act)} == MAY[role]


def test_there_is_no_user_beside_the_roles_and_without_a_password_nobody_gets_in(
    broker: RabbitMQ, catalogue: Catalogue, tmp_path: Path
) -> None:
    users = broker.ctl("list_users", "--formatter", "json")
    assert users.count('"user"') == len(definitions.ROLES)
    loaded = definitions.definitions(catalogue, {})
    loaded["users"] = [{**user, "name": f"nobody-{user['name']}"} for user in loaded["users"]]
    loaded["permissions"] = [{**row, "user": f"nobody-{row['user']}"} for row in loaded["permissions"]]
    loaded["topic_permissions"] = []
    file = tmp_path / "definitions.json"
    file.write_text(definitions.text(loaded))
    broker.ctl("import_definitions", str(file))
    with (
        pytest.raises(AccessRefused),
        Connection(broker.url_of("nobody-hub-deploy", "", definitions.VHOST)) as connection,
    ):
        connection.connect()
