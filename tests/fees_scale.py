"""Demands and statement lines by the hundred thousand, put straight into the tables: for measurements only."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Final

from psycopg import Rollback

from hub.db import Connection
from hub.fees.ledger import normalise
from hub.fees.reconciliation.matching import passes, reading
from hub.fees.reconciliation.matching.passes import Scope
from schemas.payment_reference import PaymentReference, scattered
from tests.fees_noise import NoisyText

ACCOUNT: Final = "1020304050607"
DAY: Final = date(2026, 11, 2)
FEES: Final = (5_000, 8_000, 10_000, 15_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000, 100_000, 120_000, 150_000,
               200_000, 250_000, 300_000, 500_000, 1_500_000)  # fmt: skip
"""statutory fees are a few fixed numbers"""
PREFIX: Final = "HC"

_MAKE: Final = """
WITH numbered AS (
    SELECT n, 'sub_' || n AS id, reference, amount FROM unnest(%(references)s::text[], %(amounts)s::bigint[])
        WITH ORDINALITY AS d (reference, amount, n)
), inboxed AS (
    INSERT INTO inbox (id, source, kind, external_id, fingerprint, media_type, body, state, settled_at)
    SELECT id, 'portal', 'portal.submission', id, sha256('x'), 'application/json', '', 'handled', now() FROM numbered
), opened AS (
    INSERT INTO dossier (id, code, raw_code, reference, procedure, department, status, status_at, received_at, due_at)
    SELECT id, 'H42-261102-' || n, '', id, '9.000005', 'rest-a', 'awaiting_fee', now(), now(), now() FROM numbered
), demanded AS (
    INSERT INTO fee_demand (id, dossier_id, department, reference, bank_bin, account, amount_due, status, pay_first,
        issued_at, business_date)
    SELECT 'fd_' || n, id, 'rest-a', reference, '970418', %(account)s, amount, 'issued', true, now(), current_date
    FROM numbered
)
INSERT INTO fee_demand_line (demand_id, number, fee_code, kind, title, department, amount, retention_bp)
SELECT 'fd_' || n, 1, 'phi', 'phi', 'Phí', 'rest-a', amount, 0 FROM numbered
"""

_LINE: Final = """
COPY statement_line (statement_id, account, line_key, content, entry, booking_date, value_date, amount, status,
    bank_ref, text, text_norm, text_version, reversal, state) FROM STDIN
"""


def reference(number: int) -> str:
    """That of the ``number``-th demand."""
    return str(PaymentReference.issued(PREFIX, scattered(number)))


def demands(conn: Connection, count: int) -> None:
    """Demands 1 to ``count``, open, each of one of the fees."""
    asked = {
        "references": [reference(number) for number in range(1, count + 1)],
        "amounts": [FEES[number % len(FEES)] for number in range(1, count + 1)],
        "account": ACCOUNT,
    }
    with conn.transaction():
        conn.execute("SET LOCAL session_replication_role = replica")  # no triggers: these rows are what they should be
        conn.execute(_MAKE, asked)
    conn.execute("ANALYZE")


def statement(conn: Connection, name: str, day: date) -> None:
    """A statement to which lines may belong."""
    conn.execute(
        "INSERT INTO statement_file (id, bank, name, sha256, body, state, submitted_by, received_at, summary, findings,"
        " settled_at) VALUES (%s, 'bank-a', %s, sha256(convert_to(%s, 'UTF8')), '', 'accepted', 'bench', now(), '[]',"
        " '[]', now())",
        (name, name, name),
    )
    conn.execute(
        "INSERT INTO statement (id, file_id, bank, account, kind, bank_id, from_date, to_date, entries, total, digest,"
        " accepted_at) VALUES (%s, %s, 'bank-a', %s, 'notice', %s, %s, %s, 0, 0, sha256('x'), now())",
        (name, name, ACCOUNT, name, day, day),
    )


def lines(conn: Connection, name: str, day: date, rows: Iterable[tuple[str | None, int, str]]) -> None:
    """Lines of that statement: the bank's number, the amount, the text."""
    with conn.cursor() as cursor, cursor.copy(_LINE) as copy:
        for number, (bank_ref, amount, text) in enumerate(rows, start=1):
            key = f"ref:{bank_ref}" if bank_ref else f"sha256:{name}:{number}"
            normalised = normalise.normalise(text).spaced
            row = (
                name,
                ACCOUNT,
                key,
                b"\0" * 32,
                number,
                day,
                day,
                amount,
                "BOOK",
                bank_ref,
                text,
                normalised,
                1,
                False,
                "new",
            )
            copy.write_row(row)


