"""What a worker does not load: each of these weighs megabytes that nobody in it uses."""

import subprocess
import sys

STRANGERS = {"alembic", "click_repl", "fastapi", "flower", "holidays", "prompt_toolkit", "starlette", "uvicorn"}
LOADED = "import sys, hub.cli.main, hub.app, hub.worker.run, celery.apps.worker; print(*sys.modules)"


def test_a_worker_imports_no_web_framework_no_celery_command_line_and_no_holidays() -> None:
    loaded = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout
    assert {name.partition(".")[0] for name in loaded.split()} & STRANGERS == set()
