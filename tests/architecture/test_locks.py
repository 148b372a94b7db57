"""The locks: fresh against pyproject.toml, hashed, agreeing with one another, and naming no host."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ROOT / "deploy" / "locks"
RUN = ("build", "embedded", "papers", "hsm", "flower")
"""every optional part but the sandbox, which is in the tree itself"""
MEND = "make the locks anew as docs/decisions/0026 says"


def pins(lock: str) -> dict[str, str]:
    """Package → its version and hashes, as the lock has them."""
    blocks = re.split(r"^(?=\S)", (LOCKS / lock).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {canonicalize_name(block.partition("==")[0]): block.partition("==")[2] for block in blocks if block}


def requirements(*extras: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = project["dependencies"] + [line for extra in extras for line in project["optional-dependencies"][extra]]
    return [Requirement(line) for line in asked]


@pytest.mark.parametrize(("lock", "extras"), [("run.lock", RUN), ("dev.lock", (*RUN, "dev"))])
def test_a_lock_pins_whatever_pyproject_asks_for(lock: str, extras: tuple[str, ...]) -> None:
    pinned = pins(lock)
    for requirement in requirements(*extras):
        version = pinned.get(canonicalize_name(requirement.name), "none").split()[0]
        assert version != "none", f"{lock} has no {requirement.name}: {MEND}"
        assert requirement.specifier.contains(version), f"{lock} has {requirement.name} {version}: {MEND}"


def test_what_runs_is_what_is_tested() -> None:
    run, dev = pins("run.lock"), pins("dev.lock")
    assert {name: pin for name, pin in run.items() if dev.get(name) != pin} == {}


@pytest.mark.parametrize("lock", ["run.lock", "dev.lock"])
def test_a_lock_has_hashes_and_no_address(lock: str) -> None:
    assert all("--hash=sha256:" in pin for pin in pins(lock).values())
    assert "://" not in (LOCKS / lock).read_text(encoding="utf-8")
