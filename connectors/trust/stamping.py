"""Time stamps over HTTP: RFC 3161 section 3.4 (https://www.rfc-editor.org/rfc/rfc3161#section-3.4).

The reply passes through as it came. Whether it is an answer to this request, and from whom, is hub.signing.stamps' to
decide: a connector has no trust anchors.
"""

from collections.abc import Callable
from typing import Final

from config.catalogue import Catalogue, StampingAuthority
from connectors.errors import ConnectorCode, ContractBroken
from connectors.transport.http import Transport
from connectors.transport.http_connection import expect_success

QUERY: Final = "application/timestamp-query"
REPLY: Final = "application/timestamp-reply"
SIZE_CAP: Final = 256 * 1024
"""bytes; a reply with its certificates has some 6,000"""


class TimeStamping:
    """A stamp port: one TSA."""

    def __init__(
        self, authority: StampingAuthority, catalogue: Catalogue, url: str, on_sent: Callable[[], None] | None = None
    ) -> None:
        """Raises OSError if a PEM file of the catalogue cannot be used."""
        self._name = authority.name
        self._url = url
        self._transport = Transport(
            authority.counterparty,
            timeout=authority.timeout_seconds,
            tls=authority.tls,
            folder=catalogue.folder,
            size_cap=SIZE_CAP,
            on_sent=on_sent,
        )

    def stamp(self, request: bytes) -> bytes:
        """Its reply. ``request`` only asks, so whatever went wrong, it may be asked again."""
        headers = {"Content-Type": QUERY, "Accept": REPLY}
        reply = expect_success(self._transport.post(self._url, request, headers, idempotent=True))
        if reply.media_type != REPLY:
            raise ContractBroken(ConnectorCode.CONTRACT, f"the reply is not {REPLY}")
        return reply.body

    def check(self) -> str:
        """A GET, which a TSA does not stamp: any answer shows that address and connection are right."""
        reply = self._transport.get(self._url, {"Accept": "*/*"})
        return f"{self._name}: HTTP {reply.status} to a GET; address and connection are accepted"
