"""hub fee close, reopen, days: what an accountant sees, and what a script may rely on."""

import json
from datetime import timedelta
from typing import Any

import pytest

from hub.cli.exits import ExitCode
from tests.bank_files import StatementDraft, StatementMovement, ago
from tests.integration.fees.closing import FIRST, SECOND, Accountants
from tests.integration.fees.matching import DUE, AccountTill
from tests.integration.fees.telling import ACCOUNT
from tests.integration.test_command_line import Hub


class TwoPersonCommandLine:
    """The command line as two persons use it."""

    def __init__(self, cli: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hub = cli
        self.monkeypatch = monkeypatch

    def says(self, by: str, *words: str) -> tuple[int, str, str]:
        self.monkeypatch.setenv("HUB_ACTOR", by)
        return self.hub("fee", *words)

    def data(self, by: str, *words: str) -> tuple[int, list[dict[str, Any]]]:
        code, out, _ = self.says(by, *words, "--json")
        return code, json.loads(out)["data"]


@pytest.fixture
def persons(cli: Hub, monkeypatch: pytest.MonkeyPatch) -> TwoPersonCommandLine:
    return TwoPersonCommandLine(cli, monkeypatch)


def test_two_persons_close_what_is_open_up_to_a_day(
    persons: TwoPersonCommandLine, till: AccountTill, reference: str
) -> None:
    days = [till.books(StatementMovement(DUE, reference)), till.books()]
    Accountants(till).proves()
    command = ("close", "--day", days[1].isoformat())

    first = persons.data(FIRST, *command)
    again = persons.says(FIRST, *command)
    second = persons.data(SECOND, *command)

    assert (first[0], [row["step"] for row in first[1]]) == (ExitCode.OK, ["proposed", "proposed"])
    assert (again[0], again[2].strip()) == (ExitCode.REFUSED, "cần người khác đồng ý")
    assert (second[0], [(row["period"], row["step"]) for row in second[1]]) == (
        ExitCode.OK,
        [(day.isoformat(), "done") for day in days],
    )
    code, out, _ = persons.says(FIRST, "days", "--month", f"{days[0]:%Y-%m}")
    assert code == ExitCode.OK
    assert out.count("đã khóa") == sum(day.month == days[0].month for day in days)


def test_what_cannot_be_closed_says_which_gates_and_what_to_do(
    persons: TwoPersonCommandLine, till: AccountTill
) -> None:
    day = till.books(StatementMovement(70_000, "khong ro"))

    code, out, err = persons.says(FIRST, "close", "--day", day.isoformat())

    assert code == ExitCode.REFUSED
    assert "close-a-day-and-a-month.md" in err
    lines = {line.split("\t")[3]: line.split("\t") for line in out.splitlines() if line[:1] in "✔✗"}
    assert lines["Đủ sao kê"][0] == "✔"
    assert lines["Ngoại lệ đã xử lý hoặc treo"][0] == "✗"
    assert "hub fee exceptions carry" in lines["Ngoại lệ đã xử lý hoặc treo"][5]
    assert lines["Sổ đã được kiểm tra hôm nay và đúng"][5] == "hub fee prove --keep"
    assert persons.says(FIRST, "prove", "--keep")[0] == ExitCode.OK
    _, [row] = persons.data(FIRST, "close", "--day", day.isoformat())
    assert [gate["name"] for gate in row["gates"] if not gate["green"]] == ["exceptions"]


def test_before_the_book_begins_there_is_nothing_to_close(
    persons: TwoPersonCommandLine, till: AccountTill, reference: str
) -> None:
    day = till.books(StatementMovement(DUE, reference))
    Accountants(till).proves()
    long_before = day - timedelta(days=70)

    for period in (("--day", long_before.isoformat()), ("--month", f"{long_before:%Y-%m}")):
        code, _, err = persons.says(FIRST, "close", *period)
        assert (code, err.count("\n"), f"bắt đầu từ ngày {day}" in err) == (ExitCode.REFUSED, 1, True)
    assert persons.says(FIRST, "close", "--day", f"{day:%d/%m/%Y}")[0] == ExitCode.USAGE
    assert till.hub.count("close_proposal") == 0


def test_a_dry_run_says_what_would_come_of_it_and_leaves_nothing(
    persons: TwoPersonCommandLine, till: AccountTill
) -> None:
    till.statement = StatementDraft((), opening=5_000, day=ago(10))
    day = till.books()
    Accountants(till).proves()

    code, [row] = persons.data(FIRST, "close", "--day", day.isoformat(), "--dry-run")

    assert (code, row["step"], all(gate["green"] for gate in row["gates"])) == (ExitCode.OK, "proposed", True)
    assert (till.hub.count("close_proposal"), till.hub.count("ledger_entry")) == (0, 0)


def test_other_numbers_than_were_proposed_are_shown_and_not_closed(
    persons: TwoPersonCommandLine, till: AccountTill
) -> None:
    day = till.books()
    accountants = Accountants(till)
    accountants.proves()
    accountants.asks(day, FIRST)
    assert till.statement is not None
    till.brings(till.statement.next(StatementMovement(3_000, "LAI"), day=day))
    accountants.carries()

    code, _, err = persons.says(SECOND, "close", "--day", day.isoformat())

    assert code == ExitCode.REFUSED
    assert "book: 0 → 3000" in err
    assert till.hub.count("day_close") == 0


def test_a_day_is_opened_again_by_two_persons(persons: TwoPersonCommandLine, till: AccountTill) -> None:
    day = till.books()
    Accountants(till).closes(day)
    command = ("reopen", "--day", day.isoformat(), "--account", ACCOUNT, "--reason", "thiếu sao kê")

    assert persons.data(FIRST, *command)[1][0]["step"] == "proposed"
    assert persons.says(FIRST, *command)[0] == ExitCode.REFUSED
    assert persons.data(SECOND, *command)[1][0]["step"] == "done"

    _, rows = persons.data(FIRST, "days", "--month", f"{day:%Y-%m}")
    assert (rows[0]["state"], rows[0]["reopened"]) == ("open", 1)


def test_a_month_shows_all_its_gates(persons: TwoPersonCommandLine, till: AccountTill) -> None:
    day = till.books()

    code, out, _ = persons.says(FIRST, "close", "--month", f"{day:%Y-%m}")

    assert code == ExitCode.REFUSED
    assert "Tiền đang chuyển (112), theo tuổi" in out
    assert "Mọi ngày của mọi tài khoản đã khóa" in out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("close",), ExitCode.USAGE),
        (("close", "--day", "2026-11-02", "--month", "2026-11"), ExitCode.USAGE),
        (("close", "--day", "30-02-2026"), ExitCode.USAGE),
        (("close", "--day", "2026-11-02"), ExitCode.NOT_FOUND),
        (("close", "--day", "2026-11-02", "--account", "0000"), ExitCode.NOT_FOUND),
        (("reopen", "--day", "2026-11-02", "--reason", "x"), ExitCode.USAGE),
        (("reopen", "--day", "2026-11-02", "--account", ACCOUNT, "--reason", "x"), ExitCode.REFUSED),
        (("reopen", "--month", "2026-10", "--reason", "x"), ExitCode.REFUSED),
    ],
)
def test_what_cannot_be_meant_is_said(
    persons: TwoPersonCommandLine, till: AccountTill, words: tuple[str, ...], code: ExitCode
) -> None:
    assert persons.says(FIRST, *words)[0] == code
