"""What departments say to their tables, and what becomes of the money: transferred, held back, carried on."""

from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from hub.clock import local
from hub.errors import InvalidState, ManualAction, NotConfigured
from hub.fees.ledger import Share, postings
from hub.fees.payouts import orders
from hub.fees.settlements import answers, remitting
from tests.integration.fees.settling import NOVEMBER, OCTOBER, SettlementOffice, answer_to, sums
from tests.integration.fees.telling import ACCOUNT
from tests.scripted_hub import ScriptedHub

OCT, NOV = date(2026, 10, 5), date(2026, 11, 3)
DECEMBER = date(2026, 12, 1)
PHI, LE_PHI = Share("rest-a", "phi", 120_000), Share("rest-a", "le-phi", 30_000)


@pytest.fixture
def office(hub: ScriptedHub) -> SettlementOffice:
    return SettlementOffice(hub)


@pytest.fixture
def handed(office: SettlementOffice) -> SettlementOffice:
    """October: two lines of one department, 150,000 đ; nothing is kept of them."""
    office.paid(OCT, PHI, LE_PHI)
    office.closes(OCTOBER)
    return office


def answer(office: SettlementOffice, **changes: Any) -> None:
    table_answer = answer_to(office.settlement("rest-a"), {}).model_copy(update=changes)
    office.act(lambda uow: answers.answer_with(uow, table_answer, table_answer.model_dump_json().encode(), "rest-a"))


def ordered(office: SettlementOffice, month: date = OCTOBER) -> Any:
    settlement = office.settlement("rest-a", month).id
    return office.act(lambda uow: remitting.remit(uow, settlement, f"chuyển tháng {month:%m/%Y}"))


def transferred(office: SettlementOffice, month: date = OCTOBER, day: date = NOV) -> Any:
    """Ordered by one person, approved by another, sent, and on our statement."""
    order = ordered(office, month)
    office.act(lambda uow: orders.approve(uow, order.id, "đúng bảng"), "truong-phong")
    office.act(lambda uow: (orders.send(uow, order.id), None)[1])
    office.shows(order, day)
    return order


def test_what_is_confirmed_is_transferred_by_two_persons(handed: SettlementOffice) -> None:
    handed.answers("rest-a")
    assert handed.settlement("rest-a").state == "confirmed"
    order = ordered(handed)
    assert (order.amount, order.payee.account) == (150_000, "9990001110001")
    with pytest.raises(InvalidState):
        handed.act(lambda uow: orders.approve(uow, order.id, "tự duyệt"))
    handed.act(lambda uow: orders.approve(uow, order.id, "đúng bảng"), "truong-phong")
    handed.act(lambda uow: (orders.send(uow, order.id), None)[1])
    assert handed.settlement("rest-a").state == "ordered"
    handed.shows(order, NOV)
    assert handed.settlement("rest-a").state == "transferred"
    assert handed.book("331", "rest-a") == 0
    assert handed.broken() == []


def test_silence_confirms_nothing(handed: SettlementOffice) -> None:
    with pytest.raises(InvalidState):
        ordered(handed)


def test_a_settlement_is_ordered_once_and_anew_when_its_order_came_to_nothing(handed: SettlementOffice) -> None:
    handed.answers("rest-a")
    first = ordered(handed)
    with pytest.raises(InvalidState):
        ordered(handed)
    handed.act(lambda uow: orders.cancel(uow, first.id, "sai tài khoản"), "truong-phong")
    assert handed.settlement("rest-a").state == "confirmed"
    assert ordered(handed).id != first.id
    assert handed.broken() == []


def test_a_disputed_line_is_held_back_and_stands_in_the_next_table(handed: SettlementOffice) -> None:
    [line] = [one for one in handed.table("rest-a").lines if one.fee_code == "le-phi"]
    handed.answers("rest-a", disputed={line.number: "không có hồ sơ này"})
    assert handed.settlement("rest-a").transferable == 120_000
    [case] = handed.hub.rows("SELECT code, at_risk, object_id FROM fee_exception")
    about = f"{handed.settlement('rest-a').id}/{line.number}"
    assert (case["code"], case["at_risk"], case["object_id"]) == ("M01", 30_000, about)
    transferred(handed)
    assert handed.book("331", "rest-a") == -30_000
    handed.paid(NOV, PHI)
    handed.closes(NOVEMBER)
    table = handed.table("rest-a", NOVEMBER)
    assert sums(table) == (30_000, 120_000, 0, 0, 0, 150_000)
    first = table.lines[0]
    assert (first.number, first.kind, first.original) == (1, "carried", f"2026-10/{line.number}")
    assert handed.broken() == []
    handed.answers("rest-a", NOVEMBER)
    assert handed.hub.rows("SELECT state FROM fee_exception") == [{"state": "resolved"}]
    transferred(handed, NOVEMBER, date(2026, 12, 3))
    assert handed.book("331", "rest-a") == 0
    assert handed.broken() == []


