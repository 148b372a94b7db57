"""The replay: all that came is handled again beside the hub, and ends where the hub stands, or says where not."""

from collections.abc import Callable
from functools import partial
from typing import Final

import pytest

from hub import audit, dispatch
from hub.audit import AuditAction
from hub.errors import NotConfigured
from hub.events import Event
from hub.fees.demands import demand_commands
from hub.fees.proof import proving
from hub.fees.proof.findings import CheckOutcome
from hub.fees.reconciliation.matching import gateway_payouts
from hub.fees.reconciliation.matching.gateway_payouts import PayoutItem, PayoutReport
from hub.fees.reconciliation.statements import importing
from hub.fees.replay import replaying
from hub.locale import vi
from hub.unit_of_work import UnitOfWork
from schemas.payment import NotificationKind
from tests.bank_files import StatementMovement
from tests.deploy.installed import database_url_as, make_roles, run_script
from tests.integration.fees.booking import DAY, opened, tampered
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import AccountTill, red
from tests.integration.fees.telling import ACCOUNT, DUE, NotifyingProvider
from tests.scripted_hub import ScriptedHub

BOOK: Final = ("ledger_entry", "ledger_line")


def replayed(hub: ScriptedHub) -> CheckOutcome:
    return dispatch.run_command(hub, "hub", lambda uow: (replaying.replayed(uow), []))


@pytest.fixture
def references(cashier: Cashier) -> list[str]:
    return [str(cashier.demand(cashier.dossier())["reference"]) for _ in range(4)]


@pytest.fixture
def day(cashier: Cashier, provider: NotifyingProvider, references: list[str]) -> ScriptedHub:
    """Paid in parts and too much, taken back and paid again, after the end, for nobody, in other words."""
    provider.tells(references[0], amount=DUE - 1_000)
    provider.tells(references[0], amount=3_000)
    provider.tells(references[1], provider_txn="BACK")
    provider.tells(kind=NotificationKind.REVERSAL, original="BACK")
    provider.tells(references[1], provider_txn="AGAIN")
    provider.tells(references[1], provider_txn="AGAIN", amount=1)
    dossier = ids(cashier, references[2])
    cashier.act(lambda uow: demand_commands.cancel(uow, dossier, "the dossier is withdrawn"))
    provider.tells(references[2])
    provider.tells("tien an")
    return provider.hub


def ids(cashier: Cashier, reference: str) -> str:
    [row] = cashier.hub.rows("SELECT id FROM fee_demand WHERE reference = %s", reference)
    return str(row["id"])


def test_the_replay_comes_to_the_same_rows_and_leaves_nothing(day: ScriptedHub) -> None:
    tables = (*replaying.COPIED, "dossier", "inbox")
    before = {table: day.count(table) for table in tables}
    for _ in range(2):  # a second time on the same connection
        assert replayed(day).offenders == []
    assert {table: day.count(table) for table in tables} == before
    assert before["payment"] == 6


def test_what_persons_decided_is_decided_again(
    cashier: Cashier, provider: NotifyingProvider, references: list[str]
) -> None:
    first, second, third = (ids(cashier, reference) for reference in references[:3])
    exemption = next(iter(cashier.hub.catalogue.procedures["9.000005"].exemptions)).code
    cashier.act(lambda uow: demand_commands.waive(uow, first, exemption, "hộ nghèo"))
    with cashier.hub.db.connection() as conn:
        conn.execute("UPDATE fee_demand SET expires_at = now() - interval '1 minute' WHERE id = %s", (second,))
    cashier.act(lambda uow: demand_commands.expire(uow, second))
    provider.tells(references[1], provider_txn="LATE")
    cashier.act(lambda uow: demand_commands.renew(uow, second, "đã nộp đúng hạn"))
    provider.tells(references[2])
    cashier.act(lambda uow: demand_commands.order_refund(uow, third, "nộp nhầm"))

    assert replayed(cashier.hub).offenders == []


def test_money_that_was_moved_consistently_everywhere_is_seen(
    day: ScriptedHub, cashier: Cashier, references: list[str], database_url: str
) -> None:
    """Demands, credits, the book and its digests agree; nothing was signed yet. What came says otherwise."""
    paid, unpaid = ids(cashier, references[1]), ids(cashier, references[3])
    with opened(database_url) as conn:
        tampered(
            conn, f"UPDATE fee_credit SET demand_id = '{unpaid}' WHERE demand_id = '{paid}'", tables=("fee_credit",)
        )
        tampered(conn, f"UPDATE ledger_line SET demand_id = '{unpaid}' WHERE demand_id = '{paid}'", tables=BOOK)
        tampered(
            conn,
            f"""UPDATE fee_demand d SET allocated = o.allocated, status = o.status FROM fee_demand o
            WHERE (d.id, o.id) IN (('{paid}', '{unpaid}'), ('{unpaid}', '{paid}'))""",
            tables=("fee_demand",),
        )
        tampered(conn, REDIGEST, tables=BOOK)
    with day.db.connection() as conn:
        assert proving.prove(conn).red == []
    result = replayed(day)
    assert {reference for one in result.offenders for reference in references if reference in one.what} == {
        references[1],
        references[3],
    }


REDIGEST: Final = """
UPDATE ledger_entry SET digest = sha256(convert_to(c.content, 'UTF8')) FROM (
    SELECT e.seq, concat_ws('|', to_char(e.business_date, 'YYYY-MM-DD'), e.kind, e.source_type, e.source_id,
                            coalesce(e.bank_account, ''))
        || string_agg(E'\\n' || concat_ws('|', l.account, coalesce(l.department, ''), coalesce(l.fee_code, ''),
                      coalesce(l.demand_id, ''), coalesce(l.item, ''), l.dr, l.cr), '' ORDER BY l.number) AS content
    FROM ledger_entry e JOIN ledger_line l ON l.entry_seq = e.seq GROUP BY e.seq) AS c
WHERE c.seq = ledger_entry.seq
"""


