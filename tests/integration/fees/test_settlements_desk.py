"""hub fee answer and compare with the files of a department's desk, against real tables, demands and receipts."""

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
        kept = io.StringIO(newline="")
        csv.writer(kept, delimiter=";").writerows(rows)
        path = self.folder / name
        path.write_bytes(kept.getvalue().encode("utf-8-sig"))
        return path

    def workbook(self, *said: tuple[Any, Any]) -> Path:
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
                        for at, told in enumerate(said):
                            page.write_row(row.number + at, 0, told)
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
def desk(
    hub: ScriptedHub, cashier: Cashier, till: AccountTill, registry: Registry, cli: Run, tmp_path: Path
) -> SpreadsheetMonth:
    """Two dossiers were paid, each a phí and a lệ phí, and have their receipts; the month is closed."""
    registry.ticks()
    references = [another(cashier)[1] for _ in range(2)]
    day = till.books(*(StatementMovement(DUE, reference, ref=f"FT{at}") for at, reference in enumerate(references)))
    registry.ticks()
    till.act(lambda uow: settlements.compute(uow, day))
    return SpreadsheetMonth(hub, references, f"{day:%Y-%m}", cli, tmp_path)


def test_our_workbook_sent_back_as_it_is_confirms_the_month(desk: SpreadsheetMonth) -> None:
    code, _, told = desk.says("answer", str(desk.workbook()), *BY)
    assert (code, desk.table["state"]) == (ExitCode.OK, "confirmed"), told
    assert (desk.answer.answered_by, desk.answer.answered_at.isoformat()) == (BY[1], f"{ago(0)}T08:00:00+07:00")
    assert desk.answer.sha256 == bytes(desk.table["sha256"]).hex()


def test_our_workbook_filled_in_disputes_its_lines_once_however_often_it_is_taken_in(desk: SpreadsheetMonth) -> None:
    file = desk.workbook((2, "không có hồ sơ này"), ("4", "sai số tiền"))
    assert [desk.says("answer", str(file), *BY)[0] for _ in range(2)] == [ExitCode.OK, ExitCode.OK]
    assert desk.table["state"] == "disputed"
    assert [(line.number, line.reason) for line in desk.answer.lines] == [(2, "không có hồ sơ này"), (4, "sai số tiền")]
    assert desk.disputes == 2


def test_a_list_of_lines_is_an_answer_to_the_table_that_a_person_names(desk: SpreadsheetMonth) -> None:
    file = desk.csv(HEAD, (1, "không rõ"), name="tra-loi.csv")
    assert desk.says("answer", str(file), *BY)[0] == ExitCode.USAGE
    assert desk.says("answer", str(file), *BY, "--table", "sm_01ARZ3NDEKTSV4RRFFQ69G5FAV")[0] == ExitCode.NOT_FOUND
    assert desk.table["state"] == "computed"
    assert desk.says("answer", str(file), *BY, "--table", desk.table["id"])[0] == ExitCode.OK
    assert [line.number for line in desk.answer.lines] == [1]


@pytest.mark.parametrize("options", [(), BY[:2], BY[2:]])
def test_who_answered_and_when_is_said_by_whoever_takes_the_file_in(
    desk: SpreadsheetMonth, options: Sequence[str]
) -> None:
    code, _, told = desk.says("answer", str(desk.workbook()), *options)
    assert (code, "--by" in told, desk.table["state"]) == (ExitCode.USAGE, True, "computed")


def test_a_workbook_of_a_table_that_was_withdrawn_does_not_answer_the_one_in_its_place(
    desk: SpreadsheetMonth, till: AccountTill
) -> None:
    file = desk.workbook((1, "không rõ"))
    old = desk.table["id"]
    [month] = [row["month"] for row in desk.hub.rows("SELECT month FROM settlement")]
    till.act(lambda uow: settlements.withdraw(uow, month, "mở lại tháng"))
    till.act(lambda uow: settlements.compute(uow, month))
    code, _, told = desk.says("answer", str(file), *BY)
    assert (code, "withdrawn" in told) == (ExitCode.REFUSED, True)
    code, _, told = desk.says("answer", str(file), *BY, "--table", desk.table["id"])
    assert (code, old in told) == (ExitCode.USAGE, True)
    assert desk.table["state"] == "computed"


