"""Faults of the network of one worker: to PostgreSQL, to the broker, to a department; the servers themselves are well.

And two of the servers that look like the network: PostgreSQL has no seat left, RabbitMQ takes no message.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from random import Random
from typing import Final

import psycopg

from hub.db import NOTICED_WITHIN
from tests.faults.cluster import Cluster
from tests.faults.proxy import LinkFault, Proxy
from tests.faults.registry import fault
from tests.rabbitmq import RabbitMQ

SEATS: Final = 250
"""more than PostgreSQL's max_connections"""


@fault("database-cut", answers=("D2",), seconds=0.5)
def database_cut(cluster: Cluster, _: Random) -> Iterator[None]:
    """All connections of a worker to PostgreSQL are reset, whatever they were at, and new ones for a moment."""
    with _broken(cluster.links.database, LinkFault(reset=True)):
        yield


@fault("database-answer-dropped", answers=("D2",), seconds=0.3)
def database_answer_dropped(cluster: Cluster, _: Random) -> Iterator[None]:
    """PostgreSQL does what a worker asks, a commit too, and the answer is lost."""
    with _broken(cluster.links.database, LinkFault(cut_answer_after=0)):
        yield


@fault("database-silent", answers=("D1",), seconds=4.0)
def database_silent(cluster: Cluster, _: Random) -> Iterator[None]:
    """Nothing passes between a worker and PostgreSQL for longer than its leases; then the connections are reset."""
    with _broken(cluster.links.database, LinkFault(silent=True)):
        yield


@fault("database-unplugged", answers=("D1",), seconds=NOTICED_WITHIN)
def database_unplugged(cluster: Cluster, _: Random) -> Iterator[None]:
    """The network between a worker and PostgreSQL is gone, until the worker has noticed it by itself."""
    with _broken(cluster.links.database, LinkFault(unplugged=True)):
        yield


@fault("database-slow", answers=("D1",), seconds=2.0)
def database_slow(cluster: Cluster, _: Random) -> Iterator[None]:
    """Each request of a worker to PostgreSQL and each answer takes 20 ms more."""
    with _broken(cluster.links.database, LinkFault(delay=0.02)):
        yield


@fault("database-full-of-sessions", answers=("D3",), seconds=2.0)
def database_full_of_sessions(cluster: Cluster, _: Random) -> Iterator[None]:
    """The hub's sessions are ended, and others have taken every seat of PostgreSQL."""
    with psycopg.connect(cluster.postgres.url, autocommit=True) as ours, ExitStack() as others:
        ours.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lienthong-hub'")
        with suppress(psycopg.OperationalError):  # until there is none left
            for _seat in range(SEATS):
                others.enter_context(psycopg.connect(cluster.postgres.url, autocommit=True))
        yield


@fault("database-locked", answers=("D3", "D4"), seconds=2.0)
def database_locked(cluster: Cluster, _: Random) -> Iterator[None]:
    """A session of somebody else locks the outbox: whoever needs it waits, and the pools run dry."""
    with psycopg.connect(cluster.postgres.url) as other:
        other.execute("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")
        yield


@fault("broker-cut", answers=("B4",), seconds=0.5)
def broker_cut(cluster: Cluster, _: Random) -> Iterator[None]:
    """All connections of a worker to the broker are reset, and new ones for a moment."""
    with _broken(cluster.links.broker, LinkFault(reset=True)):
        yield


@fault("broker-half-open", answers=("B4",), seconds=4.0)
def broker_half_open(cluster: Cluster, _: Random) -> Iterator[None]:
    """The connections of a worker to the broker stand, and nothing passes."""
    with _broken(cluster.links.broker, LinkFault(silent=True)):
        yield


@fault("broker-takes-no-message", answers=("B6",), seconds=3.0, brokers=("rabbitmq",))
def broker_takes_no_message(cluster: Cluster, _: Random) -> Iterator[None]:
    """RabbitMQ raises its memory alarm: connections stand, who publishes is not read from."""
    assert isinstance(cluster.broker, RabbitMQ)
    cluster.broker.ctl("set_vm_memory_high_watermark", "absolute", "1")
    yield
    cluster.broker.ctl("set_vm_memory_high_watermark", "0.4")


@fault("department-request-cut", answers=("P3",))
def department_request_cut(cluster: Cluster, random: Random) -> Iterator[None]:
    """A worker's connections to a department are reset in the middle of a request."""
    with _broken(cluster.links.department, LinkFault(cut_request_after=random.randrange(2000))):
        yield


@fault("department-answer-cut", answers=("P3",))
def department_answer_cut(cluster: Cluster, random: Random) -> Iterator[None]:
    """A department has acted, and its answer is reset somewhere in its first bytes."""
    with _broken(cluster.links.department, LinkFault(cut_answer_after=random.choice([0, random.randrange(400)]))):
        yield


@fault("department-half-open", answers=("P3", "P2"), seconds=3.0)
def department_half_open(cluster: Cluster, _: Random) -> Iterator[None]:
    """A department's machine accepts connections and never says a word."""
    with _broken(cluster.links.department, LinkFault(silent=True)):
        yield


@fault("department-drips", answers=("P2",), seconds=3.0)
def department_drips(cluster: Cluster, _: Random) -> Iterator[None]:
    """A department's answer comes 10 bytes at a time, each before any time-out of a read."""
    with _broken(cluster.links.department, LinkFault(drip=10)):
        yield


@contextmanager
def _broken(link: Proxy, broken: LinkFault) -> Iterator[None]:
    link.inject(broken)
    try:
        yield
    finally:
        link.heal()
