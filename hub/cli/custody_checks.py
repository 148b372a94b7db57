"""What hub doctor looks at in the custody log: whether it is anchored, and whether a witness has refused it."""

from collections.abc import Iterator

import psycopg
from psycopg.rows import dict_row

from config.settings import Settings
from hub.clock import local, now
from hub.signing import custody


def examine(settings: Settings) -> Iterator[str]:
    """What is wrong, a line each."""
    with psycopg.connect(str(settings.database_url), connect_timeout=5, row_factory=dict_row, autocommit=True) as conn:
        since = custody.anchored_since(conn)
        if since is not None and now() - since > custody.ANCHORED_WITHIN:
            yield f"nothing signed since {local(since):%d/%m %H:%M} has a time stamp (hub transfer list)"
        refused = conn.execute(
            "SELECT counterparty, count(*) AS n FROM custody_witness WHERE refusal IS NOT NULL GROUP BY 1"
        ).fetchall()
        for row in refused:
            yield f"{row['counterparty']} refused {row['n']} checkpoints: hub custody audit"
