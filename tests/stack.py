"""The whole hub as processes of its own: API, workers, beat, sandbox, on a broker of either kind."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg
import requests
from psycopg.rows import dict_row

from config.catalogue import load
from connectors.sandbox.effects import Noticed, Submitted, read_effects
from connectors.sandbox.server import addresses
from hub.embedded.pki import completed
from hub.embedded.ports import free_port
from hub.embedded.process import Process, Program
from hub.embedded.waiting import NothingMoves, wait_for
from tests import faketime
from tests.catalogue_secrets import CATALOGUE, environment
from tests.portal_client import SigningPortal
from tests.preloaded import PreloadedProcess

PACE: Final = {
    "HUB_PAUSES": "[0.3, 0.3, 0.5, 0.5, 1, 1, 1, 1, 2, 2, 2, 2]",
    "HUB_INBOX_PAUSES": "[0.2, 0.3, 0.5, 1, 1, 1, 2, 2, 2, 5, 5, 5, 5, 5]",
    "HUB_LEASE_MARGIN": "1",
    "HUB_INBOX_LEASE": "2",
    "HUB_SWEEP_EVERY": "0.5",
    "HUB_WAKEUP_REPEAT_AFTER": "15",
    "HUB_POLL_EVERY": "0.5",
    "HUB_CUSTODY_EVERY": "0.5",
    "HUB_CHECKPOINT_EVERY": "1",
    "HUB_BREAKER_PAUSE": "0.3",
    "HUB_BREAKER_THRESHOLD": "20",
    "HUB_SANDBOX_PACE": "0.05",
    "HUB_SANDBOX_SLOW_SECONDS": "1.2",
    "HUB_SANDBOX_HANG_SECONDS": "4",
}
"""A hub in a hurry: what takes minutes in service takes a second here. The time-outs are in tests/catalogue."""

NOTHING: Final[Mapping[str, str]] = {}

STILL: Final = 120.0
"""seconds in which nothing was noted, tried or taken: nothing will any more"""

Found = TypeVar("Found")


class ProcessStack:
    """Processes on one database and one broker, in one folder. A part can be killed and started again.

    ``start_process``: Process for processes that weigh what they do in service; the default has them forked.
    """

    def __init__(
        self,
        folder: Path,
        database_url: str,
        broker_url: str,
        changes: Mapping[str, str],
        start_process: type[Process] = PreloadedProcess,
    ) -> None:
        self._start_process = start_process
        self.folder = folder
        self.database_url = database_url
        self.port = free_port()
        self.environment = {
            **PACE,
            **environment(),
            **completed(
                folder / "pki", load(CATALOGUE, environment()), "a passphrase for keys in tests only"
            ).environment(),
            "HUB_DATABASE_URL": database_url,
            "HUB_BROKER_URL": broker_url,
            "HUB_CATALOGUE": str(CATALOGUE),
            "HUB_CURSOR_KEY": "a key for cursors in tests only",
            "HUB_PUBLIC_URL": self.url,
            "HUB_WEBHOOK_NETWORKS": '["127.0.0.0/8"]',
            **changes,
        }
        self.parts: dict[str, Process] = {}
        self.portal = SigningPortal(self.url)
        self._reader: psycopg.Connection[dict[str, Any]] | None = None

    def close(self) -> None:
        """Stop every part."""
        self.portal.close()
        if self._reader is not None:
            self._reader.close()
        for part in self.parts.values():
            part.ask_to_stop()
        for part in self.parts.values():
            part.end()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def _ports(self) -> Path:
        return self.folder / "sandbox.json"

    @property
    def effects(self) -> Path:
        return self.folder / "effects"

    def start(self) -> None:
        """Everything, ready to be spoken to."""
        self.start_sandbox()
        self.start_api()
        self.start_worker()
        self.start_beat()

    def start_sandbox(self) -> None:
        self._run(
            "sandbox",
            "-m", "connectors.sandbox", "--catalogue", self.environment["HUB_CATALOGUE"], "--data", str(self.effects),
            "--hub", self.url, "--ports", str(self._ports),
        )  # fmt: skip
        self.parts["sandbox"].wait_until(self._sandbox_answers)

    def start_api(self, changes: Mapping[str, str] = NOTHING, *, without: str | None = None) -> None:
        self._run("api", *_entry(without), "api", "--port", str(self.port), changes=changes)
        self.parts["api"].wait_until(lambda: self.answers(self.url + "/health/ready"))

    def start_worker(
        self, name: str = "worker", changes: Mapping[str, str] = NOTHING, *, without: str | None = None
    ) -> None:
        self._run(name, *_entry(without), "worker", "--name", name, changes=changes)

    def start_beat(self) -> None:
        self._run("beat", "-m", "hub.cli", "beat", "--schedule", str(self.folder / "beat"))

    def kill(self, name: str) -> None:
        """SIGKILL: no goodbye."""
        os.killpg(self.parts[name].pid, 9)
        self.parts.pop(name).end()

    def stop(self, name: str) -> None:
        """SIGTERM, and as long as it needs."""
        self.parts.pop(name).stop()

    def has_died(self, name: str) -> bool:
        return self.parts[name].exit_code() is not None

    def _run(self, part: str, *arguments: str, changes: Mapping[str, str] = NOTHING) -> None:
        partners = {"HUB_PARTNER_URLS": _json(addresses(self._ports))} if self._ports.exists() else {}
        # What is loaded before all other libraries needs a program that begins.
        start_process = Process if faketime.PRELOAD in changes else self._start_process
        self.parts[part] = start_process(
            Program(
                name=part,
                command=(sys.executable, *arguments),
                log=self.folder / f"{part}.log",
                environment={**self.environment, **partners, **changes},
            )
        )

    def _sandbox_answers(self) -> bool:
        return self._ports.exists() and all(self.answers(self.control(code, "/")) for code in addresses(self._ports))

    @staticmethod
    def answers(url: str) -> bool:
        try:
            return requests.get(url, timeout=2).ok
        except requests.RequestException:
            return False

    def control(self, counterparty: str, path: str = "") -> str:
        """The control API of a sandbox counterparty."""
        return "/".join(self.address(counterparty).split("/")[:3]) + "/_sandbox" + path

    @property
    def partner_urls(self) -> dict[str, str]:
        """Counterparty → where the sandbox plays it; nothing before the sandbox has run."""
        return addresses(self._ports)

    def address(self, counterparty: str) -> str:
        """Where the sandbox plays this counterparty."""
        return self.partner_urls[counterparty]

    def turn(self, counterparty: str, **settings: Any) -> None:
        """Make a sandbox counterparty behave otherwise, from now on."""
        requests.patch(self.control(counterparty, "/"), json=settings, timeout=5).raise_for_status()

    def submitted(self, department: str) -> list[Submitted]:
        """What the department's own file says that it has taken."""
        return [one for one in read_effects(self.effects, f"department.{department}") if isinstance(one, Submitted)]

    def noticed(self, endpoint: str = "cong-dvc") -> list[Noticed]:
        """What the portal's own file says that it was told."""
        return [one for one in read_effects(self.effects, f"portal.{endpoint}") if isinstance(one, Noticed)]

    def rows(self, query: Any, *parameters: Any) -> list[dict[str, Any]]:
        # One connection for all of a test's polls: a new one costs as much as ten queries.
        if self._reader is None or self._reader.closed:
            self._reader = psycopg.connect(self.database_url, row_factory=dict_row, autocommit=True)
        return self._reader.execute(query, parameters).fetchall()

    def wait_for(self, what: Callable[[], Found], *, unless: Callable[[], Any] = lambda: "") -> Found:
        """What ``what`` gives as soon as it is true; as long as something moves, however busy the machine is.

        Raises AssertionError when nothing does, with what ``unless`` then says and the open rows.
        """
        try:
            return wait_for("this", what, moves=self.moved, still=STILL)
        except NothingMoves as error:
            raise AssertionError(f"{error}: {unless()} {self.open_ends()}") from None

    def moved(self) -> Any:
        """Another value whenever something was noted, tried or taken."""
        return self.rows(
            "SELECT (SELECT count(*) FROM audit_log) AS noted, (SELECT sum(attempts) FROM inbox) AS handled,"
            " (SELECT count(*) FROM attempt) AS tried, (SELECT count(*) FROM outbox) AS put",
        ), [name for name, part in self.parts.items() if part.exit_code() is not None]

    def open_ends(self) -> dict[str, Any]:
        """What has not ended: for the message of a test that waited in vain."""
        return {
            "inbox": self.rows(
                "SELECT id, kind, state, backoff_attempts, error_code FROM inbox WHERE settled_at IS NULL LIMIT 5"
            ),
            "outbox": self.rows(
                "SELECT id, counterparty, state, backoff_attempts, error_code, error_detail, wakeup_sent_at, due_at,"
                " waiting_for_capacity"
                " FROM outbox WHERE settled_at IS NULL LIMIT 5"
            ),
            "dead parts": [name for name, part in self.parts.items() if part.exit_code() is not None],
        }

    def quiet(self) -> bool:
        """Whether nothing is under way: all that came in is handled, all that goes out is settled."""
        [row] = self.rows(
            "SELECT (SELECT count(*) FROM inbox WHERE state IN ('received', 'waiting'))"
            " + (SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending', 'retrying', 'unknown')) AS n"
        )
        return bool(row["n"] == 0)

    def over(self) -> bool:
        """Quiet for good: every dossier has been returned, so that no department has anything more to report."""
        [row] = self.rows("SELECT count(*) AS n FROM dossier WHERE status <> 'returned'")
        return row["n"] == 0 and self.quiet()


def _entry(without: str | None) -> list[str]:
    """The command line as everybody starts it, or with one rule of the hub broken (tests/faults/without.py)."""
    return ["-m", "hub.cli"] if without is None else ["-m", "tests.faults.without", without]


def _json(mapping: Mapping[str, str]) -> str:
    return json.dumps(dict(mapping))


@contextmanager
def stack(
    folder: Path, database_url: str, broker_url: str, start_process: type[Process] = PreloadedProcess, **changes: str
) -> Iterator[ProcessStack]:
    """A stack whose parts the caller starts; all of them are stopped at the end."""
    processes = ProcessStack(folder, database_url, broker_url, changes, start_process)
    try:
        yield processes
    finally:
        processes.close()
