"""What persons do about cases by command, and what the database refuses whoever asks."""

import json
from datetime import date

import psycopg
import pytest

from hub.errors import InvalidState, NotFound
from hub.fees.exceptions.codes import CODES, ExceptionCode
from hub.fees.resolutions import commands
from hub.fees.resolutions.table import RESOLUTIONS
from tests.bank_files import StatementMovement
from tests.integration.fees.casework import CHECKER, MAKER, REASON, Casework
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, another, red, status
from tests.integration.test_command_line import Hub


@pytest.fixture
def uow(till: AccountTill) -> Casework:
    return Casework(till)


@pytest.fixture
def unplaced(uow: Casework, till: AccountTill) -> str:
    """Money of which nobody knows what it is for: its case."""
    till.books(StatementMovement(DUE, "nop tien"))
    return str(uow.case("R01")["id"])


def test_a_first_person_proposes_and_only_another_one_settles(
    uow: Casework, cashier: Cashier, dossier: str, unplaced: str
) -> None:
    demand = {"demand": cashier.demand(dossier)["id"]}
    uow.proposes("R01", "assign", **demand)
    assert status(cashier, dossier) == "issued"

    with pytest.raises(InvalidState, match="cần người khác"):
        uow.says(MAKER, lambda uow: commands.resolve(uow, unplaced, "assign", demand, REASON))
    uow.says(CHECKER, lambda uow: commands.resolve(uow, unplaced, "assign", demand, REASON))

    assert status(cashier, dossier) == "paid"


def test_a_second_person_agrees_with_what_was_proposed_and_with_nothing_else(
    uow: Casework, cashier: Cashier, dossier: str, unplaced: str
) -> None:
    other, _ = another(cashier)
    uow.proposes("R01", "assign", demand=cashier.demand(dossier)["id"])

    for name, details in (("assign", {"demand": cashier.demand(other)["id"]}), ("not_fee", {"kind": "interest"})):
        with pytest.raises(InvalidState, match="đã đề nghị: assign"):
            uow.says(CHECKER, lambda uow, n=name, d=details: commands.resolve(uow, unplaced, n, d, REASON))  # type: ignore[misc]

    assert uow.case("R01")["state"] == "proposed"


def test_what_was_proposed_is_withdrawn_and_something_else_is_done(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, unplaced: str
) -> None:
    uow.proposes("R01", "assign", demand=cashier.demand(dossier)["id"])
    uow.says(CHECKER, lambda uow: commands.withdraw(uow, unplaced, "không đúng người"))
    assert (uow.case("R01")["state"], uow.case("R01")["maker"]) == ("open", None)

    uow.settles("R01", "not_fee", kind="not_ours")

    assert till.book() == {"111": DUE, "411": -DUE}


def test_a_case_is_assigned_carried_over_a_close_and_opened_again(
    uow: Casework, cashier: Cashier, dossier: str, unplaced: str
) -> None:
    uow.says(MAKER, lambda uow: commands.assign(uow, unplaced, "chuyen-vien-c"))
    uow.says(MAKER, lambda uow: commands.carry(uow, unplaced, "chờ ngân hàng trả lời"))
    case = uow.case("R01")
    assert (case["state"], case["assigned_to"], case["carried_by"]) == ("assigned", "chuyen-vien-c", MAKER)

    uow.settles("R01", "assign", demand=cashier.demand(dossier)["id"])
    with pytest.raises(InvalidState, match="đã xử lý xong"):
        uow.says(MAKER, lambda uow: commands.assign(uow, unplaced, "ai-khac"))
    uow.says(MAKER, lambda uow: commands.reopen(uow, unplaced, "người nộp khiếu nại"))

    case = uow.case("R01")
    assert (case["state"], case["assigned_to"], case["carried_by"]) == ("assigned", "chuyen-vien-c", None)
    assert (case["resolution"], case["resolved_at"]) == (None, None)


def test_a_case_does_not_close_while_its_money_has_nobody_else_behind_it(uow: Casework, till: AccountTill) -> None:
    till.books(StatementMovement(DUE, "nop tien"))
    line = till.line()
    case = uow.opened("N03", "payment", str(line["payment_id"]), DUE, line=str(line["id"]))
    with till.hub.db.connection() as conn:
        conn.execute("UPDATE fee_exception SET state = 'resolved', resolution = 'matched' WHERE code = 'R01'")

    with pytest.raises(InvalidState, match="chưa có ngoại lệ nào xử lý"):
        uow.says(MAKER, lambda uow: commands.resolve(uow, case, "answered", {}, REASON))

    assert (uow.case("N03")["state"], red(till.hub)) == ("open", [])


