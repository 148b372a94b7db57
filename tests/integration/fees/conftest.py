"""Demands for the tests: dossiers that have to be paid for, and money that comes."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from hub import dispatch
from hub.db import Connection
from hub.fees.demands import demand_commands
from hub.fees.demands.demand_commands import Credited
from hub.unit_of_work import UnitOfWork
from tests.builders import a_receipt, a_submission, submission_arrival
from tests.deploy.installed import database_url_as, make_roles, run_script
from tests.integration.fees.booking import opened
from tests.integration.fees.matching import AccountTill
from tests.integration.fees.registry import Registry
from tests.integration.fees.telling import NotifyingProvider
from tests.integration.test_command_line import cli  # noqa: F401 - the command line as a fixture
from tests.scripted_hub import ScriptedHub

PAY_FIRST = "9.000005"
PAY_LATER = "9.000006"


class Cashier:
    """Opens dossiers, and says that money has come."""

    def __init__(self, hub: ScriptedHub) -> None:
        self.hub = hub
        self._numbers = itertools.count(1)

    def dossier(self, procedure: str = PAY_FIRST, **changes: Any) -> str:
        """A dossier of that procedure; gives its id."""
        self.hub.department("rest-a").answers.append(a_receipt())
        accepted = self.hub.accept(submission_arrival(a_submission(procedure=procedure, **changes)))
        self.hub.carry()
        return accepted.id

    def act(self, command: Callable[[UnitOfWork], Any]) -> Any:
        """``command`` by a person, with everything that follows from it; its events, or what it gives beside them."""

        def whole(uow: UnitOfWork) -> tuple[Any, Any]:
            done = command(uow)
            return (done, done.events) if isinstance(done, Credited) else (None, done)

        done = dispatch.run_command(self.hub, "ke-toan-thu-nghiem", whole)
        self.hub.carry()
        return done

    def pays(self, dossier: str, amount: int, evidence: str | None = None, *, confirmed: bool = False) -> Credited:
        """``amount`` comes for the dossier's demand."""
        demand, by = self.demand(dossier)["id"], evidence or f"pm_{next(self._numbers)}"
        credited = self.act(lambda uow: demand_commands.credit(uow, demand, amount, by, confirmed=confirmed))
        assert isinstance(credited, Credited)
        return credited

    def demand(self, dossier: str) -> dict[str, Any]:
        """The dossier's demand, as the database has it."""
        [row] = self.hub.rows("SELECT * FROM fee_demand WHERE dossier_id = %s", dossier)
        return row

    def dossier_status(self, dossier: str) -> str:
        [row] = self.hub.rows("SELECT status FROM dossier WHERE id = %s", dossier)
        return str(row["status"])

    def handed(self, dossier: str) -> bool:
        """Whether the department has it."""
        [row] = self.hub.rows("SELECT raw_code FROM dossier WHERE id = %s", dossier)
        return row["raw_code"] in [code for code, _ in self.hub.department("rest-a").submitted]

    def notices(self, dossier: str) -> list[str]:
        """The types of the notices about the dossier, in order; each is of another version."""
        rows = self.hub.rows("SELECT type, version FROM event WHERE submission_id = %s ORDER BY seq", dossier)
        assert [row["version"] for row in rows] == list(range(1, len(rows) + 1))
        return [row["type"] for row in rows]


@pytest.fixture
def cashier(hub: ScriptedHub) -> Cashier:
    return Cashier(hub)


@pytest.fixture
def provider(hub: ScriptedHub) -> NotifyingProvider:
    return NotifyingProvider(hub)


@pytest.fixture
def dossier(cashier: Cashier) -> str:
    """A dossier that waits for its fees."""
    return cashier.dossier()


@pytest.fixture
def reference(cashier: Cashier, dossier: str) -> str:
    return str(cashier.demand(dossier)["reference"])


@pytest.fixture
def till(hub: ScriptedHub) -> AccountTill:
    return AccountTill(hub)


@pytest.fixture
def registry(hub: ScriptedHub) -> Registry:
    return Registry(hub)


@pytest.fixture
def as_worker(database_url: str) -> Iterator[Connection]:
    """The book as the worker's role sees it."""
    make_roles(database_url)
    with psycopg.connect(database_url) as admin:
        admin.execute("GRANT USAGE ON SCHEMA public TO hub_worker")
    run_script(database_url, "grants.sql")
    with opened(database_url_as(database_url, database_url.rpartition("/")[2], "hub_worker")) as conn:
        yield conn
