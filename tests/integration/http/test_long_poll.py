"""Where a submission stands: asked by its sender, now or as soon as there is news."""

import threading
import time

from schemas.identifiers import Prefix, new_id
from tests.builders import a_receipt, a_submission
from tests.integration.http.caller import ApiCaller, Caller


def handle(door: ApiCaller) -> None:
    """Let the hub handle what came in and hand it over; the department takes it."""
    door.hub.department("rest-a").answers.append(a_receipt())
    door.hub.carry()


def test_it_can_be_asked_about_before_anybody_has_handled_it(door: ApiCaller, portal: Caller) -> None:
    submission = a_submission()
    path = f"/v1/submissions/{portal.submit(submission).json()['id']}"

    said = portal.get(path).json()

    assert (said["state"], said["version"], said["status"]) == ("accepted", 0, None)
    assert said["reference"] == submission["reference"]
    assert said["dossier_code"] is said["due_at"] is None


def test_a_submission_that_waits_for_a_person_looks_like_any_other(door: ApiCaller, portal: Caller) -> None:
    path = f"/v1/submissions/{portal.submit(a_submission()).json()['id']}"
    before = portal.get(path)
    door.hub.rows("UPDATE inbox SET state = 'dead', error_code = 'X', error_detail = 'ours alone' RETURNING id")

    after = portal.get(path)

    assert after.json() == before.json()


def test_when_it_has_been_handled_its_dossier_is_told_and_no_citizen_is(door: ApiCaller, portal: Caller) -> None:
    submission = a_submission()
    path = f"/v1/submissions/{portal.submit(submission).json()['id']}"
    handle(door)

    answer = portal.get(path)

    said = answer.json()
    assert (said["state"], said["status"], said["status_code"]) == ("in_progress", "accepted", "2")
    assert said["status_label"] == "Được tiếp nhận"
    assert said["department"] == "rest-a"
    assert said["dossier_code"].startswith("000.00.01.H42-")
    assert answer.headers["ETag"] == f'"{said["version"]}"'
    assert submission["applicant"]["name"] not in answer.text
    assert submission["applicant"]["identity"]["number"] not in answer.text


def test_a_version_that_the_caller_has_is_not_sent_again(door: ApiCaller, portal: Caller) -> None:
    path = f"/v1/submissions/{portal.submit(a_submission()).json()['id']}"
    tag = portal.get(path).headers["ETag"]

    unchanged = portal.get(path, headers={"If-None-Match": f'"7", W/{tag}'})
    handle(door)
    changed = portal.get(path, headers={"If-None-Match": tag})

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["ETag"] == tag
    assert changed.status_code == 200


def test_who_waits_is_answered_as_soon_as_there_is_news(door: ApiCaller, portal: Caller) -> None:
    path = f"/v1/submissions/{portal.submit(a_submission()).json()['id']}"
    news = threading.Timer(0.7, handle, [door])
    news.start()
    started = time.monotonic()

    said = portal.get(f"{path}?wait=30", headers={"If-None-Match": '"0"'}).json()

    assert said["version"] >= 1
    assert time.monotonic() - started < 30, "before the wait was over"
    news.join()


def test_who_waits_in_vain_hears_that_nothing_changed(door: ApiCaller, portal: Caller) -> None:
    path = f"/v1/submissions/{portal.submit(a_submission()).json()['id']}"
    started = time.monotonic()

    with_tag = portal.get(f"{path}?wait=1", headers={"If-None-Match": '"0"'})
    without = portal.get(f"{path}?wait=1")

    assert (with_tag.status_code, without.status_code) == (304, 200)
    assert time.monotonic() - started >= 2


def test_who_holds_an_older_version_does_not_wait(door: ApiCaller, portal: Caller) -> None:
    path = f"/v1/submissions/{portal.submit(a_submission()).json()['id']}"
    handle(door)
    started = time.monotonic()

    answer = portal.get(f"{path}?wait=20", headers={"If-None-Match": '"0"'})

    assert answer.status_code == 200
    assert time.monotonic() - started < 20, "before the wait was over"


def test_an_id_that_is_nobodys_is_not_found(door: ApiCaller, portal: Caller) -> None:
    report = new_id(Prefix.INBOX)
    door.hub.rows(
        "INSERT INTO inbox (id, source, kind, external_id, fingerprint, media_type, body)"
        " VALUES (%s, 'department.rest-a', 'department.status', 'BC', decode(repeat('00', 32), 'hex'), '', '')"
        " RETURNING id",
        report,
    )

    ids = (new_id(Prefix.SUBMISSION), report, "sub_x", "%00", "'")

    answers = [portal.get(f"/v1/submissions/{each}") for each in ids]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "not-found")}
