"""A steady load, sent on time whatever the answers are: ``python -m tests.bench load --rate 100 --seconds 600``.

It prints what was accepted and refused, how long answers took, the memory of every process and server and the depth of
the queues over time; afterwards the checker of tests/faults compares what the senders were told with the tables and the
department's own file: what was lost, doubled, or done without a 202.
"""

import asyncio
import json
import statistics
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import psutil
import requests
from redis import Redis

from connectors.transport.signatures import sign
from tests.bench.load import bytes_of
from tests.builders import a_code, a_submission
from tests.catalogue_secrets import environment
from tests.faults import checker
from tests.portal_client import KEY_ID
from tests.stack import ProcessStack

SAMPLE_EVERY = 10.0
"""seconds"""
TRIES = 5
"""of one submission whose connection broke: the same key goes again"""
DEPARTMENT = "rest-a"
STRANGERS = "127.0.0.2"
"""address of those who flood; the portal has another"""
_serials = count(1)


@dataclass
class LoadRun:
    """What the sender saw. ``accepted``: submission id → (dossier code, department)."""

    accepted: dict[str, tuple[str, str]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    """by the problem's code"""
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"accepted": [], "refused": []})
    """how long the answers took, by what they were"""
    peaks: dict[str, float] = field(default_factory=dict)
    """process → its largest memory, MiB"""
    flooded: Counter[int] = field(default_factory=Counter)
    """answers to the callbacks of a stranger, by status; 0: the connection was closed"""


class Connections:
    """Kept connections to the API; one is opened when none is free."""

    def __init__(self, url: str, *, source: str = "127.0.0.1") -> None:
        host, port = url.removeprefix("http://").split(":")
        self._source = source, 0
        self._address = host, int(port)
        self._free: deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = deque()

    async def exchange(self, wire: bytes) -> tuple[int, bytes]:
        """The status and body of the answer. Raises OSError, EOFError if the connection breaks."""
        while self._free:
            reader, writer = self._free.popleft()
            if not reader.at_eof():  # the API closes idle connections of an address that has too many
                break
        else:
            reader, writer = await asyncio.open_connection(*self._address, local_addr=self._source)
        try:
            writer.write(wire)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
        except BaseException:
            writer.close()
            raise
        self._free.append((reader, writer))
        return int(head[9:12]), body


def run(running: ProcessStack, *, rate: int, seconds: int, flood: int) -> list[str]:
    """Load the whole hub, print the report, and return what the checker finds wrong."""
    running.start()
    result = LoadRun()
    asyncio.run(_drive(running, result, rate, seconds, flood))
    started = time.monotonic()
    running.wait_for(running.quiet)
    drained = time.monotonic() - started
    _sample(running, result, float(seconds) + drained)
    wrong = checker.findings(running, result.accepted)
    sys.stdout.write(_report(result, rate, seconds, drained, wrong))
    return wrong


async def _drive(running: ProcessStack, result: LoadRun, rate: int, seconds: int, flood: int) -> None:
    connections, started = Connections(running.url), time.monotonic()
    strangers = Connections(running.url, source=STRANGERS)
    sampling = asyncio.create_task(_sample_often(running, result))
    async with asyncio.TaskGroup() as group:
        group.create_task(_at_rate(rate, seconds, lambda: _submit(connections, running.url, result)))
        if flood:
            group.create_task(_at_rate(flood, seconds, lambda: _call_back(strangers, result)))
    sampling.cancel()
    sys.stdout.write(f"sent in {time.monotonic() - started:.0f} s\n")


