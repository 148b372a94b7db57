"""``python -m tests.bench.months [PAYMENTS]``: a month of 20 departments: tables made, sealed and kept.

A province's month of 3,000 payments on 22 days. The baseline is the bare work on the same rows: the query of what 331
moved, and the rows copied into a table without a constraint.
"""

import argparse
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from statistics import median
from time import perf_counter
from typing import Any, Final

from config.catalogue import load
from hub import dispatch
from hub.app import Hub
from hub.db import Connection
from hub.events import Event
from hub.fees import settlements
from hub.fees.ledger import Origin, Share, checkpoints, post_all, postings
from hub.signing.cms import SigningKey
from hub.unit_of_work import UnitOfWork
from tests.bench.rows import BenchRow, at_most, table
from tests.bench.store import database, settings
from tests.catalogue_secrets import CATALOGUE, environment
from tests.fees_scale import ACCOUNT, FEES, demands

PAYMENTS: Final = 66_000
DEPARTMENTS: Final = 20
MOST: Final = 2.0
"""seconds, for a usual month"""
MONTH: Final = date(2026, 10, 1)
ROUNDS: Final = 5
_BATCH: Final = 3_000
_BARE: Final = """
CREATE TEMPORARY TABLE bare ON COMMIT DROP AS
SELECT row_number() OVER (PARTITION BY l.department ORDER BY e.business_date, e.seq) AS place, l.*, d.reference, o.code
FROM ledger_line l JOIN ledger_entry e ON e.seq = l.entry_seq JOIN fee_demand d ON d.id = l.demand_id
JOIN dossier o ON o.id = d.dossier_id WHERE l.account = '331'
"""


def rows(payments: int = PAYMENTS) -> list[BenchRow]:
    """One figure, on a database of its own."""
    with database() as (folder, url), Hub(settings(folder, url), load(CATALOGUE, environment())) as hub:
        with hub.db.connection() as conn:
            _fill(conn, payments)
        dispatch.run_command(hub, "bench", lambda uow: (checkpoints.keep(uow.conn, *_log(uow)), []))
        bare = _bare(hub)
        took = median(_closed(hub) for _ in range(ROUNDS))
        dispatch.run_command(hub, "bench", lambda uow: (settlements.compute(uow, MONTH), []))
        with hub.db.connection() as conn:
            sizes = conn.execute("SELECT count(*) AS n, sum(length(body)) AS b FROM settlement").fetchone()
    assert sizes is not None
    assert sizes["n"] == DEPARTMENTS
    note = f"{payments} lines, {sizes['b'] / 1e6:.1f} MB of JSON; {payments / took:,.0f} lines/s"
    name = "a month's tables of 20 departments"
    return [at_most(name, "s", bare, took, MOST * payments / PAYMENTS, f"<= {MOST:g} s for {PAYMENTS}", note)]


def _fill(conn: Connection, payments: int) -> None:
    demands(conn, payments)
    for first in range(1, payments + 1, _BATCH):
        with conn.transaction():
            post_all(conn, [_entry(number, payments) for number in range(first, min(first + _BATCH, payments + 1))])
    conn.execute("ANALYZE")


def _entry(number: int, payments: int) -> Any:
    day = date(2026, 10, 1 + number * 30 // payments)
    share = Share(f"so-{number % DEPARTMENTS:02}", "phi", FEES[number % len(FEES)], f"fd_{number}")
    return postings.identified(Origin("line", str(number), day, ACCOUNT), f"pm_{number}", [share])


def _log(uow: UnitOfWork) -> tuple[str, Callable[[], SigningKey], datetime]:
    """The book is anchored up to the last day, as every night."""
    return uow.catalogue.signing.log, lambda: uow.signer.log_key(uow.now), uow.now


def _closed(hub: Hub) -> float:
    """Seconds for all of it, up to what a commit writes; undone."""
    took = 0.0

    def close(uow: UnitOfWork) -> tuple[None, list[Event]]:
        nonlocal took
        begun = perf_counter()
        settlements.compute(uow, MONTH)
        uow.conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
        took = perf_counter() - begun
        raise _Undone

    with suppress(_Undone):
        dispatch.run_command(hub, "bench", close)
    return took


class _Undone(Exception):
    """What was measured is taken back."""


def _bare(hub: Hub) -> float:
    with hub.db.transaction() as conn:
        begun = perf_counter()
        conn.execute(_BARE)
        return perf_counter() - begun


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.months", description=__doc__)
    parser.add_argument("payments", nargs="?", type=int, default=PAYMENTS)
    measured = rows(parser.parse_args().payments)
    sys.stdout.write(table(measured) + "\n")
    return 0 if all(row.ok for row in measured) else 3


if __name__ == "__main__":
    sys.exit(main())
