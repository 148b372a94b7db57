"""Alive and ready: asked by supervisors and load balancers, answered to anybody."""

import socket

import requests

from tests.builders import a_submission
from tests.integration.http.caller import ApiCaller, Caller


def ask(api: ApiCaller, path: str) -> requests.Response:
    return requests.Session().get(api.url + path, timeout=20)


def test_without_a_broker_the_hub_is_ready_and_says_so(api: ApiCaller, portal: Caller) -> None:
    answer = ask(api, "/health/ready")

    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert answer.json()["checks"]["broker"] == "unreachable"
    assert answer.json()["checks"]["database"] == answer.json()["checks"]["migrations"] == "ok"
    assert answer.json()["checks"]["catalogue"] == "6 procedures, 4 departments"
    assert portal.submit(a_submission()).status_code == 202


def test_a_broker_that_listens_is_reported(own_api: ApiCaller) -> None:
    with socket.create_server(("127.0.0.1", 0)) as broker:
        url = f"redis://127.0.0.1:{broker.getsockname()[1]}/0"
        own_api.hub.settings = own_api.hub.settings.model_copy(update={"broker_url": url})

        assert ask(own_api, "/health/ready").json()["checks"]["broker"] == "ok"


def test_a_database_at_another_step_is_not_ready(own_api: ApiCaller) -> None:
    own_api.hub.rows("UPDATE alembic_version SET version_num = '0000' RETURNING version_num")

    answer = ask(own_api, "/health/ready")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/checks/migrations"]
