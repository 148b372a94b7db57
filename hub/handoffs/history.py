"""The way of a dossier: its handoffs in their order, for who prints or looks at them."""

from dataclasses import dataclass

from hub.db import Connection
from hub.errors import NotFound


@dataclass(frozen=True, slots=True)
class HandoffHistory:
    """A dossier, and the ids of its handoffs by leg. ``asked`` is the one that was asked for, if it was a handoff."""

    dossier_id: str
    procedure: str
    department: str
    handoffs: tuple[str, ...]
    asked: str | None


def find(conn: Connection, named: str) -> HandoffHistory:
    """``named``: a handoff (hd_…), a dossier (sub_…) or a dossier's code. Raises NotFound."""
    row = conn.execute(
        "SELECT d.id, d.procedure, d.department FROM dossier d WHERE d.id = %(named)s OR d.code = %(named)s"
        " OR d.raw_code = %(named)s OR d.id = (SELECT dossier_id FROM handoff WHERE id = %(named)s)",
        {"named": named},
    ).fetchone()
    if row is None:
        raise NotFound(f"no handoff and no dossier is called {named}")
    rows = conn.execute("SELECT id FROM handoff WHERE dossier_id = %s ORDER BY leg", (row["id"],)).fetchall()
    ids = tuple(one["id"] for one in rows)
    return HandoffHistory(row["id"], row["procedure"], row["department"], ids, named if named in ids else None)
