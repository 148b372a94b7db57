"""Cash that the postman collects with a result: paid on delivery, confirmed by what the operator pays in."""

from datetime import datetime, time

import pytest

from hub.clock import VIETNAM
from hub.errors import InvalidState
from hub.fees.demands import demand_commands
from tests.bank_files import StatementMovement
from tests.integration.fees.conftest import PAY_LATER, Cashier
from tests.integration.fees.matching import AccountTill, later, red, status
from tests.integration.fees.posting import PROVIDER, RETURNED, Postman
from tests.integration.fees.telling import NotifyingProvider
from tests.integration.fees.test_replay import replayed
from tests.scripted_hub import ScriptedHub

OWED = 50_000
"""what a dossier of PAY_LATER owes"""


@pytest.fixture
def postman(hub: ScriptedHub) -> Postman:
    return Postman(hub)


@pytest.fixture
def unpaid(cashier: Cashier) -> str:
    """A dossier whose result goes out before its fees are paid."""
    return cashier.dossier(PAY_LATER)


def test_a_result_that_is_not_paid_for_is_carried_for_cash(postman: Postman, cashier: Cashier, unpaid: str) -> None:
    assert postman.row(postman.takes(unpaid))["cash"] == OWED

    half = cashier.dossier(PAY_LATER)
    cashier.pays(half, 20_000)
    assert postman.row(postman.takes(half))["cash"] == OWED - 20_000
    paid = cashier.dossier(PAY_LATER)
    cashier.pays(paid, OWED)
    assert postman.row(postman.takes(paid))["cash"] == 0
    assert postman.row(postman.takes(unpaid, cash=0))["cash"] == 0, "a person said that nothing is collected"


def test_an_operator_without_collection_is_not_told_to_collect(postman: Postman, unpaid: str) -> None:
    assert postman.row(postman.takes(unpaid, operator="post-b"))["cash"] == 0
    with pytest.raises(InvalidState, match="post-b không thu hộ"):
        postman.takes(unpaid, operator="post-b", cash=OWED)


def test_what_is_collected_pays_and_the_remittance_confirms_it(
    postman: Postman, till: AccountTill, cashier: Cashier, unpaid: str
) -> None:
    day = till.books()
    another = cashier.dossier(PAY_LATER)
    parcels = [postman.takes(unpaid), postman.takes(another)]
    for parcel in parcels:
        postman.delivers(parcel, day)

    assert [status(cashier, one) for one in (unpaid, another)] == ["paid_unconfirmed"] * 2
    assert {row["provider"]: row["status"] for row in postman.payments()} == {PROVIDER: "notified"}
    assert till.book() == {"112": 2 * OWED, "331": -2 * OWED}
    assert red(till.hub) == []

    report = postman.reports(later(day, 1), *parcels, charge=2_200)
    till.books(StatementMovement(report.net, f"TONG CT BUU DIEN NOP TIEN THU HO {report.report}"))

    assert [status(cashier, one) for one in (unpaid, another)] == ["paid"] * 2
    assert {row["status"] for row in postman.payments()} == {"confirmed"}
    assert (till.line()["pass"], till.cases()) == ("P9", [])
    assert till.book() == {"111": report.net, "642": 4_400, "331": -2 * OWED}
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == []


def test_a_delivery_counts_once_however_often_it_is_told(
    postman: Postman, till: AccountTill, cashier: Cashier, unpaid: str
) -> None:
    day, parcel = till.books(), postman.takes(unpaid)
    postman.delivers(parcel, day, again=2)
    postman.tells(parcel, RETURNED, datetime.combine(day, time(11), VIETNAM))
    postman.delivers(parcel, later(day, 1))

    [payment] = postman.payments()
    assert (payment["amount"], payment["allocated"]) == (OWED, OWED)
    assert (status(cashier, unpaid), till.book()) == ("paid_unconfirmed", {"112": OWED, "331": -OWED})


def test_what_comes_back_has_not_been_paid_for(
    postman: Postman, till: AccountTill, cashier: Cashier, unpaid: str
) -> None:
    parcel = postman.takes(unpaid)
    postman.tells(parcel, RETURNED, datetime.combine(till.books(), time(11), VIETNAM))
    assert (postman.payments(), status(cashier, unpaid), till.book()) == ([], "issued", {})


def test_who_has_paid_by_bank_before_the_postman_came_is_owed_the_cash(
    postman: Postman, till: AccountTill, cashier: Cashier, provider: NotifyingProvider, unpaid: str
) -> None:
    parcel = postman.takes(unpaid)
    provider.tells(cashier.demand(unpaid)["reference"], amount=OWED)
    day = till.books()
    postman.delivers(parcel, day)

    assert (till.cases(), status(cashier, unpaid)) == (["R03"], "paid_unconfirmed")
    assert till.book() == {"112": 2 * OWED, "331": -OWED, "339": -OWED}
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == []


def test_a_transfer_of_the_payer_is_never_taken_for_the_operator_s(
    postman: Postman, till: AccountTill, cashier: Cashier, unpaid: str
) -> None:
    day, parcel = till.books(), postman.takes(unpaid)
    postman.delivers(parcel, day)
    till.books(StatementMovement(OWED, cashier.demand(unpaid)["reference"]))

    [payment] = postman.payments()
    assert (payment["status"], status(cashier, unpaid)) == ("notified", "paid_unconfirmed")
    assert "R03" in till.cases(), "it is paid twice, and its payer gets one back"
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == []


def test_cash_of_a_dossier_that_owes_nothing_waits_for_a_person(
    postman: Postman, till: AccountTill, cashier: Cashier
) -> None:
    day, parcel = till.books(), postman.takes(cashier.dossier("9.000001"), cash=30_000)
    postman.delivers(parcel, day)
    assert (till.cases(), till.book()) == (["R01"], {"112": 30_000, "338": -30_000})
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == []


def test_what_the_operator_does_not_pay_in_by_its_day_is_a_case(
    postman: Postman, till: AccountTill, cashier: Cashier, unpaid: str
) -> None:
    """post-a has three working days."""
    day, parcel = till.books(), postman.takes(unpaid)
    postman.delivers(parcel, day)
    due = day
    for _ in range(3):
        due = till.hub.calendar.next_working_day(due)

    seen = {}
    while day < due:
        day = till.books()
        seen[day] = "N01" in till.cases()
    assert [on for on, is_late in seen.items() if is_late] == [due]

    report = postman.reports(later(due, 1), parcel)
    till.books(StatementMovement(report.net, report.report))
    assert (till.cases(), status(cashier, unpaid)) == ([], "paid")
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == []


def test_a_remittance_that_is_short_is_a_case_and_confirms_nothing(
    postman: Postman, till: AccountTill, cashier: Cashier, unpaid: str
) -> None:
    day, parcel = till.books(), postman.takes(unpaid)
    postman.delivers(parcel, day)
    report = postman.reports(later(day, 1), parcel)
    till.books(StatementMovement(report.net - 1, report.report))
    assert (till.cases(), status(cashier, unpaid)) == (["P01"], "paid_unconfirmed")
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == []


def test_a_demand_that_has_ended_in_between_gives_the_cash_back(
    postman: Postman, till: AccountTill, cashier: Cashier, unpaid: str
) -> None:
    day, parcel = till.books(), postman.takes(unpaid)
    cashier.act(lambda uow: demand_commands.cancel(uow, cashier.demand(unpaid)["id"], "thử nghiệm"))
    postman.delivers(parcel, day)
    assert (till.cases(), till.book()) == (["R07"], {"112": OWED, "339": -OWED})
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == []
