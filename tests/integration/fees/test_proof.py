"""The proof over a small hub: green as it runs, and red by name for each thing that somebody did to the rows."""

from typing import Any, Final, LiteralString

import pytest
from psycopg.errors import ObjectNotInPrerequisiteState

from hub.clock import local, now
from hub.fees.ledger import Origin, post, postings
from hub.fees.proof import proving
from hub.fees.proof.findings import ProofReport
from hub.fees.replay import duckdb_check
from hub.worker import jobs
from schemas.payment import NotificationKind
from tests.integration.fees.booking import CLOSE, DAY, opened, tampered
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import HOLE
from tests.integration.fees.telling import ACCOUNT, DUE, NotifyingProvider
from tests.scripted_hub import ScriptedHub


@pytest.fixture
def day(cashier: Cashier, provider: NotifyingProvider) -> ScriptedHub:
    """A day with one of each: paid, short, over, twice, unknown, unproven, taken back, and a conflict."""
    references = [cashier.demand(cashier.dossier())["reference"] for _ in range(5)]
    provider.tells(references[0], provider_txn="PAID")
    provider.tells(references[1], amount=DUE - 1_000)
    provider.tells(references[2], amount=DUE + 2_000)
    provider.tells(references[0], provider_txn="TWICE")
    provider.tells("tien an")
    provider.tells(references[3], proven=False, provider_txn="UNPROVEN")
    provider.tells(references[4], provider_txn="BACK")
    provider.tells(kind=NotificationKind.REVERSAL, original="BACK")
    provider.tells(references[0], provider_txn="PAID", amount=1)
    provider.tells(references[0], kind=NotificationKind.FAILED)
    return provider.hub


def proof(hub: ScriptedHub) -> ProofReport:
    with hub.db.connection() as conn:
        return proving.prove(conn)


def red(hub: ScriptedHub) -> dict[str, set[str]]:
    """Check → its offenders."""
    red_checks = proof(hub).red
    assert [one.how for result in red_checks for one in result.offenders if HOLE.search(one.how)] == []
    return {result.name: {one.what for one in result.offenders} for result in red_checks}


def test_a_day_with_one_of_each_trouble_is_proven(day: ScriptedHub) -> None:
    report = proof(day)
    assert report.red == []
    assert report.last_seq == len(day.rows("SELECT 1 FROM ledger_entry"))
    codes = [row["code"] for row in day.rows("SELECT code FROM fee_exception ORDER BY code")]
    assert codes == ["N03", "R01", "R03", "R04", "R04", "R05"]


def test_an_empty_hub_is_proven(hub: ScriptedHub) -> None:
    assert (proof(hub).red, proof(hub).last_seq) == ([], 0)


