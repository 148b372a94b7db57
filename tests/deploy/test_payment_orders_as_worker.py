"""Refunds, orders and chargebacks once more, as the role hub_worker: no step needs more than grants.sql gives."""

import psycopg
import pytest

from tests.deploy.installed import database_url_as, make_roles, run_script
from tests.scripted_hub import ScriptedHub

pytestmark = pytest.mark.database_roles("hub_worker")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payment_order SET payee = '{}'",
        "UPDATE payment_order SET amount = 1",
        "DELETE FROM payment_order",
        "UPDATE refund SET amount = 1",
        "UPDATE chargeback SET amount = 1",
    ],
)
def test_a_worker_cannot_change_what_is_to_be_paid(hub: ScriptedHub, change: str) -> None:
    with hub.db.connection() as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(change)


def test_reports_do_not_see_whose_account_is_paid(database_url: str) -> None:
    make_roles(database_url)
    run_script(database_url, "grants.sql")
    name = database_url.rpartition("/")[2]
    with psycopg.connect(database_url_as(database_url, name, "hub_reader"), autocommit=True) as conn:
        conn.execute("SELECT reference, amount, state FROM payment_order").fetchall()
        for columns in ("payee FROM payment_order", "reason FROM payment_order", "reason FROM refund"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(f"SELECT {columns}")
