"""Submissions accepted per second, against the same web server that stores one bare validated body."""

import sys

import psycopg
import requests

from hub.embedded.ports import free_port
from hub.embedded.process import Process, Program
from tests.bench.load import bytes_of, requests_per_second, submission_requests
from tests.bench.rows import BenchRow, at_least, in_turn
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
        pairs = in_turn(
            lambda: requests_per_second(url, [wire] * MANY, expect=202),
            lambda: requests_per_second(running.url, submission_requests(running.url, MANY, "rest-b"), expect=202),
        )
    finally:
        bare.stop()
    return [at_least("submission accepted / bare insert", "requests/s", pairs, 0.7, WHY)]


def _bare_wire(url: str) -> bytes:
    body = SigningPortal.body(a_submission())
    return bytes_of(
        requests.Request("POST", url + "/bare", headers={"Content-Type": "application/json"}, data=body).prepare()
    )
