"""A TCP proxy on the loopback that does to a connection what networks do: delay, drip, cut, reset, silence.

It stands between the hub and its broker, its database or a counterparty. What it does can be changed at any time, also
to the connections that are open, which is how pooled ones meet a fault.
"""

import asyncio
import asyncio.trsock
import ctypes
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from hub.embedded.ports import LOOPBACK, free_port

_CHUNK: Final = 65_536
_DRIP_PAUSE: Final = 0.05
"""seconds between two drops"""
_ATTACH_FILTER: Final = 26
_DETACH_FILTER: Final = 27
_PROGRAM: Final = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
"""a socket filter of one instruction: of every packet that comes, take 0 bytes"""
_DROP_ALL: Final = struct.pack("HP", 1, ctypes.addressof(_PROGRAM))
_RESET_AT_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: close sends RST, and not what is unsent"""


@dataclass(frozen=True, slots=True)
class LinkFault:
    """What happens to connections; the default is nothing. Bytes are counted for each connection."""

    delay: float = 0.0
    """seconds before each chunk is passed on, in either direction"""
    drip: int | None = None
    """bytes of the answer that pass every 50 ms"""
    cut_request_after: int | None = None
    """bytes of the client's that the server gets; then both see a reset"""
    cut_answer_after: int | None = None
    """bytes of the server's that the client gets; then both see a reset: 0 drops the answer to what has arrived"""
    silent: bool = False
    """connections are accepted and stay open, nothing passes: a server that stands still"""
    unplugged: bool = False
    """no packet of a client's arrives, so that nothing is acknowledged: the network is gone (half-open)"""
    reset: bool = False
    """whoever connects, or sends something, sees a reset"""

    @property
    def is_silent(self) -> bool:
        return self.silent or self.unplugged


HEALTHY: Final = LinkFault()


class Proxy:
    """Listens on ``port`` and passes everything on to ``target``, the port of a server on the loopback."""

    def __init__(self, target: int) -> None:
        self.target = target
        """may be changed: connections from then on go to the new one"""
        self.port = free_port()
        self._fault = HEALTHY
        self._speaking = asyncio.Event()
        self._speaking.set()
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)

    def start(self) -> None:
        """Returns when it listens."""
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, LOOPBACK, self.port))
        self._thread.start()

    def stop(self) -> None:
        """Reset what is open, and stop listening."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def inject(self, fault: LinkFault) -> None:
        """From now on, ``fault`` happens to every connection, open or new."""
        self._fault = fault
        self._loop.call_soon_threadsafe(self._speaking.clear if fault.is_silent else self._speaking.set)
        if fault.unplugged:
            self._call(self._unplug)
        if fault.reset:
            self.cut()

    def heal(self) -> None:
        """Nothing happens any more. Connections that were silent are reset: what was sent into them is lost."""
        broken, self._fault = self._fault, HEALTHY
        if broken.unplugged:
            self._call(self._plug_in)
        if broken.is_silent:
            self.cut()
        self._loop.call_soon_threadsafe(self._speaking.set)

    def cut(self) -> None:
        """Reset every open connection."""
        self._call(self._cut)

    def _call(self, method: Callable[[], None]) -> None:
        """In the proxy's own thread; returns when it is done."""

        async def run() -> None:
            method()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _close(self) -> None:
        self._server.close()
        self._cut()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _cut(self) -> None:
        for link in list(self._links):
            link.reset()

    def _unplug(self) -> None:
        for sock in self._client_sockets():
            sock.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, _DROP_ALL)

    def _plug_in(self) -> None:
        for sock in self._client_sockets():
            with suppress(OSError):  # one that came meanwhile has none
                sock.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)

    def _client_sockets(self) -> list[asyncio.trsock.TransportSocket]:
        """The listening one first, and one of each client."""
        links = [link.client.get_extra_info("socket") for link in self._links if not link.is_closed]
        return [*self._server.sockets, *links]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(writer)
        self._links.add(link)
        if self._fault.unplugged:  # it was connected, and not yet here, when that happened to the others
            self._unplug()
        try:
            await self._join(link, reader)
            link.close()
        except (OSError, asyncio.CancelledError):
            # One side has gone, and the other learns it; or the proxy stops (asyncio logs a task that ends cancelled).
            link.reset()
        finally:
            self._links.discard(link)

    async def _join(self, link: "_Link", reader: asyncio.StreamReader) -> None:
        await self._speaking.wait()
        if self._fault.reset or link.is_closed:
            link.reset()
            return
        answers, link.server = await asyncio.open_connection(LOOPBACK, self.target)
        passing = [
            asyncio.ensure_future(self._pass_request(link, reader, link.server)),
            asyncio.ensure_future(self._pass_answer(link, answers, link.client)),
        ]
        try:
            # A side that has said its last word may still listen; an error or a cut ends both.
            await asyncio.gather(*passing)
        finally:
            for task in passing:
                task.cancel()

    async def _pass_request(self, link: "_Link", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        while chunk := await reader.read(_CHUNK):
            await self._wait_out(link)
            limit = self._fault.cut_request_after
            if limit is not None and passed + len(chunk) > limit:
                await _send(writer, chunk[: limit - passed])
                link.reset()
                return
            passed += len(chunk)
            await _send(writer, chunk)
        writer.write_eof()

    async def _pass_answer(self, link: "_Link", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        while chunk := await reader.read(_CHUNK):
            await self._wait_out(link)
            limit = self._fault.cut_answer_after
            if limit is not None and passed + len(chunk) > limit:
                await _send(writer, chunk[: max(0, limit - passed)])
                link.reset()
                return
            passed += len(chunk)
            while (drip := self._fault.drip) is not None and chunk:
                await _send(writer, chunk[:drip])
                chunk = chunk[drip:]
                await asyncio.sleep(_DRIP_PAUSE)
            await _send(writer, chunk)
        writer.write_eof()

    async def _wait_out(self, link: "_Link") -> None:
        """Wait for as long as the fault delays this chunk. Raises ConnectionResetError if that is for ever."""
        await asyncio.sleep(self._fault.delay)
        await self._speaking.wait()
        if link.is_closed:
            raise ConnectionResetError


class _Link:
    """One connection of a client, and ours to the server once there is one."""

    def __init__(self, client: asyncio.StreamWriter) -> None:
        self.client = client
        self.server: asyncio.StreamWriter | None = None

    @property
    def is_closed(self) -> bool:
        return self.client.is_closing()

    def close(self) -> None:
        """Both sides have said their last word, and get what is on its way."""
        for writer in (self.client, self.server):
            if writer is not None:
                writer.close()

    def reset(self) -> None:
        """Both sides see a reset."""
        for writer in (self.client, self.server):
            if writer is not None and not writer.is_closing():
                with suppress(OSError):
                    sock: socket.socket = writer.get_extra_info("socket")
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
                writer.transport.abort()


async def _send(writer: asyncio.StreamWriter, chunk: bytes) -> None:
    writer.write(chunk)
    await writer.drain()


@contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """A running one in front of ``target``; stopped at the end."""
    running = Proxy(target)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def through(proxy: Proxy, url: str) -> str:
    """``url`` with the proxy's port instead of its own."""
    parts = urlsplit(url)
    account, _, _ = parts.netloc.rpartition("@")
    return parts._replace(
        netloc=f"{account}@{LOOPBACK}:{proxy.port}" if account else f"{LOOPBACK}:{proxy.port}"
    ).geturl()


def port_of(url: str) -> int:
    """The port that a URL names."""
    port = urlsplit(url).port
    assert port is not None, url
    return port
