"""The notification endpoint with the rights of its role and no more: everything that it does, and nothing beside it."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import dict_row

from hub.db import Connection
from hub.fees.reconciliation import notification_intake
from hub.fees.reconciliation.notification_intake import DemandStatus, Judgement
from hub.migrations.run import upgrade
from schemas.payment import Notification, NotificationKind
from tests.deploy.installed import a_database, database_url_as, make_roles, run_script

KEPT = Judgement("accepted", 200, b"{}", key_id="k1")
CONFLICT = Judgement("conflict", 409, b"{}", "N03", "k1")


@pytest.fixture(scope="module")
def api(server: str) -> Iterator[Connection]:
    """The database as the endpoint's role sees it."""
    with a_database(server, template="template1") as name:
        make_roles(database_url_as(server, name))
        upgrade(database_url_as(server, name, "hub_owner"))
        run_script(database_url_as(server, name, "hub_owner"), "grants.sql")
        with psycopg.connect(database_url_as(server, name, "hub_api"), autocommit=True, row_factory=dict_row) as conn:
            yield conn


def notification(amount: int) -> Notification:
    return Notification(
        provider="bank-a", provider_txn="GD1", kind=NotificationKind.PAYMENT, amount=amount, account="1020304050607"
    )


def test_the_endpoint_stores_judges_and_accepts_notifications(api: Connection) -> None:
    taken = []
    for amount in (1, 1, 2):
        delivery = notification_intake.keep(api, "bank-a", b"", {"x-signature": "…"}, b"{}")
        taken.append(notification_intake.believe(api, delivery, notification(amount), KEPT, CONFLICT))
    notification_intake.judge(
        api, notification_intake.keep(api, "bank-a", b"", {}, b"x"), Judgement("stale", 401, None, "N05")
    )
    assert [notification_intake.refused(api, "bank.bank-a", "bad_signature") for _ in range(2)] == [1, 2]

    assert [one.answer.verdict for one in taken] == ["accepted", "repeated", "conflict"]
    assert [one.message is not None for one in taken] == [True, False, True]
    assert notification_intake.order(api, ["HC000000000182"], 1) is DemandStatus.UNKNOWN


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE notify_event SET amount = 1",
        "DELETE FROM notify_delivery",
        "SELECT body FROM notify_delivery",
        "SELECT * FROM payment",
        "INSERT INTO payment (id) VALUES ('pm_1')",
        "UPDATE fee_demand SET allocated = amount_due",
    ],
)
def test_the_endpoint_can_do_nothing_else(api: Connection, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        api.execute(statement.encode())
