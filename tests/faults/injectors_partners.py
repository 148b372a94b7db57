"""Faults of departments and portal endpoints, by the settings of the sandbox that plays them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from tests.faults.cluster import Cluster
from tests.faults.registry import fault

ENDPOINTS = ("portal.cong-dvc", "portal.second")


@contextmanager
def _turned(cluster: Cluster, counterparty: str, **settings: Any) -> Iterator[None]:
    """The settings as said; as before afterwards."""
    healthy = {name: 0 if type(value) is not bool else False for name, value in settings.items()}
    cluster.stack.turn(counterparty, **settings)
    yield
    cluster.stack.turn(counterparty, **healthy)


def _department(cluster: Cluster, random: Random) -> str:
    return f"department.{random.choice(cluster.departments)}"


@fault("department-down", answers=("P1",), seconds=2.0)
def department_down(cluster: Cluster, random: Random) -> Iterator[None]:
    """A department answers 503 to everything."""
    with _turned(cluster, _department(cluster, random), down=True):
        yield


@fault("department-busy", answers=("P5",), seconds=2.0)
def department_busy(cluster: Cluster, random: Random) -> Iterator[None]:
    """A department answers 503 with Retry-After: 1 to everything."""
    with _turned(cluster, _department(cluster, random), down=True, retry_after=1):
        yield


@fault("department-throttles", answers=("P5",), seconds=1.0)
def department_throttles(cluster: Cluster, random: Random) -> Iterator[None]:
    """A department answers the next requests with 429 and Retry-After: 1."""
    department = _department(cluster, random)
    cluster.stack.turn(department, fail_next=5, fail_status=429, retry_after=1)
    yield
    cluster.stack.turn(department, fail_next=0, fail_status=500, retry_after=0)


@fault("department-slow", answers=("P2",), seconds=3.0)
def department_slow(cluster: Cluster, random: Random) -> Iterator[None]:
    """A department takes a second before it looks at anything."""
    with _turned(cluster, _department(cluster, random), slow=1.0):
        yield


@fault("department-hangs", answers=("P2", "P3"), seconds=4.0)
def department_hangs(cluster: Cluster, random: Random) -> Iterator[None]:
    """A department answers later than the hub waits (time-out 2 s): the outcome is unknown."""
    with _turned(cluster, _department(cluster, random), slow=3.0):
        yield


@fault("department-cuts-before", answers=("P3",))
def department_cuts_before(cluster: Cluster, random: Random) -> Iterator[None]:
    """A department reads the request and drops the connection, without effect."""
    with _turned(cluster, _department(cluster, random), cut=True):
        yield


@fault("department-cuts-after", answers=("P3",))
def department_cuts_after(cluster: Cluster, random: Random) -> Iterator[None]:
    """A department takes the dossier and drops the connection instead of answering."""
    with _turned(cluster, _department(cluster, random), cut_after=True):
        yield


@fault("department-page", answers=("P4",), seconds=0.5)
def department_page(cluster: Cluster, random: Random) -> Iterator[None]:
    """A department takes the dossier; a gateway in front of it answers 200 with a page."""
    with _turned(cluster, _department(cluster, random), page=True):
        yield


@fault("department-flaps", answers=("P6",), seconds=0.3)
def department_flaps(cluster: Cluster, random: Random) -> Iterator[None]:
    """A department answers every other moment."""
    department = _department(cluster, random)
    for _ in range(4):
        with _turned(cluster, department, down=True):
            time.sleep(0.3)
        time.sleep(0.3)
    yield


@fault("portal-down", answers=("P1",), seconds=2.0)
def portal_down(cluster: Cluster, random: Random) -> Iterator[None]:
    """An endpoint of the portal answers 503 to every notice."""
    with _turned(cluster, random.choice(ENDPOINTS), down=True):
        yield


@fault("portal-cuts-after", answers=("P3",))
def portal_cuts_after(cluster: Cluster, random: Random) -> Iterator[None]:
    """An endpoint of the portal takes notices and drops the connections instead of answering."""
    with _turned(cluster, random.choice(ENDPOINTS), cut_after=True):
        yield


@fault("partners-killed", answers=("P1", "P3"))
def partners_killed(cluster: Cluster, random: Random) -> Iterator[None]:
    """kill -9 of all partners at once; what they had taken is in their files."""
    cluster.stack.kill("sandbox")
    yield
    cluster.start_again("sandbox", random)
