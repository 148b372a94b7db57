"""The same inputs come to the same, in whatever order and pieces they come, late or not at all, and however often.

Not only what was joined: demands, dossiers, lines, payments, credits, the book by day, fee and demand, and open cases.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from config.catalogue import Catalogue
from config.settings import Settings
from hub import dispatch
from tests.databases import Databases
from tests.integration.fees.matching import red
from tests.integration.fees.towns import FeeTown, alike, day_of, in_two, mixed


@pytest.fixture
def town(databases: Databases, settings: Settings, catalogue: Catalogue) -> Iterator[Callable[[], FeeTown]]:
    with alike(databases, settings, catalogue) as new_town:
        yield new_town


@pytest.fixture(scope="module")
def expected_once() -> dict[str, Any]:
    return {}


@pytest.fixture
def expected(town: Callable[[], FeeTown], expected_once: dict[str, Any]) -> dict[str, Any]:
    """Where it comes to when every movement is notified, and the statement of each day comes after it."""
    if not expected_once:
        plain = town()
        plain.tell()
        plain.bring()
        assert red(plain.hub) == []
        expected_once |= plain.outcome()
    return expected_once


def permuted(one: FeeTown) -> None:
    one.tell(*reversed(one.notices))
    one.bring(*(mixed(draft) for draft in one.days))


def files_out_of_turn(one: FeeTown) -> None:
    """Behind an account's first statement; what is not its turn waits for what is before it."""
    one.tell()
    first, second, third = one.days
    one.bring(first, third, second)


def split(one: FeeTown) -> None:
    one.tell()
    one.bring(*(piece for draft in one.days[:2] for piece in in_two(draft)), one.days[2])


def doubled(one: FeeTown) -> None:
    one.tell(*one.notices, *one.notices)
    for name in ("a.xml", "b.xml"):
        one.bring(name=name)
    one.tell()
    for draft in one.days:
        one.till.matches(draft.day)


def renamed(one: FeeTown) -> None:
    one.tell()
    for number, draft in enumerate(one.days):
        one.bring(draft, name=f"SAO KE ({9 - number}).camt")


def unheard(one: FeeTown) -> None:
    one.bring()


def unheard_for_a_day(one: FeeTown) -> None:
    lost = one.days[0].day
    one.tell(*(notice for notice in one.notices if day_of(notice) != lost))
    one.bring()


def late(one: FeeTown) -> None:
    one.bring()
    one.tell()


def late_by_a_day(one: FeeTown) -> None:
    for draft in one.days:
        one.bring(draft)
        if notices := [notice for notice in one.notices if day_of(notice) == draft.day]:
            one.tell(*notices)


def by_a_gateway(one: FeeTown) -> None:
    """Which has other numbers than the bank: none of them stands on a statement."""
    one.tell(*one.gateways_notices)
    one.bring()


def by_a_gateway_late(one: FeeTown) -> None:
    one.bring()
    one.tell(*one.gateways_notices)


def by_a_gateway_and_the_bank(one: FeeTown) -> None:
    one.tell(*one.gateways_notices)
    one.tell()
    one.bring()


def by_the_bank_and_a_gateway(one: FeeTown) -> None:
    one.tell()
    one.tell(*one.gateways_notices)
    one.bring()


def by_a_gateway_and_late_by_the_bank(one: FeeTown) -> None:
    one.tell(*one.gateways_notices)
    one.bring()
    one.tell()


def by_four_workers(one: FeeTown) -> None:
    """Each day at once: what was notified of it, its statement, and what follows from either."""

    def uow() -> None:
        while rows := one.hub.rows("SELECT id FROM inbox WHERE state NOT IN ('handled', 'dead') ORDER BY random()"):
            for row in rows:
                dispatch.handle(one.hub, row["id"])

    for draft in one.days:
        if notices := [notice for notice in one.notices if day_of(notice) == draft.day]:
            one.tell(*notices, carry=False)
        one.lay(draft)
        workers = [threading.Thread(target=uow) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        one.hub.carry()


WAYS: Final[tuple[Callable[[FeeTown], None], ...]] = (
    permuted, files_out_of_turn, split, doubled, renamed, unheard, unheard_for_a_day, late, late_by_a_day,
    by_a_gateway, by_a_gateway_late, by_a_gateway_and_the_bank, by_the_bank_and_a_gateway,
    by_a_gateway_and_late_by_the_bank, by_four_workers,
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_the_same_days_come_to_the_same_however_they_are_told(
    town: Callable[[], FeeTown], expected: dict[str, Any], way: Callable[[FeeTown], None]
) -> None:
    assert len(expected["cases"]) > 6
    other = town()

    way(other)

    outcome = other.outcome()
    for name, value in expected.items():
        assert outcome[name] == value, name
    assert red(other.hub) == []
