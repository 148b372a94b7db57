"""The proof where lines are joined to demands: what somebody did to a match is named."""

from typing import Final, LiteralString

import pytest

from hub.fees.proof import proving
from tests.bank_files import StatementMovement
from tests.integration.fees.booking import opened, tampered
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, red
from tests.integration.fees.telling import NotifyingProvider
from tests.scripted_hub import ScriptedHub

ONCE: Final = "a line, and a payment, stand in one confirmed match"
CREDITED: Final = "what a match counts for a demand was credited to it by its payment"
AMOUNT: Final = "a match counts no more than came, and its line and payment are of one amount and account"


@pytest.fixture
def week(cashier: Cashier, provider: NotifyingProvider) -> ScriptedHub:
    first, second, third, fourth = (str(cashier.demand(cashier.dossier())["reference"]) for _ in range(4))
    till = AccountTill(cashier.hub)
    provider.tells(first, bank_ref="FT1")
    till.books(
        StatementMovement(DUE, "CK", ref="FT1"),
        StatementMovement(DUE, second, ref="FT2"),
        StatementMovement(2 * DUE, f"{third} {fourth}", ref="FT3"),
    )
    return cashier.hub


DEEDS: Final[dict[str, tuple[LiteralString, str]]] = {
    "a payment joined twice": (
        (
            "UPDATE match_leg SET payment_id = (SELECT payment_id FROM match_leg JOIN match_group g ON g.id = group_id"
            " WHERE g.pass = 'P1') WHERE group_id = (SELECT id FROM match_group WHERE pass = 'P3')"
        ),
        ONCE,
    ),
    "a match that counts what was never credited": (
        "UPDATE match_leg SET amount = amount + 1 WHERE group_id = (SELECT id FROM match_group WHERE pass = 'P3')",
        CREDITED,
    ),
    "a match of another demand": (
        (
            "UPDATE match_leg SET demand_id = (SELECT max(id) FROM fee_demand)"
            " WHERE group_id = (SELECT id FROM match_group WHERE pass = 'P1')"
        ),
        CREDITED,
    ),
    "a match that counts more than came": (
        (
            "UPDATE match_leg SET amount = amount + 1 WHERE group_id = (SELECT id FROM match_group WHERE pass = 'P7')"
            " AND number = 2"
        ),
        AMOUNT,
    ),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_what_was_done_to_a_match_is_named(week: ScriptedHub, database_url: str, deed: str) -> None:
    assert red(week) == []
    statement, named = DEEDS[deed]
    with opened(database_url) as conn, conn.transaction(force_rollback=True):
        conn.execute("DROP INDEX match_leg_payment, match_leg_line")
        tampered(conn, statement, tables=("match_leg",))
        assert named in {result.name for result in proving.proven(conn).red}
