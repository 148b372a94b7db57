"""Handing dossiers over in tests, and looking at what came of it."""

from typing import Any

from hub.signing import custody
from hub.signing.custody import Leaf
from schemas.department import Handoff
from tests.builders import a_submission, submission_arrival
from tests.scripted_hub import ScriptedHub


def hand_over(hub: ScriptedHub, *answers: Any, department: str = "rest-b") -> Handoff:
    """A submission goes to ``department``, which answers so; what it was handed."""
    hub.department(department).answers.extend(answers)
    hub.accept(submission_arrival(a_submission(department)))
    hub.carry()
    return hub.department(department).handed[-1]


def row_of(hub: ScriptedHub, handoff_id: str) -> dict[str, Any]:
    [row] = hub.rows("SELECT * FROM handoff WHERE id = %s", handoff_id)
    return row


def transfer_of(hub: ScriptedHub, handoff_id: str) -> dict[str, Any]:
    [row] = hub.rows("SELECT o.* FROM outbox o JOIN handoff h ON h.transfer_id = o.id WHERE h.id = %s", handoff_id)
    return row


def leaves(hub: ScriptedHub, handoff_id: str) -> list[Leaf]:
    """What the custody log holds about the handoff."""
    with hub.db.connection() as conn:
        return custody.leaves_about(conn, handoff_id)
