"""A client that costs little: prepared requests over kept connections, as fast as the answers come."""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from statistics import quantiles

import requests

from connectors.transport.signatures import sign
from tests.builders import a_code, a_submission
from tests.catalogue_secrets import environment
from tests.portal_client import KEY_ID

CONNECTIONS = 16


_serials = count(1)


def fresh_code() -> str:
    """A dossier code of the portal's own. The sandbox acts by serials above 9000, so the agency grows instead."""
    number = next(_serials)
    return a_code(number % 9000 + 1, agency=f"000.00.{11 + number // 9000}.H42")


def submission_requests(url: str, many: int, department: str, *, coded: bool = False) -> list[bytes]:
    """Signed submissions as bytes on the wire. ``coded``: with codes of the portal's, as more than 9000 need them."""
    secret = environment()["HUB_SECRET_TEST_PORTAL_A"].encode()
    return [_wire(url, secret, department, coded) for _ in range(many)]


def _wire(url: str, secret: bytes, department: str, coded: bool) -> bytes:
    submission = a_submission(department, dossier_code=fresh_code()) if coded else a_submission(department)
    request = requests.Request(
        "POST",
        f"{url}/v1/submissions",
        headers={"Content-Type": "application/json", "Idempotency-Key": submission["reference"]},
        data=json.dumps(submission, ensure_ascii=False).encode(),
    ).prepare()
    sign(request, KEY_ID, secret)
    return bytes_of(request)


def bytes_of(request: requests.PreparedRequest) -> bytes:
    """A prepared request as it goes over the wire."""
    assert isinstance(request.body, bytes)
    host = request.url.split("/")[2] if request.url else ""
    lines = [f"{request.method} {request.path_url} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + request.body


@dataclass(frozen=True, slots=True)
class Driven:
    """How fast requests were answered."""

    per_second: float
    p99: float
    """milliseconds from a request to its answer, of 99 in 100"""


def requests_per_second(url: str, wires: Sequence[bytes], *, expect: int) -> float:
    """Answered requests per second over 16 connections. Raises AssertionError on another status."""
    return drive(url, wires, expect=expect).per_second


def drive(url: str, wires: Sequence[bytes], *, expect: int) -> Driven:
    """Send the requests over 16 connections, each as soon as the one before is answered. Raises AssertionError."""
    started = time.perf_counter()
    seconds = asyncio.run(_drive(url, wires, expect))
    return Driven(len(wires) / (time.perf_counter() - started), 1000 * quantiles(seconds, n=100)[98])


async def _drive(url: str, wires: Sequence[bytes], expect: int) -> list[float]:
    host, port = url.removeprefix("http://").split("/")[0].split(":")
    ahead, seconds = iter(wires), list[float]()
    await asyncio.gather(*(_connection(host, int(port), ahead, expect, seconds) for _ in range(CONNECTIONS)))
    return seconds


async def _connection(host: str, port: int, ahead: Iterator[bytes], expect: int, seconds: list[float]) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    for wire in ahead:
        started = time.perf_counter()
        writer.write(wire)
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        assert status == expect, (status, body[:300])
        seconds.append(time.perf_counter() - started)
    writer.close()
