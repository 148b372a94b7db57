"""Handing dossiers over in tests, and looking at what came of it."""

from typing import Any

from hub.signing import custody
from hub.signing.custody import Leaf
from schemas.department import Handoff
from tests.builders import a_submission, submission_arrival
from tests.house import ScriptedHouse


def hand_over(house: ScriptedHouse, *answers: Any, department: str = "rest-b") -> Handoff:
    """A submission goes to ``department``, which answers so; what it was handed."""
    house.department(department).answers.extend(answers)
    house.accept(submission_arrival(a_submission(department)))
    house.carry()
    return house.department(department).handed[-1]


def row_of(house: ScriptedHouse, handoff_id: str) -> dict[str, Any]:
    [row] = house.rows("SELECT * FROM handoff WHERE id = %s", handoff_id)
    return row


def transfer_of(house: ScriptedHouse, handoff_id: str) -> dict[str, Any]:
    [row] = house.rows("SELECT o.* FROM outbox o JOIN handoff h ON h.transfer_id = o.id WHERE h.id = %s", handoff_id)
    return row


def leaves(house: ScriptedHouse, handoff_id: str) -> list[Leaf]:
    """What the custody log holds about the handoff."""
    with house.db.connection() as conn:
        return custody.about(conn, handoff_id)
