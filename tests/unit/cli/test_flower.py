"""Flower: whatever it says of workers and tasks is behind its password."""

import subprocess
import sys
import time

import pytest
import requests

from hub.embedded.ports import LOOPBACK, free_port

PASSWORD = "a password in tests only"


@pytest.mark.parametrize("prefix", ["", "flower"])
def test_the_metrics_are_behind_the_password(prefix: str) -> None:
    port = free_port(0, taken=())
    words = ["flower", "--port", str(port), *(["--url-prefix", prefix] if prefix else [])]
    environment = {
        "PATH": "/usr/bin:/bin",
        "HUB_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "HUB_BROKER_URL": "redis://127.0.0.1:1/0",
        "HUB_FLOWER_PASSWORD": PASSWORD,
    }
    url = f"http://{LOOPBACK}:{port}" + (f"/{prefix}" if prefix else "")
    process = subprocess.Popen([sys.executable, "-m", "hub.cli", *words], env=environment, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            try:
                assert requests.get(f"{url}/healthcheck", timeout=60).text == "OK"
                break
            except requests.ConnectionError:
                time.sleep(0.2)
        assert requests.get(f"{url}/metrics", timeout=60).status_code == 401
        assert requests.get(f"{url}/metrics", auth=("hub", "wrong"), timeout=60).status_code == 401
        shown = requests.get(f"{url}/metrics", auth=("hub", PASSWORD), timeout=60)
        assert (shown.status_code, "python_info" in shown.text) == (200, True)
    finally:
        process.kill()
        process.wait()
