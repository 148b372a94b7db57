"""receipts.toml: a series for each kind of fee, with the year in its symbol."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from config.catalogue import CatalogueError, load
from schemas.portal import FeeKind
from tests.catalogue_secrets import CATALOGUE, environment


@pytest.fixture
def file(tmp_path: Path) -> Path:
    shutil.copytree(CATALOGUE, tmp_path / "catalogue")
    return tmp_path / "catalogue" / "receipts.toml"


def test_the_symbol_says_the_year() -> None:
    receipts = load(CATALOGUE, environment()).receipts
    assert receipts is not None
    series = receipts.of(FeeKind.PHI)
    assert [series.symbol_of(date(year, 1, 1)) for year in (2026, 2027, 2130)] == ["PT-26E", "PT-27E", "PT-30E"]
    assert receipts.of(FeeKind.LE_PHI).template == "01BLP0-002"


def test_without_an_issuer_nobody_is_told(file: Path) -> None:
    whole = file.read_text()
    file.write_text(whole[: whole.index("[issuer]")])
    catalogue = load(file.parent, environment())
    assert catalogue.receipts is not None
    assert not [code for code in catalogue.counterparties if code.startswith("receipts.")]


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('issue_on = "paid"', 'issue_on = "ordered"', "/issue_on"),
        ('tax_code = "0100000001"', 'tax_code = "1"', "/collector/tax_code"),
        ("PT-{yy}E", "PT-26E", "/series/0/symbol"),
        ('kind = "le_phi"', 'kind = "phi"', "series of the kind phi stands twice"),
        ('"01BLP0-002"\nsymbol = "LT-{yy}E"', '"01BLP0-001"\nsymbol = "PT-{yy}E"', "stands twice"),
        ('[[series]]\nkind = "le_phi"\ntemplate = "01BLP0-002"\nsymbol = "LT-{yy}E"\n', "", "none is for le_phi"),
        ('dialect = "vnpt"', 'dialect = "viettel"', "/issuer/dialect"),
        ("HUB_SECRET_TEST_ISSUER_SERVICE", "HUB_SECRET_TEST_NOT_THERE", "/issuer/password"),
    ],
)
def test_a_mistake_is_named_with_its_place(file: Path, old: str, new: str, mistake: str) -> None:
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(CatalogueError) as caught:
        load(file.parent, environment())
    assert "receipts.toml" in str(caught.value)
    assert mistake in str(caught.value)
