"""Supervisor of an embedded stack: starts its programs in order, restarts what ends, and stops them in order.

It has to restart workers: kombu's redis transport ends the worker's whole process when Valkey dies under it. The kernel
ends every child when the thread that started it dies (hub.embedded.child_exec), so even a kill -9 of the supervisor
leaves none. Hence one thread, the main one.
"""

import json
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from types import FrameType
from typing import Final
from urllib.parse import urlsplit

from hub.embedded.environment import environment_of
from hub.embedded.ports import LOOPBACK, is_free
from hub.embedded.process import CannotStart, Process, Program
from hub.embedded.stack import Stack

_POLL_EVERY: Final = 0.2
_SAY_AFTER: Final = 5.0
"""seconds of waiting after which the person is told what for"""
WAITING: Final = "waiting for "
"""how a line that says so begins"""
PAUSES: Final = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
"""seconds before a restart, by how often the program has ended in a row"""
STEADY: Final = 60.0
"""seconds that a program must run for its earlier ends to be forgotten"""


class RestartingProcess:
    """A program that is restarted whenever it ends, after growing pauses."""

    def __init__(self, program: Program, say: Callable[[str], None], prepare: Callable[[], None] | None = None) -> None:
        self.program = program
        self._say = say
        self._prepare = prepare
        self._ends = 0
        self._due = 0.0
        self.process: Process | None = None

    def start(self) -> Process:
        """Raises CannotStart."""
        if self._prepare:
            self._prepare()
        self.process = Process(self.program)
        return self.process

    def poll(self) -> None:
        """Restart the program if it has ended and its pause is over."""
        if self.process is not None:
            code = self.process.exit_code()
            if code is None:
                return
            self._ended(self.process, code)
        if time.monotonic() >= self._due:
            try:
                self.start()
            except (CannotStart, OSError) as error:
                self._postpone(str(error))

    def _ended(self, process: Process, code: int) -> None:
        process.kill_leftovers()
        self.process = None
        if time.monotonic() - process.started_at > STEADY:
            self._ends = 0
        self._postpone(f"{self.program.name} ended ({_describe_exit(code)})")

    def _postpone(self, why: str) -> None:
        pause = PAUSES[min(self._ends, len(PAUSES) - 1)]
        self._ends += 1
        self._due = time.monotonic() + pause
        self._say(f"{why}; starting it again in {pause:g} s")


def _describe_exit(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


class StopAsked(Exception):
    """A signal asks the supervisor to stop."""


class Supervisor:
    """Runs one stack. ``say`` gets sentences for a person, ``ready`` is called once everything listens."""

    def __init__(self, stack: Stack, *, sandbox: bool, say: Callable[[str], None]) -> None:
        self._stack = stack
        self._sandbox = sandbox
        self._say = say
        self._asked = False
        self.interrupted = False
        """whether it was Ctrl-C that stopped it"""
        self._stages: list[list[RestartingProcess]] = []
        """in the order of the start; stopped in the reverse one"""

    def run(self, ready: Callable[[], None]) -> None:
        """Until SIGINT, SIGTERM or SIGHUP; the place must be held. Raises CannotStart."""
        with self._signals():
            try:
                self._start()
                self._stack.place.say_ready()
                ready()
                while not self._asked:
                    for process in self._all():
                        process.poll()
                    time.sleep(_POLL_EVERY)
            except StopAsked:
                pass
            finally:
                self._say("stopping")
                for stage in reversed(self._stages):
                    _stop([restarting.process for restarting in stage if restarting.process])

    def _start(self) -> None:
        stack = self._stack
        (postgres,) = self._stage([stack.postgres.program()], stack.postgres.prepare)
        (valkey,) = self._stage([stack.valkey.program()], stack.valkey.prepare)
        sandbox = self._stage([stack.sandbox()], self._free_sandbox_ports) if self._sandbox else []
        self._await(postgres, stack.postgres.answers)
        stack.postgres.make_database()
        self._await(valkey, stack.valkey.answers)
        for process in sandbox:
            self._await(process, self._sandbox_answers)
        partners = stack.partners() if sandbox else {}
        addresses = stack.addresses(partners)
        stack.place.remember(addresses)
        environment = environment_of(stack.place, addresses, stack.secrets)
        self._migrate(stack.migration(environment), postgres)
        (api,) = self._stage([stack.api(environment)])
        self._stage(stack.beat_and_workers(environment))
        (flower,) = self._stage([stack.flower(environment)])
        self._await(api, partial(answers, f"{addresses.api}/health/ready"))
        self._await(flower, partial(answers, addresses.flower))

    def _free_sandbox_ports(self) -> None:
        """Let the sandbox choose anew the ports of the last start that are not free."""
        served = self._stack.served()
        free = {code: url for code, url in served.items() if is_free(urlsplit(url).port or 0)}
        if free != served:
            self._stack.sandbox_ports.write_text(json.dumps(free), encoding="utf-8")

    def _sandbox_answers(self) -> bool:
        partners = self._stack.partners()
        return partners.keys() == self._stack.played and all(map(listens, partners.values()))

    def _migrate(self, program: Program, postgres: Process) -> None:
        process = Process(program)
        try:
            self._await(process, lambda: process.exit_code() == 0, beside=[postgres])
        finally:
            process.stop()

    def _stage(self, programs: Sequence[Program], prepare: Callable[[], None] | None = None) -> list[Process]:
        self._go_on()
        self._stages.append([RestartingProcess(program, self._say, prepare) for program in programs])
        return [restarting.start() for restarting in self._stages[-1]]

    def _await(self, process: Process, ready: Callable[[], bool], *, beside: Sequence[Process] = ()) -> None:
        since, is_said = time.monotonic(), False

        def is_ready() -> bool:
            nonlocal is_said
            if not is_said and time.monotonic() - since > _SAY_AFTER:
                self._say(f"{WAITING}{process.program.name}")
                is_said = True
            return self._go_on() and ready()

        process.wait_until(is_ready, beside=beside)

    def _go_on(self) -> bool:
        if self._asked:
            raise StopAsked
        return True

    def _all(self) -> Iterator[RestartingProcess]:
        for stage in self._stages:
            yield from stage

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def ask(number: int, _frame: FrameType | None) -> None:
            self._asked = True
            self.interrupted = number == signal.SIGINT

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, ask) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def answers(url: str) -> bool:
    """Whether ``url`` is answered with anything but a server error."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or LOOPBACK, parts.port, timeout=2)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status < HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def listens(url: str) -> bool:
    """Whether ``url`` accepts connections."""
    try:
        socket.create_connection((LOOPBACK, urlsplit(url).port or 0), timeout=1).close()
    except OSError:
        return False
    return True


def _stop(processes: Sequence[Process]) -> None:
    for process in processes:
        process.ask_to_stop()
    for process in processes:
        process.end()
