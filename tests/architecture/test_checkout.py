"""About a new checkout: what it asks of a bare machine, what holds before a merge, and that nothing in it is idle."""

import os
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from config.catalogue import load
from config.settings import PACKAGED
from deploy.rabbitmq.definitions import _AnySecret
from tests.catalogue_secrets import CATALOGUE

ROOT: Final = Path(__file__).parents[2]
BARE: Final = {"awk", "echo", "exit", "find", "make", "mkdir", "python3", "rm", "test", "touch"}
"""Python and make, and what is there wherever make is"""
BETWEEN: Final = {";", "&&", "||", "|", "{", "}", "if", "then", "else", "fi", "\n"}
"""words after which the shell looks for a program"""
APART: Final = {
    "pyproject.toml",
    "deploy/sandbox/pyproject.toml",
    "hub/cli/demo/people.toml",
    "tests/contract/newcomer/so-mau.toml",
    "tests/faults/catalogue.toml",
}
"""TOML that belongs to no catalogue; each has tests of its own"""


def programs(script: str) -> Iterator[str]:
    """The first word of each command of a shell script, variables that are set for it left out."""
    words = shlex.shlex(script.replace("\\\n", " ").replace("{}", ""), posix=True, punctuation_chars=";&|\n")
    words.whitespace = " \t"
    begins = True
    for word in words:
        if word in BETWEEN:
            begins = True
        elif begins and "=" not in word:
            begins = False
            yield word


def test_what_holds_before_a_merge_is_make_check_and_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    lines = script.read_text(encoding="utf-8").splitlines()
    assert "make check" in lines
    assert any(line.startswith("make test") for line in lines)


def test_a_new_checkout_asks_for_python_and_make_only(tmp_path: Path) -> None:
    """Whatever else a target runs, the locks have brought it into .venv."""
    shutil.copytree(ROOT / "deploy" / "locks", tmp_path / "deploy" / "locks")
    for file in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path)
    targets = ["help", "demo", "up", "down", "test", "check", "coverage", "bench", "docs", "clean"]
    make = ["make", "--dry-run", "--no-print-directory", *targets]
    plan = subprocess.run(make, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    used = set(programs(plan))
    assert {program for program in used if not program.startswith(".venv/bin/")} <= BARE
    assert ".venv/bin/pytest" in used


@pytest.mark.parametrize("folder", [PACKAGED, CATALOGUE], ids=["shipped", "tests"])
def test_every_file_of_a_catalogue_is_loaded(folder: Path) -> None:
    catalogue = load(folder, _AnySecret())
    read = {
        "departments": len(catalogue.departments),
        "procedures": len(catalogue.procedures),
        "postal": len(catalogue.operators),
        "banks": len(catalogue.banks),
        ".": len(
            {
                "calendar.toml",
                "portal.toml",
                "signing.toml",
                "officers.toml",
                "fees.toml",
                "limits.toml",
                "receipts.toml",
            }
        ),
    }
    assert {part: len(list((folder / part).glob("*.toml"))) for part in read} == read


def test_all_other_toml_is_known() -> None:
    outside = {
        str(path.relative_to(ROOT))
        for part in ("config", "connectors", "deploy", "docs", "hub", "schemas", "tests", ".")
        for path in ((ROOT / part).glob("*.toml") if part == "." else (ROOT / part).rglob("*.toml"))
        if not path.is_relative_to(PACKAGED) and not path.is_relative_to(CATALOGUE)
    }
    assert outside == APART


def test_every_warning_is_an_error() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    assert options["filterwarnings"] == ["error"]
    marked = [path.name for path in (ROOT / "tests").rglob("*.py") if "mark.filterwarnings" in path.read_text()]
    assert marked == [Path(__file__).name]
