"""Demands in the database: money counts once, what is too much or too late is left over, and no sum is ever wrong."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from hub import dispatch
from hub.errors import InvalidState, NotFound
from hub.events import StatusMoved
from hub.fees.demands import demand_commands
from hub.fees.exceptions import dossier_events
from hub.unit_of_work import UnitOfWork
from hub.worker import jobs
from schemas.payment_reference import PaymentReference, scattered
from tests.integration.fees.conftest import PAY_LATER, Cashier

SECOND = """INSERT INTO fee_demand (id, dossier_id, department, reference, bank_bin, account, amount_due, status,
    pay_first, issued_at, business_date) SELECT 'fd_2', dossier_id, department, 'HC999999999905', bank_bin, account,
    amount_due, status, pay_first, issued_at, business_date FROM fee_demand"""
"""Another demand for a dossier that has one."""
LINE = """INSERT INTO fee_demand_line (demand_id, number, fee_code, kind, title, department, amount, retention_bp)
    SELECT id, 9, 'x', 'phi', 'x', department, 1, 0 FROM fee_demand"""
"""A line that is in no sum."""


@pytest.fixture
def demand(cashier: Cashier, dossier: str) -> str:
    return str(cashier.demand(dossier)["id"])


def cases(cashier: Cashier, demand: str) -> list[str]:
    rows = cashier.hub.rows("SELECT code FROM fee_exception WHERE object_id = %s ORDER BY code", demand)
    return [row["code"] for row in rows]


def test_the_same_evidence_counts_once(cashier: Cashier, dossier: str) -> None:
    first = cashier.pays(dossier, 100_000, "pm_1")
    again = cashier.pays(dossier, 100_000, "pm_1")

    assert (first.taken, again.taken, again.events) == (100_000, 100_000, [])
    assert cashier.demand(dossier)["allocated"] == 100_000


def test_the_same_evidence_from_many_workers_counts_once(cashier: Cashier, demand: str, dossier: str) -> None:
    def pay(_: int) -> int:
        def report_demand(uow: UnitOfWork) -> tuple[int, Any]:
            credited = demand_commands.credit(uow, demand, 150_000, "pm_1")
            return credited.taken, credited.events

        return dispatch.run_command(cashier.hub, "bank.bank-a", report_demand)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(pay, range(40))) == {150_000}
    cashier.hub.carry()

    assert cashier.hub.count("fee_credit") == 1
    assert cashier.notices(dossier).count("fee.paid") == 1
    assert cashier.handed(dossier)


@pytest.mark.parametrize(
    ("before", "amount", "taken", "case"),
    [
        (0, 150_000, 150_000, None),
        (0, 149_999, 149_999, "R04"),
        (0, 150_001, 150_000, "R05"),
        (150_000, 150_000, 0, "R03"),
        (150_000, 1, 0, "R03"),
        (100_000, 60_000, 50_000, "R05"),
    ],
)
def test_what_does_not_count_is_left_over_with_the_code_of_its_case(
    cashier: Cashier, dossier: str, before: int, amount: int, taken: int, case: str | None
) -> None:
    if before:
        cashier.pays(dossier, before)

    credited = cashier.pays(dossier, amount)

    assert (credited.taken, credited.rest, credited.exception_code) == (taken, amount - taken, case)
    assert cashier.demand(dossier)["allocated"] == before + taken


def test_only_money_that_has_come_is_credited(cashier: Cashier, dossier: str) -> None:
    for amount in (0, -1):
        with pytest.raises(ValueError, match="only money that has come"):
            cashier.pays(dossier, amount)
    with pytest.raises(NotFound):
        cashier.act(lambda uow: demand_commands.credit(uow, "fd_none", 1, "pm_1"))


def test_a_statement_confirms_what_a_notification_said_and_the_portal_is_not_bothered(
    cashier: Cashier, dossier: str, demand: str
) -> None:
    cashier.pays(dossier, 150_000, "pm_1")
    notices = cashier.notices(dossier)

    for _ in range(2):
        cashier.act(lambda uow: demand_commands.confirm(uow, demand, "pm_1"))

    assert cashier.demand(dossier)["status"] == "paid"
    assert cashier.demand(dossier)["confirmed"] == 150_000
    assert cashier.notices(dossier) == notices
    with pytest.raises(NotFound):
        cashier.act(lambda uow: demand_commands.confirm(uow, demand, "pm_2"))


def test_one_of_two_payments_that_is_taken_back_leaves_the_other(cashier: Cashier, dossier: str, demand: str) -> None:
    cashier.pays(dossier, 100_000, "pm_1", confirmed=True)
    cashier.pays(dossier, 50_000, "pm_2")

    cashier.act(lambda uow: demand_commands.reverse(uow, demand, "pm_2", by="sl_9"))

    row = cashier.demand(dossier)
    assert (row["status"], row["allocated"], row["confirmed"]) == ("reopened", 100_000, 100_000)
    assert cases(cashier, demand) == ["R04"]
    with pytest.raises(InvalidState, match="đã bị lấy lại bởi sl_9"):
        cashier.act(lambda uow: demand_commands.reverse(uow, demand, "pm_2", by="sl_9"))
    with pytest.raises(InvalidState, match="đã bị lấy lại bởi sl_9"):
        cashier.act(lambda uow: demand_commands.confirm(uow, demand, "pm_2"))
    assert cashier.pays(dossier, 50_000, "pm_3").taken == 50_000
    assert cashier.demand(dossier)["status"] == "paid_unconfirmed"


def test_a_demand_whose_time_is_over_expires_and_money_that_comes_late_waits_for_a_person(
    cashier: Cashier, dossier: str, demand: str
) -> None:
    later = cashier.dossier(PAY_LATER)
    jobs.expire_demands(cashier.hub)
    assert cashier.demand(dossier)["status"] == "issued"
    cashier.hub.rows("UPDATE fee_demand SET expires_at = now() WHERE id = %s RETURNING id", demand)

    jobs.expire_demands(cashier.hub)
    late = cashier.pays(dossier, 150_000, "pm_1")

    assert cashier.demand(dossier)["status"] == "expired"
    assert cashier.demand(later)["status"] == "issued"
    assert (late.taken, late.exception_code) == (0, "R06")
    assert cashier.dossier_status(dossier) == "awaiting_fee"

    cashier.act(lambda uow: demand_commands.renew(uow, demand, "người dân đến nộp"))
    assert cashier.pays(dossier, 150_000, "pm_1").taken == 150_000
    assert cashier.handed(dossier)
    with pytest.raises(InvalidState):
        cashier.act(lambda uow: demand_commands.renew(uow, demand, "một lần nữa"))


def test_what_was_paid_for_a_dossier_that_ends_is_a_case_and_goes_back_when_a_person_says_so(
    cashier: Cashier, dossier: str, demand: str
) -> None:
    cashier.pays(dossier, 150_000, "pm_1", confirmed=True)

    cashier.hub.rows("UPDATE dossier SET status = 'withdrawn' WHERE id = %s RETURNING id", dossier)
    cashier.act(lambda uow: dossier_events.follow(uow, StatusMoved(dossier, "withdrawn")))

    assert cashier.demand(dossier)["status"] == "paid"
    assert cases(cashier, demand) == ["R07"]
    cashier.act(lambda uow: demand_commands.order_refund(uow, demand, "hồ sơ đã rút"))
    cashier.act(lambda uow: demand_commands.keep(uow, demand, "người dân nộp lại hồ sơ"))
    assert cashier.demand(dossier)["status"] == "paid"
    cashier.act(lambda uow: demand_commands.order_refund(uow, demand, "hồ sơ đã rút"))
    cashier.act(lambda uow: demand_commands.refunded(uow, demand, by="rf_1"))
    row = cashier.demand(dossier)
    assert (row["status"], row["allocated"], row["confirmed"]) == ("refunded", 0, 0)
    assert cashier.notices(dossier)[-1] == "fee.changed"
    with pytest.raises(InvalidState):
        cashier.act(lambda uow: demand_commands.refunded(uow, demand, by="rf_1"))


def test_nothing_is_lifted_from_what_has_been_paid(cashier: Cashier, dossier: str, demand: str) -> None:
    with pytest.raises(NotFound):
        cashier.act(lambda uow: demand_commands.waive(uow, demand, "ho-ngheo", "không có trong danh mục"))
    cashier.pays(dossier, 130_000)
    with pytest.raises(InvalidState):
        cashier.act(lambda uow: demand_commands.waive(uow, demand, "nop-truc-tuyen", "đã nộp quá phần còn lại"))


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE fee_demand SET amount_due = amount_due + 1",
        "UPDATE fee_demand_line SET amount = amount - 1 WHERE number = 1",
        "DELETE FROM fee_demand_line WHERE number = 1",
        LINE,
        "UPDATE fee_demand_line SET waived = amount, exemption = 'x', basis = 'x' WHERE number = 1",
        "UPDATE fee_demand_line SET retention_bp = 1 WHERE kind = 'le_phi'",
        "UPDATE fee_demand SET allocated = amount_due + 1",
        "UPDATE fee_demand SET allocated = 1",
        "UPDATE fee_demand SET confirmed = 1",
        "UPDATE fee_demand SET status = 'paid'",
        "UPDATE fee_demand SET status = 'waived'",
        "UPDATE fee_demand SET status = 'thanh-toan'",
        "UPDATE fee_demand SET reference = 'HC000000000150'",
        SECOND,
    ],
)
def test_the_database_keeps_no_demand_that_is_wrong(cashier: Cashier, dossier: str, wrong: str) -> None:
    before = cashier.demand(dossier)

    with pytest.raises(psycopg.errors.IntegrityError), cashier.hub.db.transaction() as conn:
        conn.execute(wrong)

    assert cashier.demand(dossier) == before


def test_references_are_scattered_in_the_order_of_issue_and_none_is_given_twice(cashier: Cashier) -> None:
    references = [cashier.demand(cashier.dossier())["reference"] for _ in range(5)]

    serials = [PaymentReference.parse(reference).serial for reference in references]
    assert serials == [scattered(number) for number in range(1, 6)]
