"""Statements as rows: files, statements, and what the account's history says."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from hub.db import Connection, one
from hub.fees.reconciliation.statements.chain import ChainEnd, History, Missed
from hub.fees.reconciliation.statements.model import FileFinding, FileStatus, booked
from schemas.statement import Format, Statement

_LOCK: Final = 7310003
"""with an account's hash, of the lock under which its statements are brought in one after the other"""

_ENDS: Final = """
SELECT from_date, to_date, opening, closing, sequence FROM statement
WHERE account = %(account)s AND chain IS NOT NULL ORDER BY chain
"""

_BOOKED: Final = "account = %(account)s AND status = 'BOOK' AND state <> 'vanished'"

_SUMS: Final = f"""
SELECT coalesce(sum(amount) FILTER (WHERE booking_date > %(to_date)s), 0)::bigint AS later,
    coalesce(sum(amount) FILTER (WHERE line_key = ANY(%(keys)s)), 0)::bigint AS known,
    count(*) FILTER (WHERE line_key = ANY(%(keys)s)) AS known_lines
FROM statement_line WHERE {_BOOKED} AND (booking_date > %(to_date)s OR line_key = ANY(%(keys)s))
"""

_MISSED: Final = f"""
SELECT id, booking_date, amount FROM statement_line
WHERE {_BOOKED} AND booking_date BETWEEN %(from_date)s AND %(to_date)s AND line_key <> ALL(%(keys)s)
ORDER BY booking_date, line_key
"""


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is kept."""

    id: str
    bank: str
    name: str
    body: bytes
    state: FileStatus
    profile: bytes | None
    """of how it was read (importing.profile); None: before that was kept"""
    proposal: str | None
    maker: str | None
    findings: list[dict[str, Any]]
    summary: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that is to be kept."""

    id: str
    bank: str
    name: str
    body: bytes
    format: Format | None
    profile: bytes
    state: FileStatus
    submitted_by: str
    at: datetime
    findings: Sequence[FileFinding]
    summary: Sequence[Mapping[str, Any]]


def lock(conn: Connection, accounts: Sequence[str]) -> None:
    """Nobody else brings statements of these accounts in before the transaction ends."""
    for account in sorted(set(accounts)):
        conn.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_LOCK, account))


def same_bytes(conn: Connection, body: bytes) -> File | None:
    """The file with these very bytes."""
    return _file(conn, "sha256 = %s", hashlib.sha256(body).digest())


def file(conn: Connection, file_id: str) -> File | None:
    """Under a lock, to settle it."""
    return _file(conn, "id = %s FOR UPDATE", file_id)


def original(conn: Connection, file_id: str) -> File | None:
    """The file as the hub keeps it, whatever tables stand before its own."""
    return _file(conn, "id = %s", file_id, table="public.statement_file")


def waiting(conn: Connection, bank: str) -> list[str]:
    """Files that are right in themselves and wait for one before them."""
    query = "SELECT id FROM statement_file WHERE bank = %s AND state = 'balanced' AND proposal IS NULL ORDER BY id"
    return [row["id"] for row in conn.execute(query, (bank,)).fetchall()]


def _file(conn: Connection, condition: Any, value: Any, *, table: Any = "statement_file") -> File | None:
    row = conn.execute(
        "SELECT id, bank, name, body, state, profile, proposal, maker, findings, summary"
        f" FROM {table} WHERE {condition}",
        (value,),
    ).fetchone()
    if row is None:
        return None
    profile = None if row["profile"] is None else bytes(row["profile"])
    return File(**{**row, "body": bytes(row["body"]), "state": FileStatus(row["state"]), "profile": profile})


def add_file(conn: Connection, new: NewFile) -> None:
    conn.execute(
        "INSERT INTO statement_file (id, bank, name, sha256, body, format, profile, state, submitted_by, received_at,"
        " summary, findings, settled_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            new.id,
            new.bank,
            new.name,
            hashlib.sha256(new.body).digest(),
            new.body,
            new.format,
            new.profile,
            new.state,
            new.submitted_by,
            new.at,
            Jsonb([dict(one) for one in new.summary]),
            Jsonb([finding.as_json() for finding in new.findings]),
            None if new.state in (FileStatus.BALANCED, FileStatus.QUARANTINED) else new.at,
        ),
    )


def read_anew(conn: Connection, file_id: str, bank: str, format_: Format | None, profile: bytes) -> None:
    """The file has been read by another profile, of ``bank``; what came of it is settled next."""
    conn.execute(
        "UPDATE statement_file SET bank = %s, format = %s, profile = %s WHERE id = %s",
        (bank, format_, profile, file_id),
    )


def propose(conn: Connection, file_id: str, proposal: str, maker: str, reason: str) -> None:
    conn.execute(
        "UPDATE statement_file SET proposal = %s, maker = %s, reason = %s WHERE id = %s",
        (proposal, maker, reason, file_id),
    )


def settle(
    conn: Connection,
    file_id: str,
    state: FileStatus,
    at: datetime | None,
    *,
    checker: str | None = None,
    summary: Sequence[Mapping[str, Any]] | None = None,
    findings: Sequence[FileFinding] | None = None,
) -> None:
    """Where the file stands now; ``at``: when it came to its end, if this is one. None leaves what was there."""
    conn.execute(
        "UPDATE statement_file SET state = %s, settled_at = %s, checker = %s, summary = coalesce(%s, summary),"
        " findings = coalesce(%s, findings) WHERE id = %s",
        (
            state,
            at,
            checker,
            None if summary is None else Jsonb([dict(one) for one in summary]),
            None if findings is None else Jsonb([finding.as_json() for finding in findings]),
            file_id,
        ),
    )


