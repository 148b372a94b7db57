"""Access tokens by client credentials (RFC 6749 section 4.4): asked for once, kept until shortly before they expire."""

import base64
import threading
import time
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.errors import ConnectorCode, ContractBroken
from connectors.postal.replies import document, whole
from connectors.transport.http import Transport

_FORM: Final = b"grant_type=client_credentials"
_MARGIN: Final = 0.1
"""share of its life at whose end a token is not used any more"""


class _Granted(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    access_token: str = Field(pattern=r"^[\x21-\x7e]+$", max_length=4096)
    token_type: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=32)
    expires_in: int = Field(gt=0)


class Tokens:
    """The token of one operator. Safe to share between threads: one asks, the others wait for what it gets."""

    def __init__(self, transport: Transport, url: str, key: str, secret: str) -> None:
        self._transport = transport
        self._url = url
        self._credentials = base64.b64encode(f"{key}:{secret}".encode()).decode()
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def current(self) -> str:
        """The value for Authorization. Raises Unavailable or ContractBroken; in neither case has anything been done."""
        with self._lock:
            if not self._token or time.monotonic() >= self._until:
                self._renew()
            return self._token

    def drop(self, refused: str) -> None:
        """The operator has refused this one, whatever it had said about its life."""
        with self._lock:
            if self._token == refused:
                self._token = ""

    def _renew(self) -> None:
        asked_at = time.monotonic()
        headers = {
            "Authorization": f"Basic {self._credentials}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        reply = whole(self._transport.post(self._url, _FORM, headers, idempotent=True), idempotent=True)
        try:
            granted = _Granted.model_validate(document(reply))
        except ValidationError:
            raise ContractBroken(ConnectorCode.CONTRACT, "the reply holds no token (RFC 6749 section 5.1)") from None
        self._token = f"{granted.token_type} {granted.access_token}"
        self._until = asked_at + granted.expires_in * (1 - _MARGIN)
