"""What the public portal hands over, asks and pulls."""


from tests.builders import a_submission
from tests.rooms.http.caller import Caller, Door, as_json


def test_a_submission_is_stored_before_it_is_answered(door: Door, portal: Caller) -> None:
    submission = a_submission()

    answer = portal.submit(submission)

    assert answer.status_code == 202
    said = answer.json()
    assert said["state"] == "accepted"
    assert said["reference"] == submission["reference"]
    assert answer.headers["Location"] == said["links"]["self"] == f"{door.url}/v1/submissions/{said['id']}"
    (row,) = door.house.rows("SELECT id, source, kind, external_id, body, state FROM inbox")
    assert (row["id"], row["source"], row["kind"]) == (said["id"], "portal", "portal.submission")
    assert bytes(row["body"]) == as_json(submission)
    assert [nudge.id for nudge in door.house.waiting] == [said["id"]]
