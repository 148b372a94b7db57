"""The proof where statements come in: three days of an account, and what somebody did to them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final, LiteralString

import pytest
from psycopg.types.json import Jsonb

from hub.db import Connection
from hub.fees.ledger import Origin, post, postings
from hub.fees.proof import proving
from hub.fees.proof.findings import Invariant
from tests.integration.fees.booking import ACCOUNT, DAY, opened, tampered

OPENING: Final = 1_000_000
MOVED: Final = ((("not_fee", -3_300),), (("in_exception", 50_000), ("not_fee", 120)), ())
"""day by day: each line's state and amount"""


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with opened(database_url) as conn:
        balance = OPENING
        post(conn, postings.opening(Origin("account", ACCOUNT, DAY, ACCOUNT), OPENING))
        for number, moved in enumerate(MOVED, start=1):
            balance = a_statement_day(conn, number, balance, moved)
        yield conn


def a_statement_day(conn: Connection, number: int, balance: int, moved: tuple[tuple[str, int], ...]) -> int:
    """A statement of one day, its lines, and what the book has of them; gives its closing balance."""
    day, total = DAY + timedelta(days=number), sum(amount for _, amount in moved)
    conn.execute(
        "INSERT INTO statement_file (id, bank, name, sha256, body, format, state, submitted_by, received_at, summary,"
        " findings, settled_at) VALUES (%(id)s, 'bank-a', %(id)s, sha256(%(body)s), %(body)s, 'camt', 'accepted',"
        " 'ke-toan', now(), '[]', '[]', now())",
        {"id": f"sf_{number}", "body": b"%d" % number},
    )
    conn.execute(
        "INSERT INTO statement (id, file_id, bank, account, kind, bank_id, from_date, to_date, opening, closing,"
        " entries, total, digest, chain, accepted_at) VALUES (%s, %s, 'bank-a', %s, 'statement', %s, %s, %s, %s, %s,"
        " %s, %s, sha256('x'), %s, now() - interval '2 hours')",
        (f"st_{number}", f"sf_{number}", ACCOUNT, f"S{number}", day, day, balance, balance + total, len(moved), total,
         number - 1),
    )  # fmt: skip
    for at, (state, amount) in enumerate(moved):
        line(conn, f"st_{number}", f"K{number}{at}", state, amount)
    return balance + total


def line(conn: Connection, statement: str, key: str, state: str, amount: int) -> None:
    row = conn.execute(
        "INSERT INTO statement_line (statement_id, account, line_key, content, entry, booking_date, value_date, amount,"
        " status, text, text_norm, text_version, reversal, state) SELECT id, account, %s, sha256('x'), 1, to_date,"
        " to_date, %s, 'BOOK', '', '', 1, false, %s FROM statement WHERE id = %s RETURNING id, booking_date",
        (key, amount, state, statement),
    ).fetchone()
    assert row is not None
    number, origin = str(row["id"]), Origin("line", str(row["id"]), row["booking_date"], ACCOUNT)
    if state == "not_fee":
        post(conn, postings.not_collected(origin, amount))
        return
    post(conn, postings.unidentified(origin, number, amount))
    conn.execute(
        "INSERT INTO fee_exception (id, code, severity, at_risk, object_type, object_id, state, due_on, facts)"
        " VALUES (%s, 'R01', 4, %s, 'statement_line', %s, 'open', current_date, %s)",
        (f"ex_{number}", amount, number, Jsonb({"line": number})),
    )


def test_three_days_are_proven(conn: Connection) -> None:
    assert proving.prove(conn).red == []


def test_a_line_without_an_outcome_is_named_after_an_hour(conn: Connection) -> None:
    row = "statement_id, account, 'K9', content, 1, booking_date, value_date, 0, 'BOOK', '', '', 1, false, 'new'"
    conn.execute(
        "INSERT INTO statement_line (statement_id, account, line_key, content, entry, booking_date, value_date, amount,"
        f" status, text, text_norm, text_version, reversal, state) SELECT {row} FROM statement_line LIMIT 1"
    )
    assert {result.invariant for result in proving.prove(conn).red} == {Invariant.I3}
    conn.execute("UPDATE statement SET accepted_at = now()")
    assert proving.prove(conn).red == []


DEEDS: Final[dict[str, tuple[str, LiteralString, set[Invariant]]]] = {
    "a line deleted": (
        "statement_line",
        "DELETE FROM statement_line WHERE line_key = 'K20'",
        {Invariant.I2, Invariant.I7},
    ),
    "a line's amount changed": (
        "statement_line",
        "UPDATE statement_line SET amount = amount + 1 WHERE line_key = 'K20'",
        {Invariant.I2, Invariant.I7},
    ),
    "a line forged, and booked on no statement": (
        "statement_line",
        "UPDATE statement_line SET account = '999' WHERE line_key = 'K20'",
        {Invariant.I2, Invariant.I7},
    ),
    "a line's entry deleted, lines and all": (
        "ledger_line",
        "DELETE FROM ledger_line WHERE entry_seq = (SELECT seq FROM ledger_entry WHERE kind = 'unidentified')",
        {Invariant.I1, Invariant.I2},
    ),
    "a case deleted": (
        "fee_exception",
        "DELETE FROM fee_exception",
        {Invariant.I3, Invariant.I6},
    ),
    "a line called matched that is not": (
        "statement_line",
        "UPDATE statement_line SET state = 'matched' WHERE line_key = 'K20'",
        {Invariant.I3},
    ),
    "a statement in the middle deleted": (
        "statement",
        "DELETE FROM statement WHERE id = 'st_2'",
        {Invariant.I7},
    ),
    "a day without movements deleted": (
        "statement",
        "UPDATE statement SET chain = 7 WHERE id = 'st_3'",
        {Invariant.I7},
    ),
    "the last balance changed": (
        "statement",
        "UPDATE statement SET closing = closing + 1, total = total + 1 WHERE id = 'st_3'",
        {Invariant.I7},
    ),
    "a file's bytes changed": (
        "statement_file",
        "UPDATE statement_file SET body = 'other' WHERE id = 'sf_1'",
        {Invariant.I7},
    ),
    "a quarantined file that has posted": (
        "statement_file",
        "UPDATE statement_file SET state = 'quarantined', settled_at = NULL WHERE id = 'sf_1'",
        {Invariant.I7},
    ),
}


def test_what_was_done_to_statements_is_named(conn: Connection) -> None:
    for deed, (table, statement, named) in DEEDS.items():
        with conn.transaction(force_rollback=True):
            tampered(conn, statement, tables=(table,))
            red_invariants = {result.invariant for result in proving.proven(conn).red}
        assert (deed, red_invariants) == (deed, named)


def test_a_break_that_two_persons_accepted_begins_anew(conn: Connection) -> None:
    a_statement_day(conn, 5, 77, ())
    conn.execute("UPDATE statement SET chain = 3 WHERE id = 'st_5'")
    assert {result.invariant for result in proving.prove(conn).red} == {Invariant.I7}
    conn.execute("UPDATE statement SET broken = true WHERE id = 'st_5'")
    assert proving.prove(conn).red == []
