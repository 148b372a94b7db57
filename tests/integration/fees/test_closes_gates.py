"""The gates of a day, one by one: what keeps it open, and what opens the gate."""

from datetime import date, datetime, time, timedelta

import pytest

from hub import dispatch
from hub.clock import VIETNAM
from hub.fees.closing.store import CloseStep
from hub.fees.ledger import Origin, post, postings
from hub.fees.reconciliation.statements import importing
from hub.fees.resolutions import commands as cases_desk
from tests.bank_files import StatementDraft, StatementMovement, ago, camt
from tests.integration.fees.booking import opened, tampered
from tests.integration.fees.closing import FIRST, SECOND, Accountants, today
from tests.integration.fees.matching import DUE, AccountTill, later
from tests.integration.fees.telling import ACCOUNT, NotifyingProvider


@pytest.fixture
def accountants(till: AccountTill) -> Accountants:
    accountants = Accountants(till)
    accountants.proves()
    return accountants


def banks_rule(till: AccountTill, days: str) -> None:
    """On which days the bank makes a statement."""
    bank = till.bank
    changed = bank.model_copy(update={"statements": bank.statements.model_copy(update={"days": days})})
    till.hub.catalogue = till.hub.catalogue.model_copy(
        update={"banks": {**till.hub.catalogue.banks, bank.code: changed}}
    )


def test_a_day_that_has_not_come_stays_open(accountants: Accountants, till: AccountTill) -> None:
    till.statement = StatementDraft((), opening=0, day=ago(1))
    till.books()

    assert accountants.gates(later(today(), 1)) == ["over", "earlier", "statement"]
    assert accountants.gates(today()) == []


def test_a_day_waits_for_the_ones_before_it(accountants: Accountants, till: AccountTill) -> None:
    first, second = till.books(), till.books()

    assert accountants.gates(second) == ["earlier"]
    assert accountants.asks(first, FIRST).step is CloseStep.PROPOSED
    assert accountants.asks(second, FIRST).step is CloseStep.PROPOSED  # one person proposes them one after the other
    assert accountants.asks(second, SECOND).step is CloseStep.REFUSED  # and another closes them in the same order
    assert [accountants.asks(day, SECOND).step for day in (first, second)] == [CloseStep.DONE, CloseStep.DONE]


def test_a_day_waits_for_its_statement(accountants: Accountants, till: AccountTill) -> None:
    day = till.books()

    assert accountants.gates(later(day, 1)) == ["earlier", "statement"]
    till.books()
    assert accountants.gates(later(day, 1)) == ["earlier"]


@pytest.mark.parametrize(("rule", "missed"), [("any", []), ("working", ["statement"]), ("every", ["statement"])])
def test_a_working_day_without_a_statement_counts_where_the_bank_makes_one(
    accountants: Accountants, till: AccountTill, rule: str, missed: list[str]
) -> None:
    _, tuesday = a_weekend(till, missing_monday=True)

    banks_rule(till, rule)

    assert accountants.gates(tuesday - timedelta(days=1)) == ["earlier", *missed]


@pytest.mark.parametrize(("rule", "missed"), [("any", []), ("working", []), ("every", ["statement"])])
def test_a_weekend_needs_a_statement_only_where_the_bank_makes_one_every_day(
    accountants: Accountants, till: AccountTill, rule: str, missed: list[str]
) -> None:
    friday, _ = a_weekend(till)
    banks_rule(till, rule)

    accountants.closes(friday)

    assert accountants.gates(friday + timedelta(days=1)) == missed


def test_a_held_file_keeps_its_own_days_open_and_one_that_cannot_be_read_all_of_them(
    accountants: Accountants, till: AccountTill
) -> None:
    day = till.books()
    assert till.statement is not None
    wrong = till.statement.next(StatementMovement(1_000), closing=5)
    held = brought(till, camt(wrong))
    assert accountants.gates(day) == []
    assert "files" in accountants.gates(wrong.day)

    for person in (FIRST, SECOND):
        till.act(lambda uow: importing.decide(uow, held, "reject", "sai")[1], person)
    assert "files" not in accountants.gates(wrong.day)
    brought(till, b"<Document>")
    assert accountants.gates(day) == ["files"]


def test_a_line_without_an_outcome_keeps_its_day_open(
    accountants: Accountants, till: AccountTill, reference: str
) -> None:
    day = till.books(StatementMovement(DUE, reference), carry=False)

    assert accountants.gates(day) == ["lines", "matched", "balance"]
    till.hub.carry()
    assert accountants.gates(day) == []


def test_a_day_is_matched_again_after_its_last_file(accountants: Accountants, till: AccountTill) -> None:
    day = till.books()
    assert till.statement is not None
    till.brings(till.statement.next(day=day), carry=False)

    assert accountants.gates(day) == ["matched"]
    till.matches(day)
    assert accountants.gates(day) == []


