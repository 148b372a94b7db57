"""A hub whose department rest-b signs what it receives."""

import pytest

from hub.embedded.pki import Pki
from tests.counterparts import DepartmentSeal
from tests.integration.test_command_line import cli  # noqa: F401 - the command line as a fixture
from tests.scripted_hub import ScriptedHub


@pytest.fixture
def seal(pki: Pki, hub: ScriptedHub) -> DepartmentSeal:
    """The seal of rest-b."""
    return DepartmentSeal(pki, "rest-b", hub.catalogue.departments["rest-b"].agency)
