"""Sandboxes and a hub that listens to them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from zeep.wsse.username import UsernameToken

from config.catalogue import Catalogue
from connectors.ports import DepartmentPort
from tests.unit.sandbox.hubs import WitnessHub, witness_hub
from tests.unit.sandbox.running import DEPARTMENTS, Running, port_at, sandbox
from tests.unit.sandbox.speaking import KNOWN, SECRETS, SIGNED, HubSignature, client


@pytest.fixture
def rest(tmp_path: Path) -> Iterator[Running]:
    """A REST department alone; its reports reach nobody."""
    with sandbox(tmp_path, ["department.rest-a"]) as running:
        yield running


@pytest.fixture
def witness(catalogue: Catalogue) -> Iterator[WitnessHub]:
    """A hub that keeps what it is told."""
    with witness_hub(catalogue) as hub:
        yield hub


@pytest.fixture
def soap(tmp_path: Path, witness: WitnessHub) -> Iterator[Running]:
    with sandbox(tmp_path, [SIGNED, KNOWN], hub=witness.url) as running:
        yield running


@pytest.fixture
def signed(soap: Running) -> Iterator[Any]:
    """A zeep client that signs as the hub and believes soap-a's certificate only."""
    with client(soap, SIGNED, HubSignature()) as speaking:
        yield speaking.service


@pytest.fixture
def known(soap: Running) -> Iterator[Any]:
    """A zeep client that says the hub's name and password to soap-b."""
    token = UsernameToken("hub", SECRETS["SOAP_B_PASSWORD"], use_digest=True)
    with client(soap, KNOWN, token) as speaking:
        yield speaking.service


@pytest.fixture(params=DEPARTMENTS)
def code(request: pytest.FixtureRequest) -> str:
    """Each department, by its code."""
    return str(request.param)


@pytest.fixture
def port_of(running: Running, catalogue: Catalogue) -> Callable[[str], DepartmentPort]:
    """The hub's port of a department in the test's own sandbox (its fixture ``running``)."""
    return lambda code: port_at(running, catalogue, code)


@pytest.fixture
def port(port_of: Callable[[str], DepartmentPort], code: str) -> DepartmentPort:
    return port_of(code)
