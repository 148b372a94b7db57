"""The folder of one embedded stack (./var), and the lock of the supervisor that runs it.

Two checkouts have two folders and share nothing. The supervisor holds a lock on a file in it, so that the stale file of
a killed process is never taken for a running one.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from hub.embedded.files import write_private
from hub.embedded.process import CannotStart
from hub.errors import HubError

_LOCK_TRIES: Final = 5
"""a process that only looks holds the lock for an instant"""
_LOCK_PAUSE: Final = 0.05


class AlreadyRunning(HubError):
    """An embedded stack is running in this folder already."""


class Addresses(BaseModel):
    """Where everything listens; kept, so that the next start uses the same ports if they are free."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    api: str
    docs: str
    flower: str
    database: str
    broker: str
    sandbox: str | None = None
    """the sandbox's control API, if it runs"""
    partners: dict[str, str] = {}
    """counterparty code → its address in the sandbox, or one that was given in its place"""
    themselves: list[str] = []
    """those that the sandbox does not play"""


@dataclass(frozen=True, slots=True)
class StackFolder:
    """The folder and the paths in it."""

    folder: Path

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def valkey(self) -> Path:
        return self.folder / "valkey"

    @property
    def sandbox(self) -> Path:
        return self.folder / "sandbox"

    @property
    def pki(self) -> Path:
        """The development PKI (hub.embedded.pki)."""
        return self.folder / "pki"

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets.env"

    def beside(self, name: str) -> "StackFolder":
        """The folder of another stack inside this one's, which shares nothing with it."""
        return StackFolder(self.folder / name)

    def log(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"

    @property
    def _addresses(self) -> Path:
        return self.folder / "run" / "addresses.json"

    @property
    def _ready(self) -> Path:
        return self.folder / "run" / "ready"

    @property
    def _lock(self) -> Path:
        return self.folder / "run" / "supervisor.pid"

    def remembered(self) -> Addresses | None:
        """The addresses of the last start, whether it still runs or not."""
        try:
            return Addresses.model_validate_json(self._addresses.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def remember(self, addresses: Addresses) -> None:
        write_private(self._addresses, addresses.model_dump_json(indent=1) + "\n")

    def say_ready(self) -> None:
        self._ready.touch()

    def running(self) -> Addresses | None:
        """The addresses of the stack that runs here and is ready, if one is."""
        return self.remembered() if self.supervisor() and self._ready.exists() else None

    def supervisor(self) -> int | None:
        """The process that runs the stack here, if one does."""
        with contextlib.suppress(FileNotFoundError), self._lock.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0)
        return None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock of the stack. Raises AlreadyRunning, CannotStart where we may not write."""
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            opened = self._lock.open("a+")
        except OSError as error:
            raise CannotStart(f"cannot write in {self.folder}: {error.strerror}") from None
        with opened as file:
            _lock_exclusively(file)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            self._ready.unlink(missing_ok=True)
            try:
                yield
            finally:
                self._ready.unlink(missing_ok=True)


def _lock_exclusively(file: IO[str]) -> None:
    for attempt in range(_LOCK_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE * attempt)
        else:
            return
    raise AlreadyRunning
