"""Who speaks with the hub in these tests, and the transports that it speaks by."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.catalogue import Tls
from connectors.transport.http import Transport
from tests.self_signed import a_pair
from tests.unit.connectors.signed_messages import FromZeep
from tests.unit.connectors.soap_office import SoapOffice, an_office


@pytest.fixture
def transport() -> Iterator[Transport]:
    with Transport("department.test", timeout=3, tls=Tls(), folder=Path()) as opened:
        yield opened


@pytest.fixture
def hasty() -> Iterator[Transport]:
    """One that waits for little and reads little."""
    with Transport("department.test", timeout=0.4, tls=Tls(), folder=Path(), size_cap=1000) as opened:
        yield opened


@pytest.fixture(scope="session")
def office() -> Iterator[SoapOffice]:
    """A department that signs. One office of each kind serves all tests: opening a port takes long."""
    with an_office("soap-a") as opened:
        yield opened


@pytest.fixture(scope="session")
def plain_office() -> Iterator[SoapOffice]:
    """A department that does not sign."""
    with an_office("soap-b") as opened:
        yield opened


@pytest.fixture
def zeep_hub(tmp_path: Path) -> FromZeep:
    """zeep with the hub's RSA key."""
    return FromZeep(a_pair("hub"), tmp_path)
