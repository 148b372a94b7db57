"""A development authority of the test's own, and who signs under it."""

import pytest

from config.catalogue import Catalogue
from hub.embedded.pki import Pki
from tests.unit.signing.office import Office


@pytest.fixture
def office(own_pki: Pki, catalogue: Catalogue) -> Office:
    return Office(own_pki, catalogue)
