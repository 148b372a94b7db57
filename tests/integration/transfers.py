"""Transfers for the tests of the outbox: put one, look at it, wait for it."""

import time

from hub import dispatch, views
from hub.messages import claim
from hub.messages.model import Transfer
from tests.builders import a_submission, submission_arrival
from tests.scripted_hub import ScriptedHub


def put_one(hub: ScriptedHub, department: str = "rest-a") -> str:
    """A submission, handled: gives the id of the transfer to its department; nothing is sent yet."""
    accepted = hub.accept(submission_arrival(a_submission(department)))
    dispatch.handle(hub, accepted.id)
    hub.waiting.clear()
    [row] = hub.rows("SELECT id FROM outbox WHERE kind = 'department.submit' AND subject = %s", accepted.id)
    return str(row["id"])


def claimed(hub: ScriptedHub, transfer_id: str) -> Transfer | None:
    """The transfer, claimed as a worker does that then says no more; None if it could not be claimed."""
    with hub.db.transaction() as conn:
        transfers = claim.claim(conn, [transfer_id], claim.lock_counterparties(conn, [transfer_id]), hub.limits)
    return transfers[0] if transfers else None


def state_of(hub: ScriptedHub, transfer_id: str) -> str:
    with hub.db.connection() as conn:
        row = views.transfer(conn, transfer_id)
    assert row is not None
    return str(row["state"])


def attempts_of(hub: ScriptedHub, transfer_id: str) -> list[tuple[bool, str | None]]:
    rows = hub.rows("SELECT queried_first, outcome FROM attempt WHERE transfer_id = %s ORDER BY number", transfer_id)
    return [(row["queried_first"], row["outcome"]) for row in rows]


def wait_until_due(hub: ScriptedHub, transfer_id: str) -> None:
    [row] = hub.rows(
        "SELECT GREATEST(0, extract(epoch FROM due_at - now()))::float8 AS s FROM outbox WHERE id = %s", transfer_id
    )
    time.sleep(row["s"] + 0.01)
