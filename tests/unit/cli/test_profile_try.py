"""hub fee profile try: which profile fits a file and how each row of it is read, without a database."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.cli.exits import ExitCode
from hub.cli.main import app
from tests.bank_files import xlsx
from tests.unit.connectors.statements.test_shipped_profiles import FILES, padded

RIGHT = xlsx(padded(FILES["bidv"]))
BARE = """
account = "Số tài khoản"
closing = "Số dư cuối ngày"
opening = "Số dư đầu ngày"
total = "Tổng cộng"
thousands = "{thousands}"
dates = ["{dates}"]
[columns]
booking_date = "Ngày hiệu lực"
debit = "Số tiền ghi nợ"
credit = "Số tiền ghi có"
text = ["Mô tả"]
"""


def tried(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["fee", "profile", "try", *words])
    return result.exit_code, result.output


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.xls"
    path.write_bytes(RIGHT)
    return path


def bare(tmp_path: Path, *, thousands: str = ".", dates: str = "%d/%m/%Y") -> str:
    path = tmp_path / "p.toml"
    path.write_text(BARE.format(thousands=thousands, dates=dates), encoding="utf-8")
    return str(path)


def test_the_one_that_fits_is_found_and_each_row_is_shown(file: Path) -> None:
    code, out = tried(str(file), "--json")
    report = json.loads(out)
    assert (code, report["shown"]) == (ExitCode.OK, "bidv")
    assert [one["profile"] for one in report["profiles"] if one["fits"]] == ["bidv"]
    taken = {row["row"]: row["taken"] for row in report["rows"]}
    assert [taken[row] for row in range(1, 10)] == [
        "above the headings",
        "account",
        "opening",
        "headings",
        "line",
        "line",
        "total",
        "closing",
        "below the end",
    ]
    assert [row["amount"] for row in report["rows"] if row["taken"] == "line"] == [50_000, -1_100]


def test_a_profile_that_is_being_written_is_tried_from_its_file(file: Path, tmp_path: Path) -> None:
    assert tried(str(file), "--profile", bare(tmp_path))[0] == ExitCode.OK
    code, out = tried(str(file), "--profile", bare(tmp_path, thousands=","))
    assert (code, "S05" in out, "column A" in out) == (ExitCode.FINDING, True, True)


@pytest.mark.parametrize("profile", ["nowhere", "nowhere.toml"])
def test_a_profile_that_is_not_there_is_a_usage_error(file: Path, profile: str) -> None:
    assert tried(str(file), "--profile", profile)[0] == ExitCode.USAGE


def test_a_pattern_without_a_year_is_refused_by_its_key(file: Path, tmp_path: Path) -> None:
    code, out = tried(str(file), "--profile", bare(tmp_path, dates="%d-%m"))
    assert (code, "/dates/0" in out, "year" in out) == (ExitCode.USAGE, True, True)


def test_what_no_profile_reads_is_called_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(b"<html><table><tr><td>SAO KE</td></tr></table></html>")
    code, out = tried(str(path))
    assert (code, "HTML" in out) == (ExitCode.FINDING, True)
