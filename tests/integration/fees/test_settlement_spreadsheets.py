"""hub fee answer and compare with a department's spreadsheets, against real tables, demands and receipts."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import xlsxwriter

from hub.cli.exits import ExitCode
from hub.fees import settlements
from hub.fees.settlements import department_files
from schemas.settlement import TableAnswer
from tests.bank_files import StatementMovement, ago
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, another
from tests.integration.fees.registry import Registry
from tests.scripted_hub import ScriptedHub

Run = Callable[..., tuple[int, str, str]]
BY: Final = ("--by", "Phòng Kế hoạch - Tài chính", "--at", f"{ago(0)}T08:00")
HEAD: Final = ("Số dòng", "Lý do")


class SpreadsheetMonth:
    """The month of a department that has spreadsheets and nothing else."""

    def __init__(self, hub: ScriptedHub, references: Sequence[str], month: str, cli: Run, folder: Path) -> None:
        self.hub, self.references, self.month, self.cli, self.folder = hub, references, month, cli, folder

    def says(self, *words: str) -> tuple[int, str, str]:
        return self.cli("fee", *words)

    def compares(self, file: Path, *words: str) -> tuple[int, str, str]:
        return self.says("compare", self.month, str(file), "--department", "rest-a", *words)

    def csv(self, *rows: Iterable[Any], name: str = "danh-sach.csv") -> Path:
        buffer = io.StringIO(newline="")
        csv.writer(buffer, delimiter=";").writerows(rows)
        path = self.folder / name
        path.write_bytes(buffer.getvalue().encode("utf-8-sig"))
        return path

    def workbook(self, *lines: tuple[Any, Any]) -> Path:
        """Ours, as the department opens it, writes ``said`` under the heading of the answer, and saves it."""
        ours = self.folder / "bang.xlsx"
        assert self.says("table", self.month, "--department", "rest-a", "-o", str(ours))[0] == ExitCode.OK
        path = self.folder / "bang-tra-loi.xlsx"
        with xlsxwriter.Workbook(path) as book:
            day = book.add_format({"num_format": "dd/mm/yyyy"})
            for sheet in department_files.read(ours.read_bytes(), ".xlsx"):
                page = book.add_worksheet(sheet.name)
                for row in sheet.rows:
                    for column, cell in enumerate(row.cells):
                        page.write(row.number - 1, column, cell, day if type(cell).__name__ == "date" else None)
                    if tuple(row.cells[:2]) == HEAD:
                        for at, line in enumerate(lines):
                            page.write_row(row.number + at, 0, line)
        return path

    @property
    def table(self) -> dict[str, Any]:
        [row] = self.hub.rows("SELECT id, state, disputed, answer, sha256 FROM settlement WHERE state <> 'withdrawn'")
        return dict(row)

    @property
    def disputes(self) -> int:
        return len(self.hub.rows("SELECT id FROM fee_exception WHERE code = 'M01'"))

    @property
    def answer(self) -> TableAnswer:
        """As it is kept, and goes into the package."""
        return TableAnswer.model_validate_json(bytes(self.table["answer"]))


@pytest.fixture
def month(
    hub: ScriptedHub, cashier: Cashier, till: AccountTill, registry: Registry, cli: Run, tmp_path: Path
) -> SpreadsheetMonth:
    """Two dossiers were paid, each a phí and a lệ phí, and have their receipts; the month is closed."""
    registry.ticks()
    references = [another(cashier)[1] for _ in range(2)]
    day = till.books(*(StatementMovement(DUE, reference, ref=f"FT{at}") for at, reference in enumerate(references)))
    registry.ticks()
    till.act(lambda uow: settlements.compute(uow, day))
    return SpreadsheetMonth(hub, references, f"{day:%Y-%m}", cli, tmp_path)


def test_our_workbook_sent_back_as_it_is_confirms_the_month(month: SpreadsheetMonth) -> None:
    code, _, err = month.says("answer", str(month.workbook()), *BY)
    assert (code, month.table["state"]) == (ExitCode.OK, "confirmed"), err
    assert (month.answer.answered_by, month.answer.answered_at.isoformat()) == (BY[1], f"{ago(0)}T08:00:00+07:00")
    assert month.answer.sha256 == bytes(month.table["sha256"]).hex()


def test_our_workbook_filled_in_disputes_its_lines_once_however_often_it_is_taken_in(month: SpreadsheetMonth) -> None:
    file = month.workbook((2, "không có hồ sơ này"), ("4", "sai số tiền"))
    assert [month.says("answer", str(file), *BY)[0] for _ in range(2)] == [ExitCode.OK, ExitCode.OK]
    assert month.table["state"] == "disputed"
    assert [(line.number, line.reason) for line in month.answer.lines] == [
        (2, "không có hồ sơ này"),
        (4, "sai số tiền"),
    ]
    assert month.disputes == 2


def test_a_list_of_lines_is_an_answer_to_the_table_that_a_person_names(month: SpreadsheetMonth) -> None:
    file = month.csv(HEAD, (1, "không rõ"), name="tra-loi.csv")
    assert month.says("answer", str(file), *BY)[0] == ExitCode.USAGE
    assert month.says("answer", str(file), *BY, "--table", "sm_01ARZ3NDEKTSV4RRFFQ69G5FAV")[0] == ExitCode.NOT_FOUND
    assert month.table["state"] == "computed"
    assert month.says("answer", str(file), *BY, "--table", month.table["id"])[0] == ExitCode.OK
    assert [line.number for line in month.answer.lines] == [1]


@pytest.mark.parametrize("options", [(), BY[:2], BY[2:]])
def test_who_answered_and_when_is_said_by_whoever_takes_the_file_in(
    month: SpreadsheetMonth, options: Sequence[str]
) -> None:
    code, _, err = month.says("answer", str(month.workbook()), *options)
    assert (code, "--by" in err, month.table["state"]) == (ExitCode.USAGE, True, "computed")


def test_a_workbook_of_a_table_that_was_withdrawn_does_not_answer_the_one_in_its_place(
    month: SpreadsheetMonth, till: AccountTill
) -> None:
    file = month.workbook((1, "không rõ"))
    old = month.table["id"]
    [settled_month] = [row["month"] for row in month.hub.rows("SELECT month FROM settlement")]
    till.act(lambda uow: settlements.withdraw(uow, settled_month, "mở lại tháng"))
    till.act(lambda uow: settlements.compute(uow, settled_month))
    code, _, err = month.says("answer", str(file), *BY)
    assert (code, "withdrawn" in err) == (ExitCode.REFUSED, True)
    code, _, err = month.says("answer", str(file), *BY, "--table", month.table["id"])
    assert (code, old in err) == (ExitCode.USAGE, True)
    assert month.table["state"] == "computed"


def test_a_wrong_cell_is_named_and_nothing_is_taken_in(month: SpreadsheetMonth) -> None:
    code, _, err = month.says("answer", str(month.workbook((1, "không rõ"), (99, "lạ"))), *BY)
    assert code == ExitCode.USAGE
    assert err.startswith("hub: bang-tra-loi.xlsx: Chênh lệch!A")
    assert "bảng không có dòng 99; " in err
    assert err.count("\n") == 1
    assert (month.table["state"], month.disputes) == ("computed", 0)


def test_a_list_that_agrees_is_exit_0_by_reference_and_by_receipt(month: SpreadsheetMonth) -> None:
    by_reference = month.csv(("Mã thanh toán", "Số tiền"), *((reference, DUE) for reference in month.references))
    code, out, err = month.compares(by_reference)
    assert (code, out) == (ExitCode.OK, "")
    assert err.startswith("cơ quan 300.000 = thu trong bảng 300.000 + ")
    receipts = month.hub.rows("SELECT split_part(series, ' ', 2) AS symbol, number, amount FROM receipt")
    assert len(receipts) == 4
    rows = [(row["symbol"], f"{row['number']:08}", row["amount"]) for row in receipts]
    assert month.compares(month.csv(("Ký hiệu", "Số biên lai", "Số tiền"), *rows))[0] == ExitCode.OK


def test_what_differs_is_exit_3_and_the_answer_that_is_written_disputes_it(month: SpreadsheetMonth) -> None:
    file = month.csv(("Mã thanh toán", "Số tiền"), (month.references[0], DUE), ("HC999", 20_000))
    answer = month.folder / "tra-loi.csv"
    code, out, err = month.compares(file, "--write", str(answer))
    assert code == ExitCode.FINDING
    assert [line.split("\t")[0] for line in out.splitlines()[1:]] == ["chỉ có ở bảng", "chỉ có ở cơ quan"]
    equation = "cơ quan 170.000 = thu trong bảng 300.000 - chỉ có ở bảng 150.000 + chỉ có ở cơ quan 20.000"
    assert err.startswith(f"{equation} + khác số tiền 0 đồng; 1 khoản khớp")
    assert "1 khoản chỉ có ở cơ quan" in err
    assert month.says("answer", str(answer), *BY)[0] == ExitCode.OK
    assert month.table["disputed"] == DUE
    assert {line.reason for line in month.answer.lines} == {"không có trong danh sách của cơ quan"}


def test_a_script_reads_the_same_as_json(month: SpreadsheetMonth) -> None:
    file = month.csv(("Mã thanh toán", "Số tiền"), (month.references[0], DUE), (month.references[1], DUE - 1))
    code, out, _ = month.compares(file, "--json")
    report = json.loads(out)
    assert (code, report["table"], report["listed"], report["other_amount"]) == (
        ExitCode.FINDING,
        2 * DUE,
        2 * DUE - 1,
        -1,
    )
    assert [(one["name"], one["table"], one["listed"]) for one in report["data"]] == [
        (month.references[1], DUE, DUE - 1)
    ]


def test_a_wrong_list_is_exit_2_and_no_answer_is_written(month: SpreadsheetMonth) -> None:
    answer = month.folder / "tra-loi.csv"
    file = month.csv(("Mã thanh toán", "Số tiền"), (month.references[0], DUE), (month.references[1], "không"))
    code, _, err = month.compares(file, "--write", str(answer))
    assert (code, err.startswith("hub: danh-sach.csv: dòng 3, cột 2: «Số tiền»")) == (ExitCode.USAGE, True)
    assert month.compares(file, "--write", str(file))[0] == ExitCode.USAGE
    assert month.compares(file, "--write", str(month.folder / "tra-loi.xlsx"))[0] == ExitCode.USAGE
    assert not answer.exists()
    assert not list(month.folder.glob("*.new"))
