"""Submissions accepted per second, against the same web server that stores one bare validated body."""

import sys

import psycopg
import requests

from hub.embedded.ports import free_port
from hub.embedded.process import Process, Program
from tests.bench.load import bytes_of, drive, submission_requests
from tests.bench.rows import BenchRow, Pairs, at_least, in_turn, ratio_at_most
from tests.builders import a_submission
from tests.portal_client import SigningPortal
from tests.stack import ProcessStack

MANY = 3_000
WHY = "beyond the bare insert: signature, idempotency, audit_log, and the wake-up that the same process publishes"


def rows(running: ProcessStack) -> list[BenchRow]:
    running.start_api()
    with psycopg.connect(running.database_url, autocommit=True) as conn:
        conn.execute("CREATE TABLE bare (id text PRIMARY KEY, body bytea NOT NULL, at timestamptz DEFAULT now())")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    program = Program(
        name="bare",
        command=(sys.executable, "-m", "tests.bench.bare", str(port)),
        log=running.folder / "bare.log",
        environment=running.environment,
    )
    bare = Process(program)
    try:
        bare.wait_until(lambda: running.answers(url + "/health/ready"))
        wire = _bare_wire(url)
        slowest: tuple[list[float], list[float]] = [], []
        pairs = in_turn(
            lambda: _per_second(url, [wire] * MANY, slowest[0]),
            lambda: _per_second(running.url, submission_requests(running.url, MANY, "rest-b"), slowest[1]),
        )
    finally:
        bare.stop()
    p99 = Pairs(tuple(slowest[0]), tuple(slowest[1]))
    return [
        at_least("submission accepted / bare insert", "requests/s", pairs, 0.7, WHY),
        ratio_at_most("submission accepted / bare insert, p99", "ms", p99, 2.0),
    ]


def _per_second(url: str, wires: list[bytes], p99: list[float]) -> float:
    driven = drive(url, wires, expect=202)
    p99.append(driven.p99)
    return driven.per_second


def _bare_wire(url: str) -> bytes:
    body = SigningPortal.body(a_submission())
    return bytes_of(
        requests.Request("POST", url + "/bare", headers={"Content-Type": "application/json"}, data=body).prepare()
    )
