"""O1: a run that is killed between any two of its statements leaves nothing, and the next one comes to the same."""

from typing import Any, ClassVar

import psycopg
from psycopg.rows import DictRow, dict_row

from hub.clock import now
from hub.embedded.waiting import wait_for
from hub.fees.reconciliation.matching.run import MatchRunResult, run
from hub.unit_of_work import UnitOfWork
from tests.bank_files import StatementMovement
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, another, red
from tests.integration.fees.telling import ACCOUNT, NotifyingProvider

WRITTEN = ("recon_run", "match_group", "payment", "fee_exception", "fee_credit", "ledger_entry", "audit_log", "event")


class Doomed(psycopg.Cursor[DictRow]):
    """Dies, with its connection, instead of executing the statement behind ``lives``."""

    lives: ClassVar[int]
    executed: ClassVar[int]

    def execute(self, *arguments: Any, **more: Any) -> "Doomed":
        Doomed.executed += 1
        if Doomed.executed > Doomed.lives:
            self.connection.close()
        return super().execute(*arguments, **more)


def lived(till: AccountTill, url: str, day: Any, lives: int) -> MatchRunResult | None:
    """What came of a run that may execute so many statements; None if it was killed. Nothing of it is committed."""
    Doomed.lives, Doomed.executed = lives, 0
    hub = till.hub
    with psycopg.connect(url, row_factory=dict_row, cursor_factory=Doomed, autocommit=True) as conn:
        backend = conn.info.backend_pid
        try:
            with conn.transaction(force_rollback=True):
                uow = UnitOfWork(
                    conn, hub.catalogue, hub.calendar, now(), hub.signer, "ke-toan-a", lambda *_: ("camt", [])
                )
                result = run(uow, ACCOUNT, day)
                uow.flush()
                return result
        except psycopg.OperationalError:
            # Its backend notices a moment later; until then it holds the lock of the run.
            wait_for("the end of the killed run", lambda: gone(till, backend), moves=lambda: "", pause=0.01)
            return None


def gone(till: AccountTill, pid: int) -> bool:
    return not till.hub.rows("SELECT 1 FROM pg_stat_activity WHERE pid = %s", pid)


def written(till: AccountTill) -> list[Any]:
    return [*(till.hub.count(table) for table in WRITTEN), [row["state"] for row in till.lines()]]


def test_killed_before_any_of_its_statements_a_run_leaves_nothing(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str, database_url: str
) -> None:
    _, other = another(cashier)
    till.books(StatementMovement(DUE, other, ref="FT1"))
    provider.tells(reference, bank_ref="FT2")
    day = till.books(
        StatementMovement(DUE, reference, ref="FT2"),
        StatementMovement(DUE, "KHONG RO"),
        StatementMovement(-DUE, "HOAN TRA", e2e="FT1", reversal=True),
        StatementMovement(-5, "PHI"), carry=False,
    )  # fmt: skip
    before = written(till)
    whole = lived(till, database_url, day, 10_000)
    assert whole is not None
    statements = Doomed.executed
    assert statements > 40

    for lives in range(statements):
        assert lived(till, database_url, day, lives) is None
        assert written(till) == before

    assert till.matches(day).digest == whole.digest
    assert red(till.hub) == []
