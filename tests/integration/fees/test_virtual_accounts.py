"""Virtual accounts: the bank's list is taken whole or not at all, and money that comes to a number is its demand's."""

from pathlib import Path

import pytest

from hub.cli.exits import ExitCode
from hub.fees.reconciliation.matching import virtual
from hub.fees.reconciliation.matching.virtual import NotAList
from tests.bank_files import StatementMovement
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, another, red, status
from tests.integration.fees.telling import ACCOUNT
from tests.integration.fees.test_replay import replayed
from tests.integration.test_command_line import Hub

NUMBER = "96024170001"


def listed(folder: Path, *rows: str, heading: str = "number,reference") -> str:
    file = folder / "va.csv"
    file.write_text("\n".join((heading, *rows)), encoding="utf-8-sig")
    return str(file)


def test_money_to_a_number_of_the_list_is_its_demand_s(
    till: AccountTill, cashier: Cashier, cli: Hub, dossier: str, reference: str, tmp_path: Path
) -> None:
    till.books(StatementMovement(DUE, f"NOP VAO TK {NUMBER}"))
    file = listed(tmp_path, f"9602 417 0001,{reference}")
    code, _, err = cli("fee", "virtual-accounts", "import", file)
    assert (code, "1 số mới, 0 đã có" in err) == (ExitCode.OK, True)
    assert cli("fee", "virtual-accounts", "import", file)[2].startswith("va.csv: 0 số mới, 1 đã có")
    second, other = another(cashier)
    cli("fee", "virtual-accounts", "import", listed(tmp_path, f"{NUMBER}9,{other}"))

    till.books(StatementMovement(DUE, f"NOP VAO TK {NUMBER}9"))

    assert [row["pass"] for row in till.lines()] == ["P0", "P2"]
    assert (status(cashier, dossier), status(cashier, second)) == ("issued", "paid")
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == [], "a number counts from when it was given"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        pytest.param("96024170002,HC000000000051", "số kiểm tra sai", id="a wrong check digit"),
        pytest.param("96024170002,HC000000000149", "dòng 3: không có khoản phải thu", id="no such demand"),
        pytest.param(f"{NUMBER},{{reference}}", "có hai lần trong tệp", id="twice"),
        pytest.param(f"{ACCOUNT},{{reference}}", "số tài khoản của Trung tâm", id="our own account"),
        pytest.param("9602,{reference}", "số tài khoản gồm", id="too short"),
        pytest.param("96024170002", "có 1 cột", id="half a row"),
    ],
)
def test_a_list_with_one_wrong_row_is_not_taken_at_all(
    cashier: Cashier, cli: Hub, reference: str, tmp_path: Path, row: str, why: str
) -> None:
    file = listed(tmp_path, f"{NUMBER},{reference}", row.format(reference=reference))
    code, _, err = cli("fee", "virtual-accounts", "import", file)
    assert code in (ExitCode.USAGE, ExitCode.REFUSED)
    assert why in err
    assert cashier.hub.count("virtual_account") == 0


def test_a_number_stands_for_one_demand(cashier: Cashier, cli: Hub, reference: str, tmp_path: Path) -> None:
    cli("fee", "virtual-accounts", "import", listed(tmp_path, f"{NUMBER},{reference}"))
    _, other = another(cashier)
    code, _, err = cli("fee", "virtual-accounts", "import", listed(tmp_path, f"{NUMBER},{other}"))
    assert (code, "đã cấp cho" in err) == (ExitCode.REFUSED, True)


def test_a_file_that_is_no_such_list_says_so() -> None:
    for file in (b"\xff\xfe", b"", b"account,reference\n", b'number,reference\n"96'):
        with pytest.raises(NotAList):
            virtual.read(file)
