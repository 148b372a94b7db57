"""A postal operator of a catalogue together with its recordings, played on a real socket."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from config.catalogue import Catalogue, Operator, load
from connectors import registry
from connectors.ports import PostalPort
from connectors.registry import PortOptions
from schemas import strict
from schemas.postal import ConsignmentOrder
from tests.catalogue_secrets import generated
from tests.unit.connectors.partner import Partner, answering, partner

RECORDINGS: Final = Path(__file__).parent / "recordings" / "postal"
ORDER: Final = RECORDINGS / "order.json"
"""The one order that every operator's recordings are about: invented people."""
REPLIES: Final = ("order", "already", "refused", "garbled")
"""Recorded replies to an order, whole: <name>.reply.http."""
OF_THE_DIALECT: Final = {
    "ngsp": {"token.reply.http", "cancel.reply.http"},
    "lgsp": {"order-with-item-code.request.json"},
}
CODE: Final = "RR123456785VN"


@dataclass(frozen=True)
class PostalSubject:
    """What the checks are about."""

    operator: Operator
    catalogue: Catalogue
    folder: Path
    """its recordings"""

    @property
    def files(self) -> set[str]:
        """The recordings that the operator must have: no more, no fewer."""
        return (
            {"order.request.json"}
            | {f"{name}.reply.http" for name in REPLIES}
            | {f"event.{code}.json" for code in self.operator.status}
            | OF_THE_DIALECT[self.operator.dialect]
        )

    def order(self, **changes: Any) -> ConsignmentOrder:
        return strict.read(ConsignmentOrder, ORDER.read_bytes()).model_copy(update=changes)

    def recorded(self, file: str) -> bytes:
        return (self.folder / file).read_bytes()

    def reply(self, name: str) -> bytes:
        """The recorded reply ``name`` as it goes over the wire."""
        head, _, body = self.recorded(f"{name}.reply.http").partition(b"\n\n")
        return b"\r\n".join([*head.splitlines(), b"Content-Length: %d" % len(body), b"", body])

    def page(self, code: str) -> bytes:
        """The recorded page of the feed in which an item meets with ``code``."""
        body = self.recorded(f"event.{code}.json")
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    @contextmanager
    def playing(self, *replies: bytes) -> Iterator[tuple[PostalPort, Partner]]:
        """While it is open, the operator answers with ``replies``, in order; and a port that speaks to it.

        A dialect that asks for a token first is given the recorded one.
        """
        token = [self.reply("token")] if self.operator.dialect == "ngsp" else []
        with partner(answering(*token, *replies)) as server:
            yield registry.port(self.operator, PortOptions(self.catalogue, server.url)), server

    def forms(self, server: Partner) -> list[Any]:
        """The orders that were placed."""
        bodies = [request.partition(b"\r\n\r\n")[2] for request in server.requests]
        return [json.loads(body) for body in bodies if body.startswith(b"{")]


def post_office(catalogue: Path, code: str, recordings: Path = RECORDINGS) -> PostalSubject:
    """The operator ``code`` of the catalogue in ``catalogue``, with secrets generated for it."""
    secrets = generated(catalogue)
    loaded = load(catalogue, secrets.hub | secrets.departments)
    return PostalSubject(loaded.operators[code], loaded, recordings / code)
