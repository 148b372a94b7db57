"""Capability URLs: whoever knows one may report about the one consignment that it names, and about nothing else.

The token has 256 random bits. Only its SHA-256 is stored with the consignment; the order tells the operator the
whole URL.
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
    """The consignment that a token names, as far as an endpoint has to know it."""

    id: str
    operator: str
    order_number: str


def issue() -> tuple[str, bytes]:
    """A new token, and its digest, which is stored."""
    token = secrets.token_urlsafe(_BYTES)
    return token, digest(token)


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def named_by(conn: Connection, token: str) -> TokenConsignment | None:
    """The consignment that ``token`` names; looked up by its digest, so that timing reveals nothing of the token."""
    if not _TOKEN.fullmatch(token):
        return None
    asked = digest(token)
    row = conn.execute(
        "SELECT id, operator, order_number, token_hash FROM consignment WHERE token_hash = %s", (asked,)
    ).fetchone()
    if row is None or not hmac.compare_digest(bytes(row["token_hash"]), asked):
        return None
    return TokenConsignment(row["id"], row["operator"], row["order_number"])
