"""Lists of submissions, and the feed of events: nothing is left out, whatever happens between two pages."""

import json
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import psycopg
import pytest

from hub.clock import now
from schemas.identifiers import Prefix, new_id
from schemas.portal import Notice, NoticeData
from tests.builders import a_code, a_receipt, a_submission
from tests.integration.http.caller import ApiCaller, Caller


def handle(api: ApiCaller) -> None:
    for _ in range(len(api.hub.waiting)):
        api.hub.department("rest-a").answers.append(a_receipt())
    api.hub.carry()


def followed(portal: Caller, path: str) -> list[dict[str, object]]:
    """Every item of a list, by its Link headers."""
    items, url = [], path
    while url:
        answer = portal.get(url)
        items += answer.json()["data"]
        url = answer.links["next"]["url"].removeprefix(portal.url) if "next" in answer.links else ""
    return items


def test_every_submission_is_listed_once_page_by_page(api: ApiCaller, portal: Caller) -> None:
    ids = [portal.submit(a_submission()).json()["id"] for _ in range(3)]
    handle(api)
    ids += [portal.submit(a_submission()).json()["id"] for _ in range(4)]

    listed = followed(portal, "/v1/submissions?limit=2")

    assert [item["id"] for item in listed] == ids
    assert [item["version"] for item in listed] == [2, 2, 2, 0, 0, 0, 0]


def test_a_submission_that_moves_between_two_pages_is_listed_again_not_left_out(api: ApiCaller, portal: Caller) -> None:
    ids = [portal.submit(a_submission()).json()["id"] for _ in range(3)]
    first = portal.get("/v1/submissions?limit=2").json()
    handle(api)

    rest = followed(portal, f"/v1/submissions?limit=2&cursor={quote(first['next_cursor'])}")

    assert {item["id"] for item in rest} == set(ids)


def test_the_list_can_begin_at_a_moment(api: ApiCaller, portal: Caller) -> None:
    portal.submit(a_submission())
    later = portal.submit(a_submission()).json()

    listed = followed(portal, f"/v1/submissions?updated_since={quote(later['received_at'])}")

    assert [item["id"] for item in listed] == [later["id"]]


def test_a_submission_is_found_by_its_reference_before_it_is_handled(api: ApiCaller, portal: Caller) -> None:
    submission = a_submission()
    accepted = portal.submit(submission).json()
    portal.submit(a_submission())

    page = portal.get(f"/v1/submissions?reference={submission['reference']}").json()

    assert [item["id"] for item in page["data"]] == [accepted["id"]]
    assert page["next_cursor"] is None
    assert portal.get("/v1/submissions?reference=nobodys").json()["data"] == []


def test_a_submission_is_found_by_its_dossier_code_however_that_is_written(api: ApiCaller, portal: Caller) -> None:
    submission = a_submission(dossier_code=a_code(7))
    accepted = portal.submit(submission).json()
    handle(api)
    written = quote(a_code(7).lower().replace("-", " - "))

    page = portal.get(f"/v1/submissions?dossier_code={written}").json()
    neither = portal.get(f"/v1/submissions?dossier_code={written}&reference=another").json()

    assert [item["id"] for item in page["data"]] == [accepted["id"]]
    assert neither["data"] == []


