"""The server of hub.untrusted with readers that do what a file could make ours do. Run by test_reading."""

import ctypes
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hub.untrusted import client, readers, server


def reads(_: Any, raw: bytes) -> Iterator[bytes]:
    yield str(len(raw)).encode()


def aborts(_: Any, raw: bytes) -> Iterator[bytes]:
    yield b"1"
    os.abort()


def takes_memory(_: Any, raw: bytes) -> Iterator[bytes]:
    yield bytes(2 * client.memory_limit(len(raw)))[:1]


def takes_memory_in_c(_: Any, raw: bytes) -> Iterator[bytes]:
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    if libc.malloc(ctypes.c_size_t(2 * client.memory_limit(len(raw)))) is None:
        os.abort()
    yield b""


def takes_time(_: Any, raw: bytes) -> Iterator[bytes]:
    while True:
        yield from ()


def sleeps(_: Any, raw: bytes) -> Iterator[bytes]:
    time.sleep(3600)
    yield b""


def leaves(_: Any, raw: bytes) -> Iterator[bytes]:
    os._exit(7)
    yield b""


def fails(_: Any, raw: bytes) -> Iterator[bytes]:
    yield dict[str, bytes]()["a name of somebody"]


def says_too_much(_: Any, raw: bytes) -> Iterator[bytes]:
    while True:
        yield b"x" * 1000


def is_killed(_: Any, raw: bytes) -> Iterator[bytes]:
    os.kill(os.getpid(), signal.SIGKILL)
    yield b""


def is_killed_once(how: Any, raw: bytes) -> Iterator[bytes]:
    if not Path(how).is_dir():
        Path(how).mkdir()
        os.kill(os.getpid(), signal.SIGKILL)
    yield b"read"


def looks_around(_: Any, raw: bytes) -> Iterator[bytes]:
    yield str([name for name in os.environ if "HUB" in name]).encode()


def writes(_: Any, raw: bytes) -> Iterator[bytes]:
    with Path("/tmp/lienthong-written").open("wb", buffering=0) as file:
        file.write(b"x")
    yield b""


def cannot_limit_itself(_: Any, raw: bytes) -> Iterator[bytes]:
    os._exit(client.UNLIMITED)
    yield b""


client.SECONDS, client.SLOWER = 1, 2  # type: ignore[misc]
readers.READERS.update(  # type: ignore[attr-defined]
    {
        name.replace("_", " "): reader
        for name, reader in list(globals().items())
        if callable(reader) and getattr(reader, "__module__", "") == "__main__"
    }
)

if __name__ == "__main__":
    server.serve(socket.socket(fileno=int(sys.argv[1])))
