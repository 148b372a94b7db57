"""A day is closed by two persons who agree to the same numbers, and takes nothing more."""

import hashlib
from datetime import datetime, time, timedelta

import psycopg
import pytest

from hub.clock import VIETNAM
from hub.db import Connection
from hub.errors import InvalidState, NotFound
from hub.fees.closing import commands, figures
from hub.fees.closing.store import CloseStep
from hub.fees.ledger import DayClosed, Origin, post, postings
from hub.fees.replay import replaying
from hub.signing import canonical
from tests.bank_files import StatementDraft, StatementMovement, ago
from tests.integration.fees.booking import FEE, opened, tampered
from tests.integration.fees.closing import FIRST, SECOND, Accountants, today
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, red, status
from tests.integration.fees.telling import ACCOUNT, NotifyingProvider


@pytest.fixture
def accountants(till: AccountTill) -> Accountants:
    return Accountants(till)


def test_a_day_is_closed_by_two_persons_with_the_digest_of_what_it_came_to(
    accountants: Accountants, till: AccountTill, reference: str
) -> None:
    day = till.books(StatementMovement(DUE, reference))
    accountants.proves()

    assert [accountants.asks(day, by).step for by in (FIRST, FIRST)] == [CloseStep.PROPOSED, CloseStep.WAITING]
    assert till.hub.count("day_close") == 0
    closing = accountants.asks(day, SECOND)

    assert closing.step is CloseStep.DONE
    [row] = till.hub.rows("SELECT * FROM day_close")
    assert (row["account"], row["day"], row["maker"], row["checker"]) == (ACCOUNT, day, FIRST, SECOND)
    assert (row["totals"]["statement"], row["totals"]["book"]) == (DUE, DUE)
    assert bytes(row["digest"]) == hashlib.sha256(canonical.encode(row["totals"])).digest() == closing.digest
    with pytest.raises(InvalidState, match="đã khóa"):
        accountants.asks(day)
    assert red(till.hub) == []


def test_what_no_statement_has_shown_is_a_case_from_the_close_of_its_day_on(
    accountants: Accountants, till: AccountTill, provider: NotifyingProvider, reference: str
) -> None:
    """It could be handed over with its month before it is overdue."""
    day = till.books()
    provider.tells(reference, paid_at=datetime.combine(day, time(23), VIETNAM))
    accountants.closes(day)

    assert till.cases() == ["N01"]
    assert red(till.hub) == []
    till.books(StatementMovement(DUE, reference))
    assert till.cases() == [], "the statement that shows it ends the case"
    assert red(till.hub) == []


def test_what_has_changed_since_the_proposal_is_shown_and_needs_another_agreement(
    accountants: Accountants,
    till: AccountTill,
    provider: NotifyingProvider,
    cashier: Cashier,
    dossier: str,
    reference: str,
) -> None:
    day = till.books()
    accountants.proves()
    accountants.asks(day, FIRST)
    provider.tells(reference, paid_at=datetime.combine(day, time(9), VIETNAM))

    closing = accountants.asks(day, SECOND)

    assert (closing.step, till.hub.count("day_close")) == (CloseStep.PROPOSED, 0)
    assert "entries.count: 0 → 1" in closing.changed
    assert f"moved.112.debit: – → {DUE}" in closing.changed
    assert accountants.asks(day, SECOND).step is CloseStep.WAITING
    assert accountants.asks(day, FIRST).step is CloseStep.DONE
    rows = till.hub.rows("SELECT maker, checker, outcome FROM close_proposal ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [
        (FIRST, None, "overtaken"),
        (SECOND, FIRST, "agreed"),
    ]
    assert status(cashier, dossier) == "paid_unconfirmed"


