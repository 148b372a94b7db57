"""Money that nobody could place finds its place by two persons, and the book is whole after each of them."""

import pytest

from hub.errors import InvalidState
from hub.fees.demands import demand_commands
from hub.fees.resolutions import commands
from tests.bank_files import StatementMovement
from tests.integration.fees.casework import CHECKER, REASON, Casework
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, another, red, status
from tests.integration.fees.telling import NotifyingProvider


@pytest.fixture
def uow(till: AccountTill) -> Casework:
    return Casework(till)


def test_a_line_that_names_nobody_is_assigned_to_a_demand(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str
) -> None:
    till.books(StatementMovement(DUE, "nop tien"))
    assert uow.standing() == ["R01"]

    uow.settles("R01", "assign", demand=cashier.demand(dossier)["id"])

    assert (status(cashier, dossier), till.line()["pass"], till.line()["state"]) == ("paid", "P11", "matched")
    assert till.book() == {"111": DUE, "331": -DUE}
    assert uow.standing() == []


def test_what_is_assigned_and_too_much_is_owed_back(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str
) -> None:
    till.books(StatementMovement(DUE + 20_000, "nop tien"))

    uow.settles("R01", "assign", demand=cashier.demand(dossier)["id"])

    assert till.book() == {"111": DUE + 20_000, "331": -DUE, "339": -20_000}
    assert uow.standing() == ["R05"]


def test_what_a_notification_told_of_and_nobody_could_place_is_assigned_before_its_statement(
    uow: Casework, till: AccountTill, provider: NotifyingProvider, cashier: Cashier, dossier: str
) -> None:
    till.books()
    provider.tells("nop tien", bank_ref="FT1")

    uow.settles("R01", "assign", demand=cashier.demand(dossier)["id"])
    assert (status(cashier, dossier), till.book()) == ("paid_unconfirmed", {"112": DUE, "331": -DUE})

    till.books(StatementMovement(DUE, "nop tien", ref="FT1"))
    assert (status(cashier, dossier), till.book()) == ("paid", {"111": DUE, "331": -DUE})
    assert red(till.hub) == []


def test_one_of_several_proposals_is_chosen(uow: Casework, till: AccountTill, cashier: Cashier) -> None:
    dossiers = [another(cashier)[0], another(cashier)[0]]
    rows = till.hub.rows("SELECT id, code FROM dossier WHERE id = ANY(%s) ORDER BY id", dossiers)
    till.books(StatementMovement(DUE, " va ".join(row["code"] for row in rows)))
    assert (uow.standing(), len(till.proposals())) == (["R02"], 2)
    chosen = till.proposals()[1]

    uow.settles("R02", "choose", match=str(chosen["id"]))

    [paid] = till.hub.rows("SELECT id FROM fee_demand WHERE status = 'paid'")
    assert (paid["id"], till.proposals(), uow.standing()) == (chosen["demand_id"], [], [])


