"""What the public portal hands over: stored once, whatever is repeated."""

from concurrent.futures import ThreadPoolExecutor

import psycopg

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
    assert "Idempotency-Replayed" not in answer.headers
    (row,) = door.house.rows("SELECT id, source, kind, external_id, body FROM inbox")
    assert (row["id"], row["source"], row["kind"]) == (said["id"], "portal", "portal.submission")
    assert bytes(row["body"]) == as_json(submission)
    assert [nudge.id for nudge in door.house.waiting] == [said["id"]]


def test_the_same_again_is_answered_as_the_first_time(door: Door, portal: Caller) -> None:
    submission = a_submission()
    first = portal.submit(submission)

    again = portal.submit(submission)

    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert door.stored()["inbox"] == 1
    assert len(door.house.waiting) == 1


def test_a_sender_that_lost_its_key_is_known_by_its_reference(door: Door, portal: Caller) -> None:
    submission = a_submission()
    first = portal.submit(submission, key="first-key")

    again = portal.submit(submission, key="second-key")

    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert door.stored()["inbox"] == 1


def test_fifty_at_once_are_one_submission_and_one_answer(door: Door, portal: Caller) -> None:
    submission = a_submission()
    callers = [Caller(portal.url, portal.key_id, portal.secret) for _ in range(50)]

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda caller: caller.submit(submission), callers))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    stored = door.stored()
    assert (stored["inbox"], stored["idempotency"], stored["journal"]) == (1, 1, 1)


def test_while_the_first_is_still_being_written_the_second_is_asked_to_come_back(door: Door, portal: Caller) -> None:
    submission = a_submission()
    with psycopg.connect(str(door.house.settings.database_url)) as first:
        first.execute(
            "INSERT INTO idempotency (source, key, fingerprint, message_id) VALUES ('portal', %s, ''::bytea, 'sub_X')",
            (submission["reference"],),
        )

        answer = portal.submit(submission)

        assert (answer.status_code, answer.json()["code"]) == (409, "request-in-flight")
        assert int(answer.headers["Retry-After"]) >= 1
        first.rollback()
    assert portal.submit(submission).status_code == 202


def test_either_key_of_a_rotation_opens_the_door(door: Door, portal: Caller) -> None:
    secret = door.house.catalogue.secret("HUB_SECRET_TEST_PORTAL_B").encode()

    answer = Caller(door.url, "portal-test-b", secret).submit(a_submission())

    assert answer.status_code == 202
    assert door.lines_of([answer])[0]["client"] == "portal-test-b"


def test_the_same_key_with_other_content_is_refused(door: Door, portal: Caller) -> None:
    portal.submit(a_submission(), key="one-key")

    other = portal.submit(a_submission(), key="one-key")

    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert door.stored()["inbox"] == 1


def test_the_same_reference_with_other_content_is_refused(door: Door, portal: Caller) -> None:
    submission = a_submission()
    portal.submit(submission, key="key-1")

    other = portal.submit(submission | {"channel": "post"}, key="key-2")

    assert (other.status_code, other.json()["code"]) == (422, "reference-reused")
    assert (door.stored()["inbox"], door.stored()["idempotency"]) == (1, 1)
