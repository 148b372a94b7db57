"""End to end: from the portal's POST to the department's receipt, against bare calls to the same department."""

import time
from collections.abc import Callable
from itertools import count

import psycopg
import requests

from connectors.departments.soap import encode
from tests.bench import bare_zeep
from tests.bench.load import requests_per_second, submission_requests
from tests.bench.rows import BenchRow, at_least, in_turn
from tests.builders import a_code, a_handoff
from tests.stack import ProcessStack

ROUNDS = 3
WHY = "a dossier is 8 durable commits, a signed record, and three conversations with an attempt and evidence each"
_serials = count(1)


def rows(running: ProcessStack) -> list[BenchRow]:
    running.start()
    return [
        _row(running, "rest-a", "portal to REST department / bare requests", 0.35, 800, _bare_requests(running)),
        _row(running, "soap-a", "portal to SOAP department / bare zeep", 0.5, 300, _bare_zeep(running)),
    ]


def _row(
    running: ProcessStack, department: str, name: str, must: float, many: int, bare: Callable[[], None]
) -> BenchRow:
    baseline, value = in_turn(
        ROUNDS, lambda: _calls_per_second(bare, many), lambda: _acknowledged_per_second(running, department, many)
    )
    return at_least(name, "dossiers/s", baseline, value, must, WHY)


def _calls_per_second(call: Callable[[], None], many: int) -> float:
    started = time.perf_counter()
    for _ in range(many):
        call()
    return many / (time.perf_counter() - started)


def _acknowledged_per_second(running: ProcessStack, department: str, many: int) -> float:
    wires = submission_requests(running.url, many, department)
    with psycopg.connect(running.database_url, autocommit=True) as watching:
        before = _acknowledged(watching)
        started = time.perf_counter()
        requests_per_second(running.url, wires, expect=202)
        while _acknowledged(watching) < before + many:
            time.sleep(0.05)
        elapsed = time.perf_counter() - started
    running.wait_for(running.quiet)
    return many / elapsed


def _acknowledged(watching: psycopg.Connection) -> int:
    """On one connection: the bench's own log-ins would take what it measures."""
    query = "SELECT count(*) FROM handoff WHERE status IN ('acknowledged', 'complete')"
    row = watching.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _fresh_code() -> str:
    number = next(_serials)
    return a_code(number % 9000 + 1, agency=f"000.00.{91 + number // 9000}.H42")


def _bare_requests(running: ProcessStack) -> Callable[[], None]:
    url = running.address("department.rest-b") + "/dossiers"
    session = requests.Session()
    session.trust_env = False
    token = running.environment["HUB_SECRET_TEST_REST_B_TOKEN"]

    def call() -> None:
        handoff = a_handoff("rest-b", dossier_code=_fresh_code())
        headers = {
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": handoff.id,
            "Content-Type": "application/json",
        }
        session.post(url, data=handoff.model_dump_json().encode(), headers=headers, timeout=10).raise_for_status()

    return call


def _bare_zeep(running: ProcessStack) -> Callable[[], None]:
    department = bare_zeep.service(running.address("department.soap-a"), running.folder, running.environment)

    def call() -> None:
        handoff = a_handoff("soap-a", dossier_code=_fresh_code())
        department.SubmitDossier(key=handoff.id, handoff=encode(handoff))

    return call
