"""The catalogue that ships and the one for the tests: whole, labelled, and with every secret that it names."""

import shutil
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from config.catalogue import Catalogue, CatalogueError, Endpoint, load, secret_names
from config.settings import PACKAGED
from schemas.identifiers import agency_scheme
from tests.catalogue_secrets import CATALOGUE, environment

TOMLS: Final = sorted(PACKAGED.rglob("*.toml"))


class AnySecretSet(dict[str, str]):
    """An environment in which every secret is set."""

    def get(self, key: str, default: object = None) -> str:
        return f"invented secret {key}"


def test_the_test_catalogue_loads_with_every_secret_in_its_place() -> None:
    catalogue = load(CATALOGUE, environment())
    assert set(catalogue.departments) == {"rest-a", "rest-b", "soap-a", "soap-b"}
    assert set(catalogue.counterparties) == {
        *("department.rest-a", "department.rest-b", "department.soap-a", "department.soap-b"),
        *("portal.cong-dvc", "portal.second"),
        *("trust.ca", "trust.tsa"),
        *("postal.post-a", "postal.post-b"),
        *("bank.bank-a", "bank.bank-b"),
        "receipts.issuer-a",
    }
    second = catalogue.counterparties["portal.second"]
    assert isinstance(second, Endpoint)
    assert catalogue.secret(second.secrets[0]) == environment()["HUB_SECRET_TEST_SECOND_WEBHOOK"]


def test_no_secret_shows_when_the_catalogue_is_printed() -> None:
    catalogue = load(CATALOGUE, environment())
    assert not [value for value in environment().values() if value in repr(catalogue)]


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    """The catalogue that ships with the hub."""
    return load(PACKAGED, AnySecretSet())


def test_the_shipped_catalogue_covers_each_way_in_which_a_department_can_be_protected(shipped: Catalogue) -> None:
    assert {department.dialect for department in shipped.departments.values()} == {"rest", "soap"}
    assert {department.statuses for department in shipped.departments.values()} == {"push", "poll"}
    decided = {procedure.department for procedure in shipped.procedures.values()}
    assert decided == set(shipped.departments)
    assert agency_scheme(shipped.portal.centre)


@pytest.mark.parametrize("path", TOMLS, ids=lambda path: path.relative_to(PACKAGED).as_posix())
def test_every_shipped_file_says_at_its_top_what_it_rests_on(path: Path) -> None:
    of_a_bank = path.parent.name == "profiles"
    rests_on = "From public parsers and exports, not confirmed by the bank" if of_a_bank else "ILLUSTRATIVE. "
    assert path.read_text(encoding="utf-8").startswith(f"# {rests_on}")


def test_a_fee_is_the_one_in_force_on_the_day(shipped: Catalogue) -> None:
    procedure = shipped.procedures["1.002010"]
    assert [fee.amount for fee in procedure.fees_on(date(2025, 12, 31))] == [2_000_000]
    assert [fee.amount for fee in procedure.fees_on(date(2026, 1, 1))] == [1_000_000]
    assert procedure.fees_on(date(2019, 12, 31)) == []


def test_secrets_are_found_wherever_they_are_named(shipped: Catalogue) -> None:
    named = dict(secret_names(shipped.departments["so-tu-phap"]))
    assert named == {
        "/ws_security/sign_key": "HUB_SECRET_SO_TU_PHAP_SIGN_KEY",
        "/ws_security/sign_certificate": "HUB_SECRET_SO_TU_PHAP_SIGN_CERTIFICATE",
        "/ws_security/their_certificates/0": "HUB_SECRET_SO_TU_PHAP_THEIR_CERTIFICATE",
    }
    assert dict(secret_names(shipped.portal)) == {
        "/guard/keys/portal-2026a": "HUB_SECRET_PORTAL_2026A",
        "/guard/keys/portal-2026b": "HUB_SECRET_PORTAL_2026B",
        "/endpoints/0/secrets/0": "HUB_SECRET_CONG_DVC_WEBHOOK_2026A",
    }


@pytest.mark.parametrize("name", load(CATALOGUE, environment()).secrets)
def test_a_missing_secret_is_named_with_the_variable_to_set(name: str) -> None:
    incomplete = environment()
    del incomplete[name]
    with pytest.raises(CatalogueError, match=rf"\.toml: /\S+: the secret is missing: set {name} in the environment"):
        load(CATALOGUE, incomplete)


@pytest.mark.parametrize("value", ["", "changeme", " " * 40], ids=["empty", "short", "blank"])
def test_a_secret_that_is_none_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(CatalogueError, match=r"rest-a\.toml: /secret: the secret is .*16 characters or more") as error:
        load(CATALOGUE, environment() | {"HUB_SECRET_TEST_REST_A_TOKEN": value})
    assert not value.strip() or value not in str(error.value)


def test_a_centre_that_says_no_account_collects_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "catalogue"
    shutil.copytree(CATALOGUE, folder)
    (folder / "fees.toml").unlink()

    with pytest.raises(CatalogueError, match=r"without a fees\.toml nothing is collected"):
        load(folder, environment())
    (folder / "receipts.toml").unlink()
    with pytest.raises(CatalogueError, match=r"/pay.*without a fees\.toml nothing is collected"):
        load(folder, environment())
    for path in (folder / "procedures").glob("pay-*.toml"):
        path.unlink()
    without = load(folder, environment())
    assert (without.fee_settings, without.receipts) == (None, None)
