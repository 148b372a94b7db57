"""Faults of the servers that the hub stands on: the broker and PostgreSQL, each killed, stopped, frozen, emptied."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from random import Random

from hub.broker import queue_names
from tests.faults.cluster import Cluster, ValkeyServer
from tests.faults.registry import fault
from tests.rabbitmq import RabbitMQ

_LOOKS = 200
"""times that the sessions are looked at before any is killed instead of one that commits"""


@fault("broker-killed", answers=("B1",), seconds=2.0)
def broker_killed(cluster: Cluster, _: Random) -> Iterator[None]:
    """kill -9 of the broker; started again with what it had written."""
    cluster.broker.kill()
    yield
    cluster.broker.start()


@fault("broker-restarted", answers=("B1", "B2"), seconds=3.0)
def broker_restarted(cluster: Cluster, _: Random) -> Iterator[None]:
    """The broker is stopped as an operator does it; submissions are accepted meanwhile."""
    cluster.broker.stop()
    yield
    cluster.broker.start()


@fault("broker-frozen", answers=("B4",), seconds=3.0)
def broker_frozen(cluster: Cluster, _: Random) -> Iterator[None]:
    """SIGSTOP of the broker: connections stand and nobody answers."""
    cluster.broker.freeze()
    yield
    cluster.broker.thaw()


@fault("broker-emptied", answers=("B3",), seconds=0.2, brokers=("valkey",))
def broker_emptied(cluster: Cluster, _: Random) -> Iterator[None]:
    """FLUSHALL: every wake-up that waits is gone."""
    assert isinstance(cluster.broker, ValkeyServer)
    with cluster.broker.client() as client:
        client.flushall()
    yield


@fault("queue-deleted", answers=("B3",), seconds=0.2)
def queue_deleted(cluster: Cluster, random: Random) -> Iterator[None]:
    """One of the hub's queues is deleted with what is in it."""
    queue = random.choice(queue_names(cluster.catalogue))
    if isinstance(cluster.broker, RabbitMQ):
        cluster.broker.ctl("delete_queue", queue)
    else:
        with cluster.broker.client() as client:
            client.delete(queue)
    yield


@fault("postgres-restarted", answers=("D1",))
def postgres_restarted(cluster: Cluster, _: Random) -> Iterator[None]:
    """PostgreSQL is restarted in its fast mode: sessions are ended, what was committed stays."""
    cluster.postgres.stop(signal.SIGINT)
    yield
    cluster.postgres.start()


@fault("postgres-stopped-at-once", answers=("D1", "D2"))
def postgres_stopped_at_once(cluster: Cluster, _: Random) -> Iterator[None]:
    """PostgreSQL is stopped in its immediate mode: it recovers from its log when it starts."""
    cluster.postgres.stop(signal.SIGQUIT)
    yield
    cluster.postgres.start()


@fault("postgres-killed", answers=("D2",))
def postgres_killed(cluster: Cluster, _: Random) -> Iterator[None]:
    """kill -9 of the postmaster."""
    cluster.postgres.stop(signal.SIGKILL)
    yield
    cluster.postgres.start()


@fault("backend-killed-in-commit", answers=("D2",), seconds=0.5)
def backend_killed_in_commit(cluster: Cluster, _: Random) -> Iterator[None]:
    """kill -9 of a session of the hub while it commits; PostgreSQL ends all others and recovers."""
    for _look in range(_LOOKS):
        if pids := cluster.postgres.backends("COMMIT%"):
            break
        time.sleep(0.005)
    for pid in (pids or cluster.postgres.backends())[:1]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    yield
