"""The core's commands once more, as the role hub_worker: workers and operators need no more than grants.sql gives."""

from datetime import timedelta

import pytest

from hub import clock, dispatch, operations
from hub.messages import outbox
from tests.builders import a_submission, submission_arrival
from tests.scripted_hub import ScriptedHub

pytestmark = pytest.mark.database_roles("hub_worker")

ACTOR, REASON = "thu.nghiem", "chỉ để thử"


def test_an_operator_pauses_parks_revives_and_lets_evidence_age(hub: ScriptedHub) -> None:
    assert hub.rows("SELECT current_user AS role") == [{"role": "hub_worker"}]
    operations.pause(hub, "department.rest-a", actor=ACTOR, reason=REASON)
    operations.resume(hub, "department.rest-a", actor=ACTOR, reason=REASON)
    accepted = hub.accept(submission_arrival(a_submission()))
    dispatch.handle(hub, accepted.id)
    [row] = hub.rows("SELECT id FROM outbox WHERE kind = 'department.submit'")
    operations.park(hub, row["id"], actor=ACTOR, reason=REASON, review_at=clock.now() + timedelta(days=1))
    operations.unpark(hub, row["id"], actor=ACTOR, reason=REASON)
    operations.cancel(hub, row["id"], actor=ACTOR, reason=REASON)
    with hub.db.connection() as conn:
        assert outbox.rotate_exchanges(conn) == []
    assert [
        line["action"] for line in hub.rows("SELECT action FROM audit_log WHERE actor = %s ORDER BY id", ACTOR)
    ] == [
        "counterparty_paused",
        "counterparty_resumed",
        "transfer_parked",
        "transfer_unparked",
        "transfer_cancelled",
    ]