def test_an_action_without_a_replay_rule_is_named(day: ScriptedHub, cashier: Cashier, references: list[str]) -> None:
    demand = ids(cashier, references[3])
    with day.db.connection() as conn:
        audit.write(conn, demand, "ke-toan", AuditAction.RECEIPT_ISSUED)
    [offender] = replayed(day).offenders
    assert (offender.what, vi(AuditAction.RECEIPT_ISSUED) in offender.how) == (demand, True)


def test_a_role_that_may_not_make_tables_is_told_who_may(day: ScriptedHub, database_url: str) -> None:
    make_roles(database_url)
    run_script(database_url, "grants.sql")
    worker = database_url_as(database_url, database_url.rpartition("/")[2], "hub_worker")
    settings = day.settings.model_copy(update={"database_url": worker})
    with ScriptedHub(settings, day.catalogue) as other, pytest.raises(NotConfigured, match="owner"):
        replayed(other)


def mt940(number: int, opening: int, *amounts: int) -> bytes:
    """A statement of one day of bank-a's account."""
    day = f"2611{number + 1:02}"
    lines = [f":61:{day}{day[2:]}C{amount},NTRFX//FT{number}{at}\n:86:nop phi" for at, amount in enumerate(amounts)]
    return "\n".join(
        [
            ":20:SAOKE",
            f":25:{ACCOUNT}",
            f":28C:{number}/1",
            f":60F:C{day}VND{opening},",
            *lines,
            f":62F:C{day}VND{opening + sum(amounts)},",
            "-",
        ]
    ).encode()


def brought(hub: ScriptedHub, *files: bytes) -> list[str]:
    bank = hub.catalogue.banks["bank-a"]

    def bring(body: bytes) -> Callable[[UnitOfWork], tuple[str, list[Event]]]:
        return lambda uow: (importing.bring(uow, bank, "saoke.txt", body).state, [])

    return [dispatch.run_command(hub, "ke-toan", bring(body)) for body in files]


def test_files_of_statements_are_read_again(hub: ScriptedHub, database_url: str) -> None:
    """Accepted, quarantined, and one that waited for the one before it: each ends where it ended."""
    first, second, third = mt940(1, 0, 5_000, 5_000), mt940(2, 10_000, 7_000), mt940(3, 17_000, 1_000)
    wrong = mt940(4, 18_000, 2_000).replace(b"VND20000,", b"VND20001,")
    states = brought(hub, first, third, second, wrong)
    assert states == ["accepted", "balanced", "accepted", "quarantined"]
    assert hub.count("statement") == 3
    assert replayed(hub).offenders == []

    with opened(database_url) as conn:
        tampered(conn, "UPDATE statement_line SET amount = 7001 WHERE amount = 7000", tables=("statement_line",))
    assert len(replayed(hub).offenders) == 2


def test_files_are_read_again_as_they_were_read_at_last(hub: ScriptedHub) -> None:
    """One that was held and one that was discarded, both read by a mended profile; one that nobody brought again."""
    bank = hub.catalogue.banks["bank-a"]
    spoilt = bank.statements.model_copy(update={"mt940": None})
    files = [mt940(1, 0, 5_000, 5_000), mt940(2, 10_000, 7_000), mt940(3, 17_000, 1_000)]
    hub.catalogue.banks["bank-a"] = bank.model_copy(update={"statements": spoilt})
    try:
        assert brought(hub, *files) == ["quarantined"] * 3
        for row in hub.rows("SELECT id FROM statement_file ORDER BY id OFFSET 1"):
            drop = partial(importing.decide, file_id=row["id"], verdict="reject", reason="không đọc được")
            dispatch.run_command(hub, "ke-toan", drop)
    finally:
        hub.catalogue.banks["bank-a"] = bank
    assert brought(hub, *files[:2]) == ["accepted", "accepted"]
    assert hub.count("statement") == 2
    assert replayed(hub).offenders == []


def test_a_week_of_statements_and_what_was_matched_is_matched_again(
    cashier: Cashier, provider: NotifyingProvider, references: list[str]
) -> None:
    """Told and shown, shown only, short, over, for nobody, in a payout, taken back."""
    hub = cashier.hub
    till = AccountTill(hub)
    first, second, third, fourth = references
    provider.tells(first, bank_ref="FT1")
    provider.tells(second, bank_ref="FT2", proven=False)
    till.books(
        StatementMovement(DUE, "CK", ref="FT1"),
        StatementMovement(DUE, "CK", ref="FT2"),
        StatementMovement(DUE - 1, third, ref="FT3"),
    )
    provider.tells(third, amount=1, bank_ref="FT4")
    till.books(
        StatementMovement(1, "CK", ref="FT4"),
        StatementMovement(DUE + 5, fourth, ref="FT5"),
        StatementMovement(77, "tien an", ref="FT6"),
    )
    till.books(StatementMovement(-DUE, "HOAN TRA", ref="FT7", e2e="FT1", reversal=True))
    gateway = provider.tells(first, provider="vnpay-t")
    items = (PayoutItem(provider_txn=gateway, amount=DUE, charge=1_100),)
    report = PayoutReport(provider="vnpay-t", report="PAYOUT-1", account=ACCOUNT, day=DAY, items=items)
    till.act(lambda uow: gateway_payouts.bring(uow, report))
    till.books(StatementMovement(DUE - 1_100, "PAYOUT-1", ref="FT8"))

    assert {"P1", "P3", "P4", "P9", "P10"} <= set(till.passes())
    assert red(hub) == []
    assert replayed(hub).offenders == []