NOTHING: Final = "decode(repeat('00', 32), 'hex')"
BOOK: Final = ("ledger_entry", "ledger_line", "ledger_checkpoint")
DEEDS: Final[dict[str, tuple[tuple[str, ...], LiteralString, set[str]]]] = {
    "an entry in the middle deleted": (
        BOOK,
        "WITH gone AS (DELETE FROM ledger_line WHERE entry_seq = 2) DELETE FROM ledger_entry WHERE seq = 2",
        {"entries are numbered without a gap", "the entries lead to the signed roots"},
    ),
    "the end of the book cut off": (
        BOOK,
        "WITH gone AS (DELETE FROM ledger_line WHERE entry_seq >= 4) DELETE FROM ledger_entry WHERE seq >= 4",
        {"the entries lead to the signed roots"},
    ),
    "an amount changed on both sides": (
        BOOK,
        """WITH lines AS (UPDATE ledger_line SET dr = sign(dr) * 7, cr = sign(cr) * 7 WHERE entry_seq = 1)
        UPDATE ledger_entry SET amount = 7 WHERE seq = 1""",
        {
            "every entry is the one that was posted",
            "every payment that was notified is in the book once, with its amount and its account",
        },
    ),
    "one side changed": (
        BOOK,
        "UPDATE ledger_line SET dr = dr + 1 WHERE entry_seq = 1 AND dr > 0",
        {"both sides of every entry are equal and what it says", "debit and credit of the whole book are equal"},
    ),
    "a fee moved to another department": (
        BOOK,
        "UPDATE ledger_line SET department = 'so-khac' WHERE entry_seq = 1 AND account = '331'",
        {"every entry is the one that was posted"},
    ),
    "an entry forged with its digest": (
        BOOK,
        f"UPDATE ledger_entry SET digest = {NOTHING} WHERE seq = 1",
        {"every entry is the one that was posted", "the entries lead to the signed roots"},
    ),
    "a checkpoint put together anew": (
        BOOK,
        f"UPDATE ledger_checkpoint SET root = {NOTHING}",
        {"checkpoints follow one another and lie in the custody log", "the entries lead to the signed roots"},
    ),
    "a line of a deleted entry": (
        BOOK,
        "DELETE FROM ledger_entry WHERE seq = 1",
        {"both sides of every entry are equal and what it says", "entries are numbered without a gap"},
    ),
    "a delivery's bytes changed": (
        ("notify_delivery",),
        "UPDATE notify_delivery SET body = '{\"amount\":1}' WHERE id = (SELECT min(id) FROM notify_delivery)",
        {"deliveries are the bytes that came"},
    ),
    "a verdict deleted": (
        ("notify_verdict",),
        "DELETE FROM notify_verdict WHERE verdict = 'accepted' AND delivery_id = (SELECT min(id) FROM notify_delivery)",
        {"deliveries are events, repetitions, conflicts, and what was not believed"},
    ),
    "an event's amount changed": (
        ("notify_event",),
        "UPDATE notify_event SET amount = amount + 1 WHERE provider_txn = 'PAID' AND kind = 'payment'",
        {
            "events are what their messages say",
            "every payment by notification was notified, with its amount and number",
        },
    ),
    "an event's number at the bank changed": (
        ("notify_event",),
        "UPDATE notify_event SET bank_ref = 'FT-OTHER' WHERE provider_txn = 'PAID' AND kind = 'payment'",
        {"events are what their messages say"},
    ),
    "a case deleted that was all that came of an event": (
        ("payment", "fee_credit"),
        "DELETE FROM payment WHERE provider_txn = 'UNPROVEN'",
        {"a payment that was notified has one outcome"},
    ),
    "a reversal undone": (
        ("payment",),
        "UPDATE payment SET status = 'notified' WHERE provider_txn = 'BACK'",
        {
            "what was taken back has ended its payment, or is a case",
            "112 is the payments that no statement has shown yet",
            "what was taken back is taken back in the book",
        },
    ),
    "a payment forged": (
        ("payment",),
        """INSERT INTO payment (id, source, provider, provider_txn, account, amount, paid_at, business_date, status)
        VALUES ('pm_x', 'notification', 'bank-a', 'FORGED', '1020304050607', 5000, now(), current_date, 'notified')""",
        {
            "every payment by notification was notified, with its amount and number",
            "112 is the payments that no statement has shown yet",
            "every payment that was notified is in the book once, with its amount and its account",
        },
    ),
    "a demand forged to be paid": (
        ("fee_demand",),
        """UPDATE fee_demand SET allocated = amount_due, confirmed = amount_due, status = 'paid'
        WHERE status = 'reopened'""",
        {
            "what is allocated to a demand is what was credited to it",
            "what is allocated to a demand is owed to its departments by the book",
        },
    ),
    "a fee of a demand changed": (
        ("fee_demand_line",),
        """UPDATE fee_demand_line SET amount = amount + 1
        WHERE number = 1 AND demand_id = (SELECT min(id) FROM fee_demand)""",
        {"a demand is the sum of its lines"},
    ),
    "a credit deleted": (
        ("fee_credit",),
        "DELETE FROM fee_credit WHERE evidence = (SELECT id FROM payment WHERE provider_txn = 'PAID')",
        {
            "what is allocated to a demand is what was credited to it",
            "no more is allocated of a payment than it counts for",
        },
    ),
    "a case about overpaid money deleted": (
        ("fee_exception",),
        "DELETE FROM fee_exception WHERE code = 'R03'",
        {"behind every sum on 338, 339 and 341 there is an open case, and on its right side"},
    ),
}


def test_what_was_done_to_the_rows_is_named(day: ScriptedHub, database_url: str) -> None:
    jobs.prove_ledger(day)  # anchors what is there
    for deed, (tables, statement, named) in DEEDS.items():
        with opened(database_url) as conn, conn.transaction(force_rollback=True):
            tampered(conn, statement, tables=tables)
            offenders = {result.name: result.offenders for result in proving.proven(conn).red}
        assert (deed, named - set(offenders)) == (deed, set())
        assert all(offenders.values())
    assert red(day) == {}


