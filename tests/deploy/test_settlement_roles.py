"""The endpoint of the months' tables with the rights of its role: it shows a table, records that, and does no more."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import dict_row

from hub import audit
from hub.audit import AuditAction
from hub.db import Connection
from hub.fees.settlements import store
from hub.migrations.run import upgrade
from tests.deploy.installed import a_database, database_url_as, make_roles, run_script

ID = "sm_01M85SMWS20E6G2XCP78BXP9SG"
HANDED = f"""
INSERT INTO settlement (id, department, month, state, opening, receipts, refunds, adjustments, retained, net, body,
    sha256, signature, leaf_id, computed_at)
VALUES ('{ID}', 'rest-a', '2026-10-01', 'notified', 0, 5, 0, 0, 0, 5, 'the table', sha256('the table'), 'the seal',
    'lf_1', now())
"""


@pytest.fixture(scope="module")
def api(server: str) -> Iterator[Connection]:
    """The database as the endpoint's role sees it, one table in it."""
    with a_database(server, template="template1") as name:
        make_roles(database_url_as(server, name))
        upgrade(database_url_as(server, name, "hub_owner"))
        run_script(database_url_as(server, name, "hub_owner"), "grants.sql")
        with psycopg.connect(database_url_as(server, name)) as admin:
            admin.execute("SET session_replication_role = replica")  # there is no log and no book behind it
            admin.execute(HANDED.encode())
        with psycopg.connect(database_url_as(server, name, "hub_api"), autocommit=True, row_factory=dict_row) as conn:
            yield conn


def test_the_endpoint_shows_a_table_and_records_that_it_was_opened(api: Connection) -> None:
    settlement = store.one_of(api, "rest-a", ID)

    assert [view.id for view in store.of_department(api, "rest-a")] == [ID]
    assert settlement is not None
    assert (settlement[1].body, settlement[1].signature) == (b"the table", b"the seal")
    assert store.one_of(api, "rest-b", ID) is None
    audit.write_from_endpoint(api, ID, AuditAction.SETTLEMENT_OPENED)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE settlement SET state = 'confirmed'",
        "SELECT answer FROM settlement",
        "SELECT * FROM settlement_item",
        "SELECT * FROM settlement_carry",
        "SELECT * FROM payment_order",
    ],
)
def test_the_endpoint_can_do_nothing_else(api: Connection, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        api.execute(statement.encode())
