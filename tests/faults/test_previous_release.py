"""In a rolling upgrade the workers of before meet the newest schema: their own tests run on it."""

import os
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from tarfile import TarFile

import pytest

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
STEPS = Path("hub") / "migrations" / "versions"
CORE = ["tests/integration/test_inbox.py", "tests/integration/test_outbox.py", "tests/integration/test_dossiers.py"]


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The tree as it was before the newest step of the schema was added, with that step."""
    *earlier, step = sorted((ROOT / STEPS).glob("[0-9]*.sql"))
    if not earlier:
        pytest.skip("the schema is that of the first release: there is no code from before it")
    try:
        # A step that was numbered anew is followed to the commit that added it.
        added = git("log", "-1", "--follow", "--diff-filter=A", "--format=%H", "--", str(STEPS / step.name))
        newest = added.decode().strip()
        tree = git("archive", f"{newest}^", "hub", "connectors", "config", "schemas", "tests", "pyproject.toml")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this checkout has no history: tests/integration/test_rolling_upgrade.py has to do")
    with TarFile(fileobj=BytesIO(tree)) as archive:
        archive.extractall(tmp_path, filter="data")
    shutil.rmtree(tmp_path / STEPS)
    shutil.copytree(ROOT / STEPS, tmp_path / STEPS)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")  # its grants.sql is run after the step
    return tmp_path


@pytest.mark.timeout(600)
def test_the_code_of_before_goes_on_with_the_newest_schema(before: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(before)}
    command = [sys.executable, "-m", "pytest", "-q", *CORE]
    ran = subprocess.run(command, cwd=before, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr
