"""`.ci/run` runs failed tests again and names the flaky ones; what fails twice stays red."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLAKY = """
from pathlib import Path

def test_flaky():
    seen = Path("seen")
    first = not seen.exists()
    seen.touch()
    assert not first
"""
BROKEN = "def test_broken():\n    raise AssertionError\n"
PASSING = "def test_passing(): ...\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with pytest's cache where ours has it."""
    (tmp_path / "pytest.ini").write_text("[pytest]\ncache_dir = var/pytest\naddopts = -q\n", encoding="utf-8")
    (tmp_path / "tests").mkdir()
    return tmp_path


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=project,
        # Without the plugins that are installed: they take a second to import, six times here.
        env={"PATH": os.environ["PATH"], "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def run_twice(project: Path, tests: str) -> subprocess.CompletedProcess[str]:
    (project / "tests" / "test_it.py").write_text(tests, encoding="utf-8")
    assert run(project, "-m", "pytest", "tests").returncode == 1
    return run(project, str(ROOT / "tests" / "rerun.py"))


def test_a_test_that_passes_when_run_again_is_named_and_green(project: Path) -> None:
    again = run_twice(project, FLAKY + PASSING)
    assert "FLAKY   tests/test_it.py::test_flaky" in again.stdout
    assert "test_passing" not in again.stdout
    assert again.returncode == 0, again.stdout


def test_a_test_that_fails_twice_is_named_and_red(project: Path) -> None:
    again = run_twice(project, FLAKY + BROKEN)
    assert "FLAKY   tests/test_it.py::test_flaky" in again.stdout
    assert "FAILED  tests/test_it.py::test_broken failed twice" in again.stdout
    assert again.returncode == 1


def test_a_run_that_ended_without_a_failed_test_is_red(project: Path) -> None:
    assert run(project, str(ROOT / "tests" / "rerun.py")).returncode == 1


def test_ci_runs_failed_tests_again() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make test || .venv/bin/python -m tests.rerun" in script.splitlines()
