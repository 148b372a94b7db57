"""What commands write, and the days that are typed: what is wrong is one line and exit 2."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from typer import BadParameter, Exit

from hub.cli import arguments, files
from hub.cli.exits import ExitCode


def test_a_file_is_there_whole_and_a_private_one_is_for_its_owner_alone(tmp_path: Path) -> None:
    files.write(tmp_path / "a.csv", b"first, and longer")
    files.write(tmp_path / "a.csv", b"second")
    files.write(tmp_path / "b.csv", b"personal", private=True)

    assert [(one.name, one.read_bytes()) for one in sorted(tmp_path.iterdir())] == [
        ("a.csv", b"second"),
        ("b.csv", b"personal"),
    ]
    assert (tmp_path / "b.csv").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["none/a.csv", "folder"])
def test_where_no_file_can_stand_it_is_said_in_one_line(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(Exit) as left:
        files.write(tmp_path / name, b"")
    assert left.value.exit_code == ExitCode.USAGE
    assert capsys.readouterr().err.count("\n") == 1
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    files.write(pipe, b"through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert pipe.is_fifo()


def test_what_somebody_sent_is_read_whole_within_its_bound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sent").write_bytes(b"123456")
    os.mkfifo(tmp_path / "pipe")
    assert files.read_file(tmp_path / "sent", at_most=6) == b"123456"
    for path, at_most in ((tmp_path / "sent", 5), (tmp_path / "pipe", 6), (tmp_path / "none", 6), (tmp_path, 6)):
        with pytest.raises(Exit) as left:
            files.read_file(path, at_most=at_most)
        assert left.value.exit_code == ExitCode.USAGE
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("read", "written", "expected"),
    [
        (arguments.day, "2026-11-24", datetime(2026, 11, 24)),  # noqa: DTZ001 - as the command line gives it
        (arguments.month, "2026-11", datetime(2026, 11, 1)),  # noqa: DTZ001
        (arguments.moment, "2026-11-24T14:30", datetime(2026, 11, 24, 14, 30)),  # noqa: DTZ001
    ],
)
def test_days_months_and_times_are_read(read: Callable[[str], datetime], written: str, expected: datetime) -> None:
    assert read(written) == expected


@pytest.mark.parametrize(
    ("read", "written"),
    [
        (arguments.day, "24/11/2026"),
        (arguments.day, "2026-02-30"),
        (arguments.month, "2026-13"),
        (arguments.moment, "2026-11-24T1"),
    ],
)
def test_what_is_none_is_told_how_to_write_it(read: Callable[[str], datetime], written: str) -> None:
    with pytest.raises(BadParameter, match=f"'{written}' is no .*write it as 2026-11"):
        read(written)
