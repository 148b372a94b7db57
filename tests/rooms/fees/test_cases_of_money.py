"""Money that nobody could place finds its place by two persons, and the book is whole after each of them."""

import pytest

from hub.errors import NotNow
from hub.fees import demands
from hub.fees.cases import desk
from tests.bank_files import Move
from tests.rooms.fees.casework import CHECKER, REASON, Casework
from tests.rooms.fees.conftest import Cashier
from tests.rooms.fees.matching import DUE, Till, another, red, status
from tests.rooms.fees.telling import Provider


@pytest.fixture
def work(till: Till) -> Casework:
    return Casework(till)


def test_a_line_that_names_nobody_is_assigned_to_a_demand(
    work: Casework, till: Till, cashier: Cashier, dossier: str
) -> None:
    till.books(Move(DUE, "nop tien"))
    assert work.standing() == ["R01"]

    work.settles("R01", "assign", demand=cashier.demand(dossier)["id"])

    assert (status(cashier, dossier), till.line()["pass"], till.line()["state"]) == ("paid", "P11", "matched")
    assert till.book() == {"111": DUE, "331": -DUE}
    assert work.standing() == []


def test_what_is_assigned_and_too_much_is_owed_back(work: Casework, till: Till, cashier: Cashier, dossier: str) -> None:
    till.books(Move(DUE + 20_000, "nop tien"))

    work.settles("R01", "assign", demand=cashier.demand(dossier)["id"])

    assert till.book() == {"111": DUE + 20_000, "331": -DUE, "339": -20_000}
    assert work.standing() == ["R05"]


def test_what_a_notification_told_of_and_nobody_could_place_is_assigned_before_its_statement(
    work: Casework, till: Till, provider: Provider, cashier: Cashier, dossier: str
) -> None:
    till.books()
    provider.tells("nop tien", bank_ref="FT1")

    work.settles("R01", "assign", demand=cashier.demand(dossier)["id"])
    assert (status(cashier, dossier), till.book()) == ("paid_unconfirmed", {"112": DUE, "331": -DUE})

    till.books(Move(DUE, "nop tien", ref="FT1"))
    assert (status(cashier, dossier), till.book()) == ("paid", {"111": DUE, "331": -DUE})
    assert red(till.house) == []


def test_one_of_several_proposals_is_chosen(work: Casework, till: Till, cashier: Cashier) -> None:
    dossiers = [another(cashier)[0], another(cashier)[0]]
    rows = till.house.rows("SELECT id, code FROM dossier WHERE id = ANY(%s) ORDER BY id", dossiers)
    till.books(Move(DUE, " va ".join(row["code"] for row in rows)))
    assert (work.standing(), len(till.proposals())) == (["R02"], 2)
    chosen = till.proposals()[1]

    work.settles("R02", "choose", match=str(chosen["id"]))

    [paid] = till.house.rows("SELECT id FROM fee_demand WHERE status = 'paid'")
    assert (paid["id"], till.proposals(), work.standing()) == (chosen["demand_id"], [], [])


