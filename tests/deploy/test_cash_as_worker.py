"""Cash, late notifications and payouts once more, as the role hub_worker: no step needs more than grants.sql gives."""

import psycopg
import pytest

from config.settings import Settings
from hub.fees.reconciliation.matching import virtual
from hub.fees.reconciliation.matching.virtual import VirtualAccountList
from tests.bank_files import StatementMovement
from tests.integration.fees.conftest import Cashier, cashier, dossier, provider, reference, till  # noqa: F401 - fixtures
from tests.integration.fees.matching import DUE, AccountTill, later, status
from tests.integration.fees.posting import Postman
from tests.integration.fees.telling import NotifyingProvider
from tests.integration.fees.test_cash import OWED, postman, unpaid  # noqa: F401 - fixtures
from tests.integration.fees.test_payouts import report, transaction  # noqa: F401 - a fixture and what reports it
from tests.scripted_hub import ScriptedHub

pytestmark = pytest.mark.database_roles("hub_worker")


@pytest.fixture
def settings(settings: Settings, database_url: str) -> Settings:
    with psycopg.connect(database_url, autocommit=True) as conn:  # the hub of the tests is its own API as well
        conn.execute("GRANT INSERT ON notify_delivery, notify_event, notify_verdict TO hub_worker")
    return settings


def test_a_worker_may_do_all_that_cash_takes(
    postman: Postman,  # noqa: F811 - the fixture
    till: AccountTill,  # noqa: F811
    cashier: Cashier,  # noqa: F811
    unpaid: str,  # noqa: F811
) -> None:
    day, parcel = till.books(), postman.takes(unpaid)
    postman.delivers(parcel, day)
    payout_report = postman.reports(later(day, 1), parcel)
    till.books(StatementMovement(payout_report.net, payout_report.report))
    assert (status(cashier, unpaid), till.book()) == ("paid", {"111": OWED, "331": -OWED})


def test_a_worker_may_join_what_comes_late(
    till: AccountTill,  # noqa: F811
    provider: NotifyingProvider,  # noqa: F811
    reference: str,  # noqa: F811
) -> None:
    till.books(StatementMovement(DUE, reference))
    provider.tells(reference)
    assert (till.hub.count("late_notification"), till.cases()) == (1, [])


def test_a_worker_may_join_a_report_that_comes_late(
    till: AccountTill,  # noqa: F811
    transaction: str,  # noqa: F811
) -> None:
    day = till.books(StatementMovement(DUE - 1_100, "CTY CP VNPAY-T TT"))
    report(till, day, transaction)
    till.matches(day)
    assert (till.line()["pass"], till.cases()) == ("P9", [])


def test_a_worker_may_give_a_virtual_account(
    till: AccountTill,  # noqa: F811
    cashier: Cashier,  # noqa: F811
    dossier: str,  # noqa: F811
    reference: str,  # noqa: F811
) -> None:
    till.act(lambda uow: virtual.bring(uow, [VirtualAccountList(2, "96024170001", reference)]))
    till.books(StatementMovement(DUE, "NOP VAO TK 96024170001"))
    assert (till.line()["pass"], status(cashier, dossier)) == ("P2", "paid")


def test_a_worker_cannot_change_what_was_told_late(hub: ScriptedHub) -> None:
    for change in ("UPDATE late_notification SET payment_id = ''", "DELETE FROM virtual_account"):
        with hub.db.connection() as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(change)
