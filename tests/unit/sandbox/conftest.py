"""Sandboxes and a hub that listens to them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.catalogue import Catalogue
from tests.unit.sandbox.hubs import WitnessHub, witness_hub
from tests.unit.sandbox.running import Running, sandbox


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
