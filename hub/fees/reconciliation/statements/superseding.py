"""A statement takes the place of others in its account's chain: the bank has corrected them, and two persons agree."""

from collections.abc import Mapping, Sequence
from typing import Any

from hub.db import Connection


def supersede(conn: Connection, old: Sequence[Mapping[str, Any]], new_id: str) -> None:
    """``new_id`` takes the place of ``old``; a file none of whose statements stands any longer is superseded too.

    Where it takes several places, what comes after them moves up.
    """
    olds = [row["id"] for row in old]
    query = (
        "SELECT id, (SELECT min(chain) FROM statement WHERE id = ANY(%(olds)s)) + row_number() OVER (ORDER BY chain)"
        " AS place FROM statement WHERE account = (SELECT account FROM statement WHERE id = %(first)s)"
        " AND chain > (SELECT max(chain) FROM statement WHERE id = ANY(%(olds)s)) ORDER BY chain"
    )
    after = conn.execute(query, {"olds": olds, "first": olds[0]}).fetchall() if len(olds) > 1 else []
    conn.execute("UPDATE statement SET superseded_by = %s, chain = NULL WHERE id = ANY(%s)", (new_id, olds))
    for row in after:  # one after the other: each place is free when its turn comes
        conn.execute("UPDATE statement SET chain = %s WHERE id = %s", (row["place"], row["id"]))
    conn.execute(
        "UPDATE statement_file f SET state = 'superseded' WHERE id = ANY(%s) AND NOT EXISTS"
        " (SELECT 1 FROM statement s WHERE s.file_id = f.id AND s.superseded_by IS NULL)",
        ([row["file_id"] for row in old],),
    )
