"""Folders in which somebody works with ``hub``."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journeys.checkout import Checkout


@pytest.fixture
def checkouts(tmp_path: Path) -> Iterator[Callable[[], Checkout]]:
    """Makes folders; whatever still runs in them at the end is stopped."""
    made: list[Checkout] = []

    def make() -> Checkout:
        folder = tmp_path / f"checkout-{len(made)}"
        folder.mkdir()
        made.append(Checkout(folder))
        return made[-1]

    yield make
    for one in made:
        if one.place.supervisor() is not None:
            one.hub("down")
        for pid in one.processes():
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def checkout(checkouts: Callable[[], Checkout]) -> Checkout:
    return checkouts()
