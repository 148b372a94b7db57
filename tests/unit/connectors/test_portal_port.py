"""Notices to the portal: signed by the Standard Webhooks specification, and told again until they are heard."""

import base64
import json
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from config.catalogue import Catalogue, load
from connectors import registry
from connectors.errors import ConnectorCode, ConnectorError, ContractBroken, Rejected, Unavailable
from connectors.portal import key_of
from connectors.ports import PortalPort
from tests.catalogue_secrets import CATALOGUE, environment
from tests.unit.connectors.partner import OK, Partner, answering, partner

NOTICE = json.dumps({"type": "submission.completed", "data": {"reason": "Đã trả kết quả"}}, ensure_ascii=False).encode()
KEY = "evt_01M85SMWS20E6G2XCP78BXP9SG"
LOOPBACK = ["127.0.0.0/8"]


def the_catalogue(**secrets: str) -> Catalogue:
    catalogue = load(CATALOGUE, environment())
    changed = {name: SecretStr(value) for name, value in secrets.items()}
    return catalogue.model_copy(update={"secrets": {**catalogue.secrets, **changed}})


def port_to(
    server: Partner, *, networks: list[str] = LOOPBACK, catalogue: Catalogue | None = None, **changes: Any
) -> PortalPort:
    catalogue = catalogue or the_catalogue()
    endpoint = catalogue.portal.endpoints[0].model_copy(update=changes)
    return registry.portal_port(endpoint, catalogue, f"{server.url}/hub/events", networks)


def heard(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
    return {name: value for name, _, value in lines}, body


def outcome(reply: bytes) -> ConnectorError:
    with partner(answering(reply)) as server, pytest.raises(ConnectorError) as caught:
        port_to(server).tell(NOTICE, KEY)
    return caught.value


def status(code: int, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {code} X", *headers, "Content-Length: 0", "", ""]).encode()


@pytest.mark.parametrize("reply", [OK, status(201), status(202), status(204)])
def test_any_success_means_heard(reply: bytes) -> None:
    with partner(answering(reply)) as server:
        port_to(server).tell(NOTICE, KEY)

    headers, body = heard(server.requests[0])
    secret = environment()["HUB_SECRET_TEST_CONG_DVC_WEBHOOK"]
    assert body == NOTICE
    assert headers["webhook-id"] == KEY
    assert headers["Content-Type"] == "application/json"
    assert Webhook(secret).verify(body, headers) == json.loads(NOTICE)


def test_each_secret_of_a_rotation_can_verify_and_no_other_can() -> None:
    names = ["HUB_SECRET_TEST_SECOND_WEBHOOK", "HUB_SECRET_TEST_SECOND_WEBHOOK_OLD"]
    with partner(answering(OK)) as server:
        port_to(server, secrets=names).tell(NOTICE, KEY)

    headers, body = heard(server.requests[0])
    for name in names:
        Webhook(environment()[name]).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(environment()["HUB_SECRET_TEST_CONG_DVC_WEBHOOK"]).verify(body, headers)


def test_every_attempt_has_the_same_id() -> None:
    with partner(answering(status(500), OK)) as server:
        port = port_to(server)
        with pytest.raises(Unavailable):
            port.tell(NOTICE, KEY)
        port.tell(NOTICE, KEY)

    assert [heard(request)[0]["webhook-id"] for request in server.requests] == [KEY, KEY]


def test_gone_is_the_only_refusal() -> None:
    error = outcome(status(410))

    assert isinstance(error, Rejected)
    assert error.code == ConnectorCode.REJECTED


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 409, 413, 422])
def test_a_receiver_that_declines_is_told_again(code: int) -> None:
    error = outcome(status(code))

    assert isinstance(error, Unavailable)
    assert (error.code, error.outcome_unknown) == (ConnectorCode.DECLINED, False)


@pytest.mark.parametrize("code", [429, 503])
def test_a_busy_receiver_says_when(code: int) -> None:
    error = outcome(status(code, "Retry-After: 120"))

    assert isinstance(error, Unavailable)
    assert (error.code, error.outcome_unknown, error.retry_after) == (ConnectorCode.BUSY, False, 120)


def test_a_failing_receiver_may_have_heard() -> None:
    error = outcome(status(500))

    assert isinstance(error, Unavailable)
    assert (error.code, error.outcome_unknown) == (ConnectorCode.ERROR, True)


def test_a_receiver_that_moved_is_for_a_person() -> None:
    assert isinstance(outcome(status(301, "Location: http://127.0.0.1:1/")), ContractBroken)


def test_a_private_address_hears_nothing_unless_the_settings_name_its_network() -> None:
    with partner(answering(OK)) as server, pytest.raises(ContractBroken) as caught:
        port_to(server, networks=["10.0.0.0/8"]).tell(NOTICE, KEY)

    assert caught.value.code == ConnectorCode.ADDRESS
    assert server.connections == 0


def test_a_check_is_a_get_and_any_answer_will_do() -> None:
    with partner(answering(status(405))) as server:
        assert "HTTP 405" in port_to(server).check()

    assert server.requests[0].startswith(b"GET /hub/events HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_c2hvcnQ=",
        "whsec_not base64 at all, and long enough to be a key",
        base64.b64encode(b"without the prefix, but long enough").decode(),
    ],
)
def test_a_secret_that_is_none_stops_the_start(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        key_of(secret)
    with partner(answering(OK)) as server, pytest.raises(ValueError, match="whsec_"):
        port_to(server, catalogue=the_catalogue(HUB_SECRET_TEST_CONG_DVC_WEBHOOK=secret))
