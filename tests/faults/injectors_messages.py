"""Faults of what lies on the broker: messages that are no wake-ups, and those that stand for nothing."""

import pickle
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from celery import Celery
from kombu import Connection
from kombu.utils.uuid import uuid

from hub.broker import DELIVER, HANDLE, queue_names
from tests.faults.cluster import Cluster
from tests.faults.registry import fault

_NO_TASKS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"", "application/json"),
    (b"{", "application/json"),
    (b"[[[" * 1000, "application/json"),
    (b"\xff\xfe\x00", "application/json"),
    (b'{"id": 7}', "application/json"),
    (b"<wake-up/>", "text/xml"),
    (pickle.dumps(["tr_1"]), "application/x-python-serialize"),
)
"""(body, content type) of messages that no publisher of tasks makes"""
_NO_WAKEUPS: Final[tuple[tuple[str, tuple[Any, ...]], ...]] = (
    ("inbox.unknown", ("in_01",)),
    (HANDLE, ("in_00000000000000000000000000",)),
    (DELIVER, ("tr_00000000000000000000000000",)),
    (DELIVER, ()),
    (DELIVER, (7, None, {"id": "tr_1"})),
)
"""(task, arguments) of messages that are tasks, and wake nobody up"""


@fault("poison-messages", answers=("X1",), seconds=0.5)
def poison_messages(cluster: Cluster, random: Random) -> Iterator[None]:
    """A dozen messages in one of the hub's queues that are no tasks, unknown ones, or name rows that are not there."""
    queue = random.choice(queue_names(cluster.catalogue))
    tasks = Celery(set_as_current=False).amqp
    with Connection(cluster.broker.url) as connection, connection.Producer() as producer:
        for body, content_type in _NO_TASKS:
            producer.publish(body, exchange="", routing_key=queue, content_type=content_type, content_encoding="utf-8")
        for name, arguments in _NO_WAKEUPS:
            task = tasks.as_task_v2(uuid(), name, args=arguments)
            producer.publish(
                task.body, exchange="", routing_key=queue, headers=task.headers, serializer="json", **task.properties
            )
    yield