def test_a_line_that_is_disputed_again_goes_on_under_another_case(handed: SettlementOffice) -> None:
    handed.answers("rest-a", disputed={1: "chưa rõ", 2: "chưa rõ"})
    assert handed.settlement("rest-a").state == "closed"
    handed.closes(NOVEMBER)
    handed.answers("rest-a", NOVEMBER, {1: "vẫn chưa rõ"})
    states = handed.hub.rows("SELECT state FROM fee_exception ORDER BY id")
    assert [row["state"] for row in states] == ["resolved", "resolved", "open"]
    transferred(handed, NOVEMBER)
    handed.closes(DECEMBER)
    assert [line.original for line in handed.table("rest-a", DECEMBER).lines] == ["2026-11/1"]
    assert handed.broken() == []


@pytest.mark.parametrize("answered", [True, False])
def test_a_month_below_nothing_is_carried_on_fee_by_fee(handed: SettlementOffice, answered: bool) -> None:
    handed.answers("rest-a")
    transferred(handed)
    handed.books(postings.refund_ordered(handed.origin(NOV), "rf-1", [PHI]))
    handed.paid(NOV, LE_PHI)
    handed.closes(NOVEMBER)
    assert handed.settlement("rest-a", NOVEMBER).net == -90_000
    if answered:
        handed.answers("rest-a", NOVEMBER)
    handed.paid(date(2026, 12, 3), PHI)
    handed.closes(DECEMBER)
    table = handed.table("rest-a", DECEMBER)
    assert sums(table) == (-90_000, 120_000, 0, 0, 0, 30_000)
    assert [(one.fee_code, one.amount, one.original) for one in table.lines[:2]] == [
        ("le-phi", 30_000, "2026-11"),
        ("phi", -120_000, "2026-11"),
    ]
    handed.answers("rest-a", DECEMBER)
    order = transferred(handed, DECEMBER, date(2027, 1, 4))
    assert order.amount == 30_000
    assert handed.book("331", "rest-a") == 0
    assert handed.broken() == []


def test_a_fee_below_nothing_is_set_off_against_the_others(handed: SettlementOffice) -> None:
    handed.answers("rest-a")
    transferred(handed)
    handed.books(postings.refund_ordered(handed.origin(NOV), "rf-1", [LE_PHI]))
    handed.paid(NOV, PHI)
    handed.closes(NOVEMBER)
    handed.answers("rest-a", NOVEMBER)
    assert transferred(handed, NOVEMBER).amount == 90_000
    assert handed.book("331", "rest-a") == 0
    assert handed.broken() == []


def test_a_transfer_that_comes_back_is_owed_again(handed: SettlementOffice) -> None:
    handed.answers("rest-a")
    order = transferred(handed)
    handed.comes_back(order, date(2026, 11, 9))
    assert handed.settlement("rest-a").state == "confirmed"
    assert handed.book("331", "rest-a") == -150_000
    assert handed.broken() == []
    transferred(handed, day=date(2026, 11, 10))
    assert handed.book("331", "rest-a") == 0
    assert handed.broken() == []


def test_the_same_answer_again_changes_nothing_and_another_one_waits_for_a_person(handed: SettlementOffice) -> None:
    answer(handed)
    answer(handed)
    with pytest.raises(ManualAction):
        answer(handed, answer_id="TL-2")


def test_an_answer_that_is_told_again_in_other_words_waits_for_a_person(handed: SettlementOffice) -> None:
    answer(handed)
    answer(handed)
    with pytest.raises(ManualAction, match="nội dung khác"):
        answer(handed, answered_by="Văn phòng")
    assert handed.settlement("rest-a").state == "confirmed"


