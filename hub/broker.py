"""The broker: its queues, from the catalogue, and how wake-ups are published. A message carries ids.

RabbitMQ: quorum queues with a delivery limit and a dead-letter queue, publisher confirms. Valkey (kombu's redis
transport): a short visibility time-out, which is safe because the leases are in PostgreSQL.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from celery import Celery
from kombu import Connection, Exchange, Producer, Queue
from kombu.exceptions import OperationalError
from kombu.utils.uuid import uuid

from config.catalogue import Catalogue
from config.settings import BeatSettings
from hub.messages import inbox
from hub.messages.model import BATCH, Wakeup

TICKS: Final = "ticks"
HANDLE: Final = "inbox.handle"
DELIVER: Final = "outbox.deliver"
EXCHANGE: Final = Exchange("hub", type="topic", durable=True)
DEAD_EXCHANGE: Final = Exchange("hub.dead", type="fanout", durable=True)
DEAD: Final = "hub.dead"
DELIVERY_LIMIT: Final = 20
QUORUM: Final = {
    "x-queue-type": "quorum",
    "x-delivery-limit": DELIVERY_LIMIT,
    "x-dead-letter-exchange": DEAD_EXCHANGE.name,
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}
"""arguments of our queues on RabbitMQ: publisher, worker and deploy/rabbitmq must agree, else it answers 406"""
QUORUM_DEAD: Final = {"x-queue-type": "quorum"}
VALKEY_TRANSPORT: Final = "hub.valkey_transport:ValkeyTransport"
NOT_FOUND: Final = {404, "404"}
"""a number in py-amqp, a string in kombu's redis transport"""
CONNECT_TIMEOUT: Final = 3.0
"""seconds"""
ANSWER_TIMEOUT: Final = 10
"""seconds that RabbitMQ may take to answer a method; an idle connection has nothing to answer"""
CONFIRM_TIMEOUT: Final = 10.0
"""seconds; a quorum queue without a leader accepts a message and never confirms it"""

log = structlog.get_logger(__name__)


def queue_names(catalogue: Catalogue) -> list[str]:
    """Every queue of the hub: the inbox, one for each counterparty, the ticks."""
    return [inbox.QUEUE, *sorted({party.queue for party in catalogue.counterparties.values()}), TICKS]


def is_rabbitmq(settings: BeatSettings) -> bool:
    return urlsplit(str(settings.broker_url)).scheme.startswith("amqp")


def _queues(settings: BeatSettings, names: Collection[str]) -> list[Queue]:
    """Queues as publisher and worker must both declare them."""
    return [
        Queue(
            name,
            EXCHANGE,
            routing_key=name,
            durable=True,
            queue_arguments=QUORUM if is_rabbitmq(settings) else None,
            no_declare=not settings.broker_declares,
        )
        for name in names
    ]


def dead_queue() -> Queue:
    """Dead-letter queue of wake-ups that were redelivered too often. Their rows are still due: the sweep finds them."""
    return Queue(DEAD, DEAD_EXCHANGE, durable=True, queue_arguments=QUORUM_DEAD)


def application(settings: BeatSettings, queues: Collection[str]) -> Celery:
    """A Celery application without tasks, with the settings that publisher, worker and beat share.

    ``queues``: names of those to which it publishes, or which it consumes.
    """
    app = Celery("lienthong-hub", set_as_current=False)
    app.conf.update(
        broker_url=str(settings.broker_url),
        broker_transport=None if is_rabbitmq(settings) else VALKEY_TRANSPORT,
        broker_connection_retry_on_startup=True,
        broker_transport_options=_transport_options(settings),
        task_queues=_queues(settings, queues),
        task_default_queue=TICKS,
        task_default_exchange=EXCHANGE.name,
        task_default_exchange_type=EXCHANGE.type,
        task_default_routing_key=TICKS,
        task_create_missing_queues=False,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_send_sent_event=False,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,  # Flower switches them on; they are half of a task's overhead
        worker_cancel_long_running_tasks_on_connection_loss=False,
        timezone="UTC",
    )
    return app


def _transport_options(settings: BeatSettings) -> dict[str, Any]:
    if is_rabbitmq(settings):
        # A quorum queue without a leader, just after a restart, may never answer: whoever asked must ask again.
        return {"confirm_publish": True, "read_timeout": ANSWER_TIMEOUT, "write_timeout": ANSWER_TIMEOUT}
    return {
        "visibility_timeout": 120,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "priority_steps": [0],  # no wake-up goes before another: one list a queue to wait at, not four
    }