def test_late_money_renews_its_demand_and_pays_it(
    work: Casework, till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    demand = cashier.demand(dossier)["id"]
    with till.house.db.connection() as conn:
        conn.execute("UPDATE fee_demand SET expires_at = now() - interval '1 day' WHERE id = %s", (demand,))
    cashier.act(lambda work: demands.expire(work, demand))
    till.books(Move(DUE, reference))
    assert (work.standing(), till.book()["338"]) == (["R06"], -DUE)

    work.settles("R06", "renew")

    assert (status(cashier, dossier), till.line()["state"]) == ("paid", "matched")
    assert till.book() == {"111": DUE, "331": -DUE}


def test_a_second_payment_counts_for_another_demand_of_its_payer(
    work: Casework, till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    other, _ = another(cashier)
    till.books(Move(DUE, reference, ref="FT1"), Move(DUE, reference, ref="FT2"))
    assert work.standing() == ["R03"]

    work.settles("R03", "allocate", demand=cashier.demand(other)["id"])

    assert (status(cashier, dossier), status(cashier, other)) == ("paid", "paid")
    assert till.book() == {"111": 2 * DUE, "331": -2 * DUE}


def test_what_another_demand_does_not_take_keeps_the_case_open(
    work: Casework, till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    other, another_reference = another(cashier)
    till.books(Move(DUE, reference, ref="FT1"), Move(DUE, reference, ref="FT2"), Move(100_000, another_reference))
    demand = cashier.demand(other)["id"]
    case = work.proposes("R03", "allocate", demand=demand)
    work.says(CHECKER, lambda work: desk.resolve(work, case, "allocate", {"demand": demand}, REASON))

    left = work.case("R03")
    assert (left["state"], left["at_risk"], left["maker"], left["resolution"]) == ("open", 100_000, None, None)
    assert (status(cashier, other), till.book()) == ("paid", {"111": 400_000, "331": -2 * DUE, "339": -100_000})
    assert red(till.house) == []


def test_a_demand_that_takes_nothing_is_assigned_nothing(
    work: Casework, till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(Move(DUE, reference), Move(DUE, "nop tien"))
    demand = cashier.demand(dossier)["id"]

    with pytest.raises(NotNow, match="không nhận được gì"):
        work.proposes("R01", "assign", demand=demand)

    assert (work.case("R01")["state"], till.book()) == ("open", {"111": 2 * DUE, "331": -DUE, "338": -DUE})
    assert red(till.house) == []


def test_the_rest_of_a_short_payment_is_lifted_by_a_decision(
    work: Casework, till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(Move(100_000, reference))
    assert (work.standing(), status(cashier, dossier)) == (["R04"], "part_paid")

    work.settles("R04", "waive_rest", decision="12/QĐ-TTPVHCC")

    demand = cashier.demand(dossier)
    assert (demand["status"], demand["waived"], demand["allocated"]) == ("paid", 50_000, 100_000)
    assert cashier.handed(dossier)


@pytest.mark.parametrize("kind", ["interest", "own_transfer"])
def test_what_is_no_fee_leaves_the_suspense_account(work: Casework, till: Till, kind: str) -> None:
    day = till.books(Move(3_700, "lai tien gui"))

    work.settles("R01", "not_fee", kind=kind)
    till.matches(day)

    assert (till.line()["state"], till.book()) == ("not_fee", {"111": 3_700, "411": -3_700})
    assert work.standing() == []


def test_a_debit_that_nobody_expected_is_a_charge(work: Casework, till: Till) -> None:
    till.books(Move(DUE, "nop tien"), Move(-11_000, "phi dich vu"))

    work.settles("P02", "charge")

    assert till.book() == {"111": DUE - 11_000, "338": -DUE, "642": 11_000}


def test_a_debit_that_nobody_expected_is_a_transfer_of_our_own(work: Casework, till: Till) -> None:
    till.books(Move(DUE, "nop tien"), Move(-50_000, "chuyen tien"))

    work.settles("P02", "not_fee", kind="own_transfer")

    assert till.book() == {"111": DUE - 50_000, "338": -DUE, "411": 50_000}


def test_what_was_short_is_over_when_the_rest_is_notified(
    work: Casework, till: Till, provider: Provider, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(Move(100_000, reference))
    assert work.standing() == ["R04"]

    provider.tells(reference, amount=50_000)

    assert (status(cashier, dossier), work.standing()) == ("paid_unconfirmed", [])


def test_a_fee_that_was_earned_before_its_dossier_ended_is_kept(
    work: Casework, till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(Move(DUE, reference))
    demand = cashier.demand(dossier)["id"]
    work.opened("R07", "fee_demand", demand, DUE)

    work.settles("R07", "no_refund")

    assert (status(cashier, dossier), till.book()) == ("paid", {"111": DUE, "331": -DUE})


def test_money_that_counts_for_nothing_is_not_kept(
    work: Casework, till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    demand = cashier.demand(dossier)["id"]
    cashier.act(lambda work: demands.cancel(work, demand, "đã rút hồ sơ"))
    till.books(Move(DUE, reference))

    with pytest.raises(NotNow, match="hoàn lại cho người nộp"):
        work.proposes("R07", "no_refund")

    assert (work.standing(), till.book()) == (["R07"], {"111": DUE, "339": -DUE})
