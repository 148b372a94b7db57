"""Where a submission stands: asked by its sender, now or as soon as there is news."""

import threading
import time

from schemas.identifiers import Prefix, new_id
from tests.builders import a_receipt, a_submission
from tests.integration.http.caller import ApiCaller, Caller


def handle(api: ApiCaller) -> None:
    """Let the hub handle what came in and hand it over; the department takes it."""
    api.hub.department("rest-a").answers.append(a_receipt())
    api.hub.carry()


def test_it_can_be_asked_about_before_anybody_has_handled_it(api: ApiCaller, portal: Caller) -> None:
    submission = a_submission()
    path = f"/v1/submissions/{portal.submit(submission).json()['id']}"

    document = portal.get(path).json()

    assert (document["state"], document["version"], document["status"]) == ("accepted", 0, None)
    assert document["reference"] == submission["reference"]
    assert document["dossier_code"] is document["due_at"] is None


def test_a_submission_that_waits_for_a_person_looks_like_any_other(api: ApiCaller, portal: Caller) -> None:
    path = f"/v1/submissions/{portal.submit(a_submission()).json()['id']}"
    before = portal.get(path)
    api.hub.rows("UPDATE inbox SET state = 'dead', error_code = 'X', error_detail = 'ours alone' RETURNING id")

    after = portal.get(path)

    assert after.json() == before.json()


def test_when_it_has_been_handled_its_dossier_is_told_and_no_citizen_is(api: ApiCaller, portal: Caller) -> None:
    submission = a_submission()
    path = f"/v1/submissions/{portal.submit(submission).json()['id']}"
    handle(api)

    answer = portal.get(path)

    document = answer.json()
    assert (document["state"], document["status"], document["status_code"]) == ("in_progress", "accepted", "2")
    assert document["status_label"] == "Được tiếp nhận"
    assert document["department"] == "rest-a"
    assert document["dossier_code"].startswith("000.00.01.H42-")
    assert answer.headers["ETag"] == f'"{document["version"]}"'
    assert submission["applicant"]["name"] not in answer.text
    assert submission["applicant"]["identity"]["number"] not in answer.text


def test_a_version_that_the_caller_has_is_not_sent_again(api: ApiCaller, portal: Caller) -> None:
    path = f"/v1/submissions/{portal.submit(a_submission()).json()['id']}"
    tag = portal.get(path).headers["ETag"]

    unchanged = portal.get(path, headers={"If-None-Match": f'"7", W/{tag}'})
    handle(api)
    changed = portal.get(path, headers={"If-None-Match": tag})

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["ETag"] == tag
    assert changed.status_code == 200


def test_who_waits_is_answered_as_soon_as_there_is_news(api: ApiCaller, portal: Caller) -> None:
    path = f"/v1/submissions/{portal.submit(a_submission()).json()['id']}"
    news = threading.Timer(0.7, handle, [api])
    news.start()
    started = time.monotonic()

    submission = portal.get(f"{path}?wait=30", headers={"If-None-Match": '"0"'}).json()

    assert submission["version"] >= 1
    assert time.monotonic() - started < 30, "before the wait was over"
    news.join()


def test_who_waits_in_vain_hears_that_nothing_changed(api: ApiCaller, portal: Caller) -> None:
    path = f"/v1/submissions/{portal.submit(a_submission()).json()['id']}"
    started = time.monotonic()

    with_tag = portal.get(f"{path}?wait=1", headers={"If-None-Match": '"0"'})
    without = portal.get(f"{path}?wait=1")

    assert (with_tag.status_code, without.status_code) == (304, 200)
    assert time.monotonic() - started >= 2


def test_who_holds_an_older_version_does_not_wait(api: ApiCaller, portal: Caller) -> None:
    path = f"/v1/submissions/{portal.submit(a_submission()).json()['id']}"
    handle(api)
    started = time.monotonic()

    answer = portal.get(f"{path}?wait=20", headers={"If-None-Match": '"0"'})

    assert answer.status_code == 200
    assert time.monotonic() - started < 20, "before the wait was over"


def test_an_id_that_is_nobodys_is_not_found(api: ApiCaller, portal: Caller) -> None:
    report = new_id(Prefix.INBOX)
    api.hub.rows(
        "INSERT INTO inbox (id, source, kind, external_id, fingerprint, media_type, body)"
        " VALUES (%s, 'department.rest-a', 'department.status', 'BC', decode(repeat('00', 32), 'hex'), '', '')"
        " RETURNING id",
        report,
    )

    ids = (new_id(Prefix.SUBMISSION), report, "sub_x", "%00", "'")

    answers = [portal.get(f"/v1/submissions/{each}") for each in ids]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "not-found")}
