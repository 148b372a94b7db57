"""Receipts once more, as the role hub_worker: tick, two persons and answers need no more than grants.sql gives."""

import psycopg
import pytest

from tests.scripted_hub import ScriptedHub

pytestmark = pytest.mark.database_roles("hub_worker")


@pytest.mark.parametrize(
    "change", ["UPDATE receipt SET amount = 1", "DELETE FROM receipt", "UPDATE receipt_policy SET issue_on = 'paid'"]
)
def test_a_worker_cannot_change_what_a_receipt_says(hub: ScriptedHub, change: str) -> None:
    with hub.db.connection() as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(change)
