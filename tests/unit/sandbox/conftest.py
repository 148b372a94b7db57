"""Sandboxes and a hub that listens to them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from zeep.wsse.username import UsernameToken

from config.catalogue import Catalogue
from tests.unit.sandbox.hubs import WitnessHub, witness_hub
from tests.unit.sandbox.running import Running, sandbox
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
