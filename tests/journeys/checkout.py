"""A folder in which somebody works with ``hub``, and what can be seen of it from outside."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil

from hub.embedded.stack_folder import StackFolder


class Checkout:
    """A folder in which somebody works with ``hub``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = StackFolder(folder / "var")

    def hub(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hub.cli", *words],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HUB_LOG_LEVEL": "WARNING"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def up(self, *words: str) -> dict[str, Any]:
        done = self.hub("up", "--detach", "--json", "--workers", "1", *words)
        assert done.returncode == 0, done.stderr + self.logs()
        shown: dict[str, Any] = json.loads(done.stdout)
        return shown

    def down(self) -> None:
        done = self.hub("down")
        assert done.returncode == 0, done.stderr + self.logs()

    def processes(self) -> dict[int, str]:
        """What runs for this folder: process id → command line."""
        running = {}
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
                mine = process.cwd().startswith(str(self.folder)) or any(str(self.folder) in word for word in words)
                if mine and process.status() != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
                    running[process.pid] = " ".join(words)
            except psutil.Error:
                continue
        return running

    def running(self, *words: str) -> list[int]:
        """The processes whose command line has these words."""
        phrase = " ".join(words)
        return [pid for pid, line in self.processes().items() if phrase in line]

    def logs(self) -> str:
        """The end of every log: for the message of a test that failed."""
        return "".join(
            f"\n== {log.name}\n{log.read_text(errors='replace')[-1500:]}"
            for log in sorted((self.folder / "var" / "log").glob("*.log"))
        )


def wait_for(what: Callable[[], Any], *, seconds: float = 300) -> Any:
    """A ceiling for what never happens; no measure of how fast it is."""
    deadline = time.monotonic() + seconds
    while True:
        outcome = what()
        if outcome:
            return outcome
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def status(url: str, login: str = "", method: str = "GET") -> int:
    """The HTTP status; 0 while nobody answers."""
    try:
        with urlopen(_request(url, login, method), timeout=10) as response:  # noqa: S310 - an address of ours
            return int(response.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return 0


def page(url: str, login: str) -> str:
    with urlopen(_request(url, login, "GET"), timeout=10) as response:  # noqa: S310 - an address of ours
        return str(response.read().decode())


def _request(url: str, login: str, method: str) -> Request:
    headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()} if login else {}
    return Request(url, headers=headers, method=method)  # noqa: S310 - an address of ours
