"""What a day's matching came to, in 32 bytes, without our own ids: the same inputs give the same, in whatever order."""

import hashlib

from hub.db import Connection
from hub.fees.reconciliation.matching import passes
from hub.fees.reconciliation.matching.passes import Scope


def digest(conn: Connection, scope: Scope) -> bytes:
    """SHA-256 over the sorted entries of sql/digest.sql, each with a line break behind it."""
    said = hashlib.sha256()
    for row in passes.rows(conn, "digest", scope):
        said.update(f"{row['entry']}\n".encode())
    return said.digest()
