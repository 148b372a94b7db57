"""A client that costs little: prepared requests over kept connections, as fast as the answers come."""

import asyncio
import json
import time
from collections.abc import Sequence
from itertools import count

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


def requests_per_second(url: str, wires: Sequence[bytes], *, expect: int) -> float:
    """Answered requests per second over 16 connections. Raises AssertionError on another status."""
    return len(wires) / asyncio.run(_drive(url, wires, expect))


async def _drive(url: str, wires: Sequence[bytes], expect: int) -> float:
    host, port = url.removeprefix("http://").split("/")[0].split(":")
    ahead = iter(wires)
    started = time.perf_counter()
    await asyncio.gather(*(_connection(host, int(port), ahead, expect) for _ in range(CONNECTIONS)))
    return time.perf_counter() - started


async def _connection(host: str, port: int, ahead: object, expect: int) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    for wire in ahead:  # type: ignore[attr-defined]
        writer.write(wire)
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        assert status == expect, (status, body[:300])
    writer.close()