def test_refunds_that_were_never_ordered_are_named(day: ScriptedHub) -> None:
    with day.db.transaction() as conn:
        post(conn, postings.refund_line(Origin("refund", "rf_1", DAY, ACCOUNT), "rf_1", 5_000))
    assert red(day) == {
        "113 is the refunds that are approved and on no statement yet": {"rf_1"},
        "111 of every account is what its statements have booked": {ACCOUNT},
        "every booked line that has an outcome is in the book once, with its amount and its account": {"refund rf_1"},
    }


def test_a_red_night_opens_cases_once_and_nothing_is_closed(day: ScriptedHub, database_url: str) -> None:
    before = day.count("fee_exception")
    with opened(database_url) as conn:
        tampered(conn, "UPDATE ledger_line SET department = 'so-khac' WHERE account = '331'", tables=BOOK)
    jobs.prove_ledger(day)
    jobs.prove_ledger(day)  # another worker, the same night
    [run] = day.rows("SELECT * FROM proof_run")
    assert run["red"] == ["I1"]
    [case] = day.rows("SELECT * FROM fee_exception WHERE code LIKE 'L%%'")
    assert (case["code"], case["object_id"], case["facts"]["count"]) == (
        "L02",
        "I1: every entry is the one that was posted",
        len(day.rows("SELECT DISTINCT entry_seq FROM ledger_line WHERE account = '331'")),
    )
    assert day.count("fee_exception") == before + 1
    with pytest.raises(ObjectNotInPrerequisiteState), day.db.connection() as conn:
        conn.execute(CLOSE, ("book", local(now()).date()))


def test_a_green_night_is_kept_and_anchored(day: ScriptedHub) -> None:
    jobs.prove_ledger(day)
    [run] = day.rows("SELECT * FROM proof_run")
    assert (run["red"], bytes(run["digest"])) == ([], proof(day).digest)
    [checkpoint] = day.rows("SELECT * FROM ledger_checkpoint")
    assert (checkpoint["first_seq"], checkpoint["last_seq"]) == (1, run["last_seq"])
    assert proof(day).red == []


def test_the_same_notifications_in_another_order_come_to_the_same_digest(
    cashier: Cashier, provider: NotifyingProvider, database_url: str
) -> None:
    """Compared within one hub: everything is taken away by its owner, and told again the other way round."""
    references = [cashier.demand(cashier.dossier())["reference"] for _ in range(3)]
    notifications = [
        (references[0], "A", DUE),
        (references[1], "B", DUE - 1),
        (references[2], "C", DUE),
        ("tien an", "D", 7),
    ]

    def tell(order: list[tuple[str, str, int]]) -> bytes:
        for text, txn, amount in order:
            provider.tells(text, provider_txn=txn, amount=amount)
        return proof(provider.hub).digest

    first = tell(notifications)
    assert first != proof_without_one(provider, database_url)
    forget(database_url)
    assert tell(notifications[::-1]) == first


def proof_without_one(provider: NotifyingProvider, database_url: str) -> bytes:
    with opened(database_url) as conn, conn.transaction(force_rollback=True):
        tampered(conn, "DELETE FROM payment WHERE provider_txn = 'D'", tables=("payment",))
        return proving.proven(conn).digest


FORGOTTEN: Final = (
    "ledger_line", "ledger_entry", "fee_credit", "payment", "notify_verdict", "notify_event", "notify_delivery",
    "fee_exception",
)  # fmt: skip


def forget(database_url: str) -> None:
    with opened(database_url) as conn:
        for table in FORGOTTEN:
            tampered(conn, f"DELETE FROM {table}", tables=(table,))
        conn.execute("DELETE FROM idempotency WHERE source LIKE 'bank.%'")
        tampered(conn, "DELETE FROM inbox WHERE source LIKE 'bank.%'", tables=("inbox",))
        conn.execute("UPDATE fee_demand SET allocated = 0, confirmed = 0, status = 'issued'")


def test_the_second_engine_agrees_and_sees_what_was_changed(day: ScriptedHub, database_url: str) -> None:
    def compared() -> dict[str, Any]:
        with day.db.connection() as conn:
            return {result.name: [one.what for one in result.offenders] for result in duckdb_check.compared(conn)}

    assert compared() == {
        "the second engine comes to the same balances": [],
        "the second engine reads the same entries": [],
        "the second engine finds the same demands in the lines": [],
    }
    with opened(database_url) as conn:
        tampered(conn, "UPDATE ledger_line SET department = 'so-khac' WHERE entry_seq = 1", tables=BOOK)
    assert compared()["the second engine reads the same entries"] == ["entry 1"]
