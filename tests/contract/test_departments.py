"""Every department of every catalogue keeps its contract, proved with its own recordings. None can be left out."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from config.settings import PACKAGED
from tests.catalogue_secrets import CATALOGUE
from tests.contract.checks import CHECKS, Check
from tests.contract.subject import RECORDINGS, ContractSubject, subject

CATALOGUES: Final = {"shipped": PACKAGED, "tests": CATALOGUE}


def departments() -> Iterator[tuple[str, str]]:
    """(catalogue, code) of every department."""
    for name, folder in CATALOGUES.items():
        for path in sorted((folder / "departments").glob("*.toml")):
            yield name, tomllib.loads(path.read_text())["code"]


@pytest.fixture(scope="session", params=list(departments()), ids="-".join)
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ContractSubject:
    name, code = request.param
    secrets: Path = tmp_path_factory.getbasetemp() / f"contract-{name}.env"
    return subject(CATALOGUES[name], code, secrets)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_department_keeps_its_contract(played: ContractSubject, check: Check) -> None:
    check(played)


def test_no_recordings_are_left_behind() -> None:
    assert {path.name for path in RECORDINGS.iterdir()} <= {code for _, code in departments()}
