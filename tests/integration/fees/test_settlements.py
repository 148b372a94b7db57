"""A department's month: what its table says, and that it says all of the book and nothing else."""

from datetime import date

import pytest
from psycopg import errors, sql

from hub.errors import InvalidState
from hub.fees import settlements
from hub.fees.ledger import Share, postings
from hub.fees.settlements import store
from hub.signing import custody, verifier
from tests.integration.fees.conftest import PAY_LATER, Cashier
from tests.integration.fees.settling import NOVEMBER, OCTOBER, SettlementOffice, sums
from tests.scripted_hub import ScriptedHub


@pytest.fixture
def office(hub: ScriptedHub) -> SettlementOffice:
    return SettlementOffice(hub)


@pytest.fixture
def demand(cashier: Cashier, dossier: str) -> str:
    return str(cashier.demand(dossier)["id"])


def owed(demand: str, phi: int = 120_000, le_phi: int = 30_000) -> list[Share]:
    return [Share("rest-a", "phi", phi, demand), Share("rest-a", "le-phi", le_phi, demand)]


def test_a_table_holds_all_of_a_month_and_the_share_that_is_kept(office: SettlementOffice, demand: str) -> None:
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


def test_fees_of_one_code_stand_in_one_row_that_names_them_all(
    office: SettlementOffice, cashier: Cashier, demand: str
) -> None:
    later = str(cashier.demand(cashier.dossier(PAY_LATER))["id"])
    for day in (5, 6):
        office.paid(date(2026, 10, day), Share("rest-a", "phi", 10_000, demand))
        office.paid(date(2026, 10, day), Share("rest-a", "phi", 10_000, later))
    office.closes(OCTOBER)
    assert [fee.title for fee in office.table("rest-a").fees] == ["Phí thẩm định thử nghiệm; Phí thử nghiệm"]


def test_a_month_is_computed_once(office: SettlementOffice, demand: str) -> None:
    office.paid(date(2026, 10, 1), *owed(demand))
    digest = office.closes(OCTOBER)
    first = office.settlement("rest-a")
    office.paid(date(2026, 11, 2), *owed(demand))
    assert office.closes(date(2026, 10, 17)) == digest
    assert office.settlement("rest-a") == first
    assert office.closes(NOVEMBER) != digest


def test_two_departments_have_a_table_each_of_their_own_lines(office: SettlementOffice, demand: str) -> None:
    office.paid(date(2026, 10, 5), *owed(demand), Share("soap-a", "phi-b", 90_000))
    office.paid(date(2026, 10, 6), Share("soap-a", "phi-b", 10_000))
    office.closes(OCTOBER)
    assert sums(office.table("rest-a")) == (0, 150_000, 0, 0, 84_000, 66_000)
    assert sums(office.table("soap-a")) == (0, 100_000, 0, 0, 0, 100_000)
    assert office.broken() == []


def test_what_is_given_back_later_is_a_negative_line_that_names_the_one_it_takes_back(
    office: SettlementOffice, demand: str
) -> None:
    office.paid(date(2026, 10, 5), *owed(demand))
    office.closes(OCTOBER)
    [line] = [one for one in office.table("rest-a").lines if one.fee_code == "phi"]
    office.books(postings.refund_ordered(office.origin(date(2026, 11, 3)), "rf-1", owed(demand)))
    office.closes(NOVEMBER)
    table = office.table("rest-a", NOVEMBER)
    assert sums(table) == (0, 0, -150_000, 0, -84_000, -66_000)
    assert {one.fee_code: one.original for one in table.lines}["phi"] == f"2026-10/{line.number}"
    assert office.broken() == []


def test_what_was_moved_and_taken_back_stands_as_an_adjustment(office: SettlementOffice, demand: str) -> None:
    office.paid(date(2026, 10, 5), *owed(demand))
    away, to = [Share("rest-a", "phi", 120_000, demand)], [Share("soap-a", "phi-b", 120_000)]
    office.books(postings.moved(office.origin(date(2026, 10, 6)), "pm-1", away, to))
    office.closes(OCTOBER)
    assert sums(office.table("rest-a")) == (0, 150_000, 0, -120_000, 0, 30_000)
    assert sums(office.table("soap-a")) == (0, 0, 0, 120_000, 0, 120_000)
    assert office.broken() == []


