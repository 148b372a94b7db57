"""Match and write N payments and N lines, beside PostgreSQL's bare hash join plus a constrained insert in the same run.

The bare side joins on the bank's number and amount, and inserts what it found into a table with the constraints that
make a match one-to-one: a key, one row for a payment, one for a line. Ours is P1 as in service: a group and its leg for
each. What follows from a match is not in it. Both on the same rows, in turn, with the same memory; half
as many lines again are noise and match nothing.
"""

from datetime import date
from time import perf_counter
from typing import Final

from hub.db import Connection
from hub.fees.reconciliation.matching import passes
from hub.fees.reconciliation.matching.passes import Scope
from tests.bench.rows import BenchRow, in_turn, ratio_at_most
from tests.bench.store import connection
from tests.fees_scale import ACCOUNT, DAY, PREFIX, demands, lines, reference, statement

COUNT: Final = 100_000
MOST: Final = 3.0
ROUNDS: Final = 3

_PAYMENTS: Final = """
INSERT INTO payment (id, source, provider, provider_txn, account, bank_ref, amount, allocated, paid_at, business_date,
    reference, status)
SELECT 'pm_' || n, 'notification', 'bank-a', 'GD' || n, account, 'FT' || n, amount_due, amount_due, now(), %(day)s,
    reference, 'notified'
FROM (SELECT *, substr(id, 4)::int AS n FROM fee_demand) AS d
"""

_BARE_TABLE: Final = """
CREATE TABLE bare_match (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id text NOT NULL UNIQUE,
    line_id    bigint NOT NULL UNIQUE,
    demand_id  text NOT NULL,
    amount     bigint NOT NULL CHECK (amount > 0)
)
"""

_BARE: Final = """
INSERT INTO bare_match (payment_id, line_id, demand_id, amount)
SELECT p.id, l.id, d.id, l.amount
FROM statement_line l JOIN payment p ON (p.account, p.bank_ref, p.amount) = (l.account, l.bank_ref, l.amount)
JOIN fee_demand d ON d.reference = p.reference
WHERE l.account = %(account)s AND l.booking_date = %(day)s AND l.state = 'new'
"""


def rows(count: int = COUNT) -> list[BenchRow]:
    """One figure, on a database of its own."""
    with connection() as conn:
        return [_measure(conn, count)]


def _measure(conn: Connection, count: int) -> BenchRow:
    _fill(conn, count, DAY)
    pairs = in_turn(lambda: _bare(conn, count), lambda: _ours(conn, count), ROUNDS)
    note = f"{count} payments, {count + count // 2} lines; {count / pairs.value:,.0f} matches/s"
    name = "match and write, hash join + constrained insert"
    return ratio_at_most(name, "s", pairs, MOST, note)


def _fill(conn: Connection, count: int, day: date) -> None:
    conn.execute(_BARE_TABLE)
    demands(conn, count)
    conn.execute(_PAYMENTS, {"day": day})
    statement(conn, "st_bench", day)
    amounts = conn.execute("SELECT substr(id, 4)::int AS n, amount_due FROM fee_demand ORDER BY 1").fetchall()
    known = [(f"FT{row['n']}", row["amount_due"], f"NOP PHI {reference(row['n'])}") for row in amounts]
    noise = [(f"XX{number}", 50_000, f"KHAC {number}") for number in range(count // 2)]
    lines(conn, "st_bench", day, known + noise)
    conn.execute("ANALYZE")


def _bare(conn: Connection, count: int) -> float:
    with conn.transaction(force_rollback=True):
        conn.execute("SET LOCAL work_mem = '64MB'")
        begun = perf_counter()
        matched = conn.execute(_BARE, {"account": ACCOUNT, "day": DAY}).rowcount
        took = perf_counter() - begun
    _settled(conn, matched, count)
    return took


def _ours(conn: Connection, count: int) -> float:
    with conn.transaction(force_rollback=True):
        row = conn.execute(
            "INSERT INTO recon_run (account, day, rule_version, text_version, actor, state, started_at)"
            " VALUES (%s, %s, 1, 1, 'bench', 'processing', now()) RETURNING id",
            (ACCOUNT, DAY),
        ).fetchone()
        assert row is not None
        conn.execute("SET LOCAL work_mem = '64MB'")
        scope = Scope(row["id"], ACCOUNT, DAY, (PREFIX,))
        begun = perf_counter()
        matched = passes.execute(conn, "p1_bank_reference", scope)
        took = perf_counter() - begun
    _settled(conn, matched, count)
    return took


def _settled(conn: Connection, matched: int, count: int) -> None:
    """All were found; and what a round has left behind does not slow the next one."""
    assert matched == count
    conn.execute("VACUUM")


if __name__ == "__main__":
    import sys

    from tests.bench.rows import table

    sys.stdout.write(table(rows(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)) + "\n")
