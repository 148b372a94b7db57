"""A department's month: what its table says, and that it says all of the book and nothing else."""

from datetime import date

import pytest

from hub.fees.ledger import Share
from tests.house import ScriptedHouse
from tests.rooms.fees.conftest import Cashier
from tests.rooms.fees.settling import OCTOBER, Office, sums


@pytest.fixture
def office(house: ScriptedHouse) -> Office:
    return Office(house)


@pytest.fixture
def demand(cashier: Cashier, dossier: str) -> str:
    return str(cashier.demand(dossier)["id"])


def owed(demand: str, phi: int = 120_000, le_phi: int = 30_000) -> list[Share]:
    return [Share("rest-a", "phi", phi, demand), Share("rest-a", "le-phi", le_phi, demand)]


def test_a_table_holds_all_of_a_month_and_the_share_that_is_kept(office: Office, demand: str) -> None:
    office.paid(date(2026, 9, 30), *owed(demand))
    office.paid(date(2026, 10, 1), *owed(demand))
    office.paid(date(2026, 10, 31), *owed(demand, 20_000, 5_000))
    office.paid(date(2026, 11, 1), *owed(demand))
    office.closes(OCTOBER)
    table = office.table("rest-a")
    assert sums(table) == (0, 175_000, 0, 0, 98_000, 77_000)
    assert [(fee.fee_code, fee.kind.value, fee.receipts, fee.retained, fee.net) for fee in table.fees] == [
        ("le-phi", "le_phi", 35_000, 0, 35_000),
        ("phi", "phi", 140_000, 98_000, 42_000),
    ]
    assert [line.number for line in table.lines] == [1, 2, 3, 4]
    assert office.book("511", "rest-a") == -98_000
