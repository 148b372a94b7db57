"""Counterparties as rows: every one of the catalogue has its place before anything is put for it."""

from collections.abc import Iterable

from hub.db import Connection


def enrol(conn: Connection, counterparties: Iterable[str]) -> None:
    """Make the missing rows. One that left the catalogue keeps its row: its transfers are still its own."""
    conn.execute(
        "INSERT INTO counterparty (code) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", (sorted(counterparties),)
    )
