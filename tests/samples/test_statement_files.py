"""../shared/samples/faults/payments: statements as banks of Vietnam export them, by their profiles."""

import tomllib
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import ValidationError

from config.statements import Statements
from hub.fees.reconciliation.statements import gates
from hub.untrusted import files
from schemas.statement import Statement, StatementCode, UnreadableFile
from tests.bank_files import weekday

ACCOUNT: Final = "1020304050607"
USUAL: Final = (1_000_000, -11_000, 350_000)
COLUMNS: Final = {
    "booking_date": "Ngày giao dịch",
    "bank_ref": "Số tham chiếu",
    "debit": "Số tiền ghi nợ",
    "credit": "Số tiền ghi có",
    "text": ["Nội dung"],
}
LABELS: Final = {"account": "Số tài khoản", "opening": "Số dư đầu kỳ", "closing": "Số dư cuối kỳ"}
DAYTIME: Final = LABELS | {"period": "Kỳ", "thousands": "."}


@dataclass(frozen=True)
class ReadableFile:
    """A file that is read: its movements in đồng, by account. ``says``: what the profile beside it does not."""

    file: str
    moves: dict[str, tuple[int, ...]] = field(default_factory=lambda: {ACCOUNT: USUAL})
    says: dict[str, Any] = field(default_factory=dict)


READ: Final = (
    ReadableFile("F01-statement-vcb-number.xlsx", {ACCOUNT: (150_000, 150_000)}, {
        **LABELS, "total": "Tổng cộng",
        "columns": COLUMNS | {"debit": "Ghi nợ", "credit": "Ghi có", "balance": "Số dư"},
    }),
    ReadableFile("F02-fin-trailer.sta", {ACCOUNT: (150_000,)}),
    ReadableFile("F03-debit-column-negative.xlsx", says={"negative_debits": True}),
    ReadableFile("F04-day-and-number-in-one-cell.xlsx"),
    ReadableFile("F05a-content-goes-on-in-next-row.xlsx"),
    ReadableFile("F06-label-carries-a-day.xlsx"),
    ReadableFile("F07-charges-in-detail.xml", {ACCOUNT: (148_900,)}),
    ReadableFile("F08-detail-in-usd.xml", {ACCOUNT: (25_400_000,)}),
    ReadableFile("F09-morning.csv", {"9001002003004": (150_000,)}, {**DAYTIME, "columns": COLUMNS}),
    ReadableFile("F09-evening.csv", {"9001002003004": (150_000, 150_000)}, {**DAYTIME, "columns": COLUMNS}),
    ReadableFile("F10-file.csv", {"9001002003004": (150_000,)}, {**DAYTIME, "columns": COLUMNS}),
    ReadableFile("F11-account-in-groups.xlsx"),
    ReadableFile("F13-balance-once-a-day.xlsx"),
    ReadableFile("F14-negative-credit-storno.xlsx", {ACCOUNT: (1_000_000, -1_000_000, 350_000)}),
    ReadableFile("F15a-page-line.xlsx", says={"skip": ["Trang [0-9]+/[0-9]+"]}),
    ReadableFile("F15b-no-movement-sentence.xlsx", {ACCOUNT: ()}),
    ReadableFile("F16-no-closing-label.xlsx", says={"closing": None}),
    ReadableFile("F21-saturday-in-mondays-statement.xml", {ACCOUNT: (150_000, 150_000)}),
    ReadableFile("F24-fee-and-vat-columns.xlsx", says={"columns": {"charges": ["Phí/Lãi", "Thuế/VAT"]}}),
    ReadableFile("F25a-VND-before.xlsx"),
    ReadableFile("F25b-trailing-minus.csv"),
    ReadableFile("F25d-nbsp-thousands.csv"),
    ReadableFile("F27-serial-day.xlsx"),
    ReadableFile("F28-two-accounts.xlsx", {ACCOUNT: USUAL, "1020304050999": USUAL}),
    ReadableFile("F30-balance-rows-with-day.xlsx"),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(samples: Path) -> Path:
    return samples / "faults" / "payments"


def profile(file: Path, says: dict[str, Any] | None = None) -> Statements:
    """What the bank is said to write: the TOML beside the file, with what is said here besides."""
    toml = file.with_suffix(".toml")
    beside = tomllib.loads(toml.read_text(encoding="utf-8")) if toml.exists() else {}
    table = beside | (says or {})
    if "columns" in table:
        table["columns"] = beside.get("columns", {}) | table["columns"]
    table = {name: value for name, value in table.items() if value is not None}
    kind = file.suffix[1:]
    return Statements.model_validate({"camt": {}, "mt940": {}, **({kind: table} if kind in ("csv", "xlsx") else {})})


def read(file: Path, says: dict[str, Any] | None = None) -> list[Statement]:
    return files.statements(profile(file, says), file.read_bytes())[1]


@pytest.mark.parametrize("right", READ, ids=lambda right: right.file)
def test_a_file_is_read_as_its_bank_meant_it_and_keeps_every_gate(folder: Path, right: ReadableFile) -> None:
    statements = read(folder / right.file, right.says)
    assert {one.account: tuple(entry.amount for entry in one.entries) for one in statements} == right.moves
    for one in statements:
        findings = gates.judge(one, None, value_days=31, today=date(2026, 12, 1), is_working=weekday)
        assert [finding.sentence for finding in findings if finding.code is not StatementCode.WRONG_ACCOUNT] == []


def test_a_day_without_its_year_is_refused_with_the_profile(folder: Path) -> None:
    with pytest.raises(ValidationError, match="a date has its year"):
        profile(folder / "F17-day-without-year.xlsx")


def test_a_page_of_the_web_is_called_what_it_is(folder: Path) -> None:
    with pytest.raises(UnreadableFile, match="HTML"):
        read(folder / "F26-html-named-xls.xlsx")
