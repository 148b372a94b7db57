"""Have a file from a stranger read: what it says, or Unreadable, also where it has ended its reader.

Costs the start of a process for the first file and a fork for each (decision 0023 has the figures); what is said comes
as lines of JSON. Each of our processes has one file read at a time.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO, Final, TypeVar

import structlog

from hub.errors import HubError
from hub.untrusted import limits
from schemas.statement import StatementCode, UnreadableFile

log = structlog.get_logger(__name__)

Taken = TypeVar("Taken")
COMMAND: Final = (sys.executable, "-P", "-m", "hub.untrusted.server")
"""-P: nothing is loaded from the folder that somebody works in, where files of strangers may lie"""
_ENVIRONMENT: Final = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
"""what the server is given of ours: none of our secrets"""
_OUT_OF_TIME: Final = frozenset({signal.SIGXCPU, signal.SIGALRM})
_FROM_OUTSIDE: Final = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGHUP})
"""what ends a reader that has kept its limits: the system, or whoever stops the machine"""
_STATUS: Final = 4
"""bytes"""


class ReaderLost(HubError):
    """The reader's process went away, and not by its limits."""

    def __init__(self, ended_by: signal.Signals | None = None) -> None:
        self.ended_by = ended_by
        """None: no reader can be started at all"""
        super().__init__("the process that reads files from strangers cannot be started, or was ended")


class _Ended(Exception):
    """The reader has stopped speaking before it was done."""


class _ReaderServer:
    """The process that forks a reader for each file (hub.untrusted.server)."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [*COMMAND, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={name: value for name in _ENVIRONMENT if (value := os.environ.get(name)) is not None},
            )

    def fork(self) -> socket.socket:
        """The channel to a new reader. Raises ReaderLost if the server is gone."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._control, [b"+"], [theirs.fileno()])
            except OSError:
                ours.close()
                raise ReaderLost from None
        return ours

    def status(self) -> int:
        """The exit status of the last reader, as os.waitpid has it. Raises ReaderLost if the server is gone."""
        told = b""
        with suppress(ConnectionError):
            while len(told) < _STATUS and (piece := self._control.recv(_STATUS - len(told))):
                told += piece
        if len(told) < _STATUS:
            raise ReaderLost
        return int.from_bytes(told, "big")

    def close(self) -> None:
        self._control.close()
        if self.owner == os.getpid():
            self._process.wait()


_lock = threading.Lock()
_servers: Final[list[_ReaderServer]] = []
"""the one that runs, if there is one"""


@atexit.register
def _close() -> None:
    while _servers:
        _servers.pop().close()


def _server() -> _ReaderServer:
    """The one of this process; what was there before this process was forked is its parent's."""
    if _servers and _servers[0].owner != os.getpid():
        _close()
    if not _servers:
        _servers.append(_ReaderServer())
    return _servers[0]


def read(reader: str, how: Any, raw: bytes, take: Callable[[Iterator[bytes]], Taken]) -> Taken:
    """What ``take`` makes of the lines that ``reader`` (hub.untrusted.readers) says of the file.

    Raises UnreadableFile; ReaderLost where no reader can be started. One ended from outside is started once more;
    the second time it was the file.
    """
    lost = ReaderLost()
    for _ in range(2):
        with _lock:
            try:
                return _once(reader, how, raw, take)
            except ReaderLost as error:
                lost = error
                if error.ended_by is None:
                    _close()
        log.warning("reader_lost", reader=reader, ended_by=lost.ended_by)
    if lost.ended_by is None:
        raise lost
    sentence = f"its reader was ended twice ({lost.ended_by.name}): it may need more memory than this machine has"
    raise UnreadableFile(StatementCode.UNPARSABLE, sentence)


def _once(reader: str, how: Any, raw: bytes, take: Callable[[Iterator[bytes]], Taken]) -> Taken:
    server = _server()
    try:
        with suppress(_Ended), server.fork() as channel, channel.makefile("rb") as answer:
            with suppress(ConnectionError):  # it has ended: its status says why
                channel.sendall(json.dumps({"reader": reader, "how": how, "size": len(raw)}).encode() + b"\n")
                channel.sendall(raw)
            return take(_lines(answer, reader, len(raw)))
    finally:
        status = server.status()
    raise _ending(status, len(raw))


def _lines(answer: BinaryIO, reader: str, size: int) -> Iterator[bytes]:
    """What the reader says, until its last word. Raises UnreadableFile, _Ended."""
    most, taken = limits.answer(size), 0
    while True:
        try:
            line = answer.readline(most)
        except ConnectionError:
            line = b""
        taken += len(line)
        if taken >= most:
            raise UnreadableFile(
                StatementCode.UNPARSABLE, f"the file unfolds to more than {most // limits.MEGABYTE} MiB"
            )
        if not line.endswith(b"\n"):
            raise _Ended
        if line.startswith(b"."):
            _check(json.loads(line[1:]), reader, size)
            return
        yield line[1:-1]


def _check(last: dict[str, Any], reader: str, size: int) -> None:
    """Raises UnreadableFile where the reader's last word is not that all was read."""
    if last["end"] == "unreadable":
        raise UnreadableFile(StatementCode(last["code"]), last["sentence"], last["line"])
    if last["end"] == "memory":
        raise UnreadableFile(StatementCode.UNPARSABLE, _memory(size))
    if last["end"] == "fault":
        log.error("reader_failed", reader=reader, error=last["error"], where=last["where"])
        raise UnreadableFile(
            StatementCode.UNPARSABLE, f"our reader fails on it ({last['error']}); see the log: reader_failed"
        )


def _ending(status: int, size: int) -> Exception:
    """Why a reader has ended without a last word."""
    if not os.WIFSIGNALED(status):
        if os.waitstatus_to_exitcode(status) == limits.UNLIMITED:
            return ReaderLost()
        return UnreadableFile(
            StatementCode.UNPARSABLE, f"its reader gave up (exit status {os.waitstatus_to_exitcode(status)})"
        )
    ended_by = signal.Signals(os.WTERMSIG(status))
    if ended_by in _FROM_OUTSIDE:
        return ReaderLost(ended_by)
    if ended_by in _OUT_OF_TIME:
        return UnreadableFile(StatementCode.UNPARSABLE, f"reading it takes more than {limits.seconds(size)} s")
    return UnreadableFile(
        StatementCode.UNPARSABLE, f"it ends its reader ({ended_by.name}): {_memory(size)}, or is made to do so"
    )


def _memory(size: int) -> str:
    return f"reading it takes more than {limits.memory(size) // limits.MEGABYTE} MiB"
