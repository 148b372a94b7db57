"""Every department of every catalogue keeps its contract, proved with its own recordings. None can be left out."""

import pytest

from tests.contract.catalogues import CATALOGUES, partners
from tests.contract.checks import CHECKS, Check
from tests.contract.subject import RECORDINGS, ContractSubject, subject


@pytest.fixture(scope="session", params=list(partners("departments")), ids="-".join)
def played(request: pytest.FixtureRequest) -> ContractSubject:
    name, code = request.param
    return subject(CATALOGUES[name], code)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_department_keeps_its_contract(played: ContractSubject, check: Check) -> None:
    check(played)


def test_no_recordings_are_left_behind() -> None:
    assert {path.name for path in RECORDINGS.iterdir()} <= {code for _, code in partners("departments")}
