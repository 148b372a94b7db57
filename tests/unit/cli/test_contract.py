"""What a script that calls ``hub`` may rely on: exit codes, streams, and that nothing is asked where nobody is."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import psycopg
import pytest
from typer import Exit

from config.catalogue import CatalogueError
from connectors.errors import ContractBroken, Unavailable
from hub.cli import main, output, transfer, writing
from hub.cli.exits import ExitCode, code_of
from hub.embedded.process import CannotStart
from hub.embedded.stack_folder import AlreadyRunning
from hub.errors import InvalidState, NotConfigured, NotFound
from hub.messages.model import TransferState

ROOT = Path(__file__).parents[3]


def hub(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """``hub`` as a shell runs it, with no terminal and nothing in its environment but what is given."""
    return subprocess.run(
        [sys.executable, "-m", "hub.cli", *words],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CatalogueError(Path("portal.toml"), "/centre", "no agency"), ExitCode.USAGE),
        (NotConfigured("HUB_POOL_SIZE: too small"), ExitCode.USAGE),
        (NotFound("no transfer has the id tr_1"), ExitCode.NOT_FOUND),
        (InvalidState("the transfer is delivered"), ExitCode.REFUSED),
        (AlreadyRunning(), ExitCode.REFUSED),
        (CannotStart("postgres ended at once"), ExitCode.UNREACHABLE),
        (Unavailable("DEPT_TIMEOUT"), ExitCode.UNREACHABLE),
        (psycopg.OperationalError("connection refused"), ExitCode.UNREACHABLE),
        (ContractBroken("DEPT_SCHEMA"), ExitCode.FINDING),
    ],
)
def test_an_expected_error_has_its_exit_code(error: Exception, code: ExitCode) -> None:
    assert code_of(error) is code


def test_an_error_that_nobody_expected_is_not_disguised() -> None:
    assert code_of(ZeroDivisionError()) is None


def test_without_a_hub_a_command_says_where_it_looked_and_exits_2(tmp_path: Path) -> None:
    done = hub("transfer", "list", cwd=tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert done.stdout == ""
    assert f"no embedded stack runs in {tmp_path / 'var'}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_wrong_setting_is_one_line_that_names_it(tmp_path: Path) -> None:
    done = hub("db", "check", cwd=tmp_path, HUB_BROKER_URL="redis://127.0.0.1:1/0", HUB_DATABASE_URL="mysql://there")
    assert done.returncode == ExitCode.USAGE
    assert "HUB_DATABASE_URL" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_database_that_is_away_is_exit_6(tmp_path: Path) -> None:
    environment = {
        "HUB_DATABASE_URL": "postgresql://hub:not-a-password@127.0.0.1:1/hub",
        "HUB_BROKER_URL": "redis://127.0.0.1:1/0",
        "HUB_CURSOR_KEY": "a key for cursors in tests only",
    }
    done = hub("db", "check", cwd=tmp_path, **environment)
    assert done.returncode == ExitCode.UNREACHABLE
    assert "not-a-password" not in done.stderr


def test_an_unknown_word_is_a_usage_error_with_a_suggestion(tmp_path: Path) -> None:
    done = hub("transfr", "list", cwd=tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert "transfer" in done.stderr


def test_up_refuses_to_start_beside_a_database_that_is_configured(tmp_path: Path) -> None:
    done = hub("up", cwd=tmp_path, HUB_DATABASE_URL="postgresql://somewhere/hub")
    assert done.returncode == ExitCode.USAGE
    assert "HUB_DATABASE_URL" in done.stderr
    assert not (tmp_path / "var").exists()


def test_down_where_nothing_runs_is_no_error(tmp_path: Path) -> None:
    done = hub("down", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing is running" in done.stderr


def test_flower_does_not_start_without_a_password(tmp_path: Path) -> None:
    environment = {"HUB_DATABASE_URL": "postgresql://there/hub", "HUB_BROKER_URL": "redis://127.0.0.1:1/0"}
    done = hub("flower", "--port", "0", cwd=tmp_path, **environment)
    assert done.returncode == ExitCode.USAGE
    assert "HUB_FLOWER_PASSWORD" in done.stderr


def test_help_loads_nothing_heavy() -> None:
    """Shell completion runs the command line at every press of a key."""
    program = "import hub.cli.main, sys; print([name for name in sys.modules if '.' not in name])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(re.findall(r"'(\w+)'", done.stdout))
    assert loaded >= {"hub", "typer"}
    assert not loaded & {"celery", "fastapi", "kombu", "lxml", "psycopg", "pydantic", "requests", "rich", "zeep"}


def test_a_traceback_never_shows_local_variables() -> None:
    """They hold citizens' data."""
    assert main.app.pretty_exceptions_show_locals is False


def test_every_state_of_a_transfer_has_its_vietnamese_name() -> None:
    assert set(output.TRANSFER_STATES) == {*TransferState, "held"}
    assert set(get_args(transfer.Shown)) == set(output.TRANSFER_STATES)


def test_nothing_is_written_where_nobody_can_be_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    done: list[str] = []
    with pytest.raises(Exit) as left:
        writing.each("cancel", ["tr_1"], done.append, yes=False, dry_run=False)
    assert (left.value.exit_code, done) == (ExitCode.USAGE, [])
    assert "--yes" in capsys.readouterr().err


def test_a_dry_run_says_what_it_would_do_and_does_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    done: list[str] = []
    writing.each("replay", ["tr_1", "tr_2"], done.append, yes=False, dry_run=True)
    assert done == []
    assert "tr_1, tr_2" in capsys.readouterr().err


def test_with_yes_each_is_done_in_turn() -> None:
    done: list[str] = []
    writing.each("replay", ["tr_1", "tr_2"], done.append, yes=True, dry_run=False)
    assert done == ["tr_1", "tr_2"]


def test_a_listing_into_a_pipe_is_tab_separated_with_a_head(capsys: pytest.CaptureFixture[str]) -> None:
    columns = (output.TableColumn("a", "Cột A"), output.TableColumn("b", "Cột B"))
    output.listing([{"a": 1, "b": None}, {"a": 2, "b": "x"}], columns, as_json=False)
    assert capsys.readouterr().out == "Cột A\tCột B\n1\t\n2\tx\n"


def test_what_a_counterparty_wrote_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.listing([{"a": "x\x1b[2J\ty\nz"}], [output.TableColumn("a", "A")], as_json=False)
    assert capsys.readouterr().out == "A\nx [2J y z\n"


def test_json_keeps_vietnamese_and_writes_moments_as_iso(capsys: pytest.CaptureFixture[str]) -> None:
    output.document({"title": "Đã giao", "number": 3, "list": (1, None)})
    shown = capsys.readouterr().out
    assert "Đã giao" in shown
    assert json.loads(shown) == {"title": "Đã giao", "number": 3, "list": [1, None]}


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0s"), (59, "59s"), (330, "5ph30"), (8_040, "2g14"), (200_000, "2 ngày")]
)
def test_durations_read_as_one_says_them(seconds: int, words: str) -> None:
    assert output.duration(seconds) == words


def test_the_reference_of_the_command_line_is_fresh() -> None:
    """If not: make docs."""
    done = subprocess.run(
        [sys.executable, "-m", "typer", "hub.cli.main", "utils", "docs", "--name", "hub"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8").strip() == done.stdout.strip()
