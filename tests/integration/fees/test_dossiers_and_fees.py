"""A dossier moves by money: it waits for its fees, goes out when they are paid, waits again if they are taken back."""

from datetime import timedelta
from typing import Any

import pytest

from hub import clock
from hub.cli.exits import ExitCode
from hub.clock import local
from hub.fees.demands import demand_commands
from schemas.payment_reference import PaymentReference
from tests.builders import a_report, report_arrival
from tests.integration.fees.conftest import PAY_LATER, Cashier
from tests.integration.test_command_line import Hub


def test_a_dossier_that_is_paid_first_waits_for_its_fees(cashier: Cashier) -> None:
    dossier = cashier.dossier()

    assert cashier.dossier_status(dossier) == "awaiting_fee"
    assert not cashier.handed(dossier)
    assert cashier.notices(dossier) == ["submission.status", "fee.demanded", "submission.status"]
    demand = cashier.demand(dossier)
    assert (demand["amount_due"], demand["allocated"], demand["status"]) == (150_000, 0, "issued")
    assert PaymentReference.parse(demand["reference"]).prefix == "HC"
    assert demand["business_date"] == local(demand["issued_at"]).date()
    last_day = (local(demand["expires_at"]) - timedelta(seconds=1)).date()
    assert last_day == demand["business_date"] + timedelta(days=30)


def test_paid_in_full_it_goes_out(cashier: Cashier) -> None:
    dossier = cashier.dossier()

    credited = cashier.pays(dossier, 150_000)

    assert (credited.taken, credited.rest, credited.exception_code) == (150_000, 0, None)
    assert cashier.demand(dossier)["status"] == "paid_unconfirmed"
    assert cashier.handed(dossier)
    assert cashier.dossier_status(dossier) == "accepted"
    assert cashier.notices(dossier)[2:] == ["submission.status", "fee.paid", "submission.status", "submission.status"]


def test_its_term_begins_when_it_is_paid(cashier: Cashier) -> None:
    dossier = cashier.dossier()
    [before] = cashier.hub.rows("SELECT due_at FROM dossier WHERE id = %s", dossier)
    paid = clock.now() + timedelta(days=3)

    demand = cashier.demand(dossier)["id"]
    cashier.act(lambda uow: demand_commands.credit(uow, demand, 150_000, "pm_1", paid_at=paid))

    [after] = cashier.hub.rows("SELECT due_at FROM dossier WHERE id = %s", dossier)
    assert after["due_at"] == cashier.hub.calendar.due(paid, 16)
    assert after["due_at"] > before["due_at"]


def test_a_part_of_the_fee_releases_nothing(cashier: Cashier) -> None:
    dossier = cashier.dossier()

    credited = cashier.pays(dossier, 149_999)

    assert (credited.taken, credited.exception_code) == (149_999, "R04")
    assert cashier.dossier_status(dossier) == "awaiting_fee"
    assert cashier.demand(dossier)["status"] == "part_paid"
    assert cashier.notices(dossier)[-1] == "fee.changed"

    assert cashier.pays(dossier, 1).exception_code is None
    assert cashier.dossier_status(dossier) == "accepted"


def test_what_is_paid_later_goes_out_at_once(cashier: Cashier) -> None:
    dossier = cashier.dossier(PAY_LATER)

    assert cashier.dossier_status(dossier) == "accepted"
    assert cashier.notices(dossier) == ["submission.status", "fee.demanded", "submission.status"]
    demand = cashier.demand(dossier)
    assert (demand["status"], demand["expires_at"], demand["pay_first"]) == ("issued", None, False)

    cashier.pays(dossier, 50_000)
    assert cashier.notices(dossier)[-1] == "fee.paid"
    assert cashier.dossier_status(dossier) == "accepted"


def test_who_is_exempt_is_waived_with_the_provision(cashier: Cashier) -> None:
    dossier = cashier.dossier(exemption="nguoi-co-cong")

    demand = cashier.demand(dossier)
    assert (demand["status"], demand["waived"], demand["amount_due"]) == ("waived", 150_000, 150_000)
    assert cashier.handed(dossier)
    assert cashier.notices(dossier)[:2] == ["submission.status", "fee.changed"]
    lines = cashier.hub.rows("SELECT * FROM fee_demand_line WHERE demand_id = %s", demand["id"])
    assert {line["basis"] for line in lines} == {"Nghị quyết thử nghiệm số 1, Điều 4"}
    noted = cashier.hub.rows(
        "SELECT reason FROM audit_log WHERE subject = %s AND action = 'demand_fee_exempted'", demand["id"]
    )
    assert len(noted) == 2
    assert all("Nghị quyết thử nghiệm số 1, Điều 4" in line["reason"] for line in noted)


def test_an_exemption_from_one_fee_leaves_the_other(cashier: Cashier) -> None:
    dossier = cashier.dossier(exemption="nop-truc-tuyen")

    demand = cashier.demand(dossier)
    assert (demand["status"], demand["waived"]) == ("issued", 30_000)
    assert cashier.dossier_status(dossier) == "awaiting_fee"

    assert cashier.pays(dossier, 120_000).exception_code is None
    assert cashier.dossier_status(dossier) == "accepted"