def depths(app: Celery, queues: Collection[str]) -> dict[str, int]:
    """Queue → messages in it; a queue whose depth the broker does not tell is left out."""
    depth_of: dict[str, int] = {}
    try:
        with app.connection_for_write(connect_timeout=CONNECT_TIMEOUT) as connection:
            for queue in queues:
                depth_of[queue] = _depth(connection, queue)
    except (*connection.connection_errors, OperationalError) as error:
        log.warning("depths_unknown", queues=sorted(queues - depth_of.keys()), error=type(error).__name__)
    return depth_of


def _depth(connection: Connection, queue: str) -> int:
    try:
        with connection.channel() as channel:
            count: int = channel.queue_declare(queue, passive=True).message_count
            return count
    except connection.channel_errors as error:
        if getattr(error, "reply_code", None) in NOT_FOUND:
            return 0  # no such queue, or on Valkey an empty one
        raise


class Publisher:
    """Publishes wake-ups and ticks as Celery messages (protocol 2), each confirmed. Belongs to one thread."""

    def __init__(self, app: Celery, settings: BeatSettings) -> None:
        self._app = app
        self._settings = settings
        # kombu's redis transport asks Valkey for the exchange's table at every publish, and nothing for a queue's name.
        self._exchange = EXCHANGE.name if is_rabbitmq(settings) else ""
        self._producer: Producer | None = None

    def publish(self, wakeups: Sequence[Wakeup]) -> Iterator[Wakeup]:
        """Publish, and yield each wake-up once the broker has it: on Valkey all at once, on RabbitMQ by message.

        Raises kombu's operational errors while the broker is away; the next call connects anew.
        """
        messages = batches(wakeups)
        try:
            producer = self._producer or self._connect()
            if producer.supports_batch_publish:
                with producer.batch():
                    for message in messages:
                        self._send(producer, message)
                yield from wakeups
            else:
                for message in messages:
                    self._send(producer, message)
                    yield from message
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        if self._producer is not None:
            self._producer.connection.collect()  # without a close handshake, which could wait forever
            self._producer = None

    def _connect(self) -> Producer:
        connection = self._app.connection_for_write(connect_timeout=CONNECT_TIMEOUT)
        if self._settings.broker_declares:
            # A message to an undeclared queue is dropped silently, confirms or not.
            with connection.channel() as channel:
                for queue in self._app.conf.task_queues:
                    queue(channel).declare()
                if is_rabbitmq(self._settings):
                    dead_queue()(channel).declare()
        self._producer = connection.Producer()
        return self._producer

    def _send(self, producer: Producer, wakeups: Sequence[Wakeup]) -> None:
        name, args = _task(wakeups)
        message = self._app.amqp.as_task_v2(uuid(), name, args=args, argsrepr=f"({', '.join(args)})")
        producer.publish(
            message.body,
            exchange=self._exchange,
            routing_key=wakeups[0].queue,
            headers=message.headers,
            serializer="json",
            delivery_mode=2,
            confirm_timeout=CONFIRM_TIMEOUT,
            mandatory=True,  # a queue that was deleted meanwhile is an error here, and declared anew by the next call
            **message.properties,
        )


def batches(wakeups: Sequence[Wakeup]) -> list[list[Wakeup]]:
    """The wake-ups by broker message: up to BATCH rows of one queue, in their order; a tick by itself."""
    full: list[list[Wakeup]] = []
    open_of: dict[str, list[Wakeup]] = {}
    for wakeup in wakeups:
        batch = open_of.get(wakeup.queue)
        if batch is None or len(batch) == BATCH or wakeup.queue == TICKS:
            batch = open_of[wakeup.queue] = []
            full.append(batch)
        batch.append(wakeup)
    return full


def _task(wakeups: Sequence[Wakeup]) -> tuple[str, tuple[str, ...]]:
    """Name and arguments of the task for these wake-ups; the id of a tick is its task's name."""
    queue = wakeups[0].queue
    if queue == TICKS:
        return wakeups[0].id, ()
    return (HANDLE if queue == inbox.QUEUE else DELIVER), tuple(wakeup.id for wakeup in wakeups)
