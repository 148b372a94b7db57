"""Who speaks SOAP with the hub in these tests. One office of each kind serves them all: opening a port takes long."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.connectors.keys import a_pair
from tests.unit.connectors.signed_messages import FromZeep
from tests.unit.connectors.soap_office import Office, an_office


@pytest.fixture(scope="session")
def office() -> Iterator[Office]:
    """A department that signs."""
    with an_office("soap-a") as opened:
        yield opened


@pytest.fixture(scope="session")
def plain_office() -> Iterator[Office]:
    """A department that does not sign."""
    with an_office("soap-b") as opened:
        yield opened


@pytest.fixture
def zeep_hub(tmp_path: Path) -> FromZeep:
    """zeep with the hub's RSA key."""
    return FromZeep(a_pair("hub"), tmp_path)
