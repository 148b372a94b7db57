"""Client × route (docs/reference/rights.md): each kind of client at each route that is another's is turned away."""

from collections.abc import Callable, Mapping
from typing import Final

import pytest
from requests import Response

from connectors.transport.envelope import CONTENT_TYPE
from deploy.rights import ApiClient, routes
from tests.integration.http.caller import ApiCaller, Caller, as_json
from tests.integration.http.teller import Teller
from tests.integration.http.test_soap import a_push, signed
from tests.notices import NoticeDraft

IN_ADDRESS: Final = {"code": "rest-a", "submission_id": "sb_1", "settlement_id": "sm_1", "token": "x" * 43}
CODES: Final = {ApiClient.SOAP: "soap-b", ApiClient.BANK: "bank-a"}


def _as_portal(api: ApiCaller, method: str, path: str, body: bytes | None) -> Response:
    return api.portal().call(method, path, body, key="k-1" if body is not None else None)


def _as_rest_a(api: ApiCaller, method: str, path: str, body: bytes | None) -> Response:
    return _signed(api, "rest-a-1", "HUB_SECRET_TEST_REST_A_PUSH").call(method, path, body, key="k-1" if body else None)


def _as_bank(api: ApiCaller, method: str, path: str, body: bytes | None) -> Response:
    """With the bank's secret and headers, at somebody else's address."""
    teller = Teller(api, "bank-a")
    sent = teller.request(NoticeDraft())
    headers = {"Content-Type": "application/json", **dict(sent.headers)}
    return Caller(api.url, "x", b"x").session.request(
        method, api.url + path, data=sent.body, headers=headers, timeout=30
    )


def _as_nobody(api: ApiCaller, method: str, path: str, body: bytes | None) -> Response:
    headers = {"Content-Type": "application/json"}
    return Caller(api.url, "x", b"x").session.request(method, api.url + path, data=body, headers=headers, timeout=30)


def _signed(api: ApiCaller, key_id: str, secret: str) -> Caller:
    return Caller(api.url, key_id, api.hub.catalogue.secret(secret).encode())


CALLERS: Final[Mapping[str, tuple[ApiClient | None, Callable[[ApiCaller, str, str, bytes | None], Response]]]] = {
    "portal": (ApiClient.PORTAL, _as_portal),
    "department": (ApiClient.DEPARTMENT, _as_rest_a),
    "bank": (ApiClient.BANK, _as_bank),
    "nobody": (None, _as_nobody),
}
CELLS: Final = [
    (caller, method, path, client)
    for method, path, client in routes()
    for caller, (kind, _) in CALLERS.items()
    if client not in {ApiClient.NOBODY, kind}
]


@pytest.mark.parametrize(("caller", "method", "path", "client"), CELLS)
def test_another_kind_of_client_is_turned_away(
    api: ApiCaller, caller: str, method: str, path: str, client: ApiClient
) -> None:
    filled = path.format(**IN_ADDRESS | {"code": CODES.get(client, "rest-a")})
    answer = CALLERS[caller][1](api, method, filled, as_json({}) if method == "POST" else None)

    assert answer.status_code in ({500, 415} if client is ApiClient.SOAP else {401, 403, 404}), answer.text
    assert set(api.stored().values()) == {0}


@pytest.mark.parametrize("path", [path for _, path, client in routes() if client is ApiClient.DEPARTMENT])
def test_a_department_is_turned_away_at_anothers_address(api: ApiCaller, path: str) -> None:
    method = next(method for method, other, _ in routes() if other == path)
    filled = path.format(**IN_ADDRESS | {"code": "rest-b"})
    assert _as_rest_a(api, method, filled, as_json({}) if method == "POST" else None).status_code in {401, 404}
    assert set(api.stored().values()) == {0}


def test_a_department_is_turned_away_at_anothers_soap_address(api: ApiCaller) -> None:
    body = signed(a_push(), signer="soap-a")
    headers = {"Content-Type": CONTENT_TYPE, "SOAPAction": '""'}
    answer = Caller(api.url, "x", b"x").session.post(api.url + "/soap/soap-b", data=body, headers=headers, timeout=30)
    assert answer.status_code == 500
    assert set(api.stored().values()) == {0}


@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for method, path, client in routes() if client is ApiClient.PORTAL]
)
def test_the_portal_itself_is_not(api: ApiCaller, method: str, path: str) -> None:
    """So that the cells above are refused for who asks."""
    answer = _as_portal(api, method, path.format(**IN_ADDRESS), as_json({}) if method == "POST" else None)
    assert answer.status_code not in {401, 403}