def test_a_person_waives_by_an_exemption_and_the_dossier_goes_out(cashier: Cashier) -> None:
    dossier = cashier.dossier()
    demand = cashier.demand(dossier)["id"]

    cashier.act(lambda uow: demand_commands.waive(uow, demand, "nguoi-co-cong", "thẻ đã xuất trình"))

    assert cashier.demand(dossier)["status"] == "waived"
    assert cashier.handed(dossier)


def test_while_nobody_can_sign_the_money_is_booked_and_the_dossier_waits(
    cashier: Cashier, monkeypatch: pytest.MonkeyPatch
) -> None:
    dossier = cashier.dossier()
    officers = cashier.hub.catalogue.officers
    cashier.hub.catalogue = cashier.hub.catalogue.model_copy(update={"officers": {}})

    cashier.pays(dossier, 150_000)

    assert cashier.demand(dossier)["status"] == "paid_unconfirmed"
    assert cashier.dossier_status(dossier) == "registered"
    assert not cashier.handed(dossier)

    cashier.hub.catalogue = cashier.hub.catalogue.model_copy(update={"officers": officers})
    _wait_is_over(cashier)
    assert cashier.handed(dossier)


def test_money_taken_back_before_the_dossier_went_out_makes_it_wait_again(cashier: Cashier) -> None:
    dossier = cashier.dossier()
    officers = cashier.hub.catalogue.officers
    cashier.hub.catalogue = cashier.hub.catalogue.model_copy(update={"officers": {}})
    cashier.pays(dossier, 150_000, "pm_1")
    demand = cashier.demand(dossier)["id"]

    cashier.act(lambda uow: demand_commands.reverse(uow, demand, "pm_1", by="sl_1"))
    cashier.hub.catalogue = cashier.hub.catalogue.model_copy(update={"officers": officers})
    _wait_is_over(cashier)

    assert cashier.demand(dossier)["status"] == "reopened"
    assert cashier.dossier_status(dossier) == "awaiting_fee"
    assert not cashier.handed(dossier)
    assert cashier.notices(dossier)[-2:] == ["fee.reopened", "submission.status"]

    cashier.pays(dossier, 150_000, "pm_2")
    assert cashier.handed(dossier)


def test_money_taken_back_after_the_dossier_went_out_is_told_and_moves_nothing(cashier: Cashier) -> None:
    dossier = cashier.dossier()
    cashier.pays(dossier, 150_000, "pm_1", confirmed=True)
    assert cashier.demand(dossier)["status"] == "paid"
    demand = cashier.demand(dossier)["id"]

    cashier.act(lambda uow: demand_commands.reverse(uow, demand, "pm_1", by="sl_1"))

    assert cashier.demand(dossier)["status"] == "reopened"
    assert cashier.dossier_status(dossier) == "accepted"
    assert cashier.notices(dossier)[-1] == "fee.reopened"
    noted = cashier.hub.rows("SELECT action FROM audit_log WHERE subject = %s ORDER BY id", dossier)
    assert noted[-1]["action"] != "dossier_status_changed"
    assert "dossier_unpaid_after_release" in [line["action"] for line in noted]


def test_a_dossier_that_its_department_does_not_accept_is_not_paid_for(cashier: Cashier) -> None:
    dossier = cashier.dossier(PAY_LATER)
    [row] = cashier.hub.rows("SELECT raw_code FROM dossier WHERE id = %s", dossier)

    _report(cashier, row["raw_code"], "TU_CHOI")

    assert cashier.demand(dossier)["status"] == "cancelled"
    late = cashier.pays(dossier, 50_000)
    assert (late.taken, late.rest, late.exception_code) == (0, 50_000, "R07")
    assert cashier.demand(dossier)["status"] == "cancelled"


def test_a_dossier_that_nobody_pays_for_is_ended_and_its_demand_with_it(cashier: Cashier, cli: Hub) -> None:
    dossier, gone = cashier.dossier(), cashier.dossier(PAY_LATER)

    code, _, _ = cli("submission", "end", dossier, "--as", "stopped", "--reason", "quá hạn nộp phí", "--yes")

    assert code == ExitCode.OK
    assert cashier.dossier_status(dossier) == "stopped"
    assert cashier.demand(dossier)["status"] == "cancelled"
    assert cashier.notices(dossier)[-2:] == ["submission.status", "fee.changed"]
    assert (
        cli("submission", "end", gone, "--as", "withdrawn", "--reason", "đã chuyển đi", "--yes")[0] == ExitCode.REFUSED
    )
    assert cashier.dossier_status(gone) == "accepted"


def test_no_report_moves_a_dossier_that_has_not_gone_out(cashier: Cashier) -> None:
    dossier = cashier.dossier()
    [row] = cashier.hub.rows("SELECT raw_code FROM dossier WHERE id = %s", dossier)

    _report(cashier, row["raw_code"], "TU_CHOI")

    assert cashier.dossier_status(dossier) == "awaiting_fee"


def _report(cashier: Cashier, code: str, status: str) -> None:
    cashier.hub.impatient("rest-a")
    cashier.hub.accept(report_arrival(a_report(code, status)))
    cashier.hub.carry()


def _wait_is_over(cashier: Cashier) -> Any:
    for row in cashier.hub.rows("SELECT id FROM inbox WHERE state = 'waiting'"):
        cashier.hub.make_due(row["id"])
    cashier.hub.sweep()
    cashier.hub.carry()
