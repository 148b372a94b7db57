"""Files of statements, for people to read."""

from typing import Any

from hub.db import Connection
from hub.fees.reconciliation.statements.states import FileStatus


def files(conn: Connection, *, state: FileStatus | None, bank: str | None, limit: int) -> list[dict[str, Any]]:
    """The newest files, without their bytes."""
    return conn.execute(
        "SELECT id, bank, name, format, state, received_at, proposal, maker, jsonb_array_length(summary) AS statements,"
        " (SELECT string_agg(DISTINCT f ->> 'code', ' ' ORDER BY f ->> 'code') FROM jsonb_array_elements(findings) f)"
        " AS codes FROM statement_file WHERE (%(state)s::text IS NULL OR state = %(state)s)"
        " AND (%(bank)s::text IS NULL OR bank = %(bank)s) ORDER BY received_at DESC, id DESC LIMIT %(limit)s",
        {"state": state, "bank": bank, "limit": limit},
    ).fetchall()


def file(conn: Connection, file_id: str) -> dict[str, Any] | None:
    """One file with its statements, what is wrong with it, and who did what."""
    row = conn.execute(
        "SELECT id, bank, name, encode(sha256, 'hex') AS sha256, format, state, submitted_by, received_at, proposal,"
        " maker, reason, checker, settled_at, summary, findings FROM statement_file WHERE id = %s",
        (file_id,),
    ).fetchone()
    if row is None:
        return None
    audit_log = conn.execute(
        "SELECT at, actor, verb, before, after, reason FROM audit_log WHERE subject = %s ORDER BY id", (file_id,)
    ).fetchall()
    return {**row, "audit_log": audit_log}
