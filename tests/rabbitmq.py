"""A throw-away RabbitMQ from the distribution's package: free ports, files of its own, nothing shared with another one.

Root may run it, an ordinary user too, and two stand side by side. Tests kill it and start it again with its data.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import requests

from hub.embedded.files import stored_password, write_private
from hub.embedded.ports import LOOPBACK, free_port, is_free
from hub.embedded.process import Process, Program
from tests import debian

USER: Final = "house"
NOT_INSTALLED: Final = "RabbitMQ is not installed"
WRITTEN_WITHIN: Final = 2.0
"""seconds after its declaration that a quorum queue survives ``kill``: its name is written every half second only, and
a queue that is killed before is there again empty and without a leader (seen on 3.10.8)"""


class RabbitMQ:
    """One node and the port mapper (epmd) that it needs, with everything in ``directory``.

    ``configuration`` goes before our own lines in its rabbitmq.conf; the later of two wins. One that loads definitions
    takes away ``url`` and ``management_url``: RabbitMQ makes no default user then.
    Start it from a thread that lives as long as it shall: both processes end with the thread that started them.
    """

    def __init__(self, directory: Path, configuration: str = "") -> None:
        self.directory = directory.resolve()
        self._configuration = configuration
        self._taken: list[int] = []
        self.port, self.management_port, self._distribution, self._mapper_port = (self._port() for _ in range(4))
        self._node = f"house-{secrets.token_hex(4)}@localhost"
        self._prepare()
        self._mapper: Process | None = None
        self._server: Process | None = None
        self._takes_commands = False

    @property
    def password(self) -> str:
        return stored_password(self.directory / "password")

    @property
    def url(self) -> str:
        """As an administrator, on the virtual host "/"."""
        return self.url_of(USER, self.password, "/")

    def url_of(self, user: str, password: str, host: str) -> str:
        return f"amqp://{user}:{password}@{LOOPBACK}:{self.port}/{host}"

    @property
    def management_url(self) -> str:
        return self.management_url_of(USER, self.password)

    def management_url_of(self, user: str, password: str) -> str:
        return f"http://{user}:{password}@{LOOPBACK}:{self.management_port}"

    def start(self) -> None:
        """Returns when it answers. Raises CannotStart with the last line of its log."""
        if self._mapper is None:
            self._mapper = Process(self._program("epmd", _command("epmd")))
            self._mapper.wait_until(lambda: not is_free(self._mapper_port))
        self._server = Process(self._program("rabbitmq", str(_scripts() / "rabbitmq-server")))
        self._server.wait_until(self.answers)
        self._takes_commands = False

    def answers(self) -> bool:
        """Whether it greets whoever connects, its page of queues included; that is the last step of its start."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=2) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                greeted = connection.recv(1) == b"\x01"
        except OSError:
            return False
        return greeted and not is_free(self.management_port)

    def kill(self) -> None:
        """SIGKILL; the data stay, except for queues younger than WRITTEN_WITHIN."""
        if self._server is not None:
            with suppress(ProcessLookupError):
                os.kill(self._server.pid, signal.SIGKILL)
            self._server.end()
            self._server = None

    def freeze(self) -> None:
        """SIGSTOP: connections stand, what is sent into them is taken by the kernel, and nobody answers."""
        if self._server is not None:
            os.killpg(self._server.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT, after ``freeze``."""
        if self._server is not None:
            os.killpg(self._server.pid, signal.SIGCONT)

    def stop(self) -> None:
        """As an operator does it; the data stay."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def end(self) -> None:
        """For good: the node at once, then its port mapper."""
        self.kill()
        if self._mapper is not None:
            self._mapper.stop()
            self._mapper = None

    def ctl(self, *words: str) -> str:
        """What ``rabbitmqctl`` prints; takes a second or two. Raises CalledProcessError."""
        if not self._takes_commands:  # it greets before its commands may be used
            self._takes_commands = True
            self.ctl("await_startup")
        command = [str(_scripts() / "rabbitmqctl"), "--quiet", *words]
        environment = {**os.environ, **self._environment}
        return subprocess.run(
            command, env=environment, cwd=self.directory, capture_output=True, text=True, timeout=90, check=True
        ).stdout

    def api(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        """The answer of its management API; a hundredth of what ``ctl`` costs, which starts an Erlang of its own.

        None if the answer is empty. Raises requests.HTTPError.
        """
        answer = requests.request(method, f"{self.management_url}/api/{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def _port(self) -> int:
        port = free_port(taken=self._taken)
        self._taken.append(port)
        return port

    def _prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        cookie = self.directory / ".erlang.cookie"
        cookie.unlink(missing_ok=True)
        write_private(cookie, secrets.token_hex(16))
        (self.directory / "enabled_plugins").write_text("[rabbitmq_management].\n")
        lines = {
            "listeners.tcp.default": f"{LOOPBACK}:{self.port}",
            "management.tcp.ip": LOOPBACK,
            "management.tcp.port": str(self.management_port),
            "default_user": USER,
            "default_pass": self.password,
            "disk_free_limit.absolute": "50MB",
            "raft.wal_max_size_bytes": "33554432",
        }
        text = "".join(f"{name} = {value}\n" for name, value in lines.items())
        write_private(self.directory / "rabbitmq.conf", f"{self._configuration}\n{text}")

    def _program(self, name: str, *command: str) -> Program:
        return Program(
            name=name,
            command=command,
            log=self.directory / f"{name}.log",
            environment=self._environment,
            grace=30,
        )

    @property
    def _environment(self) -> Mapping[str, str]:
        at = self.directory
        return {
            "HOME": str(at),
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_CONFIG_FILE": str(at / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(at / "none.config"),
            "RABBITMQ_CONF_ENV_FILE": str(at / "none.conf"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(at / "generated"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(at / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(at / "data"),
            "RABBITMQ_LOG_BASE": str(at / "logs"),
            "RABBITMQ_PID_FILE": str(at / "pid"),
            # Its script becomes the node instead of watching over it: our signals reach the node itself.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-noinput -kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_CRASH_DUMP_SECONDS": "0",
        }


@contextmanager
def rabbitmq(directory: Path, configuration: str = "") -> Iterator[RabbitMQ]:
    """A running one; ended with its port mapper afterwards, the folder stays."""
    server = RabbitMQ(directory, configuration)
    try:
        server.start()
        yield server
    finally:
        server.end()


def available() -> str | None:
    """None if RabbitMQ can be started here, else why not."""
    try:
        _scripts()
        _command("epmd")
    except FileNotFoundError:
        return NOT_INSTALLED
    return None


def install() -> str | None:
    """Install the distribution's package where it is missing and we may. None if RabbitMQ is here, else why not."""
    if available() is None:
        return None
    return debian.install("rabbitmq-server") or available()


def _scripts() -> Path:
    """The server's own scripts; those in /usr/sbin change to the account "rabbitmq". Raises FileNotFoundError."""
    for folder in sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin"), reverse=True):
        if (folder / "rabbitmq-server").exists():
            return folder
    raise FileNotFoundError("rabbitmq-server")


def _command(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(name)
    return path