def test_late_money_renews_its_demand_and_pays_it(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    demand = cashier.demand(dossier)["id"]
    with till.hub.db.connection() as conn:
        conn.execute("UPDATE fee_demand SET expires_at = now() - interval '1 day' WHERE id = %s", (demand,))
    cashier.act(lambda uow: demand_commands.expire(uow, demand))
    till.books(StatementMovement(DUE, reference))
    assert (uow.standing(), till.book()["338"]) == (["R06"], -DUE)

    uow.settles("R06", "renew")

    assert (status(cashier, dossier), till.line()["state"]) == ("paid", "matched")
    assert till.book() == {"111": DUE, "331": -DUE}


def test_a_second_payment_counts_for_another_demand_of_its_payer(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    other, _ = another(cashier)
    till.books(StatementMovement(DUE, reference, ref="FT1"), StatementMovement(DUE, reference, ref="FT2"))
    assert uow.standing() == ["R03"]

    uow.settles("R03", "allocate", demand=cashier.demand(other)["id"])

    assert (status(cashier, dossier), status(cashier, other)) == ("paid", "paid")
    assert till.book() == {"111": 2 * DUE, "331": -2 * DUE}


def test_what_another_demand_does_not_take_keeps_the_case_open(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    other, another_reference = another(cashier)
    till.books(
        StatementMovement(DUE, reference, ref="FT1"),
        StatementMovement(DUE, reference, ref="FT2"),
        StatementMovement(100_000, another_reference),
    )
    demand = cashier.demand(other)["id"]
    case = uow.proposes("R03", "allocate", demand=demand)
    uow.says(CHECKER, lambda uow: commands.resolve(uow, case, "allocate", {"demand": demand}, REASON))

    left = uow.case("R03")
    assert (left["state"], left["at_risk"], left["maker"], left["resolution"]) == ("open", 100_000, None, None)
    assert (status(cashier, other), till.book()) == ("paid", {"111": 400_000, "331": -2 * DUE, "339": -100_000})
    assert red(till.hub) == []


def test_a_demand_that_takes_nothing_is_assigned_nothing(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference), StatementMovement(DUE, "nop tien"))
    demand = cashier.demand(dossier)["id"]

    with pytest.raises(InvalidState, match="không nhận được gì"):
        uow.proposes("R01", "assign", demand=demand)

    assert (uow.case("R01")["state"], till.book()) == ("open", {"111": 2 * DUE, "331": -DUE, "338": -DUE})
    assert red(till.hub) == []


def test_the_rest_of_a_short_payment_is_lifted_by_a_decision(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(100_000, reference))
    assert (uow.standing(), status(cashier, dossier)) == (["R04"], "part_paid")

    uow.settles("R04", "waive_rest", decision="12/QĐ-TTPVHCC")

    demand = cashier.demand(dossier)
    assert (demand["status"], demand["waived"], demand["allocated"]) == ("paid", 50_000, 100_000)
    assert cashier.handed(dossier)


@pytest.mark.parametrize("kind", ["interest", "own_transfer"])
def test_what_is_no_fee_leaves_the_suspense_account(uow: Casework, till: AccountTill, kind: str) -> None:
    day = till.books(StatementMovement(3_700, "lai tien gui"))

    uow.settles("R01", "not_fee", kind=kind)
    till.matches(day)

    assert (till.line()["state"], till.book()) == ("not_fee", {"111": 3_700, "411": -3_700})
    assert uow.standing() == []


def test_a_debit_that_nobody_expected_is_a_charge(uow: Casework, till: AccountTill) -> None:
    till.books(StatementMovement(DUE, "nop tien"), StatementMovement(-11_000, "phi dich vu"))

    uow.settles("P02", "charge")

    assert till.book() == {"111": DUE - 11_000, "338": -DUE, "642": 11_000}


def test_a_debit_that_nobody_expected_is_a_transfer_of_our_own(uow: Casework, till: AccountTill) -> None:
    till.books(StatementMovement(DUE, "nop tien"), StatementMovement(-50_000, "chuyen tien"))

    uow.settles("P02", "not_fee", kind="own_transfer")

    assert till.book() == {"111": DUE - 50_000, "338": -DUE, "411": 50_000}


def test_what_was_short_is_over_when_the_rest_is_notified(
    uow: Casework, till: AccountTill, provider: NotifyingProvider, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(100_000, reference))
    assert uow.standing() == ["R04"]

    provider.tells(reference, amount=50_000)

    assert (status(cashier, dossier), uow.standing()) == ("paid_unconfirmed", [])


def test_a_fee_that_was_earned_before_its_dossier_ended_is_kept(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference))
    demand = cashier.demand(dossier)["id"]
    uow.opened("R07", "fee_demand", demand, DUE)

    uow.settles("R07", "no_refund")

    assert (status(cashier, dossier), till.book()) == ("paid", {"111": DUE, "331": -DUE})


def test_money_that_counts_for_nothing_is_not_kept(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    demand = cashier.demand(dossier)["id"]
    cashier.act(lambda uow: demand_commands.cancel(uow, demand, "đã rút hồ sơ"))
    till.books(StatementMovement(DUE, reference))

    with pytest.raises(InvalidState, match="hoàn lại cho người nộp"):
        uow.proposes("R07", "no_refund")

    assert (uow.standing(), till.book()) == (["R07"], {"111": DUE, "339": -DUE})
