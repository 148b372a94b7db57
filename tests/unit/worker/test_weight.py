"""What a worker, beat and a command do not load: each weighs megabytes or costs start time, and none is used there."""

import subprocess
import sys

STRANGERS = {"alembic", "click_repl", "fastapi", "flower", "holidays", "prompt_toolkit", "starlette", "uvicorn"}


def packages_loaded_by(modules: str) -> set[str]:
    code = f"import sys, {modules}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return {name.partition(".")[0] for name in loaded.split()} | set(loaded.split())


def test_a_worker_imports_no_web_framework_no_celery_command_line_and_no_holidays() -> None:
    assert packages_loaded_by("hub.cli.main, hub.app, hub.worker.app, celery.apps.worker") & STRANGERS == set()


def test_a_command_that_finds_its_stack_imports_no_server_and_no_certificates() -> None:
    loaded = packages_loaded_by("hub.cli.main, hub.cli.transfer, hub.embedded.environment, hub.db")
    assert loaded & (STRANGERS | {"celery", "redis", "zeep", "requests", "hub.app", "hub.signing"}) == set()


def test_beat_imports_neither_connectors_nor_signing_nor_the_domain() -> None:
    loaded = packages_loaded_by("hub.cli.processes, hub.configuration, hub.worker.beat")
    assert loaded & (STRANGERS | {"connectors", "requests", "zeep", "hub.app", "hub.fees", "hub.signing"}) == set()