def test_a_closed_day_takes_nothing_from_anybody(
    accountants: Accountants, till: AccountTill, reference: str, as_worker: Connection
) -> None:
    day = till.books(StatementMovement(DUE, reference))
    accountants.closes(day)
    charge = postings.charged(Origin("line", "999", day, ACCOUNT), 1_100)
    without_account = postings.recovered(Origin("case", "ex_1", day), "pm_1", [FEE])

    for entry in (charge, without_account):
        with pytest.raises(DayClosed), till.hub.db.connection() as conn:
            post(conn, entry)
        with pytest.raises(DayClosed):
            post(as_worker, entry)

    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        as_worker.execute(
            "INSERT INTO ledger_entry (business_date, kind, source_type, source_id, bank_account, lines, amount,"
            " digest) VALUES (%s, 'charged', 'line', '1', %s, 2, 1, sha256('x'))",
            (day, ACCOUNT),
        )


def test_what_is_found_after_its_day_was_closed_stands_on_an_open_day_and_points_back(  # O5
    accountants: Accountants, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    day = till.books(StatementMovement(5_000, "LAI TIEN GUI", ref="FT1"))
    accountants.carries()
    accountants.closes(day)
    assert till.statement is not None

    till.statement = till.statement.next(StatementMovement(DUE, reference, day=day, ref="FT2"), first=day)
    till.brings(till.statement)

    [entry] = till.hub.rows("SELECT * FROM ledger_entry WHERE kind = 'identified'")
    assert (entry["business_date"], entry["original_date"]) == (today(), day)
    assert status(cashier, dossier) == "paid"
    with till.hub.db.connection() as conn:
        closed_day, next_day = (figures.day_balance(conn, ACCOUNT, one) for one in (day, day + timedelta(days=1)))
    assert (closed_day.by_statements, closed_day.book, closed_day.later) == (5_000 + DUE, 5_000, DUE)
    assert (next_day.by_statements, next_day.book, next_day.later, next_day.agrees) == (5_000 + DUE, 5_000, DUE, True)
    accountants.closes(day + timedelta(days=1))
    assert red(till.hub) == []


def test_what_is_found_when_today_is_closed_too_goes_to_the_next_open_day(
    accountants: Accountants, till: AccountTill, provider: NotifyingProvider, reference: str
) -> None:
    till.statement = StatementDraft((), opening=0, day=ago(2))
    days = [till.books() for _ in range(2)]
    assert days == [ago(1), today()]
    accountants.closes(*days)

    payment = provider.payment(provider.tells(reference, paid_at=datetime.combine(ago(1), time(9), VIETNAM)))

    [entry] = till.hub.rows("SELECT business_date, original_date FROM ledger_entry")
    assert (payment["business_date"], entry["original_date"]) == (ago(1), ago(1))
    assert entry["business_date"] == today() + timedelta(days=1)


def test_a_day_is_opened_again_by_two_persons_who_say_why_and_its_digest_stays(
    accountants: Accountants, till: AccountTill, provider: NotifyingProvider, reference: str
) -> None:
    first, second = till.books(), till.books()
    accountants.closes(first, second)

    def ask(by: str) -> CloseStep:
        closing = till.act(lambda uow: commands.reopen_day(uow, ACCOUNT, first, "thiếu một khoản"), by)
        return CloseStep(closing.step)

    assert [ask(FIRST), ask(FIRST), ask(SECOND)] == [CloseStep.PROPOSED, CloseStep.WAITING, CloseStep.DONE]
    rows = till.hub.rows("SELECT * FROM day_close ORDER BY day")
    assert [(row["day"], row["reopen_maker"], row["reopen_checker"]) for row in rows] == [
        (first, FIRST, SECOND),
        (second, FIRST, SECOND),  # it stood on the first
    ]
    assert all(row["reopen_reason"] == "thiếu một khoản" and len(row["digest"]) == 32 for row in rows)
    provider.tells(reference, paid_at=datetime.combine(first, time(9), VIETNAM))
    [entry] = till.hub.rows("SELECT business_date, original_date FROM ledger_entry")
    assert entry == {"business_date": first, "original_date": None}
    accountants.closes(first, second)
    digests = till.hub.rows("SELECT digest FROM day_close WHERE day = %s ORDER BY closed_at", first)
    assert digests[0] != digests[1]


def test_only_what_is_closed_is_opened_again(accountants: Accountants, till: AccountTill) -> None:
    day = till.books()

    with pytest.raises(InvalidState, match="chưa khóa"):
        till.act(lambda uow: commands.reopen_day(uow, ACCOUNT, day, "nhầm"))
    with pytest.raises(NotFound, match="không có tài khoản"):
        accountants.asks(day, account="0000")


def test_nobody_closes_alone_or_opens_alone_even_in_the_database(
    accountants: Accountants, till: AccountTill, as_worker: Connection
) -> None:
    day = till.books()
    accountants.closes(day)
    alone = "INSERT INTO day_close (account, day, digest, maker, checker) VALUES ('1', %s, sha256('x'), 'a', 'a')"
    with pytest.raises(psycopg.errors.CheckViolation):
        as_worker.execute(alone, (day,))
    for changes in (
        "reopened_at = now()",
        "reopened_at = now(), reopen_maker = 'a', reopen_checker = 'a', reopen_reason = 'x'",
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            as_worker.execute(f"UPDATE day_close SET {changes}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_worker.execute("UPDATE day_close SET digest = sha256('y')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), till.hub.db.connection() as owner:
        owner.execute("UPDATE day_close SET digest = sha256('y')")


def test_what_is_put_into_a_closed_day_past_the_database_turns_the_proof_red(
    accountants: Accountants, till: AccountTill, reference: str, database_url: str
) -> None:
    day = till.books(StatementMovement(DUE, reference))
    accountants.closes(day)
    slipped = (
        "INSERT INTO ledger_entry (seq, business_date, kind, source_type, source_id, bank_account, lines, amount,"
        " digest) SELECT 1 + max(seq), %s, 'charged', 'line', '999', %s, 2, 100, sha256('x') FROM ledger_entry"
    )
    with opened(database_url) as conn:
        tampered(conn, slipped, day, ACCOUNT)

    finding = "a closed day has the entries with which it was closed: "
    assert f"{finding}{ACCOUNT} {day} khóa với 1 bút toán; nay có 2, khác số lượng" in red(till.hub)


def test_what_was_on_the_account_before_its_first_statement_is_in_the_book_once(
    accountants: Accountants, till: AccountTill, reference: str
) -> None:
    till.statement = StatementDraft((), opening=700_000, day=ago(10))
    days = [till.books(StatementMovement(DUE, reference)), till.books()]

    accountants.closes(*days)

    assert till.book() == {"111": 700_000 + DUE, "331": -DUE, "411": -700_000}
    [entry] = till.hub.rows("SELECT business_date, source_type FROM ledger_entry WHERE kind = 'opening'")
    assert entry == {"business_date": days[0], "source_type": "account"}
    assert red(till.hub) == []
    assert till.act(replaying.replayed).offenders == []


def test_an_older_statement_that_is_brought_in_later_corrects_what_was_there_before(
    accountants: Accountants, till: AccountTill
) -> None:
    first = ago(10)
    till.statement = StatementDraft((), opening=700_000, day=first - timedelta(days=1))
    till.books()
    accountants.closes(first)
    till.brings(
        StatementDraft((StatementMovement(50_000, "LAI"),), opening=650_000, day=first - timedelta(days=1), id="0")
    )
    accountants.carries()

    accountants.closes(first - timedelta(days=1))
    till.books()
    accountants.closes(first + timedelta(days=1))

    with till.hub.db.connection() as conn:
        ends = figures.day_balance(conn, ACCOUNT, first + timedelta(days=1))
    assert (ends.by_statements, ends.agrees) == (700_000, True)
    assert till.book()["411"] == -650_000
    assert red(till.hub) == []
