"""DuckDB over the same rows: it finds the same demands in the lines, and says where a match was forged."""

from typing import LiteralString

import pytest

from hub.fees.replay import duckdb_check
from tests.bank_files import StatementMovement
from tests.integration.fees.booking import opened, tampered
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill
from tests.integration.fees.telling import NotifyingProvider
from tests.scripted_hub import ScriptedHub


@pytest.fixture
def week(cashier: Cashier, provider: NotifyingProvider) -> ScriptedHub:
    """Lines that name a demand: paid, short, twice, split by a blank, notified before; and one that names nobody."""
    first, second_, third, fourth = (str(cashier.demand(cashier.dossier())["reference"]) for _ in range(4))
    till = AccountTill(cashier.hub)
    provider.tells(fourth)
    till.books(
        StatementMovement(DUE, f"NOP PHI {first}", ref="FT1"),
        StatementMovement(DUE - 1, f"{second_}.CT tu 0011", ref="FT2"),
        StatementMovement(DUE, f"NOP {third[:6]} {third[6:]}", ref="FT3"),
        StatementMovement(DUE, fourth, ref="FT4"),
        StatementMovement(77, "tien an", ref="FT5"),
    )
    till.books(StatementMovement(DUE, first, ref="FT6"))
    return cashier.hub


def offenders(hub: ScriptedHub) -> list[tuple[str, str]]:
    with hub.db.connection() as conn:
        return [(one.what, one.how) for result in duckdb_check.compared(conn) for one in result.offenders]


def test_both_engines_find_the_same(week: ScriptedHub) -> None:
    assert {row["pass"] for row in week.rows("SELECT pass FROM match_group")} >= {"P3", "P4", "P8", "P0"}
    assert offenders(week) == []


FORGED: dict[str, tuple[str, LiteralString, str]] = {
    "a match moved to another demand": (
        "match_leg",
        """UPDATE match_leg SET demand_id = (SELECT max(id) FROM fee_demand)
        WHERE demand_id = (SELECT min(id) FROM fee_demand)""",
        "nội dung không ghi mã này",
    ),
    "a line said to be nobody's": (
        "fee_exception",
        """UPDATE fee_exception SET facts = jsonb_set(facts, '{line}', to_jsonb((SELECT min(id)::text
        FROM statement_line WHERE state = 'matched'))) WHERE code = 'R01'""",
        "bị coi là chưa rõ của ai",
    ),
}


@pytest.mark.parametrize("deed", FORGED)
def test_a_forged_match_is_seen_by_the_other_engine(week: ScriptedHub, database_url: str, deed: str) -> None:
    table, statement, forgery = FORGED[deed]
    with opened(database_url) as conn:
        tampered(conn, statement, tables=(table,))
    assert [how for _, how in offenders(week) if forgery in how]
