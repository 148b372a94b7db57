"""Every magic behaviour, through API, broker, workers and sandbox: what holds at both ends when it is over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox.dossier_behaviours import BEHAVIOURS, Countersigned, DossierBehaviour
from tests.builders import a_code, a_submission
from tests.stack import ProcessStack, stack

USUAL = tuple(behaviour for behaviour in BEHAVIOURS if behaviour.countersigned is Countersigned.RIGHT)
DEPARTMENTS = {
    "rest-a": USUAL,
    "soap-a": USUAL,
    "soap-b": BEHAVIOURS,
    "rest-b": (BEHAVIOURS[0], *(behaviour for behaviour in BEHAVIOURS if behaviour not in USUAL)),
}
"""the last two sign what they receive"""
SIGNING = ("soap-b", "rest-b")


@pytest.fixture
def running(tmp_path: Path, database_url: str, broker_url: str) -> Iterator[ProcessStack]:
    with stack(tmp_path, database_url, broker_url) as processes:
        processes.start()
        yield processes


def agency_of(department: str) -> str:
    return f"000.00.{61 + list(DEPARTMENTS).index(department)}.H42"


def test_every_behaviour_ends_as_the_table_says(running: ProcessStack) -> None:
    sent: dict[tuple[str, DossierBehaviour], str] = {}
    for department, behaviours in DEPARTMENTS.items():
        for behaviour in behaviours:
            code = a_code(int(behaviour.suffix), agency=agency_of(department))
            answer = running.portal.submit(a_submission(department, dossier_code=code))
            assert answer.status_code == 202, answer.text
            sent[department, behaviour] = answer.json()["id"]
    running.wait_for(lambda: not wrong(running, sent) and running.quiet(), unless=lambda: wrong(running, sent))

    for department, behaviours in DEPARTMENTS.items():
        effects = [effect.dossier_code for effect in running.submitted(department)]
        expected = [
            a_code(int(behaviour.suffix), agency=agency_of(department))
            for behaviour in behaviours
            if behaviour.name != "refused"
        ]
        assert sorted(effects) == sorted(expected)
        for behaviour in behaviours:
            assert handoffs_of(running, sent[department, behaviour]) == handoffs_by(department, behaviour), (
                department,
                behaviour,
            )
    assert_the_portal_heard_all(running)


def wrong(running: ProcessStack, sent: dict[tuple[str, DossierBehaviour], str]) -> dict[str, tuple[str, str]]:
    """department and behaviour → where its dossier stands, of those that do not stand where the table says."""
    return {
        f"{department} {behaviour.name}": ending
        for (department, behaviour), submission in sent.items()
        if (ending := where_it_ended(running, submission)) != (behaviour.transfer, behaviour.dossier)
    }


def where_it_ended(running: ProcessStack, submission: str) -> tuple[str, str]:
    rows = running.rows(
        "SELECT o.state, d.status FROM dossier d JOIN outbox o ON o.subject = d.id AND o.kind = 'department.submit'"
        " WHERE d.id = %s",
        submission,
    )
    return (rows[0]["state"], rows[0]["status"]) if rows else ("", "")


def handoffs_of(running: ProcessStack, submission: str) -> list[tuple[str, str]]:
    rows = running.rows("SELECT act, status FROM handoff WHERE dossier_id = %s ORDER BY leg", submission)
    return [(row["act"], row["status"]) for row in rows]


def handoffs_by(department: str, behaviour: DossierBehaviour) -> list[tuple[str, str]]:
    """What both sides have signed: there, by what the receipt was worth, and back, where the dossier came back."""
    if behaviour.transfer == "refused":
        return [("transfer", "refused")]
    if department not in SIGNING:
        return [("transfer", "acknowledged" if behaviour.transfer == "delivered" else "prepared")]
    back = [("return", "complete")] if behaviour.dossier == "returned" else []
    return [("transfer", "complete" if behaviour.transfer == "delivered" else "prepared"), *back]


def assert_the_portal_heard_all(running: ProcessStack) -> None:
    """Each event once at each endpoint, the versions of each submission in order."""
    events = {row["id"] for row in running.rows("SELECT id FROM event")}
    for endpoint in ("cong-dvc", "second"):
        noticed = running.noticed(endpoint)
        assert sorted(notice.event_id for notice in noticed) == sorted(events)
        for submission in {notice.submission_id for notice in noticed}:
            versions = [notice.version for notice in noticed if notice.submission_id == submission]
            assert versions == sorted(versions)