def test_a_cursor_that_we_did_not_give_is_refused(api: ApiCaller, portal: Caller) -> None:
    portal.submit(a_submission())
    ours: str = portal.get("/v1/submissions?limit=1").json()["next_cursor"]
    forged = ours[:20] + ("A" if ours[20] != "A" else "B") + ours[21:]

    for cursor in (forged, ours[:-4], "x", "AAAA", "é", "A" * 201):
        answer = portal.get(f"/v1/submissions?cursor={quote(cursor)}")

        assert (answer.status_code, answer.json()["code"]) == (422, "parameter-invalid")
        assert answer.json()["errors"][0]["pointer"] == "/query/cursor"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/query/limit"),
        ("limit=201", "/query/limit"),
        ("limit=ten", "/query/limit"),
        ("updated_since=yesterday", "/query/updated_since"),
        ("updated_since=2026-11-24T08:00:00", "/query/updated_since"),
        ("reference=%00", "/query/reference"),
        ("dossier_code=%00", "/query/dossier_code"),
    ],
)
def test_a_parameter_that_cannot_be_is_named(api: ApiCaller, portal: Caller, query: str, pointer: str) -> None:
    answer = portal.get(f"/v1/submissions?{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, "parameter-invalid")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


def test_the_feed_gives_every_event_once_in_order(api: ApiCaller, portal: Caller) -> None:
    for _ in range(3):
        portal.submit(a_submission())
    handle(api)
    stored = api.hub.rows("SELECT notice FROM event ORDER BY tx, seq")

    pulled = followed(portal, "/v1/events?limit=2")

    assert len(pulled) == 6
    assert [notice_of(item) for item in pulled] == [notice_of(row["notice"]) for row in stored]


def notice_of(document: Any) -> Notice:
    return Notice.model_validate_json(json.dumps(document))


def test_the_end_of_the_feed_says_where_to_ask_next_time(api: ApiCaller, portal: Caller) -> None:
    empty = portal.get("/v1/events").json()
    portal.submit(a_submission())
    handle(api)

    page = portal.get("/v1/events").json()
    nothing_new = portal.get(f"/v1/events?after={page['next_after']}").json()

    assert empty == {"data": [], "next_after": None}
    assert page["next_after"] == page["data"][-1]["data"]["event_id"]
    assert nothing_new == {"data": [], "next_after": page["next_after"]}


def test_an_event_that_commits_late_is_never_skipped(api: ApiCaller, portal: Caller) -> None:
    """The first of two transactions is slower: its event has the lower number, and appears last."""
    ids = [portal.submit(a_submission()).json()["id"] for _ in range(2)]
    api.hub.rows(
        "INSERT INTO dossier (id, code, raw_code, reference, procedure, department, status, status_at, received_at,"
        " due_at) SELECT id, id, id, id, '', '', 'registered', now(), now(), now() FROM inbox RETURNING id"
    )
    event = "INSERT INTO event (id, type, submission_id, version, notice) VALUES (%s, '', %s, 1, %s)"
    with psycopg.connect(str(api.hub.settings.database_url)) as slow:
        slow.execute(event, (new_id(Prefix.EVENT), ids[0], a_notice("slow")))
        api.hub.rows(event + " RETURNING id", new_id(Prefix.EVENT), ids[1], a_notice("quick"))

        while_writing = portal.get("/v1/events").json()
        slow.commit()

    afterwards = portal.get("/v1/events").json()
    assert while_writing == {"data": [], "next_after": None}
    assert [notice["type"] for notice in afterwards["data"]] == ["slow", "quick"]


def a_notice(type: str) -> str:
    data = NoticeData(
        event_id="", submission_id="", reference="", dossier_code="", state="", status="", status_code="", version=1
    )
    return Notice(type=type, timestamp=now(), data=data).model_dump_json()


def test_an_event_that_never_was_is_refused(api: ApiCaller, portal: Caller) -> None:
    for after in ("evt_01JD8M7W4Q2V9X3Y5Z6A7B8C9D", "sub_01JD8M7W4Q2V9X3Y5Z6A7B8C9D", "%00"):
        answer = portal.get(f"/v1/events?after={after}")

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/after")


def test_a_link_to_the_next_page_keeps_the_callers_limit(api: ApiCaller, portal: Caller) -> None:
    for _ in range(2):
        portal.submit(a_submission())

    link = portal.get("/v1/submissions?limit=1").links["next"]["url"]

    assert parse_qs(urlsplit(link).query)["limit"] == ["1"]
    assert link.startswith(f"{api.url}/v1/submissions?")