def test_an_answer_from_before_its_table_waits_for_a_person(handed: SettlementOffice) -> None:
    computed_at = handed.settlement("rest-a").computed_at
    with pytest.raises(ManualAction, match="trước khi có bảng"):
        answer(handed, answered_at=computed_at - timedelta(days=1))
    answer(handed, answered_at=computed_at)
    assert handed.settlement("rest-a").state == "confirmed"


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "0" * 64},
        {"settlement_id": "sm_01ARZ3NDEKTSV4RRFFQ69G5FAV"},
    ],
)
def test_an_answer_that_does_not_fit_waits_for_a_person(handed: SettlementOffice, changes: dict[str, Any]) -> None:
    fields = answer_to(handed.settlement("rest-a"), {}).model_dump() | changes
    table_answer = type(answer_to(handed.settlement("rest-a"), {})).model_validate(fields)
    with pytest.raises(ManualAction):
        handed.act(lambda uow: answers.answer_with(uow, table_answer, b"{}", "rest-a"))
    assert handed.settlement("rest-a").state == "computed"


def test_a_line_that_the_table_does_not_have_cannot_be_disputed(handed: SettlementOffice) -> None:
    with pytest.raises(ManualAction):
        handed.answers("rest-a", disputed={9: "không có"})
    assert handed.hub.count("settlement_carry") == 0


def test_a_department_answers_its_own_tables_only(handed: SettlementOffice) -> None:
    table_answer = answer_to(handed.settlement("rest-a"), {})
    with pytest.raises(ManualAction):
        handed.act(lambda uow: answers.answer_with(uow, table_answer, b"{}", "soap-a"))


def test_a_transfer_that_is_on_no_statement_after_two_working_days_is_a_case_until_it_is(
    handed: SettlementOffice,
) -> None:
    handed.answers("rest-a")
    order = ordered(handed)
    handed.act(lambda uow: orders.approve(uow, order.id, "đúng bảng"), "truong-phong")
    sent = handed.act(lambda uow: local(orders.send(uow, order.id).sent_at or uow.now).date())
    calendar = handed.hub.calendar
    first = calendar.next_working_day(sent)
    second = calendar.next_working_day(first)
    looked = [
        handed.act(partial(remitting.open_overdue, account=ACCOUNT, day=day)) for day in (sent, first, second, second)
    ]
    assert looked == [0, 0, 1, 0]
    [case] = handed.hub.rows("SELECT code, object_id, at_risk, state FROM fee_exception")
    assert (case["code"], case["object_id"], case["at_risk"]) == ("M02", order.id, 150_000)
    handed.shows(order, NOV)
    assert handed.hub.rows("SELECT state FROM fee_exception") == [{"state": "resolved"}]


def test_a_transfer_that_the_bank_did_not_make_is_ordered_anew_and_its_case_is_over(handed: SettlementOffice) -> None:
    handed.answers("rest-a")
    order = ordered(handed)
    handed.act(lambda uow: orders.approve(uow, order.id, "đúng bảng"), "truong-phong")
    sent = handed.act(lambda uow: local(orders.send(uow, order.id).sent_at or uow.now).date())
    overdue = handed.hub.calendar.next_working_day(handed.hub.calendar.next_working_day(sent))
    assert handed.act(partial(remitting.open_overdue, account=ACCOUNT, day=overdue)) == 1

    handed.act(lambda uow: (orders.fail(uow, order.id, "sai số tài khoản"), None)[1])

    assert handed.hub.rows("SELECT code, state FROM fee_exception") == [{"code": "M02", "state": "resolved"}]
    assert handed.settlement("rest-a").state == "confirmed"
    assert transferred(handed).id != order.id
    assert handed.broken() == []


def test_nothing_is_transferred_while_the_proof_is_red(handed: SettlementOffice) -> None:
    handed.answers("rest-a")
    with handed.hub.db.connection() as conn:
        conn.execute(
            "INSERT INTO fee_exception (id, code, severity, at_risk, object_type, object_id, state, due_on, facts)"
            " VALUES ('ex_1', 'L01', 1, 0, 'invariant', 'I1', 'open', current_date, '{}')"
        )
    with pytest.raises(InvalidState, match="đang có lỗi"):
        ordered(handed)


def test_without_an_account_of_the_department_nothing_is_ordered(office: SettlementOffice) -> None:
    office.paid(OCT, Share("rest-b", "phi", 10_000))
    office.closes(OCTOBER)
    office.answers("rest-b")
    settlement = office.settlement("rest-b").id
    with pytest.raises(NotConfigured, match="remittance"):
        office.act(lambda uow: remitting.remit(uow, settlement, "chuyển"))
