"""Faults of the hub's processes: killed at random, killed at a crash point, frozen past a lease, stopped."""

import signal
from collections.abc import Iterator
from random import Random

from tests import faketime
from tests.faults.cluster import Cluster
from tests.faults.registry import fault

OUTSLEPT = 5.0
"""seconds; longer than any lease of the stack's pace (time-out 2 s, margin 1 s)"""


@fault("worker-killed", answers=("C1", "C2"))
def worker_killed(cluster: Cluster, random: Random) -> Iterator[None]:
    """kill -9 of a worker at a random moment."""
    name = random.choice(cluster.workers)
    cluster.stack.kill(name)
    yield
    cluster.start_again(name, random)


@fault("workers-killed", answers=("C1", "C2"))
def workers_killed(cluster: Cluster, random: Random) -> Iterator[None]:
    """kill -9 of all workers at once."""
    for name in cluster.workers:
        cluster.stack.kill(name)
    yield
    for name in cluster.workers:
        cluster.start_again(name, random)


@fault("worker-crash-point", answers=("C1",), seconds=0.5)
def worker_crash_point(cluster: Cluster, random: Random) -> Iterator[None]:
    """kill -9 of a worker at a named crash point."""
    name = random.choice(cluster.workers)
    if cluster.crash(name) is None:
        cluster.stack.kill(name)
    yield
    cluster.start_again(name, random)


@fault("api-crash-point", answers=("C3", "C4", "C6"), seconds=0.5)
def api_crash_point(cluster: Cluster, random: Random) -> Iterator[None]:
    """kill -9 of the API before or after its commit, or between publish and mark."""
    if cluster.crash("api") is None:
        cluster.stack.kill("api")
    yield
    cluster.start_again("api", random)


@fault("api-killed", answers=("C3", "C4"))
def api_killed(cluster: Cluster, random: Random) -> Iterator[None]:
    """kill -9 of the API at a random moment."""
    cluster.stack.kill("api")
    yield
    cluster.start_again("api", random)


@fault("beat-killed", answers=("B3",), seconds=2.0)
def beat_killed(cluster: Cluster, random: Random) -> Iterator[None]:
    """kill -9 of beat."""
    cluster.stack.kill("beat")
    yield
    cluster.start_again("beat", random)


@fault("worker-frozen", answers=("C1",), seconds=OUTSLEPT)
def worker_frozen(cluster: Cluster, random: Random) -> Iterator[None]:
    """SIGSTOP of a worker for longer than its leases; then it wakes and wants to write down what it knew."""
    name = random.choice(cluster.workers)
    cluster.signal(name, signal.SIGSTOP)
    yield
    cluster.signal(name, signal.SIGCONT)


@fault("worker-clock-off", answers=("T1",), seconds=OUTSLEPT, unavailable=faketime.install)
def worker_clock_off(cluster: Cluster, random: Random) -> Iterator[None]:
    """A worker is started with a clock that is seven minutes ahead or behind, or an hour."""
    name = random.choice(cluster.workers)
    cluster.stack.stop(name)
    cluster.start_worker(name, random, clock=random.choice(("+7m", "-7m", "+1h", "-1h")))
    yield
    cluster.stack.stop(name)
    cluster.start_worker(name, random)


@fault("worker-stopped", answers=("C5",))
def worker_stopped(cluster: Cluster, random: Random) -> Iterator[None]:
    """SIGTERM of a worker under load."""
    name = random.choice(cluster.workers)
    cluster.stack.stop(name)
    yield
    cluster.start_again(name, random)


@fault("api-stopped", answers=("C5",))
def api_stopped(cluster: Cluster, random: Random) -> Iterator[None]:
    """SIGTERM of the API under load."""
    cluster.stack.stop("api")
    yield
    cluster.start_again("api", random)
