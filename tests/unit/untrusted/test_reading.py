"""A file from a stranger is read in a process of its own, says the same there, and what ends that process is told."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from config.banks import Bank
from config.catalogue import Catalogue
from connectors.banks.statements import formats
from hub.fees.settlements import department_files, sheet
from hub.fees.settlements.department_files import BadFile
from hub.untrusted import client, files, readers
from schemas.cells import Cell, CellRow
from schemas.statement import StatementCode, UnreadableFile
from tests.bank_files import StatementDraft, StatementMovement, camt, csv_file, mt940, table, xlsx
from tests.integration.fees.settling import a_table

TOLD = StatementDraft(
    [
        StatementMovement(50_000, "HC123456789012 nộp; phí", ref="FT1"),
        StatementMovement(-1_100, 'có "ngoặc"\nhai dòng'),
    ],
    opening=7,
)
HOSTILE = Path(__file__).with_name("hostile.py")


@pytest.fixture
def bank(catalogue: Catalogue) -> Bank:
    return catalogue.banks["bank-a"]


def as_csv(draft: StatementDraft) -> bytes:
    return csv_file(table(draft))


def as_xlsx(draft: StatementDraft) -> bytes:
    return xlsx(table(draft, thousands=","))


@pytest.mark.parametrize("write", [camt, mt940, as_csv, as_xlsx])
def test_statements_are_what_they_are_without_it(bank: Bank, write: Callable[[StatementDraft], bytes]) -> None:
    assert files.statements(bank.statements, write(TOLD)) == formats.read(bank, write(TOLD))


def test_what_is_wrong_is_told_with_its_code_and_line(bank: Bank) -> None:
    raw = csv_file(table(TOLD)).replace(b"1.100", b"1.1.0")
    for reading in (formats.read, lambda of, sent: files.statements(of.statements, sent)):
        with pytest.raises(UnreadableFile, match="line 8: an amount") as caught:
            reading(bank, raw)
        assert (caught.value.code, caught.value.line) == (StatementCode.UNPARSABLE, 8)


def test_a_departments_workbook_is_what_it_is_without_it() -> None:
    raw = sheet.written(a_table(), "ab" * 32, "Trung tâm")
    assert files.sheets(raw, ".xlsx") == department_files.read(raw, ".xlsx")
    with pytest.raises(BadFile, match="dòng 2: chữ không ở dạng UTF-8; trong Excel"):
        files.sheets(b"a;b\n\xff;c\n", ".csv")


@pytest.mark.parametrize(
    "cell",
    [
        "2026-11-24",
        "",
        1,
        1.0,
        -0.5,
        True,
        date(2026, 1, 2),
        datetime(2026, 1, 2, 3, 4, 5, 6),  # noqa: DTZ001 - of a spreadsheet, which has no zones
        time(7),
        timedelta(1, 2, 3),
    ],
    ids=repr,
)
def test_a_cell_comes_over_as_what_it_is(cell: Cell) -> None:
    row = files.row_of(readers.line(CellRow(3, [cell])))
    assert (row.number, row.cells, type(row.cells[0])) == (3, [cell], type(cell))


@pytest.fixture(scope="module")
def hostile_servers() -> Iterator[list[client._ReaderServer]]:
    """The server that the hostile readers are forked from, if one runs: the next test goes on with it."""
    servers: list[client._ReaderServer] = []
    yield servers
    for server in servers:
        server.close()


@pytest.fixture
def hostile(hostile_servers: list[client._ReaderServer], monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers that do what a file could make ours do."""
    monkeypatch.setattr(client, "_servers", hostile_servers)
    monkeypatch.setattr(client, "COMMAND", (sys.executable, str(HOSTILE)))
    monkeypatch.setattr(client, "SECONDS", 1)
    monkeypatch.setattr(client, "ANSWER", client.MEGABYTE)


def ask(reader: str, raw: bytes = b"abc") -> list[bytes]:
    return client.read(reader, None, raw, list)


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize(
    ("reader", "says"),
    [
        ("aborts", "ends its reader (SIGABRT)"),
        ("takes memory", "more than 1024 MiB"),
        ("takes memory in c", "more than 1024 MiB"),
        ("takes time", "more than 1 s"),
        ("sleeps", "more than 1 s"),
        ("leaves", "exit status 7"),
        ("fails", "KeyError"),
        ("says too much", "unfolds to more than 1 MiB"),
        ("is killed", "ended twice (SIGKILL)"),
    ],
)
def test_what_ends_a_reader_is_told_and_the_next_file_is_read(reader: str, says: str) -> None:
    for _ in range(2):
        with pytest.raises(UnreadableFile) as caught:
            ask(reader)
        assert says in caught.value.sentence
        assert ask("reads") == [b"3"]


@pytest.mark.usefixtures("hostile")
def test_a_reader_that_was_killed_once_is_started_again(tmp_path: Path) -> None:
    assert client.read("is killed once", str(tmp_path / "mark"), b"abc", list) == [b"read"]


@pytest.mark.usefixtures("hostile")
def test_a_reader_has_none_of_our_secrets_and_writes_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    client._close()  # so that it starts with this environment
    monkeypatch.setenv("HUB_KEYS_PASSPHRASE", "secret")
    assert ask("looks around") == [b"[]"]
    with pytest.raises(UnreadableFile, match=r"SIGXFSZ|OSError"):
        ask("writes")


@pytest.mark.usefixtures("hostile")
def test_a_server_that_went_away_is_started_again() -> None:
    assert ask("reads") == [b"3"]
    server = client._servers[0]
    server._process.kill()
    server._process.wait()
    assert ask("reads") == [b"3"]


@pytest.mark.usefixtures("hostile")
def test_a_reader_that_cannot_be_limited_is_no_fault_of_the_file() -> None:
    with pytest.raises(client.ReaderLost):
        ask("cannot limit itself")
    assert ask("reads") == [b"3"]


def test_a_server_that_cannot_be_started_is_no_fault_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    client._close()
    monkeypatch.setattr(client, "COMMAND", (sys.executable, "-c", "pass"))
    with pytest.raises(client.ReaderLost):
        ask("sheets")


@pytest.mark.usefixtures("hostile")
def test_threads_have_their_files_read_one_after_another() -> None:
    answers: list[list[bytes]] = []
    threads = [
        threading.Thread(target=lambda size=size: answers.append(ask("reads", b"x" * size))) for size in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted([str(size).encode()] for size in range(20))


@pytest.mark.usefixtures("hostile")
def test_a_process_that_was_forked_has_a_server_of_its_own() -> None:
    assert ask("reads") == [b"3"]
    ours = client._servers[0]._process.pid
    reading, writing = os.pipe()
    fork = os.fork()
    if fork == 0:
        report = b"".join([*ask("reads"), b" ", str(client._servers[0]._process.pid).encode()])
        os.write(writing, report)
        client._close()
        os._exit(0)
    os.waitpid(fork, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        read, _, theirs = answer.read().partition(b" ")
    assert (read, ask("reads")) == (b"3", [b"3"])
    assert int(theirs) != ours
