"""Writing into the book: once for each source, whoever asks and however often."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from psycopg import errors

from hub.db import Connection, as_set, one
from hub.errors import HubError
from hub.fees.ledger.entry import LedgerAccount, LedgerEntry, LedgerLine, Origin
from hub.locale import vi

LOCK: Final = 7_310_002
"""PostgreSQL's advisory lock under which the database numbers entries; it is held until the commit, so post late"""

_INSERT: Final = """
WITH entry AS (
    INSERT INTO ledger_entry (business_date, kind, source_type, source_id, bank_account, original_date, lines, amount,
        digest)
    SELECT day, kind, source_type, source_id, bank_account, original, lines, amount, digest
    FROM ROWS FROM (json_to_recordset(%s) AS (day date, kind text, source_type text, source_id text, bank_account text,
            original date, lines smallint, amount bigint, digest bytea))
        WITH ORDINALITY AS e (day, kind, source_type, source_id, bank_account, original, lines, amount, digest, at)
    ORDER BY at
    ON CONFLICT (source_type, source_id, kind) DO NOTHING
    RETURNING seq, source_type, source_id, kind, digest
)
INSERT INTO ledger_line (entry_seq, number, account, department, fee_code, demand_id, item, dr, cr)
SELECT entry.seq, l.number, l.account, l.department, l.fee_code, l.demand_id, l.item, l.dr, l.cr
FROM json_to_recordset(%s) AS l (source_type text, source_id text, kind text, number smallint, account text,
    department text, fee_code text, demand_id text, item text, dr bigint, cr bigint)
JOIN entry ON (entry.source_type, entry.source_id, entry.kind) = (l.source_type, l.source_id, l.kind)
"""


_POSTED: Final = """
SELECT e.business_date, e.bank_account, e.original_date, l.account, l.dr, l.cr, l.department, l.fee_code, l.demand_id,
    l.item
FROM ledger_entry e JOIN ledger_line l ON l.entry_seq = e.seq
WHERE (e.source_type, e.source_id, e.kind) = (%s, %s, %s) ORDER BY l.number
"""


class SourceReused(HubError):
    """Something was posted about this source before, and it said something else."""


class DayClosed(HubError):
    """The book of this day is closed; what was found later goes to an open day."""


def hold(conn: Connection) -> None:
    """Nobody posts before the transaction ends; whoever did is seen from here on."""
    conn.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))


def post(conn: Connection, entry: LedgerEntry) -> int:
    """Write ``entry`` in the caller's transaction and give its number; the same again is the same number.

    Raises SourceReused for other content about the same source, DayClosed for a closed day.
    """
    return post_all(conn, [entry])[0]


def post_all(conn: Connection, entries: Sequence[LedgerEntry]) -> list[int]:
    """``post`` for many at once: in two statements, numbered in their order."""
    digests = [entry.digest for entry in entries]
    unlike = {entry.source: (entry, digest) for entry, digest in zip(entries, digests, strict=True)}
    written = _written(conn, [entry for entry, _ in unlike.values()])
    missing = [one for source, one in unlike.items() if source not in written]
    if missing:
        _insert(conn, missing)
        written |= _written(conn, [entry for entry, _ in missing])
    for entry, digest in zip(entries, digests, strict=True):
        if written[entry.source][1] != digest:
            raise SourceReused(f"{' '.join(entry.source)} was posted with other content")
    return [written[entry.source][0] for entry in entries]


def posted(conn: Connection, source_type: str, source_id: str, kind: str) -> LedgerEntry | None:
    """What was posted about a source; None: nothing of this kind was."""
    rows = conn.execute(_POSTED, (source_type, source_id, kind)).fetchall()
    if not rows:
        return None
    head = rows[0]
    origin = Origin(source_type, source_id, head["business_date"], head["bank_account"], head["original_date"])
    columns = ("dr", "cr", "department", "fee_code", "demand_id", "item")
    lines = [LedgerLine(LedgerAccount(row["account"]), *(row[name] for name in columns)) for row in rows]
    return LedgerEntry(kind, origin, tuple(lines))


def closed(conn: Connection, account: str | None, day: date) -> bool:
    """Whether nothing more is posted to ``day`` of this account; None: whether any account has closed it."""
    return bool(one(conn, "SELECT book_is_closed(%s, %s) AS closed", (account, day))["closed"])


def _written(conn: Connection, entries: Sequence[LedgerEntry]) -> dict[tuple[str, str, str], tuple[int, bytes]]:
    """Source → number and digest, of those that are in the book."""
    rows = conn.execute(
        "SELECT e.seq, e.digest, source_type, source_id, kind FROM ledger_entry e"
        " JOIN unnest(%s::text[], %s::text[], %s::text[]) AS asked (source_type, source_id, kind)"
        " USING (source_type, source_id, kind)",
        _sources(entries),
    )
    return {(row["source_type"], row["source_id"], row["kind"]): (row["seq"], bytes(row["digest"])) for row in rows}


def _insert(conn: Connection, entries: Sequence[tuple[LedgerEntry, bytes]]) -> None:
    lines = [_line(entry, number, line) for entry, _ in entries for number, line in enumerate(entry.lines, start=1)]
    try:
        conn.execute(_INSERT, (as_set([_head(*one) for one in entries]), as_set(lines)))
    except errors.ObjectNotInPrerequisiteState as error:
        raise DayClosed(
            vi("the ledger of that day is closed: book on the open day, or reopen it by hub fee reopen")
        ) from error


def _sources(entries: Sequence[LedgerEntry]) -> tuple[list[str], list[str], list[str]]:
    return (
        [entry.origin.source_type for entry in entries],
        [entry.origin.source_id for entry in entries],
        [entry.kind for entry in entries],
    )


def _head(entry: LedgerEntry, digest: bytes) -> Mapping[str, Any]:
    origin = entry.origin
    return {
        "day": origin.day,
        "kind": entry.kind,
        "source_type": origin.source_type,
        "source_id": origin.source_id,
        "bank_account": origin.bank_account,
        "original": origin.original,
        "lines": len(entry.lines),
        "amount": entry.amount,
        "digest": f"\\x{digest.hex()}",
    }


def _line(entry: LedgerEntry, number: int, line: LedgerLine) -> Mapping[str, Any]:
    origin = entry.origin
    return {
        "source_type": origin.source_type,
        "source_id": origin.source_id,
        "kind": entry.kind,
        "number": number,
        "account": line.account.value,
        "department": line.department,
        "fee_code": line.fee_code,
        "demand_id": line.demand_id,
        "item": line.item,
        "dr": line.dr,
        "cr": line.cr,
    }
