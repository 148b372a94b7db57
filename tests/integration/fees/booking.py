"""Entries for the tests of the book: a fee of 50,000 đ of one department, paid in one way or another."""

from datetime import date
from typing import Any, Final

import psycopg
from psycopg import sql

from hub.db import Connection
from hub.fees.ledger import LedgerEntry, Origin, Share, postings

DAY: Final = date(2026, 11, 2)
ACCOUNT: Final = "1020304050"
FEE: Final = Share("so-tu-phap", "phi-01", 50_000, "fd_1")
CLOSE: Final = """
INSERT INTO day_close (account, day, digest, maker, checker) VALUES (%s, %s, sha256('x'), 'ke-toan-a', 'ke-toan-b')
"""
"""a day of an account is closed, whatever the gates would say"""
REOPEN: Final = """
UPDATE day_close SET reopened_at = now(), reopen_maker = 'ke-toan-a', reopen_checker = 'ke-toan-b',
    reopen_reason = 'a test'
"""
TABLES: Final = ("ledger_entry", "ledger_line", "ledger_checkpoint", "day_close")


def origin(number: int, source: str = "payment", day: date = DAY) -> Origin:
    return Origin(source, f"{source}_{number}", day, ACCOUNT)


def notified(number: int, day: date = DAY) -> LedgerEntry:
    return postings.notified(origin(number, day=day), f"pm_{number}", [FEE])


def on_statement(number: int, day: date = DAY) -> LedgerEntry:
    return postings.on_statement(origin(number, "line", day), f"pm_{number}", FEE.amount)


def tampered(conn: Connection, statement: Any, *parameters: Any, tables: tuple[str, ...] = TABLES) -> None:
    """What somebody with all rights over the database does: the triggers do not stop the owner."""
    with conn.transaction():
        for table in tables:
            conn.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER ALL").format(sql.Identifier(table)))
        conn.execute(statement, parameters or None)
        for table in tables:
            conn.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER ALL").format(sql.Identifier(table)))


def opened(url: str) -> Connection:
    return psycopg.connect(url, autocommit=True, row_factory=psycopg.rows.dict_row)
