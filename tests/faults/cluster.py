"""A whole hub whose parts can be broken one by one: API, two workers, beat, sandbox, PostgreSQL, broker."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from typing import Final

import psycopg
from redis import Redis
from redis.exceptions import RedisError

from config.catalogue import load
from connectors.sandbox.server import addresses
from hub.crashpoints import Point
from hub.embedded.ports import free_port
from hub.embedded.postgres import Postgres
from hub.embedded.process import CannotStart, Process
from hub.embedded.valkey import Valkey
from hub.migrations.run import upgrade
from tests import faketime
from tests.catalogue_secrets import CATALOGUE, environment
from tests.faults.plan import DEPARTMENT_WEIGHTS, REPORTING, SILENT_PACE
from tests.faults.proxy import Proxy, port_of, proxy, through
from tests.rabbitmq import RabbitMQ
from tests.stack import ProcessStack

WORKERS: Final = ("worker-1", "worker-2")
LINKED_WORKER: Final = "worker-1"
"""the worker behind a network that faults can break; the others reach everything directly"""
LINKED_DEPARTMENT: Final = "department.rest-a"
IN_THE_API: Final = (Point.ACCEPT_BEFORE_COMMIT, Point.ACCEPT_AFTER_COMMIT, Point.WAKEUP_BEFORE_MARK)
IN_A_WORKER: Final = tuple(point for point in Point if point not in IN_THE_API)
_RESTARTED_WITHIN: Final = 30.0
"""seconds that a server killed with its children is given to let go of what it shares with them"""
_PAUSE: Final = 0.1


class PostgresServer:
    """A PostgreSQL of this run's own: stopped in every way that a server can stop, started again on the same data."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """``durable`` False: no fsync; what is killed loses nothing all the same, because the kernel lives on."""
        self.server = Postgres(folder, free_port(), folder / "postgres.log")
        self._durable = durable
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return self.server.url

    def start(self) -> None:
        """Returns when it answers. Raises CannotStart."""
        deadline = time.monotonic() + _RESTARTED_WITHIN
        while True:
            self.server.prepare()
            self._process = Process(self.server.program())
            try:
                self._process.wait_until(self.server.answers)
            except CannotStart:
                # The children of a killed postmaster hold its shared memory until they notice.
                self._process.end()
                if time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE)
            else:
                break
        self.server.make_database()
        if not self._durable:
            with psycopg.connect(self.url, autocommit=True) as admin:
                admin.execute("ALTER SYSTEM SET fsync = off")
                admin.execute("SELECT pg_reload_conf()")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: "fast", SIGQUIT: "immediate" (it recovers at its start), SIGKILL: the postmaster dies."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, how)
            self._process.end()
            self._process = None

    def backends(self, query_like: str = "%") -> list[int]:
        """Process ids of the hub's sessions whose latest statement is like this one, those at work first."""
        with psycopg.connect(self.url, autocommit=True) as admin:
            rows = admin.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend' AND query ILIKE %s ORDER BY state = 'active' DESC, pid",
                (query_like,),
            ).fetchall()
        return [int(row[0]) for row in rows]


