"""A month is closed when all its days are; then the departments' tables are made, and it takes nothing more."""

from datetime import date, datetime, time, timedelta
from typing import Final

import psycopg
import pytest

from hub.clock import VIETNAM, last_of
from hub.errors import InvalidState
from hub.fees.closing import commands
from hub.fees.closing.store import CloseStep, Closing
from hub.fees.ledger import DayClosed, Origin, Share, post, postings
from hub.fees.replay import replaying
from tests.bank_files import StatementDraft, StatementMovement
from tests.integration.fees.booking import opened, tampered
from tests.integration.fees.closing import FIRST, SECOND, Accountants, red_gates, today
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, red, status
from tests.integration.fees.registry import Registry
from tests.integration.fees.telling import ACCOUNT, NotifyingProvider

FEBRUARY: Final = date(2024, 2, 1)
DECEMBER: Final = date(2025, 12, 1)
BOTH: Final = (FIRST, SECOND)
TWICE: Final = [CloseStep.PROPOSED, CloseStep.DONE]
"""what asking twice comes to, by two persons"""


@pytest.fixture
def accountants(till: AccountTill) -> Accountants:
    till.always_open()
    accountants = Accountants(till)
    accountants.proves()
    return accountants


def ends(till: AccountTill, month: date, *moves: StatementMovement) -> list[date]:
    """Statements of the last two days of a month, the moves on the very last, and of the first of the next."""
    last = last_of(month)
    till.statement = StatementDraft((), opening=0, day=last - timedelta(days=2))
    till.books()
    till.books(*moves)
    till.books()
    return [last - timedelta(days=1), last]


@pytest.mark.parametrize(
    ("month", "last"), [(FEBRUARY, date(2024, 2, 29)), (DECEMBER, date(2025, 12, 31))], ids=["leap", "year"]
)
def test_a_month_is_closed_with_its_last_day_and_its_tables_are_made(
    accountants: Accountants, till: AccountTill, reference: str, month: date, last: date
) -> None:
    days = ends(till, month, StatementMovement(DUE, reference))
    assert red_gates(accountants.month(month)) == ["days"]
    accountants.closes(*days)

    assert [accountants.month(month, by).step for by in (FIRST, FIRST, SECOND)] == [
        CloseStep.PROPOSED,
        CloseStep.WAITING,
        CloseStep.DONE,
    ]

    [row] = till.hub.rows("SELECT * FROM month_close")
    assert (row["month"], row["maker"], row["checker"], row["totals"]["banks"]) == (
        month,
        FIRST,
        SECOND,
        {ACCOUNT: DUE},
    )
    assert till.hub.rows("SELECT month, state, receipts FROM settlement") == [
        {"month": month, "state": "computed", "receipts": DUE}
    ]
    [entry] = till.hub.rows("SELECT business_date FROM ledger_entry WHERE kind = 'retained'")
    assert entry["business_date"] == last
    assert red(till.hub) == []
    with pytest.raises(InvalidState, match="đã khóa"):
        accountants.month(month)


def test_a_closed_month_takes_nothing_on_any_of_its_days_not_even_for_what_is_kept(
    accountants: Accountants, till: AccountTill, reference: str
) -> None:
    closed(accountants, till, reference)
    retained = postings.retained(Origin("settlement", "sm_1", last_of(FEBRUARY)), [Share("rest-a", "phi-01", 100)])
    on_the_tenth = postings.charged(Origin("line", "999", FEBRUARY.replace(day=10), "9988776655"), 1_100)

    for entry in (retained, on_the_tenth):
        with pytest.raises(DayClosed), till.hub.db.connection() as conn:
            post(conn, entry)


