"""Signs of life: ticks run once in their time, whatever clocks and brokers do; a dead worker is told from a stopped."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kombu import Connection as BrokerConnection
from pydantic_core import Url

from config.catalogue import Catalogue
from config.settings import Settings
from hub import broker
from hub.messages import liveness
from hub.messages.model import Wakeup
from hub.worker import app, beat
from hub.worker.app import heartbeat
from tests.scripted_hub import ScriptedHub

EVERY = 60.0
SWEEP = Wakeup(broker.TICKS, liveness.SWEEP)


def ran(hub: ScriptedHub, name: str = liveness.SWEEP, *, every: float = EVERY) -> bool:
    with hub.db.connection() as conn:
        return liveness.claim_tick(conn, name, every)


def test_ticks_that_piled_up_run_once(hub: ScriptedHub) -> None:
    assert [ran(hub) for _ in range(3)] == [True, False, False]


def test_a_tick_runs_again_in_its_time_and_after_the_clock_was_set_back(hub: ScriptedHub) -> None:
    ran(hub)
    for moved in ("- interval '31 seconds'", "+ interval '1 year'"):
        hub.rows(f"UPDATE tick SET started_at = now() {moved} RETURNING name")
        assert ran(hub), moved


def test_the_last_run_of_every_tick_is_known_and_one_that_fails_grows_old(hub: ScriptedHub) -> None:
    app._tasks(hub, ())[liveness.SWEEP]()
    with hub.db.connection() as conn:
        last = liveness.last_ticks(conn)
    assert set(last) == {liveness.SWEEP}
    assert last[liveness.SWEEP].finished_at is not None
    assert last[liveness.SWEEP].every == hub.settings.sweep_every

    ran(hub, beat.POLL)
    hub.rows("UPDATE tick SET started_at = now() - interval '1 hour' WHERE name = %s RETURNING name", beat.POLL)
    with hub.db.connection() as conn:
        never_ended = liveness.last_ticks(conn)[beat.POLL]
    assert never_ended.finished_at is None
    assert never_ended.age > 3500


def test_a_worker_that_died_is_told_from_one_that_was_stopped(hub: ScriptedHub) -> None:
    def living() -> list[str]:
        with hub.db.connection() as conn:
            return [worker.name for worker in liveness.workers(conn)]

    with heartbeat(hub.db, "worker@here", ["inbox"], every=0.05):
        wait_for(living)
        assert living() == ["worker@here"]
    assert living() == []
    with hub.db.connection() as conn:
        liveness.record_heartbeat(conn, "died@here", ["inbox"])
        conn.execute("UPDATE worker_heartbeat SET seen_at = now() - interval '5 minutes' WHERE name = 'died@here'")
        [dead] = liveness.workers(conn)
    assert (dead.name, dead.queues) == ("died@here", ["inbox"])
    assert dead.age > 299


def wait_for(what: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not what() and time.monotonic() < deadline:
        time.sleep(0.02)


@pytest.fixture
def publisher(settings: Settings, catalogue: Catalogue, broker_url: str) -> Iterator[broker.Publisher]:
    changed = settings.model_copy(update={"broker_url": Url(broker_url)})
    publisher = broker.Publisher(broker.application(changed, broker.queue_names(catalogue)), changed)
    yield publisher
    publisher.close()


def test_ticks_find_their_queue_again_after_the_broker_has_forgotten_everything(
    publisher: broker.Publisher, broker_url: str
) -> None:
    """FLUSHALL or an eviction on Valkey; on RabbitMQ somebody deletes the queue."""
    with BrokerConnection(broker_url) as connection:
        list(publisher.publish([SWEEP]))
        assert waiting(connection) == 1
        forget(connection)
        published: list[Wakeup] = []
        while not published:  # as beat does: what was not taken is published again
            try:
                published = list(publisher.publish([SWEEP]))
            except Exception:  # noqa: BLE001 - whatever it is, it was not swallowed by the broker
                time.sleep(0.1)
        assert waiting(connection) == 1


def waiting(connection: BrokerConnection) -> int:
    count: int = connection.default_channel.queue_declare(broker.TICKS, passive=True).message_count
    return count


def forget(connection: BrokerConnection) -> None:
    if connection.transport.driver_type == "redis":
        connection.default_channel.client.flushall()
    else:
        connection.default_channel.queue_delete(broker.TICKS)
