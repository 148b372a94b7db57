"""A sandbox that runs in a thread of the test, on ports of its own, and what the test says to it."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from config.catalogue import Catalogue, load
from connectors.ports import DepartmentPort
from connectors.registry import department_port
from connectors.sandbox.counterparties import Sandbox
from connectors.sandbox.effects import Noticed, Submitted, read_effects
from connectors.sandbox.runtime_settings import SandboxSettings
from connectors.sandbox.server import addresses, serve
from schemas.department import Handoff
from tests.builders import PROCEDURES, a_code, a_submission
from tests.catalogue_secrets import CATALOGUE, environment

NOWHERE = "http://127.0.0.1:1"
"""A hub that nobody answers for."""
PATIENCE = 120.0
"""seconds that a test waits for what has to happen"""

DEPARTMENTS = ["rest-a", "soap-a", "soap-b"]
"""one of each dialect and of each way of proving who speaks"""


@dataclass(frozen=True)
class Running:
    """The sandbox's addresses and its effect files."""

    data: Path
    urls: dict[str, str]

    def effects(self, counterparty: str) -> list[Submitted]:
        return [effect for effect in read_effects(self.data, counterparty) if isinstance(effect, Submitted)]

    def notices(self, counterparty: str) -> list[Noticed]:
        return [effect for effect in read_effects(self.data, counterparty) if isinstance(effect, Noticed)]

    def turn(self, counterparty: str, **settings: Any) -> requests.Response:
        return call("PATCH", f"{self.control(counterparty)}/", json=settings)

    def control(self, counterparty: str) -> str:
        return "/".join(self.urls[counterparty].split("/")[:3]) + "/_sandbox"


@contextmanager
def sandbox(
    data: Path, only: Sequence[str] | None = None, *, hub: str = NOWHERE, catalogue: Path = CATALOGUE, **settings: float
) -> Iterator[Running]:
    """The counterparties of a catalogue, served until the block ends. ``settings``: pace and so on, in seconds."""
    paces = SandboxSettings.model_validate({"pace": 0.01, "slow_seconds": 0.3, "hang_seconds": 30, **settings})
    parties = Sandbox(load(catalogue, environment()), data, hub, paces, environment()).parties(only)
    ports = data / "ports.json"
    ports.unlink(missing_ok=True)
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            loop.run_until_complete(serve(parties, ports, stop))
        except BaseException as failure:  # noqa: BLE001 - reported by the test's own thread
            failures.append(failure)
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        until(lambda: failures or addresses(ports))
        yield Running(data, addresses(ports))
    finally:
        if not failures:
            loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)
    assert not failures
    assert not thread.is_alive()


def until(happens: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """What ``happens`` returns once that is true of something; fails when it takes longer than ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (outcome := happens()):
        assert time.monotonic() < deadline, "it has not happened"
        time.sleep(0.005)
    return outcome


def call(method: str, url: str, **arguments: Any) -> requests.Response:
    """One request on a connection of its own."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, timeout=PATIENCE, **arguments)


def a_handoff(serial: int, department: str = "rest-a", **changes: Any) -> Handoff:
    """A handoff of an invented dossier whose code ends in ``serial``."""
    submission = a_submission(department)
    document = {
        "id": f"hd_{serial}",
        "dossier_code": a_code(serial),
        "leg": 1,
        "from_agency": "000.00.01.H42",
        "to_agency": "000.00.21.H42",
        "procedure": PROCEDURES[department],
        "procedure_title": "Thủ tục thử nghiệm",
        "channel": submission["channel"],
        "received_at": submission["submitted_at"],
        "due_at": "2026-12-24T08:15:00+07:00",
        **{name: submission[name] for name in ("applicant", "summary", "papers", "fees", "result")},
        **changes,
    }
    return Handoff.model_validate_json(json.dumps(document))


def port_at(running: Running, catalogue: Catalogue, code: str) -> DepartmentPort:
    """The hub's port of a department of that sandbox."""
    return department_port(catalogue.departments[code], catalogue, running.urls[f"department.{code}"])
