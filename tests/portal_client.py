"""The public portal, as its developers would write it: requests, signed by RFC 9421."""

import json
from typing import Any

import requests

from connectors.transport.signatures import sign
from tests.catalogue_secrets import environment

KEY_ID = "portal-test-a"


class SigningPortal:
    """Speaks to the hub's API with the portal's key."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._secret = environment()["HUB_SECRET_TEST_PORTAL_A"].encode()

    def submit(self, submission: dict[str, Any], *, key: str | None = None) -> requests.Response:
        """POST /v1/submissions; the key is the submission's reference unless another is given."""
        return self.send(
            "POST",
            "/v1/submissions",
            self.body(submission),
            {"Content-Type": "application/json", "Idempotency-Key": key or submission["reference"]},
        )

    @staticmethod
    def body(submission: dict[str, Any]) -> bytes:
        return json.dumps(submission, ensure_ascii=False).encode()

    def get(self, path: str, headers: dict[str, str] | None = None) -> requests.Response:
        return self.send("GET", path, None, headers or {})

    def send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> requests.Response:
        request = self._session.prepare_request(requests.Request(method, self.url + path, headers=headers, data=body))
        sign(request, KEY_ID, self._secret)
        return self._session.send(request, timeout=30)

    def close(self) -> None:
        """Let go of the connections that are kept for the next request."""
        self._session.close()
