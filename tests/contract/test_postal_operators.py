"""Every postal operator of every catalogue keeps its contract, proved with its own recordings. None can be left out."""

import shutil
from pathlib import Path

import pytest

from config.settings import PACKAGED
from tests.contract.catalogues import CATALOGUES, partners
from tests.contract.post_office import ORDER, RECORDINGS, PostalSubject, post_office
from tests.contract.postal_checks import POSTAL_CHECKS, PostalCheck, recordings_and_status_codes_cover_one_another


@pytest.fixture(scope="session", params=list(partners("postal")), ids="-".join)
def post(request: pytest.FixtureRequest) -> PostalSubject:
    name, code = request.param
    return post_office(CATALOGUES[name], code)


@pytest.mark.parametrize("check", POSTAL_CHECKS, ids=lambda check: check.__name__)
def test_an_operator_keeps_its_contract(post: PostalSubject, check: PostalCheck) -> None:
    check(post)


def test_no_recordings_are_left_behind() -> None:
    assert {path.name for path in RECORDINGS.iterdir()} == {ORDER.name} | {code for _, code in partners("postal")}


@pytest.fixture(params=["buu-dien-ngsp", "buu-dien-lgsp"])
def newcomer(request: pytest.FixtureRequest, tmp_path: Path) -> PostalSubject:
    """The shipped catalogue with one operator more, under a code of its own, and that operator's recordings."""
    model = request.param
    catalogue = tmp_path / "catalogue"
    shutil.copytree(PACKAGED, catalogue, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    written = (PACKAGED / "postal" / f"{model}.toml").read_text().replace(f'code = "{model}"', 'code = "buu-cuc-moi"')
    (catalogue / "postal" / "buu-cuc-moi.toml").write_text(written)
    shutil.copytree(RECORDINGS / model, tmp_path / "recordings" / "buu-cuc-moi")
    return post_office(catalogue, "buu-cuc-moi", tmp_path / "recordings")


@pytest.mark.parametrize("check", POSTAL_CHECKS, ids=lambda check: check.__name__)
def test_a_toml_and_recordings_are_enough(newcomer: PostalSubject, check: PostalCheck) -> None:
    check(newcomer)


def test_a_status_code_without_a_recording_is_noticed(newcomer: PostalSubject) -> None:
    code = next(iter(newcomer.operator.status))
    (newcomer.folder / f"event.{code}.json").unlink()
    with pytest.raises(AssertionError, match=rf"lacks what buu-cuc-moi.toml asks for: event\.{code}\.json$"):
        recordings_and_status_codes_cover_one_another(newcomer)
