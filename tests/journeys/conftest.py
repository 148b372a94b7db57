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
    folders: list[Checkout] = []

    def make() -> Checkout:
        folder = tmp_path / f"checkout-{len(folders)}"
        folder.mkdir()
        folders.append(Checkout(folder))
        return folders[-1]

    yield make
    for one in folders:
        if one.place.supervisor() is not None:
            one.hub("down")
        for pid in one.processes():
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def checkout(checkouts: Callable[[], Checkout]) -> Checkout:
    return checkouts()
