"""What is done to many demands at once is what it is one by one: amounts, statuses, audit log, events, refusals."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol

import pytest

from hub import dispatch
from hub.clock import VIETNAM
from hub.errors import HubError, InvalidState, NotFound
from hub.events import Event, FeeEvent, FeePaid
from hub.fees.demands import demand_commands
from hub.fees.demands.demand_commands import Credited, DemandBatch
from hub.unit_of_work import UnitOfWork
from tests.integration.fees.conftest import Cashier

AT: Final = datetime(2026, 11, 2, 8, 15, tzinfo=VIETNAM)
AMOUNTS: Final = (1, 40_000, 110_000, 149_999, 150_000, 150_001)
STATUSES: Final = ("issued", "issued", "issued", "expired", "cancelled")
STEPS: Final = 60


class DemandCommands(Protocol):
    """What both ways have."""

    def credit(
        self, demand_id: str, amount: int, evidence: str, *, paid_at: datetime | None, confirmed: bool
    ) -> Credited: ...

    def confirm(self, demand_id: str, evidence: str) -> list[Event]: ...


@dataclass
class OneByOne:
    uow: UnitOfWork

    def credit(
        self, demand_id: str, amount: int, evidence: str, *, paid_at: datetime | None, confirmed: bool
    ) -> Credited:
        return demand_commands.credit(self.uow, demand_id, amount, evidence, paid_at=paid_at, confirmed=confirmed)

    def confirm(self, demand_id: str, evidence: str) -> list[Event]:
        return demand_commands.confirm(self.uow, demand_id, evidence)


def happen(demands: DemandCommands, seed: int, places: Sequence[str]) -> list[Any]:
    """Money in parts, twice, late and too much; shown at once, later, before it came, or never. What came of each."""
    chance = random.Random(seed)  # noqa: S311 - the same for both ways
    outcomes: list[Any] = []
    for _ in range(STEPS):
        place, evidence = places[chance.randrange(len(places))], f"pm_{chance.randrange(12)}"
        amount, is_money, confirmed = chance.choice(AMOUNTS), chance.random() < 0.6, chance.random() < 0.5
        try:
            if is_money:
                credited = demands.credit(place, amount, evidence, paid_at=AT, confirmed=confirmed)
                outcomes.append((credited.taken, credited.rest, credited.exception_code, notices_of(credited.events)))
            else:
                outcomes.append(notices_of(demands.confirm(place, evidence)))
        except HubError as error:
            outcomes.append(type(error))
    return outcomes


def notices_of(events: Sequence[Event]) -> list[Any]:
    """What a payer sees of them."""
    return [
        (type(one), one.fee.status, one.fee.outstanding, one.at if isinstance(one, FeePaid) else None)
        for one in events
        if isinstance(one, FeeEvent)
    ]


def written_about(cashier: Cashier, places: Sequence[str]) -> list[Any]:
    """All that is written about each of them, without their ids."""
    queries = (
        "SELECT allocated, confirmed, waived, status, version FROM fee_demand WHERE id = %s",
        "SELECT evidence, amount, paid_at, credited_at, confirmed_at FROM fee_credit WHERE demand_id = %s ORDER BY 1",
        (
            "SELECT actor, action, before, after, reason FROM audit_log"
            " WHERE subject = %s AND action <> 'demand_issued' ORDER BY id"
        ),
    )
    return [cashier.hub.rows(query, place) for place in places for query in queries]


def opened(cashier: Cashier) -> list[str]:
    """A demand in each of the statuses."""
    places = [str(cashier.demand(cashier.dossier())["id"]) for _ in STATUSES]
    with cashier.hub.db.connection() as conn:
        for place, status in zip(places, STATUSES, strict=True):
            conn.execute("UPDATE fee_demand SET status = %s WHERE id = %s", (status, place))
    return places


def act(cashier: Cashier, command: Any) -> Any:
    """In one transaction; nobody reacts."""
    return dispatch.run_command(cashier.hub, "ke-toan-a", lambda uow: (command(replace(uow, now=AT)), []))


def test_many_at_once_is_one_by_one(cashier: Cashier) -> None:
    seen: set[Any] = set()
    for seed in range(4):
        alone, many = opened(cashier), opened(cashier)
        outcomes = act(cashier, lambda uow: one_by_one(uow, seed, alone))  # noqa: B023 - it is done at once

        assert act(cashier, lambda uow: together(uow, seed, many)) == outcomes  # noqa: B023 - it is done at once
        assert written_about(cashier, many) == written_about(cashier, alone)
        seen |= {one[2] if isinstance(one, tuple) else NotFound for one in outcomes if not isinstance(one, list)}

    assert seen == {"R03", "R04", "R05", "R06", "R07", None, NotFound}


def one_by_one(uow: UnitOfWork, seed: int, places: Sequence[str]) -> list[Any]:
    return happen(OneByOne(uow), seed, places) + happen(OneByOne(uow), seed + 100, places)


def together(uow: UnitOfWork, seed: int, places: Sequence[str]) -> list[Any]:
    batch = DemandBatch(uow)
    batch.read(places)
    outcomes = happen(batch, seed, places)
    batch.write()
    outcomes += happen(batch, seed + 100, places)  # what was written is read again
    batch.write()
    return outcomes


def test_what_was_taken_back_is_not_confirmed(cashier: Cashier, dossier: str) -> None:
    demand = str(cashier.demand(dossier)["id"])
    cashier.pays(dossier, 150_000, "pm_1")
    cashier.act(lambda uow: demand_commands.reverse(uow, demand, "pm_1", by="bank"))

    with pytest.raises(InvalidState, match="đã bị lấy lại bởi bank"):
        act(cashier, lambda uow: DemandBatch(uow).confirm(demand, "pm_1"))


def test_a_demand_that_is_not_there_is_named(cashier: Cashier) -> None:
    with pytest.raises(NotFound, match="fd_none"):
        act(cashier, lambda uow: DemandBatch(uow).read(["fd_none"]))
    with pytest.raises(ValueError, match="only money that has come"):
        act(cashier, lambda uow: DemandBatch(uow).credit("fd_none", 0, "pm_1"))


def test_nothing_is_written_before_it_is_said_so(cashier: Cashier, dossier: str) -> None:
    demand = str(cashier.demand(dossier)["id"])
    act(cashier, lambda uow: DemandBatch(uow).credit(demand, 150_000, "pm_1"))
    assert (cashier.demand(dossier)["status"], cashier.hub.count("fee_credit")) == ("issued", 0)