class ValkeyServer:
    """The embedded broker, with the same handles as ``tests.rabbitmq.RabbitMQ``."""

    def __init__(self, folder: Path) -> None:
        self.server = Valkey(folder, free_port(), folder / "valkey.log")
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return self.server.url

    def start(self) -> None:
        self.server.prepare()
        self._process = Process(self.server.program())
        self._process.wait_until(self._is_loaded)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """SIGKILL; what its append-only file has not written is lost."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
            self._process.end()
            self._process = None

    def freeze(self) -> None:
        """SIGSTOP: connections stand and nobody answers. ``thaw`` ends it."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def client(self) -> Redis:
        return Redis.from_url(self.url, socket_timeout=5)

    def _is_loaded(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except RedisError:
            return False


@dataclass(frozen=True, slots=True)
class Links:
    """The network of LINKED_WORKER: to PostgreSQL, to the broker, to LINKED_DEPARTMENT."""

    database: Proxy
    broker: Proxy
    department: Proxy


class Cluster:
    """Everything that runs. Start and heal from one thread: processes end with the thread that started them."""

    def __init__(
        self, stack: ProcessStack, postgres: PostgresServer, broker: ValkeyServer | RabbitMQ, links: Links
    ) -> None:
        self.stack = stack
        self.links = links
        self.postgres = postgres
        self.broker = broker
        self.workers: tuple[str, ...] = WORKERS
        self.departments = tuple(DEPARTMENT_WEIGHTS)
        self.catalogue = load(CATALOGUE, environment())
        self._tokens = count(1)
        self.armed: dict[str, tuple[Point, Path]] = {}
        """process → the crash point that it is armed for, and the token that makes it die there"""

    @property
    def broker_kind(self) -> str:
        return "rabbitmq" if isinstance(self.broker, RabbitMQ) else "valkey"

    def start(self, random: Random) -> None:
        """Sandbox first, since the others read its addresses."""
        self.start_sandbox()
        self.start_api(random)
        for name in self.workers:
            self.start_worker(name, random)
        self.stack.start_beat()

    def start_sandbox(self) -> None:
        """The partners, at the pace of the plan: a sandbox that starts again has forgotten what was turned."""
        self.stack.start_sandbox()
        for department in self.departments:
            self.stack.turn(f"department.{department}", pace=REPORTING.get(department, SILENT_PACE))

    def start_api(self, random: Random) -> None:
        """The API, armed for a crash point, which costs nothing until ``crash`` lays its token."""
        self.stack.start_api(self._arm("api", random.choice(IN_THE_API)))

    def start_worker(self, name: str, random: Random, clock: str | None = None) -> None:
        """A worker, armed for a crash point likewise. ``clock``: how far its clock is off (tests.faketime)."""
        network = self._network() if name == LINKED_WORKER else {}
        off = faketime.environment(clock) if clock else {}
        self.stack.start_worker(name, {**self._arm(name, random.choice(IN_A_WORKER)), **network, **off})

    def start_again(self, name: str, random: Random) -> None:
        """Start a process of this name in place of one that has died or was killed."""
        if (dead := self.stack.parts.pop(name, None)) is not None:
            dead.end()
        if name == "api":
            self.start_api(random)
        elif name == "beat":
            self.stack.start_beat()
        elif name == "sandbox":
            self.start_sandbox()
        else:
            self.start_worker(name, random)

    def crash(self, name: str, *, within: float = 15.0) -> Point | None:
        """Let the process die at the point that it is armed for; None if it did not come past it in time."""
        point, token = self.armed[name]
        token.touch()
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if self.stack.has_died(name):
                return point
            time.sleep(_PAUSE)
        token.unlink(missing_ok=True)
        return None

    def signal(self, name: str, number: signal.Signals) -> None:
        """To the process and whatever it has started."""
        os.killpg(self.stack.parts[name].pid, number)

    def _network(self) -> dict[str, str]:
        """What sends a process over the links."""
        partners = addresses(self.stack.folder / "sandbox.json")
        self.links.department.target = port_of(partners[LINKED_DEPARTMENT])
        partners[LINKED_DEPARTMENT] = through(self.links.department, partners[LINKED_DEPARTMENT])
        return {
            "HUB_DATABASE_URL": through(self.links.database, self.postgres.url),
            "HUB_BROKER_URL": through(self.links.broker, self.broker.url),
            "HUB_PARTNER_URLS": json.dumps(partners),
        }

    def _arm(self, name: str, point: Point) -> dict[str, str]:
        token = self.stack.folder / f"crash-{next(self._tokens)}"
        self.armed[name] = (point, token)
        return {"HUB_CRASH_AT": point.value, "HUB_CRASH_TOKEN": str(token)}


@contextmanager
def cluster(
    folder: Path, server_folder: Path, broker: str, *, durable: bool = True, **changes: str
) -> Iterator[Cluster]:
    """Servers that run, a hub that is not started yet. All of it is stopped at the end.

    ``server_folder`` must be open to the account that PostgreSQL runs under when we are root. ``changes``: of the hub's
    environment.
    """
    postgres = PostgresServer(server_folder / "postgres", durable=durable)
    served: ValkeyServer | RabbitMQ = (
        RabbitMQ(server_folder / "rabbitmq") if broker == "rabbitmq" else ValkeyServer(server_folder / "valkey")
    )
    try:
        postgres.start()
        upgrade(postgres.url)
        served.start()
        stack = ProcessStack(folder, postgres.url, served.url, changes)
        with ExitStack() as network:
            targets = (port_of(postgres.url), port_of(served.url), 0)
            links = Links(*(network.enter_context(proxy(target)) for target in targets))
            network.callback(stack.close)
            yield Cluster(stack, postgres, served, links)
    finally:
        if isinstance(served, RabbitMQ):
            served.end()
        else:
            served.stop()
        postgres.stop()
