"""A development authority of the test's own, and who signs under it."""

from pathlib import Path

import pytest

from config.catalogue import Catalogue
from hub.embedded.pki import Pki, made
from tests.unit.signing.office import Office


@pytest.fixture
def own_pki(catalogue: Catalogue, tmp_path: Path) -> Pki:
    """Keys that nobody else uses."""
    return made(tmp_path / "pki", catalogue, "a passphrase for keys in tests only")


@pytest.fixture
def office(own_pki: Pki, catalogue: Catalogue) -> Office:
    return Office(own_pki, catalogue)