def repeated(conn: Connection, account: str, digest: bytes) -> bool:
    """Whether a statement that says exactly this is there."""
    query = "SELECT 1 FROM statement WHERE account = %s AND digest = %s AND superseded_by IS NULL"
    return conn.execute(query, (account, digest)).fetchone() is not None


def same_period(conn: Connection, account: str, statement: Statement) -> list[dict[str, Any]]:
    """The statement that stands under the same name and first day; of one without a number all parts, in order."""
    return conn.execute(
        "SELECT id, file_id, chain, opening FROM statement WHERE account = %s AND from_date = %s"
        " AND (bank_id = %s OR (%s AND bank_id ^@ %s)) AND kind = 'statement' AND superseded_by IS NULL"
        " ORDER BY chain NULLS LAST, accepted_at",
        (account, statement.from_date, statement.bank_id, not statement.is_numbered, f"{statement.bank_id} ("),
    ).fetchall()


def ends(conn: Connection, account: str) -> tuple[ChainEnd, ChainEnd] | None:
    """The first and the last statement of the account's chain."""
    rows = conn.execute(_ENDS, {"account": account}).fetchall()
    return (ChainEnd(**rows[0]), ChainEnd(**rows[-1])) if rows else None


def history(
    conn: Connection,
    account: str,
    statement: Statement,
    keys: Mapping[str, date],
    *,
    chain: tuple[ChainEnd, ChainEnd],
    same: Sequence[int],
    expected: Sequence[date],
) -> History:
    """What the account's history says about ``statement``. ``keys``: of its booked lines, with their booking dates."""
    first, last = chain
    parameters = {
        "account": account,
        "from_date": statement.from_date,
        "to_date": statement.to_date,
        "keys": list(keys),
    }
    sums = one(conn, _SUMS, parameters)
    missed = conn.execute(_MISSED, parameters).fetchall()
    known_rows = conn.execute(
        "SELECT line_key FROM statement_line WHERE account = %(account)s AND line_key = ANY(%(keys)s)", parameters
    ).fetchall()
    known = {row["line_key"] for row in known_rows}
    return History(
        first=first,
        last=last,
        **sums,
        missed=[Missed(**row) for row in missed],
        fresh=[day for key, day in keys.items() if key not in known],
        same=same,
        expected=expected,
    )


@dataclass(frozen=True, slots=True)
class Placed:
    """A statement that has its place."""

    id: str
    file_id: str
    bank: str
    account: str
    digest: bytes
    chain: int | None
    broken: bool
    at: datetime


def add_statement(conn: Connection, placed: Placed, statement: Statement) -> None:
    conn.execute(
        "INSERT INTO statement (id, file_id, bank, account, kind, bank_id, sequence, from_date, to_date, opening,"
        " closing, entries, total, digest, chain, broken, accepted_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            placed.id,
            placed.file_id,
            placed.bank,
            placed.account,
            statement.kind,
            statement.bank_id,
            statement.sequence,
            statement.from_date,
            statement.to_date,
            statement.opening,
            statement.closing,
            len(statement.entries),
            booked(statement),
            placed.digest,
            placed.chain,
            placed.broken,
            placed.at,
        ),
    )


def place_at(conn: Connection, account: str, statement: Statement) -> int | None:
    """Its place in the account's chain: before the first, behind the last, or none, where all of it is told again."""
    row = conn.execute(
        "SELECT min(chain) AS low, max(chain) AS high, (array_agg(from_date ORDER BY chain))[1] AS first_day,"
        " (array_agg(to_date ORDER BY chain DESC))[1] AS last_day FROM statement"
        " WHERE account = %s AND chain IS NOT NULL",
        (account,),
    ).fetchone()
    if row is None or row["low"] is None:
        return 0
    if statement.to_date >= row["last_day"]:
        return int(row["high"]) + 1
    return int(row["low"]) - 1 if statement.from_date < row["first_day"] else None


# Files of statements, for people to read.


def files(conn: Connection, *, state: FileStatus | None, bank: str | None, limit: int) -> list[dict[str, Any]]:
    """The newest files, without their bytes."""
    return conn.execute(
        "SELECT id, bank, name, format, state, received_at, proposal, maker, jsonb_array_length(summary) AS statements,"
        " (SELECT string_agg(DISTINCT f ->> 'code', ' ' ORDER BY f ->> 'code') FROM jsonb_array_elements(findings) f)"
        " AS codes FROM statement_file WHERE (%(state)s::text IS NULL OR state = %(state)s)"
        " AND (%(bank)s::text IS NULL OR bank = %(bank)s) ORDER BY received_at DESC, id DESC LIMIT %(limit)s",
        {"state": state, "bank": bank, "limit": limit},
    ).fetchall()


def file_with_history(conn: Connection, file_id: str) -> dict[str, Any] | None:
    """One file with its statements, what is wrong with it, and who did what."""
    row = conn.execute(
        "SELECT id, bank, name, encode(sha256, 'hex') AS sha256, format, state, submitted_by, received_at, proposal,"
        " maker, reason, checker, settled_at, summary, findings FROM statement_file WHERE id = %s",
        (file_id,),
    ).fetchone()
    if row is None:
        return None
    audit_log = conn.execute(
        "SELECT at, actor, action, before, after, reason FROM audit_log WHERE subject = %s ORDER BY id", (file_id,)
    ).fetchall()
    return {**row, "audit_log": audit_log}
