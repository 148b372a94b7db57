"""A new REST department is one TOML and one folder of recordings: no code, and every check holds for it."""

import shutil
from pathlib import Path
from typing import Final

import pytest

from config.settings import PACKAGED
from tests.contract.checks import CHECKS, Check, recordings_and_status_codes_cover_one_another
from tests.contract.subject import ContractSubject, subject

NEWCOMER: Final = Path(__file__).parent / "newcomer"
"""What somebody who connects a department writes; shown in docs/integrators/departments-rest.md."""


@pytest.fixture
def newcomer(tmp_path: Path) -> ContractSubject:
    """The shipped catalogue with so-mau.toml put into it, and so-mau's recordings."""
    catalogue = tmp_path / "catalogue"
    shutil.copytree(PACKAGED, catalogue, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.copy(NEWCOMER / "so-mau.toml", catalogue / "departments")
    shutil.copytree(NEWCOMER / "so-mau", tmp_path / "recordings" / "so-mau")
    return subject(catalogue, "so-mau", tmp_path / "recordings")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_toml_and_recordings_are_enough(newcomer: ContractSubject, check: Check) -> None:
    check(newcomer)


def test_a_status_code_without_a_recording_is_noticed(newcomer: ContractSubject) -> None:
    (newcomer.folder / "status.2.json").unlink()
    with pytest.raises(AssertionError, match=r"lacks what so-mau.toml asks for: status\.2\.json$"):
        recordings_and_status_codes_cover_one_another(newcomer)


def test_a_recording_of_a_code_that_stands_in_no_table_is_noticed(newcomer: ContractSubject) -> None:
    shutil.copy(newcomer.folder / "status.2.json", newcomer.folder / "status.3.json")
    with pytest.raises(AssertionError, match=r"has what so-mau.toml lacks: status\.3\.json$"):
        recordings_and_status_codes_cover_one_another(newcomer)


def test_a_department_without_recordings_is_noticed(newcomer: ContractSubject) -> None:
    shutil.rmtree(newcomer.folder)
    with pytest.raises(AssertionError, match=r"lacks what so-mau.toml asks for: duplicate"):
        recordings_and_status_codes_cover_one_another(newcomer)
