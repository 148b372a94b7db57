"""Planted people: their names, numbers and words are in the database and at the counterparties, and nowhere else."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from celery import Celery

from connectors.sandbox.dossier_behaviours import BEHAVIOURS
from tests.builders import a_code, a_submission
from tests.stack import ProcessStack, stack

MARKERS = ("Phạm Thị Giấu Kín", "034190001234", "0912999888", "giau.kin@example.vn", "ngõ Bí Mật", "việc riêng tư")


def a_private_submission(department: str, code: str) -> dict[str, Any]:
    name, number, phone, email, place, summary = MARKERS
    return a_submission(
        department,
        dossier_code=code,
        summary=summary,
        applicant={
            "kind": "citizen",
            "name": name,
            "identity": {"kind": "cccd", "number": number},
            "phone": phone,
            "email": email,
            "address": {"province": "Ninh Bình", "commune": "Phường Mẫu", "detail": place},
        },
    )


def forms(marker: str) -> set[bytes]:
    """As it would look in a log, in JSON, in a Python repr."""
    return {marker.encode(), json.dumps(marker)[1:-1].encode(), ascii(marker)[1:-1].encode(), marker.upper().encode()}


class Listener(Thread):
    """Hears every event of the workers, as Flower does."""

    def __init__(self, broker_url: str) -> None:
        super().__init__(daemon=True)
        self.app = Celery(broker=broker_url, set_as_current=False)
        self.heard: list[dict[str, Any]] = []
        self.ready = Event()
        self.enough = Event()

    def run(self) -> None:
        with self.app.connection() as connection:
            receiver = self.app.events.Receiver(connection, handlers={"*": self.heard.append})
            self.ready.set()
            while not self.enough.is_set():
                # A worker that starts later is silent until it is asked.
                self.app.control.enable_events(connection=connection)
                with suppress(TimeoutError):
                    receiver.capture(limit=20, timeout=0.5, wakeup=False)


@pytest.fixture
def running(tmp_path: Path, database_url: str, valkey_url: str) -> Iterator[ProcessStack]:
    with stack(tmp_path, database_url, valkey_url, HUB_LOG_LEVEL="DEBUG") as processes:
        processes.start()
        yield processes


def test_planted_people_are_found_in_no_log_queue_event_or_evidence(
    running: ProcessStack, tmp_path: Path, valkey_url: str
) -> None:
    listener = Listener(valkey_url)
    listener.start()
    listener.ready.wait(10)
    for department, agency in {"rest-a": "000.00.71.H42", "soap-a": "000.00.72.H42"}.items():
        for behaviour in BEHAVIOURS:
            code = a_code(int(behaviour.suffix), agency=agency)
            assert running.portal.submit(a_private_submission(department, code)).status_code == 202
    running.portal.submit(a_private_submission("rest-a", "not a code") | {"papers": []})
    running.wait_for(running.quiet)
    listener.enough.set()
    listener.join(10)

    assert len(listener.heard) > 100
    leaked = [marker for marker in MARKERS if any(form in repr(listener.heard).encode() for form in forms(marker))]
    assert leaked == [], "in the workers' events"
    assert leaks(tmp_path) == []
    evidence = json.dumps(running.rows("SELECT record FROM exchange"), ensure_ascii=False)
    assert len(evidence) > 10_000
    assert [marker for marker in MARKERS if marker in evidence] == [], "in the evidence"
    audit_log = json.dumps(running.rows("SELECT * FROM audit_log"), ensure_ascii=False, default=str)
    assert [marker for marker in MARKERS if marker in audit_log] == [], "in the audit log"


def leaks(folder: Path) -> list[str]:
    """Files of the run that hold a planted text: logs, the broker's append-only file, beat's memory."""
    sought = {marker: forms(marker) for marker in MARKERS}
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name.endswith(".log") for path in files)
    assert any("appendonly" in path.name for path in files)
    return [
        f"{path.relative_to(folder)}: {marker}"
        for path in files
        for marker, looks in sought.items()
        if any(look in path.read_bytes() for look in looks)
    ]
