"""Capability URLs: whoever knows one may speak of the one consignment that it names, and of nothing else.

The token has 256 bits. Beside the consignment stands its SHA-256 only; the order in the outbox says the whole URL to
the operator.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final

from hub.db import Connection

PATH: Final = "/v1/postal/callbacks/"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class TokenConsignment:
    """The consignment that a token names, as far as a door has to know it."""

    id: str
    operator: str
    order_number: str


def issue() -> tuple[str, bytes]:
    """A new token, and what is kept of it."""
    token = secrets.token_urlsafe(_BYTES)
    return token, digest(token)


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def named_by(conn: Connection, token: str) -> TokenConsignment | None:
    """The consignment that ``token`` names; looked up by its digest, so that the time it takes says nothing of it."""
    if not _TOKEN.fullmatch(token):
        return None
    asked = digest(token)
    row = conn.execute(
        "SELECT id, operator, order_number, token_hash FROM consignment WHERE token_hash = %s", (asked,)
    ).fetchone()
    if row is None or not hmac.compare_digest(bytes(row["token_hash"]), asked):
        return None
    return TokenConsignment(row["id"], row["operator"], row["order_number"])
