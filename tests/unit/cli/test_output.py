"""Tables for people: whatever the terminal's width, an id can be copied from its line."""

import pytest

from hub.cli import output
from hub.cli.output import TableColumn
from schemas.identifiers import Prefix, new_id


@pytest.mark.parametrize("width", ["20", "80", "200"])
def test_an_id_is_never_broken_over_two_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    rows = [
        {"id": new_id(Prefix.TRANSFER), "code": "000.00.01.H42-261130-0001", "detail": "một câu dài " * 12}
        for _ in range(3)
    ]
    columns = (TableColumn("id", "Lần chuyển"), TableColumn("code", "Mã hồ sơ"), TableColumn("detail", "Chi tiết lỗi"))
    output.listing(rows, columns, as_json=False)
    shown = capsys.readouterr().out.split()
    assert [row["id"] for row in rows] == [word for word in shown if word.startswith("tr_")]
    assert shown.count("000.00.01.H42-261130-0001") == len(rows)


def test_a_narrow_terminal_takes_no_column_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    columns = (
        TableColumn("code", "Đối tác"),
        TableColumn("state", "Trạng thái"),
        *(TableColumn(key, "Đang chờ") for key in "abcdefgh"),
    )
    row = {"code": "department.so-nong-nghiep-moi-truong", "state": "thông suốt", **dict.fromkeys("abcdefgh", 0)}
    output.listing([row], columns, as_json=False)
    shown = capsys.readouterr().out.split()
    assert shown.count("chờ") == 8
    assert {"department.so-nong-nghiep-moi-truong", "thông", "suốt", "Trạng", "thái"} <= set(shown)