def test_what_a_later_match_explains_leaves_no_proposal_behind(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, unplaced: str
) -> None:
    uow.proposes("R01", "assign", demand=cashier.demand(dossier)["id"])

    with till.hub.db.connection() as conn:
        conn.execute("UPDATE fee_exception SET state = 'resolved', resolution = 'matched' WHERE id = %s", (unplaced,))

    case = uow.case("R01")
    assert (case["resolution"], case["maker"], case["details"]) == ("matched", None, {})


@pytest.mark.parametrize(
    ("name", "details", "why"),
    [
        ("mended", {}, "xử lý bằng"),
        ("refunded", {}, "xử lý bằng"),
        ("assign", {}, "cần --set demand=…"),
        ("assign", {"demand": "fd_1", "line": "2"}, "cần --set demand=…"),
        ("not_fee", {"kind": "interest", "why": "x"}, "cần --set kind=…"),
        ("not_fee", {"kind": "tien-an"}, "kind là một trong"),
    ],
)
def test_a_case_is_settled_as_its_code_allows_and_with_what_that_needs(
    uow: Casework, unplaced: str, name: str, details: dict[str, str], why: str
) -> None:
    with pytest.raises(InvalidState, match=why):
        uow.says(MAKER, lambda uow: commands.resolve(uow, unplaced, name, details, REASON))


def test_what_could_not_be_done_is_not_proposed_and_nothing_of_its_trial_is_left(
    uow: Casework, till: AccountTill, unplaced: str
) -> None:
    notes = "SELECT subject, action FROM audit_log ORDER BY id"
    before = till.hub.rows(notes)

    with pytest.raises(NotFound):
        uow.says(MAKER, lambda uow: commands.resolve(uow, unplaced, "assign", {"demand": "fd_0"}, REASON))
    assert (till.hub.rows(notes), uow.case("R01")["state"]) == (before, "open")

    uow.proposes("R01", "not_fee", kind="interest")
    assert [note["action"] for note in till.hub.rows(notes)[len(before) :]] == ["exception_resolution_proposed"]
    assert till.book() == {"111": DUE, "338": -DUE}
    assert red(till.hub) == []


def test_a_case_that_was_opened_again_after_its_money_had_gone_is_noted(
    uow: Casework, till: AccountTill, unplaced: str
) -> None:
    with pytest.raises(InvalidState, match="xử lý bằng: assign, return_to_sender, not_fee"):
        uow.says(MAKER, lambda uow: commands.resolve(uow, unplaced, "noted", {}, REASON))
    uow.settles("R01", "not_fee", kind="interest")
    uow.says(MAKER, lambda uow: commands.reopen(uow, unplaced, "người nộp hỏi lại"))

    uow.settles_alone("R01", "noted")

    assert till.book() == {"111": DUE, "411": -DUE}


def test_a_case_that_is_not_there_is_not_found(uow: Casework) -> None:
    with pytest.raises(NotFound):
        uow.says(MAKER, lambda uow: commands.resolve(uow, "ex_0", "noted", {}, REASON))


