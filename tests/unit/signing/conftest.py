"""A development authority of the test's own, and who signs under it."""

import pytest

from config.catalogue import Catalogue
from hub.embedded.pki import Pki
from tests.unit.signing.office import KeyOffice


@pytest.fixture
def office(own_pki: Pki, catalogue: Catalogue) -> KeyOffice:
    return KeyOffice(own_pki, catalogue)