@dataclass(slots=True)
class Figures:
    """How a number of texts was dealt with."""

    texts: int = 0
    ours: int = 0
    """in which a reference of ours survives, with two errors at the most or without its letters"""
    confirmed: int = 0
    proposed: int = 0
    false: int = 0
    """confirmed for a demand that its payer did not mean"""
    false_of: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()

    @property
    def recall(self) -> float:
        return (self.confirmed + self.proposed) / self.ours


@contextmanager
def passed(conn: Connection, day: date, rows: Sequence[tuple[str | None, int, str]]) -> Iterator[Scope]:
    """A day of such lines after all passes, without what follows from them; undone at the end."""
    with conn.transaction() as savepoint:
        statement(conn, f"st_{day}", day)
        lines(conn, f"st_{day}", day, rows)
        conn.execute("ANALYZE statement_line")
        run = conn.execute(
            "INSERT INTO recon_run (account, day, rule_version, text_version, actor, state, started_at)"
            " VALUES (%s, %s, 1, 1, 'bench', 'processing', now()) RETURNING id",
            (ACCOUNT, day),
        ).fetchone()
        assert run is not None
        scope = Scope(run["id"], ACCOUNT, day, (PREFIX,))
        reading.read(conn, ACCOUNT, day, scope.prefixes)
        conn.execute("ANALYZE match_clue")
        passes.pair(conn, scope)
        passes.add_unnotified(conn, scope)
        conn.execute("ANALYZE match_group, match_leg, payment")
        passes.identify(conn, scope)
        yield scope
        raise Rollback(savepoint)


_FOUND: Final = """
SELECT l.entry, g.state, d.reference FROM statement_line l JOIN match_leg leg ON leg.line_id = l.id
JOIN match_group g ON g.id = leg.group_id JOIN fee_demand d ON d.id = leg.demand_id
WHERE l.booking_date = %s ORDER BY l.entry, g.id
"""


def judged(conn: Connection, day: date, texts: Sequence[NoisyText], amounts: Sequence[int], into: Figures) -> None:
    """What the passes make of these texts, held against what was meant."""
    rows = [(None, amount, one.text) for one, amount in zip(texts, amounts, strict=True)]
    confirmed: dict[int, list[str]] = {}
    proposed: dict[int, list[str]] = {}
    with passed(conn, day, rows):
        for row in conn.execute(_FOUND, (day,)):
            (confirmed if row["state"] == "confirmed" else proposed).setdefault(row["entry"], []).append(
                row["reference"]
            )
    for number, one in enumerate(texts, start=1):
        into.texts += 1
        wrong = [reference for reference in confirmed.get(number, []) if reference != one.reference]
        into.false += bool(wrong)
        into.false_of += tuple(f"{one.text!r} means {one.reference}, confirmed {reference}" for reference in wrong)
        if one.survives:
            into.ours += 1
            into.confirmed += one.reference in confirmed.get(number, [])
            into.proposed += number not in confirmed and one.reference in proposed.get(number, [])
            if one.reference not in (*confirmed.get(number, []), *proposed.get(number, [])):
                into.missed += (f"{one.text!r} means {one.reference}, proposed {proposed.get(number)}",)
