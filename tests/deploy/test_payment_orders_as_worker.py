"""Refunds, orders and chargebacks once more, as the role hub_worker: no step needs more than grants.sql gives."""

import psycopg
import pytest
from pydantic_core import Url

from config.settings import Settings
from tests.deploy.installed import database_url_as, make_roles, run_script
from tests.integration.fees.conftest import cashier, dossier, reference, till  # noqa: F401 - fixtures
from tests.integration.fees.test_chargebacks import (  # noqa: F401 - pytest runs them here too
    paid,
    test_the_debit_takes_it_whatever_was_argued,
)
from tests.integration.fees.test_refunds import (  # noqa: F401
    test_a_cancelled_refund_leaves_all_as_it_was,
    test_a_demand_s_money_goes_back_and_our_statement_shows_it,
    test_a_refund_that_the_bank_did_not_pay_is_ordered_again,
    test_what_nobody_could_place_goes_back_to_its_sender_and_is_joined_to_nothing_later,
)
from tests.scripted_hub import ScriptedHub


@pytest.fixture
def settings(settings: Settings, database_url: str) -> Settings:
    make_roles(database_url)
    run_script(database_url, "grants.sql")
    name = database_url.rpartition("/")[2]
    return settings.model_copy(update={"database_url": Url(database_url_as(database_url, name, "hub_worker"))})


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
        for wanted in ("payee FROM payment_order", "reason FROM payment_order", "reason FROM refund"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(f"SELECT {wanted}")
