"""Every department of every catalogue keeps its contract, proved with its own recordings. None can be left out."""

from pathlib import Path

import pytest

from tests.contract.catalogues import CATALOGUES, partners
from tests.contract.checks import CHECKS, Check
from tests.contract.subject import RECORDINGS, ContractSubject, subject


@pytest.fixture(scope="session", params=list(partners("departments")), ids="-".join)
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ContractSubject:
    name, code = request.param
    secrets: Path = tmp_path_factory.getbasetemp() / f"contract-{name}.env"
    return subject(CATALOGUES[name], code, secrets)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_department_keeps_its_contract(played: ContractSubject, check: Check) -> None:
    check(played)


def test_no_recordings_are_left_behind() -> None:
    assert {path.name for path in RECORDINGS.iterdir()} <= {code for _, code in partners("departments")}