async def _at_rate(rate: int, seconds: int, send: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Send on time, not when the answer before has come: a slow hub must not slow its own load down."""
    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(rate * seconds):
            await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
            group.create_task(send())


async def _submit(connections: Connections, url: str, result: LoadRun) -> None:
    number = next(_serials)
    # Ordinary dossiers: the serial stays below the sandbox's magic ones, the agency grows instead.
    code = a_code(number % 9000 + 1, agency=f"000.00.{11 + number // 9000}.H42")
    wire = _signed(url, a_submission(DEPARTMENT, dossier_code=code))
    started = time.perf_counter()
    for _ in range(TRIES):
        with suppress(OSError, EOFError):
            status, body = await connections.exchange(wire)
            break
        await asyncio.sleep(0.5)
    else:
        raise AssertionError(f"no answer in {TRIES} tries")
    seconds = time.perf_counter() - started
    if status == requests.codes.accepted:
        result.accepted[json.loads(body)["id"]] = (code, DEPARTMENT)
        result.seconds["accepted"].append(seconds)
    else:
        result.refused[json.loads(body)["code"]] += 1
        result.seconds["refused"].append(seconds)


async def _call_back(connections: Connections, result: LoadRun) -> None:
    """A notification that no bank has signed."""
    head = b"POST /v1/banks/sepay-t/notifications HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    try:
        status, _ = await connections.exchange(head + b"Content-Length: 2\r\n\r\n{}")
    except (OSError, EOFError):
        status = 0
    result.flooded[status] += 1


def _signed(url: str, submission: dict[str, Any]) -> bytes:
    headers = {"Content-Type": "application/json", "Idempotency-Key": submission["reference"]}
    body = json.dumps(submission, ensure_ascii=False).encode()
    request = requests.Request("POST", f"{url}/v1/submissions", headers=headers, data=body).prepare()
    sign(request, KEY_ID, environment()["HUB_SECRET_TEST_PORTAL_A"].encode())
    return bytes_of(request)


async def _sample_often(running: ProcessStack, result: LoadRun) -> None:
    started = time.monotonic()
    while True:
        await asyncio.sleep(SAMPLE_EVERY)
        await asyncio.to_thread(_sample, running, result, time.monotonic() - started)


def _sample(running: ProcessStack, result: LoadRun, at: float) -> None:
    memory = {name: _memory(psutil.Process(part.pid)) for name, part in running.parts.items()} | _servers()
    result.peaks = {name: max(mib, result.peaks.get(name, 0.0)) for name, mib in memory.items()}
    [row] = running.rows(
        "SELECT (SELECT count(*) FROM inbox WHERE settled_at IS NULL) AS inbox,"
        " (SELECT count(*) FROM outbox WHERE settled_at IS NULL) AS outbox"
    )
    with Redis.from_url(running.environment["HUB_BROKER_URL"]) as broker:
        wakeups = sum(broker.llen(queue) for queue in broker.scan_iter(_type="list"))
    weights = ", ".join(f"{name} {mib:.0f}" for name, mib in memory.items())
    sys.stdout.write(
        f"{at:5.0f} s: accepted {len(result.accepted)}, refused {result.refused.total()},"
        f" waiting in inbox {row['inbox']}, outbox {row['outbox']}, broker {wakeups}; MiB: {weights}\n"
    )
    sys.stdout.flush()


def _servers() -> dict[str, float]:
    """MiB of PostgreSQL and of the broker, which this process started."""
    servers = {"postgres": "postgres", "valkey-server": "broker"}
    children = psutil.Process().children()
    return {servers[child.name()]: _memory(child) for child in children if child.name() in servers}


def _memory(process: psutil.Process) -> float:
    """MiB of a process and its children; what they share (PostgreSQL's buffers) is counted once (PSS)."""
    return sum(one.memory_full_info().pss for one in (process, *process.children(recursive=True))) / 2**20


def _times(answer: str, seconds: list[float]) -> str:
    percentiles = statistics.quantiles(seconds, n=100)
    p50, p99, longest = (value * 1000 for value in (percentiles[49], percentiles[98], max(seconds)))
    return f"{answer}: p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {longest:.0f} ms"


def _report(result: LoadRun, rate: int, seconds: int, drained: float, wrong: list[str]) -> str:
    lines = [
        f"{rate}/s for {seconds} s: accepted {len(result.accepted)}, refused {dict(result.refused) or 0}",
        *(_times(answer, times) for answer, times in result.seconds.items() if len(times) > 1),
        *([f"callbacks of a stranger, by status: {dict(result.flooded)}"] if result.flooded else []),
        f"drained {drained:.0f} s after the last",
        "largest memory, MiB: " + ", ".join(f"{name} {mib:.0f}" for name, mib in result.peaks.items()),
        f"lost, doubled or done without a 202: {len(wrong)}",
        *wrong[:20],
    ]
    return "\n".join(lines) + "\n"
