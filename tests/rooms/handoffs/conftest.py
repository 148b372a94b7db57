"""A house whose department rest-b signs what it receives."""

import pytest

from hub.embedded.pki import Pki
from tests.counterparts import Seal
from tests.house import ScriptedHouse
from tests.rooms.test_command_line import hub  # noqa: F401 - the command line as a fixture


@pytest.fixture
def seal(pki: Pki, house: ScriptedHouse) -> Seal:
    """The seal of rest-b."""
    return Seal(pki, "rest-b", house.catalogue.departments["rest-b"].agency)