def test_what_is_found_for_a_closed_month_goes_to_the_open_one_and_points_back(
    accountants: Accountants,
    till: AccountTill,
    provider: NotifyingProvider,
    cashier: Cashier,
    dossier: str,
    reference: str,
) -> None:
    closed(accountants, till)

    provider.tells(reference, paid_at=datetime.combine(last_of(FEBRUARY), time(23, 59, 59), VIETNAM))

    [entry] = till.hub.rows("SELECT business_date, original_date FROM ledger_entry WHERE kind = 'notified'")
    assert entry == {"business_date": today(), "original_date": date(2024, 2, 29)}
    assert status(cashier, dossier) == "paid_unconfirmed"


@pytest.mark.parametrize(("second", "day"), [(time(23, 59, 59), date(2025, 12, 31)), (time(0, 0, 0), date(2026, 1, 1))])
def test_the_year_ends_at_midnight_in_vietnam(
    accountants: Accountants, till: AccountTill, provider: NotifyingProvider, reference: str, second: time, day: date
) -> None:
    accountants.closes(*ends(till, DECEMBER))
    assert [accountants.month(DECEMBER, by).step for by in BOTH] == TWICE

    provider.tells(reference, paid_at=datetime.combine(day, second, VIETNAM))

    [entry] = till.hub.rows("SELECT business_date, original_date FROM ledger_entry WHERE kind = 'notified'")
    in_time = day.year > DECEMBER.year
    assert entry["business_date"] == (day if in_time else today())
    assert entry["original_date"] == (None if in_time else day)


def test_money_that_stands_over_is_listed_with_its_age_and_its_case(
    accountants: Accountants, till: AccountTill, provider: NotifyingProvider, reference: str
) -> None:
    days = ends(till, FEBRUARY, StatementMovement(70_000, "khong ro"))
    provider.tells(reference, paid_at=datetime.combine(days[0], time(9), VIETNAM))
    accountants.carries()
    accountants.closes(*days)

    closing = accountants.month(FEBRUARY)

    listed = {gate.name: gate for gate in closing.gates}
    assert closing.step is CloseStep.PROPOSED
    [waiting] = listed["transit"].items
    assert (waiting["account"], waiting["net"], waiting["since"], waiting["days"]) == ("112", DUE, "2024-02-28", 1)
    [unknown] = listed["suspense"].items
    assert (unknown["account"], unknown["net"], unknown["exceptions"]) == ("338", -70_000, "R01")


def test_a_sum_that_nobody_has_a_case_about_keeps_the_month_open(
    accountants: Accountants, till: AccountTill, reference: str
) -> None:
    days = ends(till, FEBRUARY, StatementMovement(70_000, "khong ro"))
    accountants.carries()
    accountants.closes(*days)
    with till.hub.db.connection() as conn:
        conn.execute("UPDATE fee_exception SET state = 'resolved', resolution = 'forgotten'")

    closing = accountants.month(FEBRUARY)

    assert red_gates(closing) == ["suspense"]
    assert next(gate.finding for gate in closing.gates if gate.name == "suspense").endswith("1 khoản không có ngoại lệ")


def test_a_month_is_closed_after_it_is_over_and_after_the_one_before(
    accountants: Accountants, till: AccountTill, reference: str
) -> None:
    accountants.closes(*ends(till, FEBRUARY, StatementMovement(DUE, reference)))

    assert red_gates(accountants.month(date(2024, 3, 1))) == ["before", "days"]
    assert red_gates(accountants.month(today().replace(day=1)))[0] == "over"
    assert [accountants.month(FEBRUARY, by).step for by in BOTH] == TWICE
    assert red_gates(accountants.month(date(2024, 3, 1))) == ["days"]


def test_a_payment_without_its_receipt_keeps_the_month_open(
    accountants: Accountants, registry: Registry, cashier: Cashier
) -> None:
    registry.ticks()  # from now on receipts are issued
    cashier.pays(cashier.dossier(), DUE, confirmed=True)
    this_month = today().replace(day=1)

    closing = accountants.month(this_month)
    registry.ticks()

    assert next(gate.finding for gate in closing.gates if gate.name == "receipts") == "thiếu 2 biên lai"
    assert "receipts" in red_gates(closing)
    assert "receipts" not in red_gates(accountants.month(this_month))


