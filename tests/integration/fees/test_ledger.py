"""The book on a real database: numbered without gaps, balanced, never changed, posted once for each source."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any, Final, LiteralString

import psycopg
import pytest
from psycopg.errors import CheckViolation, ForeignKeyViolation, InsufficientPrivilege, ObjectNotInPrerequisiteState

from hub.clock import now
from hub.db import Connection, one
from hub.embedded.pki import Pki
from hub.fees.ledger import (
    DayClosed,
    LedgerAccount,
    SourceReused,
    balances,
    checkpoints,
    closed,
    post,
    post_all,
    postings,
)
from hub.signing import custody
from tests import ledger_queries
from tests.integration.fees.booking import ACCOUNT, CLOSE, DAY, FEE, REOPEN, notified, on_statement, opened, origin
from tests.scripted_hub import ScriptedHub

CONNECTIONS: Final = 8
EACH: Final = 25


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with opened(database_url) as conn:
        yield conn


def numbers(conn: Connection) -> list[int]:
    return [row["seq"] for row in conn.execute("SELECT seq FROM ledger_entry ORDER BY seq")]


def nets(conn: Connection) -> dict[LedgerAccount, int]:
    return {balance.account: balance.net for balance in ledger_queries.trial_balance(conn)}


def test_a_payment_is_in_transit_until_the_statement_shows_it(conn: Connection) -> None:
    post(conn, notified(1))
    assert nets(conn) == {LedgerAccount.IN_TRANSIT: 50_000, LedgerAccount.PAYABLE: -50_000}
    assert ledger_queries.open_items(conn, LedgerAccount.IN_TRANSIT) == {"pm_1": 50_000}
    post(conn, on_statement(1))
    assert nets(conn) == {LedgerAccount.BANK: 50_000, LedgerAccount.IN_TRANSIT: 0, LedgerAccount.PAYABLE: -50_000}
    assert ledger_queries.open_items(conn, LedgerAccount.IN_TRANSIT) == {}
    assert balances.bank_balance(conn, ACCOUNT, DAY) == 50_000
    assert balances.bank_balance(conn, ACCOUNT, DAY - timedelta(days=1)) == 0
    assert ledger_queries.payable(conn, FEE.department, DAY, DAY) == {FEE.fee_code: 50_000}


def test_an_accounts_statement_carries_what_was_there_before(conn: Connection) -> None:
    later = DAY + timedelta(days=1)
    post_all(conn, [notified(1), notified(2, later), on_statement(1, later)])
    moved = ledger_queries.statement(conn, LedgerAccount.IN_TRANSIT, later, later)
    assert [(one.kind, one.dr, one.cr, one.after) for one in moved] == [
        ("notified", 50_000, 0, 100_000),
        ("on_statement", 0, 50_000, 50_000),
    ]


def test_the_same_again_is_the_same_number_and_other_content_is_refused(conn: Connection) -> None:
    assert [post(conn, notified(1)), post(conn, notified(2)), post(conn, notified(1))] == [1, 2, 1]
    dearer = postings.notified(origin(1), "pm_1", [FEE], over=1_000)
    with pytest.raises(SourceReused):
        post(conn, dearer)
    with pytest.raises(SourceReused):
        post_all(conn, [notified(3), postings.notified(origin(3), "pm_3", [FEE], over=1)])
    assert nets(conn)[LedgerAccount.PAYABLE] == -100_000 - 50_000


def test_what_was_rolled_back_leaves_no_gap(conn: Connection) -> None:
    post(conn, notified(1))
    with conn.transaction(force_rollback=True):
        assert post(conn, notified(2)) == 2
    assert post(conn, notified(3)) == 2


def test_many_connections_give_numbers_without_gaps_and_one_entry_a_source(conn: Connection, database_url: str) -> None:
    """Every connection posts its own sources, one that all of them post, and one that it takes back."""

    def uow(worker: int) -> list[int]:
        with opened(database_url) as mine:
            got = []
            for number in range(EACH):
                got.append(post(mine, notified(worker * EACH + number)))
                with mine.transaction(force_rollback=True):
                    post(mine, notified(10_000 + worker * EACH + number))
                post(mine, notified(100_000 + number))
            return got

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        numbers_given = [seq for got in pool.map(uow, range(CONNECTIONS)) for seq in got]
    assert len(set(numbers_given)) == CONNECTIONS * EACH
    assert numbers(conn) == list(range(1, (CONNECTIONS + 1) * EACH + 1))
    assert sum(nets(conn).values()) == 0


CHANGES: Final[list[LiteralString]] = [
    "UPDATE ledger_entry SET amount = amount",
    "UPDATE ledger_line SET dr = 1, cr = 0",
    "UPDATE ledger_checkpoint SET day = day",
    "DELETE FROM ledger_entry",
    "DELETE FROM ledger_line",
    "DELETE FROM ledger_checkpoint",
    "DELETE FROM day_close",
    "UPDATE day_close SET digest = ''",
    "TRUNCATE ledger_line CASCADE",
    "TRUNCATE ledger_entry CASCADE",
    "TRUNCATE day_close",
]


@pytest.mark.parametrize("statement", CHANGES)
def test_nobody_changes_the_book(conn: Connection, statement: LiteralString) -> None:
    post(conn, notified(1))
    close(conn, "book", DAY)
    with pytest.raises(InsufficientPrivilege):
        conn.execute(statement)


def test_the_workers_role_posts_and_cannot_change(as_worker: Connection) -> None:
    assert post(as_worker, notified(1)) == 1
    for statement in CHANGES:
        with pytest.raises(InsufficientPrivilege):
            as_worker.execute(statement)
    with pytest.raises(InsufficientPrivilege):
        as_worker.execute("ALTER TABLE ledger_entry DISABLE TRIGGER ALL")


HEAD: Final = (
    "INSERT INTO ledger_entry (business_date, kind, source_type, source_id, lines, amount, digest)"
    " VALUES ('2026-11-02', 'forged', 'x', 'x', 2, 100, sha256('x'))"
)
LINE: Final = "INSERT INTO ledger_line (entry_seq, number, account, dr, cr) VALUES "
FORGED: Final[dict[str, list[Any]]] = {
    "an entry without lines": [HEAD],
    "one side": [HEAD, LINE + "(2, 1, '642', 100, 0)"],
    "sides that differ": [HEAD, LINE + "(2, 1, '642', 100, 0), (2, 2, '111', 0, 90)"],
    "more lines than it says": [HEAD, LINE + "(2, 1, '642', 100, 0), (2, 2, '111', 0, 60), (2, 3, '111', 0, 40)"],
    "lines added to an older entry": [LINE + "(1, 3, '642', 100, 0), (1, 4, '111', 0, 100)"],
    "a line with both sides": [HEAD, LINE + "(2, 1, '642', 100, 100)"],
    "a debt to nobody": [HEAD, LINE + "(2, 1, '331', 100, 0)"],
    "an account that is not in the chart": [HEAD, LINE + "(2, 1, '999', 100, 0)"],
}


@pytest.mark.parametrize("deed", FORGED)
def test_an_entry_that_does_not_balance_is_not_committed(conn: Connection, deed: str) -> None:
    post(conn, notified(1))
    with pytest.raises(CheckViolation):
        together(conn, FORGED[deed])
    assert numbers(conn) == [1]


def test_a_number_cannot_be_chosen(conn: Connection) -> None:
    post(conn, notified(1))
    chosen = HEAD.replace("(business_date", "(seq, business_date").replace("('2026", "(77, '2026")
    with pytest.raises(ForeignKeyViolation):
        together(conn, [chosen, LINE + "(77, 1, '642', 100, 0), (77, 2, '111', 0, 100)"])


def together(conn: Connection, statements: Sequence[Any]) -> None:
    with conn.transaction():
        for statement in statements:
            conn.execute(statement)


def close(conn: Connection, account: str, day: date) -> None:
    conn.execute(CLOSE, (account, day))


@pytest.mark.parametrize("account", [ACCOUNT, "book"])
def test_a_closed_day_takes_nothing_more_until_it_is_opened_again(conn: Connection, account: str) -> None:
    post(conn, notified(1))
    close(conn, account, DAY)
    assert closed(conn, ACCOUNT, DAY)
    assert not closed(conn, ACCOUNT, DAY + timedelta(days=1))
    with pytest.raises(DayClosed):
        post(conn, notified(2))
    assert post(conn, notified(1)) == 1  # said again, it is in the book already
    assert post(conn, notified(3, DAY + timedelta(days=1))) == 2
    conn.execute(REOPEN)
    assert post(conn, notified(2)) == 3
    close(conn, account, DAY)
    with pytest.raises(DayClosed):
        post(conn, notified(4))


def test_another_accounts_close_does_not_matter(conn: Connection) -> None:
    close(conn, "9999", DAY)
    assert post(conn, notified(1)) == 1


def test_a_close_waits_for_the_entry_that_is_being_posted(conn: Connection, database_url: str) -> None:
    """Else the digest of the close would miss it."""
    with opened(database_url) as other, conn.transaction():
        post(conn, notified(1))
        other.execute("SET lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            close(other, ACCOUNT, DAY)


def test_nothing_is_closed_while_the_proof_is_red(conn: Connection) -> None:
    conn.execute(
        "INSERT INTO fee_exception (id, code, severity, at_risk, object_type, object_id, state, due_on, facts)"
        " VALUES ('ex_1', 'L01', 1, 0, 'invariant', 'I1', 'open', current_date, '{}')"
    )
    with pytest.raises(ObjectNotInPrerequisiteState):
        close(conn, ACCOUNT, DAY)
    conn.execute("UPDATE fee_exception SET state = 'resolved'")
    close(conn, ACCOUNT, DAY)


def keep(hub: ScriptedHub, conn: Connection) -> checkpoints.LedgerCheckpoint | None:
    moment = now()
    return checkpoints.keep(conn, hub.catalogue.signing.log, lambda: hub.signer.log_key(moment), moment)


def test_each_checkpoint_covers_what_came_after_the_one_before_and_lies_in_the_custody_log(
    hub: ScriptedHub, conn: Connection
) -> None:
    assert keep(hub, conn) is None
    entries = [notified(1), notified(2), on_statement(1)]
    post_all(conn, entries[:2])
    assert keep(hub, conn) is not None
    assert keep(hub, conn) is None
    post(conn, entries[2])
    second = keep(hub, conn)
    assert second is not None
    assert [
        (row["first_seq"], row["last_seq"], bytes(row["root"]))
        for row in conn.execute("SELECT * FROM ledger_checkpoint ORDER BY number")
    ] == [
        (1, 2, checkpoints.root([entry.digest for entry in entries[:2]])),
        (3, 3, checkpoints.root([entries[2].digest])),
    ]
    [leaf] = custody.leaves_about(conn, "ledger-2")
    assert (leaf.kind, leaf.record) == (checkpoints.KIND, second.body)


def test_without_its_key_no_checkpoint_is_made(conn: Connection, pki: Pki) -> None:
    post(conn, notified(1))

    def locked() -> Any:
        raise KeyError

    with pytest.raises(KeyError), conn.transaction():
        checkpoints.keep(conn, "log", locked, now())
    assert one(conn, "SELECT count(*) AS n FROM ledger_checkpoint", ())["n"] == 0