def test_cases_about_nothing_but_a_look_take_one_person(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    assert cashier.demand(dossier)
    till.books(StatementMovement(DUE, reference))

    uow.settles_alone("N02", "noted")


def test_a_case_of_the_proof_is_over_when_the_proof_is_green(uow: Casework, till: AccountTill, unplaced: str) -> None:
    case = uow.opened("L01", "invariant", "I6: thử", 0)
    with till.hub.db.connection() as conn:
        conn.execute("UPDATE statement_line SET state = 'new'")
    with pytest.raises(InvalidState, match="vẫn còn lỗi: I2"):
        uow.says(MAKER, lambda uow: commands.resolve(uow, case, "mended", {}, REASON))
    with till.hub.db.connection() as conn:
        conn.execute("UPDATE statement_line SET state = 'in_exception'")

    uow.settles_alone("L01", "mended")
    assert unplaced


@pytest.mark.parametrize(
    "change",
    [
        "state = 'resolved', resolution = 'assign', persons = 2, maker = 'a'",
        "state = 'resolved', resolution = 'assign', persons = 2, maker = 'a', checker = 'a'",
        "state = 'proposed', resolution = 'assign'",
        "state = 'assigned'",
        "checker = 'b'",
        "carried_by = 'a'",
        "persons = 3",
    ],
)
def test_the_database_wants_two_persons_and_a_reason(till: AccountTill, unplaced: str, change: str) -> None:
    with till.hub.db.connection() as conn, pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(f"UPDATE fee_exception SET {change} WHERE id = %s", (unplaced,))


def test_what_is_resolved_stays_as_it_was_resolved(uow: Casework, till: AccountTill) -> None:
    case = uow.opened("N02", "payment", "pm_1", 0)
    uow.says(MAKER, lambda uow: commands.resolve(uow, case, "noted", {}, REASON))
    with till.hub.db.connection() as conn, pytest.raises(psycopg.errors.CheckViolation):
        conn.execute("UPDATE fee_exception SET state = 'resolved', resolution = 'other' WHERE id = %s", (case,))


def test_every_code_names_ways_that_there_are_and_every_way_has_its_code() -> None:
    named = {name for about in CODES.values() for name in about.resolutions}
    assert named == set(RESOLUTIONS)
    assert set(CODES) == set(ExceptionCode)
    unsettled = [code for code, about in CODES.items() if not (about.resolutions or about.elsewhere)]
    assert unsettled == []


@pytest.mark.parametrize(
    ("day", "working_days", "until"),
    [
        (date(2026, 11, 20), 0, date(2026, 11, 20)),
        (date(2026, 11, 20), 1, date(2026, 11, 23)),  # Friday
        (date(2026, 11, 21), 1, date(2026, 11, 23)),  # Saturday
        (date(2026, 8, 31), 2, date(2026, 9, 4)),  # over the National Day's holidays
    ],
)
def test_a_term_of_a_case_is_in_working_days(uow: Casework, day: date, working_days: int, until: date) -> None:
    assert uow.hub.calendar.after(day, working_days) == until


def test_two_persons_settle_a_case_at_the_command_line(
    cli: Hub, monkeypatch: pytest.MonkeyPatch, cashier: Cashier, dossier: str, reference: str, unplaced: str
) -> None:
    _, out, _ = cli("fee", "exceptions", "list", "--json")
    assert [(row["id"], row["code"], row["at_risk"]) for row in json.loads(out)["data"] if row["code"] != "N02"] == [
        (unplaced, "R01", DUE)
    ]
    ways = [row["name"] for row in json.loads(cli("fee", "exceptions", "show", unplaced, "--json")[1])["ways"]]
    assert "assign" in ways
    words = ("fee", "resolve", unplaced, "assign", "--set", f"demand={reference}", "-r", "đã hỏi người nộp")

    assert cli(*words)[0] == 0
    assert cli(*words)[0] == 5
    monkeypatch.setenv("HUB_ACTOR", "nguoi.hai")
    assert cli(*words)[0] == 0

    assert status(cashier, dossier) == "paid"


@pytest.mark.parametrize(
    "words",
    [
        ("assign", "--set", "demand"),
        ("assign",),
        ("assign", "--set", "line=17"),
        ("give-it-to-me",),
    ],
)
def test_what_a_resolution_is_told_wrongly_is_one_line_and_a_wrong_usage(
    cli: Hub, unplaced: str, words: tuple[str, ...]
) -> None:
    code, _, err = cli("fee", "resolve", unplaced, *words, "-r", "x")
    assert (code, err.count("\n")) == (2, 1)


def test_a_case_shows_what_to_look_for_at_the_bank_in_words(cli: Hub, unplaced: str, till: AccountTill) -> None:
    _, out, _ = cli("fee", "exceptions", "show", unplaced[:-1])  # the beginning of an id is enough
    [line] = till.hub.rows("SELECT booking_date FROM statement_line")
    for line_text in (
        f"Ngày\t{line['booking_date']:%d/%m/%Y}",
        "Số tiền của giao dịch\t150.000",
        "Tài khoản\t1020304050607",
    ):
        assert line_text in out
    assert cli("fee", "exceptions", "list", "--code", "R99")[0] == 2


def test_a_person_reports_a_wrong_dossier_and_lets_a_case_wait_at_the_command_line(
    cli: Hub, uow: Casework, till: AccountTill, cashier: Cashier, reference: str, dossier: str
) -> None:
    assert dossier
    _, other = another(cashier)
    till.books(StatementMovement(DUE, reference))

    code, out, _ = cli("fee", "exceptions", "report", reference, other, "-r", "đơn khiếu nại 12")
    case = out.strip()
    assert (code, uow.case("R08")["id"]) == (0, case)
    assert cli("fee", "exceptions", "assign", case, "chuyen-vien-c")[0] == 0
    assert cli("fee", "exceptions", "carry", case, "-r", "chờ xác minh")[0] == 0
    assert (uow.case("R08")["state"], uow.case("R08")["carried_reason"]) == ("assigned", "chờ xác minh")
    assert cli("fee", "resolve", case, "no_move", "-r", "không phải nộp nhầm")[0] == 0
    assert cli("fee", "exceptions", "reopen", case, "-r", "có đơn mới")[0] == 0
    assert cli("fee", "exceptions", "withdraw", case, "-r", "x")[0] == 5
