"""The registry of faults: what is broken, how it is healed, and which row of the catalogue it answers.

A fault is one generator function: everything before its ``yield`` injects, everything after it heals.

    @fault("worker-killed", answers=("C1",))
    def worker_killed(cluster: Cluster, random: Random) -> Iterator[None]:
        name = random.choice(cluster.workers)
        cluster.stack.kill(name)
        yield
        cluster.start_worker(name)

Every module ``tests/faults/injectors_*.py`` is imported by ``registered``, so that a new file needs no list. A fault
leaves the hub as it found it, does nothing random but by its ``random``, and may be injected again at once.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Final, Literal

from tests.faults.cluster import Cluster

Broker = Literal["valkey", "rabbitmq"]
BROKERS: Final[tuple[Broker, ...]] = ("valkey", "rabbitmq")

Inject = Callable[[Cluster, Random], Iterator[None]]


@dataclass(frozen=True, slots=True)
class RegisteredFault:
    """One way to break the hub or its surroundings."""

    name: str
    answers: tuple[str, ...]
    """ids of the catalogue (tests/faults/catalogue.py)"""
    title: str
    """what is done, from the first line of the injector's docstring"""
    inject: Callable[[Cluster, Random], AbstractContextManager[None]]
    """broken inside the ``with``, healed behind it"""
    brokers: tuple[Broker, ...]
    seconds: float
    """how long it is left broken"""
    unavailable: Callable[[], str | None]
    """why it cannot be injected on this machine; None: it can"""


_FAULTS: Final[dict[str, RegisteredFault]] = {}


def fault(
    name: str,
    *,
    answers: tuple[str, ...],
    seconds: float = 1.0,
    brokers: tuple[Broker, ...] = BROKERS,
    unavailable: Callable[[], str | None] = lambda: None,
) -> Callable[[Inject], Inject]:
    """Register the injector under ``name``. ``brokers``: where it makes sense. ``seconds``: how long it lasts."""

    def register(inject: Inject) -> Inject:
        assert name not in _FAULTS, f"two faults are called {name}"
        title = (inject.__doc__ or name).partition("\n")[0].rstrip(".")
        _FAULTS[name] = RegisteredFault(name, answers, title, contextmanager(inject), brokers, seconds, unavailable)
        return inject

    return register


def registered() -> dict[str, RegisteredFault]:
    """Every fault by name, of all injector modules beside this one."""
    for path in sorted(Path(__file__).parent.glob("injectors_*.py")):
        import_module(f"tests.faults.{path.stem}")
    return dict(sorted(_FAULTS.items()))
