"""Notices to the public portal, by the Standard Webhooks specification (https://www.standardwebhooks.com).

A notice is thin (ids and states) and signed with every secret of its endpoint, so that secrets can be changed without
a gap. Any 2xx is "heard"; 410 says that the endpoint is gone; whatever else it says, the notice is offered again.
"""

import base64
import binascii
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from standardwebhooks import Webhook

from config.catalogue import Catalogue, Endpoint, Tls
from connectors.errors import ConnectorCode, Rejected, Unavailable
from connectors.transport.addresses import AddressGuard
from connectors.transport.http import Transport
from connectors.transport.http_connection import BUSY, HttpReply, checked

PREFIX: Final = "whsec_"
SHORTEST_KEY: Final = 24
"""bytes; the specification asks for 24 to 64"""
_GONE: Final = 410


class WebhookEndpoint:
    """A portal port: one address of the portal that wants to hear from us."""

    def __init__(
        self,
        endpoint: Endpoint,
        catalogue: Catalogue,
        url: str,
        guard: AddressGuard,
        on_sent: Callable[[], None] | None = None,
    ) -> None:
        """Raises ValueError if a secret of the endpoint is not whsec_ and the base64 of a key."""
        self._name = endpoint.code
        self._url = url
        self._signers = [Webhook(key_of(catalogue.secret(name))) for name in endpoint.secrets]
        self._transport = Transport(
            endpoint.counterparty,
            timeout=endpoint.timeout_seconds,
            tls=Tls(),
            folder=catalogue.folder,
            on_sent=on_sent,
            guard=guard,
        )

    def tell(self, notice: bytes, key: str) -> None:
        """Returns when the endpoint has heard; a notice that it heard before is the same success."""
        moment = datetime.fromtimestamp(int(time.time()), UTC)
        text = notice.decode()
        headers = {
            "Content-Type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": " ".join(signer.sign(key, moment, text) for signer in self._signers),
        }
        _heard(self._transport.post(self._url, notice, headers))

    def check(self) -> str:
        """A GET, which no receiver of webhooks acts on: any answer shows that address and certificate are right."""
        reply = self._transport.get(self._url, {"Accept": "*/*"})
        return f"{self._name}: HTTP {reply.status} to a GET; address and connection are accepted"


def key_of(secret: str) -> bytes:
    """The key in a whsec_ secret. Raises ValueError: the library would take any text, and sign with what is left."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(PREFIX) or len(key) < SHORTEST_KEY:
        raise ValueError(f"a webhook secret is {PREFIX} and the base64 of {SHORTEST_KEY} bytes or more")
    return key


def _heard(reply: HttpReply) -> None:
    if reply.status == _GONE:
        raise Rejected(ConnectorCode.REJECTED, "HTTP 410: the endpoint is gone; take it out of portal.toml")
    if 400 <= reply.status < 500 and reply.status not in BUSY:  # noqa: PLR2004 - the class of client errors
        raise Unavailable(ConnectorCode.DECLINED, f"HTTP {reply.status}", retry_after=reply.retry_after)
    checked(reply, idempotent=False)
