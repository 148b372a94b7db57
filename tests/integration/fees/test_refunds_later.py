"""Refunds beside what else happens to money: cases, settlements, reversals, debits that nobody could read."""

from typing import Any

import pytest

from hub import clock
from hub.errors import InvalidState
from hub.fees import settlements
from hub.fees.payouts import orders
from hub.fees.resolutions import commands
from hub.fees.settlements import remitting
from tests.bank_files import StatementMovement
from tests.integration.fees.casework import Casework
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, red, status
from tests.integration.fees.paying import approved, asked, current, debit, ordered, refund_of
from tests.integration.fees.settling import SettlementOffice
from tests.integration.fees.test_refunds import payment


@pytest.fixture
def casework(till: AccountTill) -> Casework:
    return Casework(till)


def test_a_case_is_settled_by_agreeing_with_the_refund_that_was_asked_for(
    till: AccountTill, casework: Casework, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE + 50_000, reference))
    order = asked(till, payment(till), "ke-toan-a")

    casework.settles("R05", "refund")

    assert (current(till, order).state, current(till, order).checker) == ("approved", "ke-toan-b")
    assert till.book() == {"111": DUE + 50_000, "113": -50_000, "331": -DUE}
    till.act(lambda uow: orders.cancel(uow, order.id, "người nộp đổi ý"))
    assert (till.cases(), till.book()) == (["R05"], {"111": DUE + 50_000, "331": -DUE, "339": -50_000})
    assert red(till.hub) == []


def test_what_nobody_could_place_is_sent_back_by_its_case(till: AccountTill, casework: Casework) -> None:
    till.books(StatementMovement(77_000, "KHONG RO"))
    order = asked(till, payment(till))

    casework.settles("R01", "return_to_sender")
    till.books(debit(current(till, order)))

    assert (till.book(), till.cases()) == ({}, [])
    assert red(till.hub) == []


def test_a_case_is_not_settled_by_a_refund_that_nobody_asked_for(
    till: AccountTill, casework: Casework, reference: str
) -> None:
    till.books(StatementMovement(DUE + 50_000, reference))

    with pytest.raises(InvalidState, match="chưa ai đề nghị hoàn trả"):
        casework.proposes("R05", "refund")
    assert casework.case("R05")["state"] == "open"


def test_who_asked_for_a_refund_has_proposed_it(
    till: AccountTill, casework: Casework, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference), StatementMovement(DUE, reference, ref="FT2"))
    case = str(casework.case("R03")["id"])
    whole = asked(till, cashier.demand(dossier)["id"], "ke-toan-a")
    twice = asked(till, case_payment(till, case), "ke-toan-a")

    casework.says("ke-toan-b", lambda uow: commands.resolve(uow, case, "refund", {}, "theo hồ sơ đã xem"))

    exception_row = casework.case("R03")
    assert (exception_row["state"], exception_row["maker"], exception_row["checker"]) == (
        "resolved",
        "ke-toan-a",
        "ke-toan-b",
    )
    assert (current(till, twice).state, current(till, whole).state) == ("approved", "requested")
    assert red(till.hub) == []


def case_payment(till: AccountTill, case: str) -> str:
    [row] = till.hub.rows("SELECT object_id FROM fee_exception WHERE id = %s", case)
    return str(row["object_id"])


def test_a_part_of_it_leaves_the_case_open_for_the_rest(till: AccountTill, casework: Casework, reference: str) -> None:
    till.books(StatementMovement(DUE + 50_000, reference))
    asked(till, payment(till), amount=20_000)
    case = casework.proposes("R05", "refund")

    casework.says("ke-toan-b", lambda uow: commands.resolve(uow, case, "refund", {}, "theo hồ sơ đã xem"))

    assert (casework.case("R05")["state"], casework.case("R05")["at_risk"]) == ("open", 30_000)
    assert red(till.hub) == []


def test_two_persons_know_a_debit_without_a_reference_to_be_an_order(
    till: AccountTill, casework: Casework, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference))
    order = ordered(till, cashier.demand(dossier)["id"])
    till.books(debit(order, text="CHUYEN TIEN"), debit(order, amount=5 - DUE, text="KHAC", ref="TT2"))
    other = till.hub.rows("SELECT id FROM fee_exception WHERE code = 'P02' ORDER BY at_risk")[0]["id"]
    case = till.hub.rows("SELECT id FROM fee_exception WHERE code = 'P02' ORDER BY at_risk")[1]["id"]
    assert (till.cases(), status(cashier, dossier)) == (["P02", "P02"], "refund_pending")

    def says(actor: str, about: str) -> Any:
        details = {"order": order.id}
        return casework.says(actor, lambda uow: commands.resolve(uow, about, "own_order", details, "đã hỏi ngân hàng"))

    with pytest.raises(InvalidState, match="khoản khác"):
        says("ke-toan-a", other)
    says("ke-toan-a", case)
    says("ke-toan-b", case)

    assert (till.cases(), status(cashier, dossier), current(till, order).state) == (["P02"], "refunded", "confirmed")
    assert till.book() == {"111": 5 - DUE, "642": DUE - 5}
    [group] = till.hub.rows("SELECT class, maker, checker FROM match_group WHERE pass = 'PO'")
    assert group == {"class": "C", "maker": "ke-toan-a", "checker": "ke-toan-b"}
    assert red(till.hub) == []


def test_what_is_given_back_after_its_month_was_transferred_is_owed_by_the_department(  # D7
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    month = till.books(StatementMovement(DUE, reference)).replace(day=1)
    office = SettlementOffice(till.hub)
    office.closes(month)
    office.answers("rest-a", month)
    settlement = office.settlement("rest-a", month).id
    remittance = till.act(lambda uow: remitting.remit(uow, settlement, "chuyển tháng"))
    approved(till, remittance)
    till.act(lambda uow: orders.send(uow, remittance.id))
    till.books(debit(remittance))
    assert (status(cashier, dossier), current(till, remittance).state) == ("settled", "confirmed")
    before = till.book()

    refund = ordered(till, cashier.demand(dossier)["id"])
    till.books(debit(refund))

    assert (status(cashier, dossier), refund_of(till, refund)["state"]) == ("refunded", "confirmed")
    assert till.book()["331"] - before.get("331", 0) == DUE
    assert red(till.hub) == []
    now = clock.local(refund_of(till, refund)["requested_at"]).date().replace(day=1)
    office.act(lambda uow: settlements.compute(uow, now), "hub")
    assert office.settlement("rest-a", now).net < 0


def test_the_bank_takes_back_what_is_being_given_back_and_nothing_is_counted_twice(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference, ref="FT1"))
    order = ordered(till, cashier.demand(dossier)["id"])

    till.books(StatementMovement(-DUE, "SUA SAI", ref="FT2", e2e="FT1", reversal=True), debit(order))

    assert (till.cases(), status(cashier, dossier)) == (["V01"], "refunded")
    assert till.book() == {"111": -DUE, "341": DUE}
    assert red(till.hub) == []
