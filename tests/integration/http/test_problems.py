"""Every way of saying no is a problem (RFC 9457), FastAPI's own and the broken ones included."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import requests

from hub.http import problem_types
from hub.http.problems import preferred_language
from tests.builders import a_submission
from tests.integration.http.caller import ApiCaller, Caller

NAME = "Trần Thị Dấu Vết"


@pytest.fixture
def anybody(api: ApiCaller) -> Caller:
    """Somebody without a key of ours."""
    return Caller(api.url, "nobody", b"nothing that we know")


def call(anybody: Caller, method: str, path: str, language: str = "") -> requests.Response:
    return anybody.session.request(method, anybody.url + path, headers={"Accept-Language": language}, timeout=20)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/submissions/", "/v2/events", "/favicon.ico", "/%00", "/x?name=1"])
def test_a_path_that_is_not_there_is_a_problem(anybody: Caller, path: str) -> None:
    answer = call(anybody, "GET", path)

    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v1/submissions", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/v1/submissions/sub_x", "GET, HEAD, OPTIONS"),
        ("GET", "/v1/departments/rest-a/statuses", "OPTIONS, POST"),
        ("HEAD", "/v1/departments/rest-a/statuses", "OPTIONS, POST"),
        ("TRACE", "/health/live", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_a_path_does_not_have_is_answered_with_those_it_has(
    anybody: Caller, method: str, path: str, allow: str
) -> None:
    answer = call(anybody, method, path)

    assert answer.status_code == 405
    assert answer.headers["Allow"] == allow
    if method != "HEAD":
        assert answer.json()["code"] == "method-not-allowed"


def test_options_says_what_a_path_can_do(anybody: Caller) -> None:
    answer = call(anybody, "OPTIONS", "/v1/submissions")

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


def test_head_answers_as_get_does_without_the_body(api: ApiCaller, portal: Caller) -> None:
    path = f"/v1/submissions/{portal.submit(a_submission()).json()['id']}"

    head, get = portal.call("HEAD", path), portal.get(path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"] == get.headers["ETag"]
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "vi"),
        ("vi", "vi"),
        ("en", "en"),
        ("en-GB", "en"),
        ("fr, de", "vi"),
        ("vi;q=0.5, en;q=0.9", "en"),
        ("en;q=0.5, vi;q=0.5", "vi"),
        ("en;q=0", "vi"),
        ("en;q=2, ;;;q", "vi"),
        ("x" * 10_000, "vi"),
    ],
)
def test_a_problem_is_told_in_the_callers_language(accepted: str, language: str) -> None:
    assert preferred_language(accepted) == language


def test_the_words_change_with_the_language_and_the_code_does_not(anybody: Caller) -> None:
    vi, en = call(anybody, "GET", "/nowhere", "vi"), call(anybody, "GET", "/nowhere", "en")

    assert (vi.headers["Content-Language"], en.headers["Content-Language"]) == ("vi", "en")
    assert (vi.json()["title"], en.json()["title"]) == ("Không tìm thấy", "Not found")
    assert vi.json()["type"] == en.json()["type"] == "urn:lienthong:hub:problem:not-found"


def test_every_kind_of_problem_has_a_code_of_its_own() -> None:
    declared = [kind for kind in vars(problem_types).values() if isinstance(kind, problem_types.ProblemType)]

    assert sorted(kind.code for kind in declared) == sorted({kind.code for kind in problem_types.KINDS})


def test_an_internal_error_is_a_problem_and_the_log_names_its_place_only(own_api: ApiCaller) -> None:
    """The database fails with a message that quotes the row, as databases do."""
    with psycopg.connect(str(own_api.hub.settings.database_url), autocommit=True) as admin:
        admin.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'cannot store %', convert_from(NEW.body, 'UTF8'); END $$"
        )
        admin.execute("CREATE TRIGGER fail BEFORE INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION fail()")
    submission = a_submission(summary=NAME)

    answer = own_api.portal().submit(submission)

    assert (answer.status_code, answer.json()["code"]) == (500, "internal-error")
    assert NAME not in answer.text
    (line,) = own_api.log("request_failed")
    assert (line["error"], line["request_id"]) == ("RaiseException", answer.json()["request_id"])
    assert any(place.startswith("hub/messages/inbox.py:") for place in line["place"])
    assert own_api.lines_of([answer])[0]["status"] == 500
    assert "cannot store" not in own_api.log_text()
    assert own_api.stored()["inbox"] == 0


@contextmanager
def no_database(api: ApiCaller) -> Iterator[None]:
    """Nobody gets a connection, and who has one loses it."""
    base, _, name = str(api.hub.settings.database_url).rpartition("/")
    with psycopg.connect(f"{base}/postgres", autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        yield
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def test_while_the_database_is_away_the_caller_is_told_to_come_back(own_api: ApiCaller) -> None:
    portal, submission = own_api.portal(), a_submission(summary=NAME)
    with no_database(own_api):
        away = portal.submit(submission)
        ready = requests.Session().get(f"{own_api.url}/health/ready", timeout=20)
        live = requests.Session().get(f"{own_api.url}/health/live", timeout=20)

    assert (away.status_code, away.json()["code"]) == (503, "unavailable")
    assert int(away.headers["Retry-After"]) >= 1
    assert (ready.status_code, ready.json()["errors"][0]["pointer"]) == (503, "/checks/database")
    assert live.status_code == 200
    assert NAME not in own_api.log_text()
    until = time.monotonic() + 120
    while (back := portal.submit(submission)).status_code != 202:
        assert time.monotonic() < until, back.text
    assert own_api.stored()["inbox"] == 1