def test_a_case_is_settled_or_somebody_lets_it_stand_over(accountants: Accountants, till: AccountTill) -> None:
    day = till.books(StatementMovement(70_000, "khong ro"))
    [case] = till.hub.rows("SELECT id FROM fee_exception WHERE code = 'R01'")

    assert accountants.gates(day) == ["exceptions"]
    assert accountants.gate(day, "exceptions") == "1 ngoại lệ chưa xử lý, 0 ngoại lệ treo sang kỳ sau"
    till.act(lambda uow: cases_desk.carry(uow, case["id"], "chờ người nộp"))

    assert accountants.gates(day) == []
    assert accountants.gate(day, "exceptions") == "0 ngoại lệ chưa xử lý, 1 ngoại lệ treo sang kỳ sau"


def test_a_case_about_a_payment_that_was_only_notified_counts_for_its_day(
    accountants: Accountants, till: AccountTill, provider: NotifyingProvider
) -> None:
    day = till.books()
    provider.tells("khong ro", paid_at=datetime.combine(day, time(9), VIETNAM))

    assert accountants.gates(day) == ["exceptions"]


def test_that_nobody_notified_a_payment_keeps_nothing_open(
    accountants: Accountants, till: AccountTill, reference: str
) -> None:
    day = till.books(StatementMovement(DUE, reference))

    assert till.hub.rows("SELECT code FROM fee_exception") == [{"code": "N02"}]
    assert accountants.gates(day) == []


def test_a_book_that_was_not_proven_today_is_not_closed(till: AccountTill) -> None:
    accountants, day = Accountants(till), till.books()

    assert accountants.gates(day) == ["proof"]
    accountants.proves()
    assert accountants.gates(day) == []


def test_a_red_book_is_not_closed(till: AccountTill, reference: str, database_url: str) -> None:
    accountants, day = Accountants(till), till.books(StatementMovement(DUE, reference))
    with opened(database_url) as conn:
        tampered(conn, "UPDATE ledger_line SET department = 'so-khac' WHERE account = '331'")
    accountants.proves()

    assert accountants.gates(day) == ["proof"]
    assert accountants.gate(day, "proof") == "có ngoại lệ L01–L04 đang mở"


def test_a_book_that_is_not_what_the_bank_says_is_not_closed(
    accountants: Accountants, till: AccountTill, reference: str
) -> None:
    day = till.books(StatementMovement(DUE, reference))
    with till.hub.db.connection() as conn:
        post(conn, postings.charged(Origin("line", "999", day, ACCOUNT), 1_100))

    assert accountants.gates(day) == ["balance"]
    assert accountants.gate(day, "balance") == "sổ 148.900 đ; sao kê 150.000 đ"


def test_a_break_of_the_chain_that_two_persons_have_accepted_is_listed_and_not_netted(
    accountants: Accountants, till: AccountTill, reference: str
) -> None:
    day = till.books(StatementMovement(DUE, reference))
    assert till.statement is not None
    till.statement = till.statement.next(StatementMovement(9_000, "LAI TIEN GUI"), opening=200_000)
    held = brought(till, camt(till.statement))
    for person in (FIRST, SECOND):
        till.act(lambda uow: importing.decide(uow, held, "approve", "ngân hàng xác nhận")[1], person)
    accountants.closes(day)

    finding = accountants.gate(later(day, 1), "balance")

    assert finding == "sổ 159.000 đ + đứt chuỗi đã duyệt 50.000 đ; sao kê 209.000 đ"
    assert accountants.gates(later(day, 1)) == ["exceptions"]


def brought(till: AccountTill, body: bytes) -> str:
    """A file that is held; its id."""
    result = dispatch.run_command(
        till.hub, FIRST, lambda uow: (importing.bring(uow, till.bank, "sao-ke.xml", body), [])
    )
    assert not result.is_accepted
    till.hub.carry()
    return str(result.id)


def a_weekend(till: AccountTill, *, missing_monday: bool = False) -> tuple[date, date]:
    """Statements of a Friday, of the Monday unless it is missing, and of the Tuesday; the first and the last day."""
    tuesday = ago(20)
    while tuesday.weekday() != 1 or not till.hub.calendar.is_working_day(tuesday - timedelta(days=1)):
        tuesday -= timedelta(days=1)
    till.statement = StatementDraft((), opening=0, day=tuesday - timedelta(days=5))
    friday = till.books()
    assert till.statement is not None
    for day in [] if missing_monday else [tuesday - timedelta(days=1)]:
        till.statement = till.statement.next(day=day)
        till.brings(till.statement)
    till.statement = till.statement.next(day=tuesday)
    till.brings(till.statement)
    return friday, tuesday
