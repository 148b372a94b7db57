"""O1: a run that is killed between any two of its statements leaves nothing, and the next one comes to the same."""

from typing import Any, ClassVar

import psycopg
from psycopg.rows import DictRow, dict_row

from hub.clock import now
from hub.fees.matching.run import Result, run
from hub.work import Work
from tests.bank_files import Move
from tests.rooms.fees.conftest import Cashier
from tests.rooms.fees.matching import DUE, Till, another, red
from tests.rooms.fees.telling import ACCOUNT, Provider

WRITTEN = ("recon_run", "match_group", "payment", "exception_case", "fee_credit", "journal_entry", "journal", "event")


class Doomed(psycopg.Cursor[DictRow]):
    """Dies, with its connection, instead of executing the statement behind ``lives``."""

    lives: ClassVar[int]
    executed: ClassVar[int]

    def execute(self, *told: Any, **more: Any) -> "Doomed":
        Doomed.executed += 1
        if Doomed.executed > Doomed.lives:
            self.connection.close()
        return super().execute(*told, **more)


def unread(*_: Any) -> Any:
    raise AssertionError("a run reads no files")


def lived(till: Till, url: str, day: Any, lives: int) -> Result | None:
    """What came of a run that may execute so many statements; None if it was killed. Nothing of it is committed."""
    Doomed.lives, Doomed.executed = lives, 0
    house = till.house
    with psycopg.connect(url, row_factory=dict_row, cursor_factory=Doomed, autocommit=True) as conn:
        try:
            with conn.transaction(force_rollback=True):
                work = Work(
                    conn, house.catalogue, house.calendar, now(), house.signer, "ke-toan-a", lambda *_: ("camt", [])
                )
                return run(work, ACCOUNT, day)
        except psycopg.OperationalError:
            return None


def written(till: Till) -> list[Any]:
    return [*(till.house.count(table) for table in WRITTEN), [row["state"] for row in till.lines()]]


def test_killed_before_any_of_its_statements_a_run_leaves_nothing(
    till: Till, cashier: Cashier, provider: Provider, dossier: str, reference: str, database_url: str
) -> None:
    _, other = another(cashier)
    till.books(Move(DUE, other, ref="FT1"))
    provider.tells(reference, bank_ref="FT2")
    day = till.books(
        Move(DUE, reference, ref="FT2"), Move(DUE, "KHONG RO"), Move(-DUE, "HOAN TRA", e2e="FT1", reversal=True),
        Move(-5, "PHI"), carry=False,
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
    assert red(till.house) == []
