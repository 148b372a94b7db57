"""docs/quickstart.md hands over a submission: its scripts run as printed, and sign as the API asks."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest
from typing_extensions import override

from connectors.transport import signatures
from schemas import strict
from schemas.portal import Submission

PAGE: Final = (Path(__file__).parents[2] / "docs" / "quickstart.md").read_text(encoding="utf-8")
SECRET: Final = "-a-secret-for-tests-that-begins-with-a-dash"
SHELL: Final = ("bash", "base64", "curl", "openssl")


def block(language: str, word: str) -> str:
    """The one block of the page in ``language`` that has ``word``."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    [matching] = [text for text in blocks if word in text]
    assert isinstance(matching, str)
    return matching


@dataclass
class RecordingServer:
    """Records every request and answers 202."""

    address: str
    taken: list[tuple[str, str, list[tuple[str, str]], bytes]] = field(default_factory=list)

    def key_of(self, number: int) -> str:
        """The key id with which a request was signed. Raises BadSignature."""
        method, path, headers, body = self.taken[number]
        keys = {"portal-2026a": SECRET.encode()}
        return signatures.verify(method, self.address + path, headers, body, keys=keys, now=datetime.now(UTC))


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            recording.taken.append((self.command, self.path, self.headers.items(), body))
            self.send_response(202)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def do_GET(self) -> None:
            self.do_POST()

        @override
        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        recording = RecordingServer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield recording
        server.shutdown()
        thread.join()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the files that a reader has written by then."""
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "goi.py").write_text(block("python", "urllib"), encoding="utf-8")
    (tmp_path / "var" / "hoso.json").write_text(block("json", "reference"), encoding="utf-8")
    return tmp_path


def run(server: RecordingServer, checkout: Path, *command: str) -> str:
    """What the command prints; it must succeed."""
    environment = {"PATH": os.environ["PATH"], "API": server.address, "SECRET": SECRET, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=60, check=True
    ).stdout


def test_the_submission_that_is_shown_is_one() -> None:
    assert strict.read(Submission, block("json", "reference").encode()).reference == "CDVC-0001"


def test_the_script_in_python_signs_as_the_api_asks(server: RecordingServer, checkout: Path) -> None:
    line = next(line for line in block("sh", "export API").splitlines() if line.startswith("python var/goi.py"))
    output = run(server, checkout, sys.executable, *line.split()[1:])
    run(server, checkout, sys.executable, "var/goi.py", "GET", "/v1/submissions?reference=CDVC-0001")

    assert output.startswith("202 Accepted")
    assert [server.key_of(0), server.key_of(1)] == ["portal-2026a"] * 2
    assert dict(server.taken[0][2])["Idempotency-Key"] == "CDVC-0001"
    assert [method for method, *_ in server.taken] == ["POST", "GET"]


def test_a_hub_that_is_not_there_is_one_line_and_no_traceback(checkout: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        server = RecordingServer(f"http://127.0.0.1:{gone.getsockname()[1]}")
    with pytest.raises(subprocess.CalledProcessError) as ended:
        run(server, checkout, sys.executable, "var/goi.py", "POST", "/v1/submissions", "var/hoso.json", "CDVC-0001")

    assert len(ended.value.stderr.splitlines()) == 1
    assert server.address in ended.value.stderr


@pytest.mark.skipif(not all(map(shutil.which, SHELL)), reason=f"the shell script needs {', '.join(SHELL)}")
def test_the_script_in_shell_signs_as_the_api_asks(server: RecordingServer, checkout: Path) -> None:
    output = run(server, checkout, "bash", "-euc", block("sh", "openssl"))

    assert "202" in output
    assert server.key_of(0) == "portal-2026a"
    assert server.taken[0][3] == (checkout / "var" / "hoso.json").read_bytes()
