"""How files come in: by hand with hub fee import, and fetched from the bank; the same either way."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hub import dispatch, polling
from hub.cli.exits import ExitCode
from hub.errors import InvalidState
from hub.fees.reconciliation.statements import importing
from hub.fees.reconciliation.statements.model import FileStatus
from schemas.statement import DeliveredFile, StatementPage
from tests.bank_files import StatementDraft, StatementMovement, ago, camt, csv_file, table
from tests.integration.fees.statements.conftest import StatementImports
from tests.scripted_hub import ScriptedHub

CommandLine = Callable[..., tuple[int, str, str]]
FIRST = StatementDraft(
    [StatementMovement(50_000, "NGUYEN VAN BI MAT"), StatementMovement(-700, "B")], opening=1_000, day=ago(5)
)


def test_import_shows_the_three_numbers(cli: CommandLine, hub: ScriptedHub, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(camt(FIRST))
    code, out, err = cli("fee", "import", str(tmp_path / "a.xml"), "--bank", "bank-a")
    assert code == ExitCode.OK, err
    assert "\ta.xml\t" not in out
    [_, row] = [line.split("\t") for line in out.splitlines()]
    assert row[:3] == ["a.xml", "đã ghi", "1020304050607"]
    assert row[6:] == ["1.000", "49.300", "50.300", "2", "0"]
    code, _, err = cli("fee", "import", str(tmp_path / "a.xml"), "--bank", "bank-a")
    assert (code, "đã nhận trước đây" in err) == (ExitCode.OK, True)
    assert hub.count("statement_line") == 2


def test_import_of_a_file_that_is_held_is_a_finding(cli: CommandLine, hub: ScriptedHub, tmp_path: Path) -> None:
    right, wrong, cut = tmp_path / "a.xml", tmp_path / "b.xml", tmp_path / "c.xml"
    right.write_bytes(camt(FIRST))
    wrong.write_bytes(camt(replace(FIRST.next(StatementMovement(5, "NGUYEN VAN BI MAT")), closing=99)))
    cut.write_bytes(camt(FIRST)[:500])
    code, out, err = cli("fee", "import", str(right), str(wrong), str(cut), "--bank", "bank-a")
    assert code == ExitCode.FINDING
    assert "2 tệp không được ghi" in err
    for shown in ("S01", "50.300", "99", "S05", "giữ lại"):
        assert shown in out
    assert "BI MAT" not in out + err
    assert hub.count("statement_line") == 2
    code, out, _ = cli("fee", "statements", "list", "--json")
    listed = json.loads(out)["data"]
    assert (code, [row["state"] for row in listed]) == (ExitCode.FINDING, ["quarantined", "quarantined", "accepted"])
    code, out, _ = cli("fee", "statements", "show", listed[1]["id"])
    assert (code, "S01 Số dư đầu" in out, "BI MAT" in out) == (ExitCode.OK, True, False)


def test_two_accounts_let_a_file_out(
    cli: CommandLine, hub: ScriptedHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, draft in (("a.xml", FIRST), ("b.xml", FIRST.next(StatementMovement(1, "C"), opening=7))):
        (tmp_path / name).write_bytes(camt(draft))
        cli("fee", "import", str(tmp_path / name), "--bank", "bank-a")
    [row] = hub.rows("SELECT id FROM statement_file WHERE state = 'quarantined'")
    decide = ("fee", "statements", "approve", row["id"], "--reason", "đã hỏi")
    assert cli(*decide)[0] == ExitCode.FINDING
    assert cli(*decide)[0] == ExitCode.REFUSED
    monkeypatch.setenv("HUB_ACTOR", "nguoi.hai")
    assert cli(*decide)[0] == ExitCode.OK
    assert hub.count("statement_line") == 3


def test_what_the_catalogue_does_not_have_is_not_found(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(b"x")
    assert cli("fee", "import", str(tmp_path / "a.xml"), "--bank", "khong-co")[0] == ExitCode.NOT_FOUND
    assert cli("fee", "statements", "show", "sf_x")[0] == ExitCode.NOT_FOUND


def test_what_is_fetched_is_brought_in_and_what_was_brought_in_by_hand_is_the_same_file(
    imports: StatementImports,
) -> None:
    hub = imports.hub
    second = FIRST.next(StatementMovement(9, "C"))
    imports.bring(camt(FIRST), name="by-hand.xml")
    files = [DeliveredFile("01.xml", camt(FIRST)), DeliveredFile("02.xml", camt(second))]
    hub.bank("bank-a").pages.append(StatementPage(files, "2"))
    polling.poll(hub)
    hub.carry()
    assert imports.amounts == [50_000, -700, 9]
    rows = hub.rows("SELECT name, submitted_by, state FROM statement_file ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [
        ("by-hand.xml", "thu.nghiem", "accepted"),
        ("02.xml", "bank.bank-a", "accepted"),
    ]
    assert hub.rows("SELECT cursor FROM counterparty WHERE code = 'bank.bank-a'") == [{"cursor": "2"}]


def test_a_fetched_file_that_is_held_ends_its_message_and_waits_for_a_person(imports: StatementImports) -> None:
    imports.hub.bank("bank-a").pages.append(StatementPage([DeliveredFile("01.xml", camt(FIRST)[:400])], "1"))
    polling.poll(imports.hub)
    imports.hub.carry()
    assert imports.hub.rows("SELECT state FROM inbox") == [{"state": "handled"}]
    assert imports.open_exceptions == ["S05"]


def with_profile(hub: ScriptedHub, **changes: object) -> None:
    """The table of bank-a is said to read otherwise: its TOML has been mended, or spoilt."""
    bank = hub.catalogue.banks["bank-a"]
    assert bank.statements.csv is not None
    table_ = bank.statements.csv.model_copy(update=changes)
    statements = bank.statements.model_copy(update={"csv": table_})
    hub.catalogue.banks["bank-a"] = bank.model_copy(update={"statements": statements})


@pytest.fixture
def mended(imports: StatementImports) -> Iterator[Callable[[], None]]:
    """A profile that is wrong, until it is mended; what the hub has is given back."""
    right = imports.hub.catalogue.banks["bank-a"]
    with_profile(imports.hub, thousands=",")
    yield lambda: imports.hub.catalogue.banks.update({"bank-a": right})
    imports.hub.catalogue.banks["bank-a"] = right


TABLE = csv_file(table(FIRST))


def test_a_file_that_its_profile_refused_is_read_anew_when_that_is_mended(
    imports: StatementImports, mended: Callable[[], None]
) -> None:
    held = imports.bring(TABLE)
    assert (held.state, held.findings[0]["code"]) == (FileStatus.QUARANTINED, "S05")
    assert imports.bring(TABLE).repeated  # by the same profile nothing changes
    with_profile(imports.hub, thousands=" ")
    again = imports.bring(TABLE)
    assert (again.state, again.repeated, imports.open_exceptions) == (FileStatus.QUARANTINED, False, ["S05"])
    mended()
    read = imports.bring(TABLE)
    assert (read.id, read.state, read.repeated, imports.open_exceptions) == (held.id, FileStatus.ACCEPTED, False, [])
    assert imports.amounts == [50_000, -700]
    assert imports.bring(TABLE).repeated


def test_a_file_under_another_bank_is_read_anew_under_its_own(imports: StatementImports) -> None:
    wrong = imports.bring(TABLE, bank="bank-b")
    assert wrong.state is FileStatus.QUARANTINED
    right = imports.bring(TABLE)
    assert (right.id, right.state) == (wrong.id, FileStatus.ACCEPTED)
    assert imports.hub.rows("SELECT bank FROM statement_file") == [{"bank": "bank-a"}]
    assert imports.bring(TABLE, bank="bank-b").repeated


def test_what_persons_have_proposed_or_dropped_is_theirs(imports: StatementImports, mended: Callable[[], None]) -> None:
    mended()
    wrong = csv_file(table(replace(FIRST, closing=99)))
    held = imports.bring(wrong)
    imports.decide(held, "reject", "nguoi.mot")
    with_profile(imports.hub, skip=["x"])
    assert (imports.bring(wrong).repeated, imports.bring(wrong).state) == (True, FileStatus.QUARANTINED)
    imports.decide(held, "reject", "nguoi.hai")
    assert (imports.bring(wrong).state, imports.amounts) == (FileStatus.REJECTED, [])


def test_what_one_person_dropped_unread_is_read_by_a_mended_profile(
    imports: StatementImports, mended: Callable[[], None]
) -> None:
    held = imports.bring(TABLE)
    assert imports.decide(held, "reject", "nguoi.mot").state is FileStatus.REJECTED
    assert imports.bring(TABLE).repeated  # by the same profile nothing changes
    with_profile(imports.hub, thousands=" ")
    again = imports.bring(TABLE)
    assert (again.id, again.state, imports.open_exceptions) == (held.id, FileStatus.QUARANTINED, ["S05"])
    assert imports.decide(held, "reject", "nguoi.hai").state is FileStatus.REJECTED
    mended()
    read = dispatch.run_command(imports.hub, "nguoi.mot", lambda uow: (importing.reread(uow, held.id), []))
    assert (read.id, read.state, imports.open_exceptions, imports.amounts) == (
        held.id,
        FileStatus.ACCEPTED,
        [],
        [50_000, -700],
    )
    [row] = imports.hub.rows("SELECT settled_at IS NOT NULL AS settled, maker, checker FROM statement_file")
    assert row == {"settled": True, "maker": None, "checker": None}


def test_nobody_approves_what_a_mended_profile_reads(imports: StatementImports, mended: Callable[[], None]) -> None:
    held = imports.bring(TABLE)
    with pytest.raises(InvalidState, match=f"S05 không duyệt được.*reread {held.id}"):
        imports.decide(held, "approve", "nguoi.mot")
    mended()
    with pytest.raises(InvalidState, match=f"reread {held.id}"):
        imports.decide(held, "approve", "nguoi.mot")
    read = dispatch.run_command(imports.hub, "nguoi.mot", lambda uow: (importing.reread(uow, held.id), []))
    assert (read.state, imports.amounts) == (FileStatus.ACCEPTED, [50_000, -700])
    with pytest.raises(InvalidState, match="accepted"):
        dispatch.run_command(imports.hub, "nguoi.mot", lambda uow: (importing.reread(uow, held.id), []))


def test_a_dry_run_shows_what_would_be_and_keeps_nothing(cli: CommandLine, hub: ScriptedHub, tmp_path: Path) -> None:
    first, second, wrong = tmp_path / "a.xml", tmp_path / "b.xml", tmp_path / "c.xml"
    first.write_bytes(camt(FIRST))
    second.write_bytes(camt(FIRST.next(StatementMovement(5))))
    wrong.write_bytes(camt(FIRST)[:500])
    code, out, err = cli("fee", "import", str(first), str(second), "--bank", "bank-a", "--dry-run")
    assert (code, "không ghi gì" in err) == (ExitCode.OK, True)
    assert [line.split("\t")[:2] for line in out.splitlines()[1:]] == [["a.xml", "đã ghi"], ["b.xml", "đã ghi"]]
    code, _, err = cli("fee", "import", str(wrong), "--bank", "bank-a", "--dry-run")
    assert (code, "sẽ không được ghi" in err) == (ExitCode.FINDING, True)
    assert [hub.count(name) for name in ("statement_file", "statement", "statement_line", "audit_log")] == [0] * 4


@pytest.mark.usefixtures("mended")
def test_files_that_are_held_are_read_anew_by_their_ids(cli: CommandLine, imports: StatementImports) -> None:
    held = imports.bring(TABLE)
    code, _, err = cli("fee", "statements", "reread", held.id)  # the command line has its own catalogue: the right one
    assert code == ExitCode.OK, err
    assert imports.amounts == [50_000, -700]
    assert cli("fee", "statements", "reread", held.id)[0] == ExitCode.REFUSED