def test_a_month_that_is_opened_again_has_other_tables_and_its_share_is_given_back(
    office: SettlementOffice, demand: str
) -> None:
    office.paid(date(2026, 10, 5), *owed(demand))
    office.closes(OCTOBER)
    first = office.settlement("rest-a").id
    office.act(lambda uow: settlements.withdraw(uow, OCTOBER, "thiếu một sao kê"))
    assert office.book("511") == 0
    office.paid(date(2026, 10, 6), *owed(demand))
    office.closes(OCTOBER)
    assert office.settlement("rest-a").id != first
    assert office.table("rest-a").receipts == 300_000
    assert office.book("511") == -168_000
    assert office.broken() == []


def test_a_table_that_was_answered_is_not_withdrawn(office: SettlementOffice, demand: str) -> None:
    office.paid(date(2026, 10, 5), *owed(demand))
    office.closes(OCTOBER)
    office.answers("rest-a")
    with pytest.raises(InvalidState):
        office.act(lambda uow: settlements.withdraw(uow, OCTOBER, "quá muộn"))


def test_a_table_names_the_book_that_it_was_made_from_and_the_log_has_it(office: SettlementOffice, demand: str) -> None:
    office.paid(date(2026, 10, 5), *owed(demand))
    office.closes(OCTOBER)
    table, settlement = office.table("rest-a"), office.settlement("rest-a")
    [checkpoint] = office.hub.rows("SELECT last_seq, root FROM ledger_checkpoint")
    assert (table.last_entry, table.book) == (checkpoint["last_seq"], checkpoint["root"].hex())
    with office.hub.db.connection() as conn:
        handed = store.sealed_table(conn, settlement.id)
        [leaf] = custody.leaves_about(conn, settlement.id)
    assert leaf.record == handed.body
    signed = verifier.verify(handed.body, handed.signature, office.hub.signer.trust(), at=None)
    assert signed.certificate.subject != signed.certificate.issuer


@pytest.mark.parametrize(
    "change",
    ["UPDATE settlement SET net = net + 1, receipts = receipts + 1", "UPDATE settlement SET body = body || ' '",
     "DELETE FROM settlement_item", "UPDATE settlement_fee SET net = 0"],
)  # fmt: skip
def test_what_a_table_says_is_not_changed_even_by_its_owner(office: SettlementOffice, demand: str, change: str) -> None:
    office.paid(date(2026, 10, 5), *owed(demand))
    office.closes(OCTOBER)
    with pytest.raises(errors.InsufficientPrivilege), office.hub.db.connection() as conn:
        conn.execute(change)


def test_a_line_that_slipped_past_its_table_turns_the_proof_red(office: SettlementOffice, demand: str) -> None:
    office.paid(date(2026, 10, 5), *owed(demand))
    office.closes(OCTOBER)
    office.paid(date(2026, 10, 6), *owed(demand))
    assert any("; không có trong bảng" in one for one in office.broken())


@pytest.mark.parametrize("change", ["amount = 1", "fee_code = 'le-phi'", "entry_seq = 999", "settlement_id = 'sm_x'"])
def test_a_line_that_is_not_in_the_book_is_in_no_table(office: SettlementOffice, demand: str, change: str) -> None:
    office.paid(date(2026, 10, 5), Share("rest-a", "phi", 120_000, demand))
    office.closes(OCTOBER)
    with office.hub.db.connection() as conn:
        conn.execute("CREATE TABLE other AS SELECT * FROM settlement_item")
        conn.execute(sql.SQL("UPDATE other SET number = 99, live = false, {}").format(sql.SQL(change)))
        with pytest.raises(errors.CheckViolation):
            conn.execute("INSERT INTO settlement_item SELECT * FROM other")
