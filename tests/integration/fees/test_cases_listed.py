"""The list of cases at the command line."""

import json

from tests.bank_files import StatementMovement
from tests.integration.fees.matching import DUE, AccountTill
from tests.integration.test_command_line import Hub


def test_the_list_says_what_an_accountant_knows_it_by(
    cli: Hub, till: AccountTill, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE + 1_000, f"NOP LE PHI {reference}", ref="FT1"))
    code = till.hub.rows("SELECT raw_code FROM dossier WHERE id = %s", dossier)[0]["raw_code"]
    rows = {row["code"]: row for row in json.loads(cli("fee", "exceptions", "list", "--json")[1])["data"]}

    assert {row["code"]: row["amount"] for row in rows.values()} == {"R05": 1_000, "N02": DUE + 1_000}
    for row in rows.values():
        assert (row["dossier"], row["reference"], row["words"]) == (code, reference, f"NOP LE PHI {reference}")
