"""The two distributions that are built from this tree: what is in each, and what the hub says without the second."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement

ROOT: Final = Path(__file__).parents[2]
PROJECTS: Final = {"hub": ROOT, "sandbox": ROOT / "deploy" / "sandbox"}
SANDBOX: Final = ("connectors/sandbox/", "hub/cli/demo/")
DATA: Final = ("*.py", "*.sql", "*.toml", "*.wsdl", "*.json")


def project(name: str) -> dict[str, Any]:
    content: dict[str, Any] = tomllib.loads((PROJECTS[name] / "pyproject.toml").read_text(encoding="utf-8"))
    return content["project"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both wheels, built without isolation: the build backend comes from the lock, nothing from a network."""
    built = {}
    for name, folder in PROJECTS.items():
        target = tmp_path_factory.mktemp(name)
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        [built[name]] = target.glob("*.whl")
    return built


def packed(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def test_the_wheels_share_the_tree_without_an_overlap(wheels: dict[str, Path]) -> None:
    sources = {
        str(path.relative_to(ROOT))
        for package in ("schemas", "config", "connectors", "hub")
        for pattern in DATA
        for path in (ROOT / package).rglob(pattern)
    }
    played = {name for name in sources if name.startswith(SANDBOX)}
    assert played
    assert {name for name in packed(wheels["hub"]) if name.startswith(SANDBOX)} == set()
    assert sources - played <= packed(wheels["hub"])
    assert packed(wheels["sandbox"]) == played


def test_both_have_one_version_and_ask_for_each_other_by_it() -> None:
    hub, sandbox = project("hub"), project("sandbox")
    assert hub["version"] == sandbox["version"]
    assert hub["optional-dependencies"]["sandbox"] == [f"{sandbox['name']}=={hub['version']}"]
    [requirement] = [Requirement(line) for line in sandbox["dependencies"]]
    assert (requirement.name, str(requirement.specifier)) == (hub["name"], f"=={hub['version']}")
    assert requirement.extras <= hub["optional-dependencies"].keys()


@pytest.mark.parametrize("words", [["demo"], ["demo", "month"], ["sandbox"], ["up", "--sandbox"]])
def test_without_the_sandbox_a_command_says_in_one_line_what_to_install(
    wheels: dict[str, Path], tmp_path: Path, words: list[str]
) -> None:
    zipfile.ZipFile(wheels["hub"]).extractall(tmp_path)
    # Before the checkout on the path, so that nothing is found there that the wheel does not have.
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "HUB_VAR": str(tmp_path / "var")}
    command = [sys.executable, "-m", "hub.cli", *words]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.endswith("pip install 'lienthong-hub[sandbox]'\n")