def test_a_wrong_cell_is_named_and_nothing_is_taken_in(desk: SpreadsheetMonth) -> None:
    code, _, told = desk.says("answer", str(desk.workbook((1, "không rõ"), (99, "lạ"))), *BY)
    assert code == ExitCode.USAGE
    assert told.startswith("hub: bang-tra-loi.xlsx: Chênh lệch!A")
    assert "bảng không có dòng 99; " in told
    assert told.count("\n") == 1
    assert (desk.table["state"], desk.disputes) == ("computed", 0)


def test_a_list_that_agrees_is_exit_0_by_reference_and_by_receipt(desk: SpreadsheetMonth) -> None:
    by_reference = desk.csv(("Mã thanh toán", "Số tiền"), *((reference, DUE) for reference in desk.references))
    code, out, told = desk.compares(by_reference)
    assert (code, out) == (ExitCode.OK, "")
    assert told.startswith("cơ quan 300.000 = thu trong bảng 300.000 + ")
    receipts = desk.hub.rows("SELECT split_part(series, ' ', 2) AS symbol, number, amount FROM receipt")
    assert len(receipts) == 4
    rows = [(row["symbol"], f"{row['number']:08}", row["amount"]) for row in receipts]
    assert desk.compares(desk.csv(("Ký hiệu", "Số biên lai", "Số tiền"), *rows))[0] == ExitCode.OK


def test_what_differs_is_exit_3_and_the_answer_that_is_written_disputes_it(desk: SpreadsheetMonth) -> None:
    file = desk.csv(("Mã thanh toán", "Số tiền"), (desk.references[0], DUE), ("HC999", 20_000))
    answer = desk.folder / "tra-loi.csv"
    code, out, told = desk.compares(file, "--write", str(answer))
    assert code == ExitCode.FINDING
    assert [line.split("\t")[0] for line in out.splitlines()[1:]] == ["chỉ có ở bảng", "chỉ có ở cơ quan"]
    equation = "cơ quan 170.000 = thu trong bảng 300.000 - chỉ có ở bảng 150.000 + chỉ có ở cơ quan 20.000"
    assert told.startswith(f"{equation} + khác số tiền 0 đồng; 1 khoản khớp")
    assert "1 khoản chỉ có ở cơ quan" in told
    assert desk.says("answer", str(answer), *BY)[0] == ExitCode.OK
    assert desk.table["disputed"] == DUE
    assert {line.reason for line in desk.answer.lines} == {"không có trong danh sách của cơ quan"}


def test_a_script_reads_the_same_as_json(desk: SpreadsheetMonth) -> None:
    file = desk.csv(("Mã thanh toán", "Số tiền"), (desk.references[0], DUE), (desk.references[1], DUE - 1))
    code, out, _ = desk.compares(file, "--json")
    told = json.loads(out)
    assert (code, told["table"], told["listed"], told["other_amount"]) == (ExitCode.FINDING, 2 * DUE, 2 * DUE - 1, -1)
    assert [(one["name"], one["table"], one["listed"]) for one in told["data"]] == [(desk.references[1], DUE, DUE - 1)]


def test_a_wrong_list_is_exit_2_and_no_answer_is_written(desk: SpreadsheetMonth) -> None:
    answer = desk.folder / "tra-loi.csv"
    file = desk.csv(("Mã thanh toán", "Số tiền"), (desk.references[0], DUE), (desk.references[1], "không"))
    code, _, told = desk.compares(file, "--write", str(answer))
    assert (code, told.startswith("hub: danh-sach.csv: dòng 3, cột 2: «Số tiền»")) == (ExitCode.USAGE, True)
    assert desk.compares(file, "--write", str(file))[0] == ExitCode.USAGE
    assert desk.compares(file, "--write", str(desk.folder / "tra-loi.xlsx"))[0] == ExitCode.USAGE
    assert not answer.exists()
    assert not list(desk.folder.glob("*.new"))
