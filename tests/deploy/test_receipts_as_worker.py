"""Receipts once more, as the role hub_worker: tick, two persons and answers need no more than grants.sql gives."""

import psycopg
import pytest
from pydantic_core import Url

from config.settings import Settings
from tests.deploy.installed import database_url_as, make_roles, run_script
from tests.integration.fees.conftest import cashier, registry  # noqa: F401 - fixtures
from tests.integration.fees.test_receipts import (  # noqa: F401 - pytest runs them here too
    paid,
    test_a_paid_demand_has_one_receipt_for_each_kind_of_fee,
)
from tests.integration.fees.test_receipts_void import (  # noqa: F401
    demand,
    dossier,
    test_paid_again_it_stands_in_the_place_of_the_void_one_under_a_new_number,
    test_the_days_summary_holds_every_number_and_says_which_are_void,
    test_two_persons_void_a_wrong_receipt_and_another_takes_its_place,
)
from tests.scripted_hub import ScriptedHub


@pytest.fixture
def settings(settings: Settings, database_url: str) -> Settings:
    make_roles(database_url)
    run_script(database_url, "grants.sql")
    name = database_url.rpartition("/")[2]
    return settings.model_copy(update={"database_url": Url(database_url_as(database_url, name, "hub_worker"))})


@pytest.mark.parametrize(
    "change", ["UPDATE receipt SET amount = 1", "DELETE FROM receipt", "UPDATE receipt_policy SET issue_on = 'paid'"]
)
def test_a_worker_cannot_change_what_a_receipt_says(hub: ScriptedHub, change: str) -> None:
    with hub.db.connection() as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(change)
