"""The throw-away RabbitMQ that the server stack's tests stand on."""

import time
from pathlib import Path

import pytest
from kombu import Connection, Queue

from tests.rabbitmq import WRITTEN_WITHIN, RabbitMQ, install, rabbitmq

pytestmark = pytest.mark.server_stack


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if reason := install():
        pytest.skip(reason)


def put(server: RabbitMQ, word: str) -> None:
    with Connection(server.url, transport_options={"confirm_publish": True}) as connection:
        _queue().bind(connection.default_channel).declare()
        connection.Producer().publish(word, routing_key="kept", delivery_mode=2)


def take(server: RabbitMQ) -> str:
    with Connection(server.url) as connection:
        message = _queue().bind(connection.default_channel).get(no_ack=True)
        assert message is not None
        return str(message.payload)


def _queue() -> Queue:
    return Queue("kept", durable=True, queue_arguments={"x-queue-type": "quorum"})


def test_what_was_confirmed_is_there_after_a_kill_and_a_restart(tmp_path: Path) -> None:
    with rabbitmq(tmp_path) as server:
        put(server, "still here")
        time.sleep(WRITTEN_WITHIN)
        server.kill()
        assert not server.answers()
        server.start()
        assert take(server) == "still here"


def test_two_stand_side_by_side_and_know_nothing_of_each_other(tmp_path: Path) -> None:
    with rabbitmq(tmp_path / "one") as one, rabbitmq(tmp_path / "two") as two:
        put(one, "in the first")
        assert "kept" in one.ctl("list_queues", "name")
        assert "kept" not in two.ctl("list_queues", "name")
        two.stop()
        assert take(one) == "in the first"
