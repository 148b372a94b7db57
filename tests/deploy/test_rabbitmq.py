"""The throw-away RabbitMQ that the server stack's tests stand on."""

import time
from pathlib import Path

import pytest
from kombu import Connection, Queue

from tests.rabbitmq import WRITTEN_WITHIN, RabbitMQ, rabbitmq

pytestmark = pytest.mark.server_stack


def put(url: str, word: str) -> None:
    with Connection(url, transport_options={"confirm_publish": True}) as connection:
        _queue().bind(connection.default_channel).declare()
        connection.Producer().publish(word, routing_key="kept", delivery_mode=2)


def take(url: str) -> str:
    with Connection(url) as connection:
        message = _queue().bind(connection.default_channel).get(no_ack=True)
        assert message is not None
        return str(message.payload)


def queues(server: RabbitMQ) -> set[str]:
    return {queue["name"] for queue in server.api("GET", "queues")}


def _queue() -> Queue:
    return Queue("kept", durable=True, queue_arguments={"x-queue-type": "quorum"})


def test_what_was_confirmed_is_there_after_a_kill_and_a_restart_and_another_one_beside_knows_nothing_of_it(
    rabbit: RabbitMQ, rabbit_url: str, tmp_path: Path
) -> None:
    """In one test, because a RabbitMQ takes five seconds of a processor to start."""
    with rabbitmq(tmp_path) as other:
        assert "kept" not in queues(rabbit)
        put(other.url, "still here")
        assert "kept" in queues(other)
        assert "kept" not in queues(rabbit)
        put(rabbit_url, "in the first")
        time.sleep(WRITTEN_WITHIN)
        other.kill()
        assert not other.answers()
        assert take(rabbit_url) == "in the first"
        other.start()
        assert take(other.url) == "still here"
