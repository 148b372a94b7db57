"""``python -m tests.bench.following [LINES] [--profile]``: a day's lines matched, with all that follows, as in service.

Of ten lines four were notified with the bank's number, four are found by their reference alone, one is short, and one
is nobody's: payments come into being, demands are credited and confirmed, the book is written, cases are opened, and
what is checked at a commit is checked. What packages beside fees make of the events is not in it.
"""

import argparse
import cProfile
import pstats
import sys
from functools import cache
from statistics import median
from time import perf_counter
from typing import Final, cast

from config.catalogue import Catalogue, load
from hub import clock
from hub.calendar import WorkingCalendar
from hub.db import Connection
from hub.fees.ledger import Origin, Share, post_all, postings
from hub.fees.reconciliation.matching.run import MatchRunResult, run
from hub.signing.signer import Signer
from hub.unit_of_work import UnitOfWork
from tests.bench.rows import BenchRow, at_most, table
from tests.bench.store import connection
from tests.catalogue_secrets import CATALOGUE, environment
from tests.fees_scale import ACCOUNT, DAY, demands, lines, reference, statement

COUNT: Final = 3_000
MOST: Final = 1.0
"""seconds, for so many"""
ROUNDS: Final = 5
_NOTIFIED: Final = 4
"""of ten"""

_TOLD: Final = """
WITH told AS (SELECT *, substr(id, 4)::int AS n FROM fee_demand WHERE substr(id, 4)::int %% 10 < %(notified)s),
paid AS (
    INSERT INTO payment (id, source, provider, provider_txn, account, bank_ref, amount, allocated, paid_at,
        business_date, reference, status)
    SELECT 'pm_' || n, 'notification', 'bank-a', 'GD' || n, account, 'FT' || n, amount_due, amount_due, now(), %(day)s,
        reference, 'notified' FROM told
), credited AS (
    INSERT INTO fee_credit (demand_id, evidence, amount, paid_at, credited_at)
    SELECT id, 'pm_' || n, amount_due, now(), now() FROM told
)
UPDATE fee_demand d SET allocated = d.amount_due, status = 'paid_unconfirmed' FROM told WHERE told.id = d.id
"""


def rows(count: int = COUNT) -> list[BenchRow]:
    """One figure, on a database of its own: the whole, beside the passes alone."""
    with connection() as conn:
        _fill(conn, count)
        took = median(_round(conn, count) for _ in range(ROUNDS))
    name = "a day matched, with all that follows"
    return [at_most(name, "s", MOST, took, MOST, f"<= {MOST:g} s", f"{count} lines; {count / took:,.0f} lines/s")]


def _fill(conn: Connection, count: int) -> None:
    _catalogue()
    demands(conn, count)
    conn.execute(_TOLD, {"notified": _NOTIFIED, "day": DAY})
    due = conn.execute("SELECT substr(id, 4)::int AS n, amount_due, status FROM fee_demand ORDER BY 1").fetchall()
    with conn.transaction():
        post_all(
            conn,
            [
                postings.notified(
                    Origin("payment", f"pm_{row['n']}", DAY, ACCOUNT),
                    f"pm_{row['n']}",
                    [Share("rest-a", "phi", row["amount_due"], f"fd_{row['n']}")],
                )
                for row in due
                if row["status"] == "paid_unconfirmed"
            ],
        )
    statement(conn, "st_bench", DAY)
    lines(conn, "st_bench", DAY, [_line(row["n"], row["amount_due"]) for row in due])
    conn.execute("ANALYZE")


def _line(number: int, due: int) -> tuple[str, int, str]:
    """The ``number``-th line of the day: the last two of ten are short, and nobody's."""
    if number % 10 == 9:
        return f"FT{number}", due, f"TIEN AN {number}"
    return f"FT{number}", due - (number % 10 == 8), f"NOP PHI {reference(number)}"


def _round(conn: Connection, count: int) -> float:
    with conn.transaction(force_rollback=True):
        begun = perf_counter()
        result = matched(conn)
        took = perf_counter() - begun
    assert (result.counters["P1"], result.counters["R01"]) == (count * _NOTIFIED // 10, count // 10)
    assert result.counters["R04"] == count // 10
    conn.execute("VACUUM")
    return took


def matched(conn: Connection) -> MatchRunResult:
    """The day, up to what a commit checks."""
    known = _catalogue()
    uow = UnitOfWork(
        unflushed=conn,
        catalogue=known,
        calendar=WorkingCalendar(known.calendar),
        now=clock.now(),
        signer=cast("Signer", None),  # nothing is signed
        actor="bench",
        read_statements=lambda bank, body: (bank.statements, body),  # type: ignore[arg-type, return-value] # nor read
    )
    result = run(uow, ACCOUNT, DAY)
    uow.flush()
    conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return result


@cache
def _catalogue() -> Catalogue:
    return load(CATALOGUE, environment())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.following", description=__doc__)
    parser.add_argument("lines", nargs="?", type=int, default=COUNT)
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    asked = parser.parse_args()
    profile = cProfile.Profile()
    if asked.profile:
        profile.enable()
    measured = rows(asked.lines)
    profile.disable()
    sys.stdout.write(table(measured) + "\n")
    if asked.profile:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
    return 0 if all(row.ok for row in measured) else 3


if __name__ == "__main__":
    sys.exit(main())
