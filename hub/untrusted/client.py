"""Client of the reader server: an untrusted file is read in another process, and its content returned as JSON lines.

The first file costs the start of a process, each one a fork (figures in decision 0023). A process reads one file at a
time. A file that crashes its reader is unreadable.
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
from schemas.statement import StatementCode, UnreadableFile

log = structlog.get_logger(__name__)

ReadResult = TypeVar("ReadResult")
COMMAND: Final = (sys.executable, "-P", "-m", "hub.untrusted.server")
"""-P: nothing is imported from the working directory, where untrusted files may lie"""
_ENVIRONMENT: Final = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
"""environment variables passed to the server; no secrets"""
_OUT_OF_TIME: Final = frozenset({signal.SIGXCPU, signal.SIGALRM})
_FROM_OUTSIDE: Final = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGHUP})
"""signals sent by others to a reader within its limits: the OOM killer, or a shutdown"""
_STATUS: Final = 4
"""bytes of an exit status"""


# Limits of memory, time and output for reading one file; hub.untrusted.server sets them in each fork.
MEGABYTE: Final = 1024 * 1024
MEMORY: Final = 1024 * MEGABYTE
"""bytes of address space, of which the interpreter and its libraries take a fifth"""
MEMORY_PER_BYTE: Final = 12
"""additional bytes for each byte of the file: text and rows of a large CSV"""
SECONDS: Final = 20
"""of processor time"""
SECONDS_PER_MEGABYTE: Final = 3
"""additional seconds for each MiB of the file; camt takes 0.2, a workbook 2"""
SLOWER: Final = 10
"""wall-clock time allowed on a busy machine, as a multiple of the processor time"""
ANSWER: Final = 256 * MEGABYTE
"""bytes of output"""
ANSWER_PER_BYTE: Final = 4
"""additional bytes of output for each byte of the file"""
UNLIMITED: Final = 78
"""exit status (EX_CONFIG) of a reader that may not set its limits: it reads nothing"""


def memory_limit(size: int) -> int:
    """Bytes of address space for a file of ``size`` bytes."""
    return MEMORY + MEMORY_PER_BYTE * size


def seconds_limit(size: int) -> int:
    """Seconds of processor time for a file of ``size`` bytes."""
    return SECONDS + SECONDS_PER_MEGABYTE * (size // MEGABYTE)


def answer_limit(size: int) -> int:
    """Bytes of output accepted for a file of ``size`` bytes."""
    return ANSWER + ANSWER_PER_BYTE * size


class ReaderLost(HubError):
    """The reader's process was ended by someone else, or cannot be started; the file is not to blame."""

    def __init__(self, ended_by: signal.Signals | None = None) -> None:
        self.ended_by = ended_by
        """None: no reader can be started"""
        super().__init__("the process that reads files from strangers cannot be started, or was ended")


class _Ended(Exception):
    """The reader's output ended without a final status."""


class _ReaderServer:
    """The process that forks a reader for each file (hub.untrusted.server)."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter
                [*COMMAND, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={name: value for name in _ENVIRONMENT if (value := os.environ.get(name)) is not None},
            )

    def fork(self) -> socket.socket:
        """Fork a reader and return the channel to it. Raises ReaderLost if the server is gone."""
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
        status = b""
        with suppress(ConnectionError):
            while len(status) < _STATUS and (piece := self._control.recv(_STATUS - len(status))):
                status += piece
        if len(status) < _STATUS:
            raise ReaderLost
        return int.from_bytes(status, "big")

    def close(self) -> None:
        self._control.close()
        if self.owner == os.getpid():
            self._process.wait()


_lock = threading.Lock()
_servers: Final[list[_ReaderServer]] = []
"""the running server, if any"""


@atexit.register
def _close() -> None:
    while _servers:
        _servers.pop().close()


def _server() -> _ReaderServer:
    """The server of this process, started if necessary; a server from before a fork belongs to the parent."""
    if _servers and _servers[0].owner != os.getpid():
        _close()
    if not _servers:
        _servers.append(_ReaderServer())
    return _servers[0]


def read(reader: str, how: Any, raw: bytes, take: Callable[[Iterator[bytes]], ReadResult]) -> ReadResult:
    """Read a file with ``reader`` (a name in hub.untrusted.readers); ``take`` converts its lines to the result.

    ``how``: parameters of the reader, as JSON. A reader that is killed from outside is started once more; the second
    time the file is unreadable. Raises UnreadableFile; ReaderLost if no reader can be started.
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


def _once(reader: str, how: Any, raw: bytes, take: Callable[[Iterator[bytes]], ReadResult]) -> ReadResult:
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
    """Yield the reader's lines up to its final status. Raises UnreadableFile, _Ended."""
    most, size_read = answer_limit(size), 0
    while True:
        try:
            line = answer.readline(most)
        except ConnectionError:
            line = b""
        size_read += len(line)
        if size_read >= most:
            raise UnreadableFile(StatementCode.UNPARSABLE, f"the file unfolds to more than {most // MEGABYTE} MiB")
        if not line.endswith(b"\n"):
            raise _Ended
        if line.startswith(b"."):
            _check(json.loads(line[1:]), reader, size)
            return
        yield line[1:-1]


def _check(last: dict[str, Any], reader: str, size: int) -> None:
    """Raises UnreadableFile unless the reader's final status is success."""
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
    """The error for a reader that exited with ``status`` and without a final status."""
    if not os.WIFSIGNALED(status):
        if os.waitstatus_to_exitcode(status) == UNLIMITED:
            return ReaderLost()
        return UnreadableFile(
            StatementCode.UNPARSABLE, f"its reader gave up (exit status {os.waitstatus_to_exitcode(status)})"
        )
    ended_by = signal.Signals(os.WTERMSIG(status))
    if ended_by in _FROM_OUTSIDE:
        return ReaderLost(ended_by)
    if ended_by in _OUT_OF_TIME:
        return UnreadableFile(StatementCode.UNPARSABLE, f"reading it takes more than {seconds_limit(size)} s")
    return UnreadableFile(
        StatementCode.UNPARSABLE, f"it ends its reader ({ended_by.name}): {_memory(size)}, or is made to do so"
    )


def _memory(size: int) -> str:
    return f"reading it takes more than {memory_limit(size) // MEGABYTE} MiB"