def test_a_month_that_was_changed_since_it_was_proposed_is_proposed_anew(
    accountants: Accountants, till: AccountTill, reference: str
) -> None:
    accountants.closes(*ends(till, FEBRUARY, StatementMovement(DUE, reference)))
    accountants.month(FEBRUARY, FIRST)
    assert [reopens_day(accountants, last_of(FEBRUARY), by).step for by in BOTH] == TWICE
    with till.hub.db.connection() as conn:
        post(conn, postings.not_collected(Origin("line", "999", last_of(FEBRUARY), ACCOUNT), 100))
        post(conn, postings.charged(Origin("line", "998", last_of(FEBRUARY), ACCOUNT), 100))
    accountants.closes(last_of(FEBRUARY))

    closing = accountants.month(FEBRUARY, SECOND)

    assert closing.step is CloseStep.PROPOSED
    assert "entries.count: 1 → 3" in closing.changed


def test_a_month_is_opened_again_while_nobody_has_its_table(
    accountants: Accountants, till: AccountTill, reference: str
) -> None:
    closed(accountants, till, reference)
    [before] = till.hub.rows("SELECT digest FROM month_close")
    with pytest.raises(InvalidState, match="mở lại tháng trước"):
        reopens_day(accountants, last_of(FEBRUARY), FIRST)
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState), till.hub.db.connection() as conn:
        conn.execute(
            "UPDATE day_close SET reopened_at = now(), reopen_maker = 'a', reopen_checker = 'b', reopen_reason = 'x'"
        )

    assert [reopens_month(accountants, by).step for by in BOTH] == TWICE

    [row] = till.hub.rows("SELECT * FROM month_close")
    assert (row["digest"], row["reopen_maker"], row["reopen_checker"]) == (before["digest"], FIRST, SECOND)
    assert till.hub.rows("SELECT state FROM settlement") == [{"state": "withdrawn"}]
    assert red(till.hub) == []
    assert [accountants.month(FEBRUARY, by).step for by in BOTH] == TWICE
    again = till.hub.rows("SELECT digest FROM month_close ORDER BY closed_at")
    assert again[0] == again[1]  # nothing was different
    assert red(till.hub) == []
    assert till.act(replaying.replayed).offenders == []


def test_what_is_put_into_a_closed_month_past_the_database_turns_the_proof_red(
    accountants: Accountants, till: AccountTill, reference: str, database_url: str
) -> None:
    closed(accountants, till, reference)
    with opened(database_url) as conn:
        tampered(conn, "UPDATE ledger_entry SET business_date = business_date - 40 WHERE kind = 'identified'")

    finding = "a closed month has the entries with which it was closed: "
    assert f"{finding}2024-02 khóa với 1 bút toán; nay có 0, khác số lượng" in red(till.hub)


def test_a_month_whose_table_was_handed_over_stays_closed(
    accountants: Accountants, till: AccountTill, reference: str
) -> None:
    closed(accountants, till, reference)
    with till.hub.db.connection() as conn:
        conn.execute("UPDATE settlement SET state = 'notified', notified_at = now()")

    with pytest.raises(InvalidState, match="đã giao cho rest-a"):
        reopens_month(accountants, FIRST)


def closed(accountants: Accountants, till: AccountTill, *references: str) -> None:
    """February, by two persons; what was paid in it."""
    accountants.closes(*ends(till, FEBRUARY, *(StatementMovement(DUE, one) for one in references)))
    assert [accountants.month(FEBRUARY, by).step for by in BOTH] == TWICE


def reopens_day(accountants: Accountants, day: date, by: str) -> Closing:
    closing: Closing = accountants.till.act(lambda uow: commands.reopen_day(uow, ACCOUNT, day, "thiếu"), by)
    return closing


def reopens_month(accountants: Accountants, by: str) -> Closing:
    closing: Closing = accountants.till.act(lambda uow: commands.reopen_month(uow, FEBRUARY, "thiếu"), by)
    return closing
