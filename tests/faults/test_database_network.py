"""The network between the hub and PostgreSQL is gone: it is noticed in time, and the pool connects anew in time."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest

from hub.db import NOTICED_WITHIN, Database
from tests.faults.proxy import LinkFault, Proxy, port_of, proxy, through

pytestmark = pytest.mark.faults

SLACK = 8.0
"""seconds, for a busy machine"""
BACK_WITHIN = 8.0
"""seconds from the network's return to an answer: one connect's time-out, and one pause of the pool"""


@pytest.fixture
def link(database_url: str) -> Iterator[Proxy]:
    with proxy(port_of(database_url)) as running:
        yield running


def seconds_until_error(database: Database, statement: str) -> float:
    began = time.monotonic()
    with database.connection() as conn, pytest.raises(psycopg.OperationalError):
        conn.execute(statement)
    return time.monotonic() - began


def test_a_network_that_is_gone_is_an_error_in_time_and_its_return_is_noticed(link: Proxy, database_url: str) -> None:
    database = Database(through(link, database_url), size=2)
    database.open()
    with ThreadPoolExecutor(2) as threads:
        waiting: Future[float] = threads.submit(seconds_until_error, database, "SELECT pg_sleep(60)")
        while not running(database_url):
            time.sleep(0.05)
        with database.connection() as conn:
            conn.execute("SELECT 1")
        link.inject(LinkFault(unplugged=True))
        sending = threads.submit(seconds_until_error, database, "SELECT 1")
        assert sending.result() < NOTICED_WITHIN + SLACK, "what is sent is not acknowledged"
        assert waiting.result() < NOTICED_WITHIN + SLACK, "what was sent is not answered"
    link.heal()
    began = time.monotonic()
    with database.connection(wait=BACK_WITHIN + SLACK) as conn:
        assert conn.execute("SELECT 1").fetchone() is not None
    assert time.monotonic() - began < BACK_WITHIN + SLACK
    database.close()


def running(url: str) -> bool:
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'").fetchone()
    return row is not None
