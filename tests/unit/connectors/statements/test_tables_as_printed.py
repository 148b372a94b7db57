"""Tables as Vietnamese banks print them: every habit of theirs that is read, and what none of it lets by."""

import json
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any, Final

import pytest

from config.statements import Statements, Table
from connectors.banks.statements import table
from hub.fees.reconciliation.statements import gates
from schemas.statement import Statement, StatementCode, UnreadableFile, gathered
from tests.bank_files import weekday, xlsx

COLUMNS: Final = {"booking_date": "Ngày", "debit": "Nợ", "credit": "Có", "balance": "Số dư", "text": ["Diễn giải"]}
PROFILE: Final[dict[str, Any]] = {
    "account": "Tài khoản",
    "opening": "Đầu kỳ",
    "closing": "Cuối kỳ",
    "total": "Cộng",
    "columns": COLUMNS,
}
TOP: Final = [["Tài khoản", "1020304050607"], ["Đầu kỳ", "1,000"]]
HEADINGS: Final = ["Ngày", "Diễn giải", "Nợ", "Có", "Số dư"]
FIRST: Final = ["24/11/2026", "HC241100173361", "", "500", "1,500"]
SECOND: Final = ["25/11/2026", "PHI", "100", "", "1,400"]
END: Final = [["Cộng", "", "100", "500", ""], ["Cuối kỳ", "1,400"]]
Rows = Sequence[Sequence[Any]]


def profile(**changes: Any) -> Table:
    columns = COLUMNS | changes.pop("columns", {})
    document = {name: value for name, value in (PROFILE | changes | {"columns": columns}).items() if value is not None}
    return Table.model_validate_json(json.dumps(document), strict=True)


def read(rows: Rows, **changes: Any) -> list[Statement]:
    """The statements of a workbook with these rows."""
    width = max(map(len, rows))
    padded = [[*row, *[""] * (width - len(row))] for row in rows]
    return gathered(table.read_xlsx(xlsx(padded), profile(**changes)), most=99)


def whole(rows: Rows, **changes: Any) -> Statement:
    """The one statement, which keeps every gate but that of its account."""
    [statement] = read(rows, **changes)
    findings = gates.judge(statement, None, value_days=31, today=date(2026, 12, 1), is_working=weekday)
    assert [(one.code, one.sentence) for one in findings if one.code is not StatementCode.WRONG_ACCOUNT] == []
    return statement


def amounts(statement: Statement) -> list[int]:
    return [entry.amount for entry in statement.entries]


def refused(rows: Rows, **changes: Any) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        read(rows, **changes)
    return caught.value


def test_debits_may_carry_a_minus_where_the_profile_says_so() -> None:
    rows = [*TOP, HEADINGS, FIRST, ["25/11/2026", "PHI", "-100", "", "1,400"], ["Cuối kỳ", "1,400"]]
    assert amounts(whole(rows, negative_debits=True)) == [500, -100]
    [statement] = read(rows)  # the profile does not say so: it takes a debit back, and the sums do not agree
    assert (amounts(statement), statement.entries[1].reversal) == ([500, 100], True)


def test_a_negative_credit_takes_one_back() -> None:
    rows = [*TOP, HEADINGS, FIRST, ["25/11/2026", "HUY", "", "-500", "1,000"], ["Cuối kỳ", "1,000"]]
    assert [(entry.amount, entry.reversal) for entry in whole(rows).entries] == [(500, False), (-500, True)]


@pytest.mark.parametrize("sign", ["", "-"])
def test_charges_in_columns_of_their_own_are_part_of_the_movement(sign: str) -> None:
    headings = [*HEADINGS[:4], "Phí", "Thuế", "Số dư"]
    lines = [
        ["24/11/2026", "HC241100173361", "", "500", "-", "", "1,500"],
        ["25/11/2026", "CHUYEN", f"{sign}90", "", f"{sign}9", f"{sign}1", "1,400"],
        ["25/11/2026", "PHI SMS", "", "", f"{sign}11", "", "1,389"],
    ]
    rows = [*TOP, headings, *lines, ["Cuối kỳ", "1,389"]]
    statement = whole(rows, columns={"charges": ["Phí", "Thuế"]}, negative_debits=bool(sign))
    assert amounts(statement) == [500, -100, -11]


def test_a_cell_of_two_lines_has_two_fields_if_its_heading_has() -> None:
    headings = ["Ngày GD\nDate\nSố CT", *HEADINGS[1:]]
    rows = [*TOP, headings, ["24/11/2026\n5243.65937", *FIRST[1:]], ["25/11/2026", *SECOND[1:]], *END]
    changes = {"columns": {"booking_date": "Ngày GD", "bank_ref": "Số CT"}}
    assert [(one.booking_date.day, one.bank_ref) for one in whole(rows, **changes).entries] == [
        (24, "5243.65937"),
        (25, None),
    ]
    rows[3] = ["24/11/2026\n5243\n65937", *FIRST[1:]]
    assert "more than the 2 lines" in refused(rows, **changes).sentence


def test_text_goes_on_in_rows_that_hold_nothing_else() -> None:
    goes_on = ["", "73361 NGUYEN VAN MAU", "", "", ""]
    rows = [*TOP, HEADINGS, ["24/11/2026", "HC2411001", "", "500", "1,500"], goes_on, SECOND, goes_on, *END]
    first, second = whole(rows).entries
    assert (first.text, second.text) == ("HC2411001\n73361 NGUYEN VAN MAU", "PHI\n73361 NGUYEN VAN MAU")
    why = refused([*TOP, HEADINGS, goes_on, FIRST, SECOND, *END])
    assert (why.line, why.code) == (4, StatementCode.UNPARSABLE)  # there is no line above it
    assert "no day" in refused([*TOP, HEADINGS, FIRST, ["x", *goes_on[1:]], SECOND, *END]).sentence


@pytest.mark.parametrize(
    "label", ["Cuối kỳ 25/11/2026:", "Cuối kỳ (ngày 25-11-2026)", "CUỐI KỲ ngày 25/11/2026", "Cuối kỳ\nClosing"]
)
def test_a_label_may_carry_a_day(label: str) -> None:
    assert whole([*TOP, HEADINGS, FIRST, SECOND, [label, "1,400"]]).closing == 1_400
    assert read([*TOP, HEADINGS, FIRST, SECOND, END[0], ["Cuối kỳ trước", "7"]])[0].closing is None


@pytest.mark.parametrize(
    "account", ["1020 3040 50607", "1020-3040-50607", "1020.3040.50607 VND", "1020304050607 - CONG TY", 1020304050607]
)
def test_an_account_is_read_whole(account: Any) -> None:
    assert whole([["Tài khoản:", account], *TOP[1:], HEADINGS, FIRST, SECOND, *END]).account == "1020304050607"


def test_balances_are_checked_wherever_they_are_printed() -> None:
    rows = [*TOP, HEADINGS, [*FIRST[:4], ""], [*SECOND[:4], "-"], ["25/11/2026", "X", "1", "", "1,399"]]
    assert [entry.balance for entry in whole([*rows, ["Cuối kỳ", "1,399"]]).entries] == [None, None, 1_399]
    rows[-1][-1] = "1,398"
    [statement] = read([*rows, ["Cuối kỳ", "1,399"]])
    findings = gates.judge(statement, None, value_days=31, today=date(2026, 12, 1), is_working=weekday)
    assert [one.line for one in findings if "balance of a line" in one.sentence] == [6]


def test_rows_are_passed_over_where_the_profile_says_which() -> None:
    rows = [*TOP, HEADINGS, FIRST, ["Trang 1/2"], HEADINGS, SECOND, *END, ["Trang 2/2", "100"]]
    assert "no day" in refused(rows).sentence
    assert amounts(whole(rows, skip=[r"Trang \d/\d( \d+)?"])) == [500, -100]
    rows[4] = ["Trang 1/2 và dòng khác"]
    assert refused(rows, skip=[r"Trang \d/\d"]).line == 5


def test_a_line_is_never_passed_over() -> None:
    rows = [*TOP, HEADINGS, FIRST, SECOND, *END]
    assert amounts(whole(rows, skip=[".*"])) == [500, -100]


@pytest.mark.parametrize("sentence", ["Không có giao dịch phát sinh trong kỳ", "No transactions found"])
def test_a_sentence_may_say_that_nothing_moved(sentence: str) -> None:
    rows = [*TOP, ["Kỳ", "24/11/2026 - 25/11/2026"], HEADINGS, [sentence], ["Cuối kỳ", "1,000"]]
    statement = whole(rows, period="Kỳ")
    assert (statement.entries, statement.from_date, statement.to_date) == ((), date(2026, 11, 24), date(2026, 11, 25))
    assert "below lines" in refused([*TOP, HEADINGS, FIRST, [sentence], *END]).sentence
    assert "below the end" in refused([*TOP, HEADINGS, [sentence], FIRST, *END]).sentence


def test_the_last_balance_closes_where_no_label_does() -> None:
    rows = [*TOP[:1], HEADINGS, FIRST, SECOND]
    statement = whole(rows, closing=None, opening=None, total=None)
    assert (statement.opening, statement.closing) == (1_000, 1_400)
    [statement] = read([*rows, ["25/11/2026", "X", "1", "", ""]], closing=None, opening=None, total=None)
    assert statement.closing is None
    assert "totals" in refused(rows, closing=None, opening=None).sentence
    assert whole([*rows, END[0]], closing=None, opening=None).closing == 1_400


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("VND 1,000", 1_000),
        ("1,000 VND", 1_000),
        ("₫1,000", 1_000),
        ("11,000-", -11_000),
        ("- 11,000", -11_000),
        ("11,000 -", -11_000),
        ("\u2212 11,000", -11_000),
        ("\u201311,000 đ", -11_000),
        ("VND -11,000", -11_000),
        ("(11,000 VND)", -11_000),
        ("+ 5", 5),
        ("\ufeff1,\u200b000", 1_000),
    ],
)
def test_signs_and_currencies_stand_where_the_bank_puts_them(cell: str, amount: int) -> None:
    columns = {"booking_date": "Ngày", "amount": "Số tiền", "text": ["Diễn giải"]}
    printed = Table.model_validate(PROFILE | {"columns": columns})
    rows = [["Đầu kỳ", "0"], ["Ngày", "Diễn giải", "Số tiền"], ["24/11/2026", "x", cell], ["Cuối kỳ", cell]]
    [row] = gathered(table.read_xlsx(xlsx(rows), printed), most=9)
    assert (amounts(row), row.closing) == ([amount], amount)


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u202f", "\u2009", "\u2007", "\u3000"])
def test_every_blank_of_unicode_may_stand_between_thousands(blank: str) -> None:
    rows = [["Đầu kỳ", "0"], HEADINGS, ["24/11/2026", "x", "", f"1{blank}000", ""], ["Cuối kỳ", f"1{blank}000"]]
    assert amounts(whole(rows, thousands=" ")) == [1_000]


@pytest.mark.parametrize(
    "cell", ["--5", "-5-", "-(5)", "(5", "5)", "5 5", "VND", "1,00", "5 USD", "5.5", "1,0000", "+-5"]
)
def test_what_is_no_amount_is_refused_with_row_column_and_heading(cell: str) -> None:
    why = refused([*TOP, HEADINGS, ["24/11/2026", "x", "", cell, ""], *END])
    assert (why.line, why.sentence.endswith("(column D, 'Có')")) == (4, True)


def test_a_balance_behind_a_label_is_refused_with_row_column_and_label() -> None:
    why = refused([TOP[0], ["Đầu kỳ", "1.000"], HEADINGS, FIRST, *END])
    assert (why.line, why.sentence.endswith("(column A, 'Đầu kỳ')")) == (2, True)
    assert refused([TOP[0], ["Đầu kỳ", "1,000", "USD"], HEADINGS, FIRST, *END]).code is StatementCode.WRONG_CURRENCY
    assert "twice" in refused([*TOP, ["Đầu kỳ", "1,001"], HEADINGS, FIRST, *END]).sentence


@pytest.mark.parametrize(
    "day", [46350.34, 46350, datetime.combine(date(2026, 11, 24), time(8, 9)), "24/11/2026", " 24/11/2026\u00a0"]
)
def test_a_day_is_read_however_the_cell_holds_it(day: Any) -> None:
    statement = whole([*TOP, HEADINGS, [day, *FIRST[1:]], SECOND, *END])
    assert statement.entries[0].booking_date == date(2026, 11, 24)


@pytest.mark.parametrize("number", [0, 1, 24112026, 20261124, -5, 36525])
def test_a_number_that_is_no_day_of_this_century_is_none(number: int) -> None:
    assert refused([*TOP, HEADINGS, [number, *FIRST[1:]], SECOND, *END]).line == 4


def test_headings_may_go_over_two_rows() -> None:
    above, below = ["Ngày", "Diễn giải", "Số tiền", "", "Số dư"], ["", "", "Nợ", "Có", ""]
    rows = [*TOP, above, below, FIRST, above, below, SECOND, *END]
    assert amounts(whole(rows)) == [500, -100]
    assert amounts(whole(rows, columns={"debit": "Số tiền Nợ", "credit": "Số tiền Có"})) == [500, -100]
    assert "row 4 lacks 'Khác'" in refused(rows, columns={"bank_ref": "Khác"}).sentence


def test_accounts_one_below_the_other_are_a_statement_each() -> None:
    second = [["Tài khoản", "7060504030201"], ["Đầu kỳ", "7"], HEADINGS, ["25/11/2026", "x", "", "1", "8"]]
    rows = [*TOP, HEADINGS, FIRST, SECOND, *END, ["Ngân hàng"], *second, ["Cuối kỳ", "8"], ["Người lập biểu"]]
    assert [(one.account, one.opening, one.closing, amounts(one)) for one in read(rows)] == [
        ("1020304050607", 1_000, 1_400, [500, -100]),
        ("7060504030201", 7, 8, [1]),
    ]


def test_an_account_named_once_more_is_no_second_statement() -> None:
    rows = [*TOP, HEADINGS, FIRST, *TOP, HEADINGS, SECOND, *END, ["Tài khoản", "1020304050607"], ["Kế toán"]]
    assert amounts(whole(rows)) == [500, -100]


def test_lines_of_another_account_are_never_taken_for_this_one_s() -> None:
    rows = [*TOP, HEADINGS, FIRST, ["Tài khoản", "7060504030201"], HEADINGS, SECOND, *END]
    assert "another account" in refused(rows).sentence
    below = [*TOP, HEADINGS, FIRST, SECOND, *END, ["Tài khoản", "7060504030201"], ["25/11/2026", "x", "", "1", "8"]]
    assert refused(below).line == 8


def test_balances_may_stand_in_rows_with_a_day() -> None:
    opening, closing = ["24/11/2026", "Đầu kỳ", "", "", "1,000"], ["25/11/2026", "Cuối kỳ", "0", "0", "1,400"]
    statement = whole([TOP[0], HEADINGS, opening, FIRST, SECOND, ["", *END[0][:1], *END[0][2:]], closing])
    assert (statement.opening, statement.closing, amounts(statement)) == (1_000, 1_400, [500, -100])
    paid = [*TOP, HEADINGS, ["24/11/2026", "Cuối kỳ", "", "500", "1,500"], SECOND, *END]
    assert amounts(whole(paid)) == [500, -100]  # what a payer writes is no label


def test_a_day_may_be_printed_once_for_all_its_lines() -> None:
    rows = [*TOP, HEADINGS, FIRST, ["", *SECOND[1:]], *END]
    assert [entry.booking_date.day for entry in whole(rows, day_once=True).entries] == [24, 24]
    assert "no day" in refused(rows).sentence
    assert "no day" in refused([*TOP, HEADINGS, ["", *FIRST[1:]], SECOND, *END], day_once=True).sentence
    assert refused([*TOP, HEADINGS, FIRST, SECOND, *END, ["", "x", "", "1", ""]], day_once=True).line == 8


def test_a_period_may_say_only_where_it_begins() -> None:
    rows = [["Từ", "23/11/2026"], *TOP, HEADINGS, FIRST, SECOND, *END]
    statement = whole(rows, period="Từ")
    assert (statement.from_date, statement.to_date) == (date(2026, 11, 23), date(2026, 11, 25))
    [statement] = read([["Từ", "25/11/2026"], *rows[1:]], period="Từ")
    findings = gates.judge(statement, None, value_days=31, today=date(2026, 12, 1), is_working=lambda _: True)
    assert [one.line for one in findings if "outside" in one.sentence] == [5]


def test_days_without_a_year_stop_the_start() -> None:
    for pattern in ("%d-%m", "%m/%Y", "%H:%M"):
        with pytest.raises(ValueError, match="a date has its"):
            profile(dates=[pattern])
    assert profile(dates=["%d-%b-%y"]).dates == ["%d-%b-%y"]


def test_a_text_that_may_be_cut_unseen_stops_the_start() -> None:
    printed = profile(closing=None, total=None)
    assert Statements(xlsx=printed).xlsx == printed
    with pytest.raises(ValueError, match="cut"):
        Statements(csv=printed)
    ended = profile(closing=None)
    text = "Tài khoản,1020304050607\nĐầu kỳ,1000\nNgày,Diễn giải,Nợ,Có,Số dư\n24/11/2026,x,,500,1500\nCộng,,0,500,\n"
    raw = text.encode()
    assert Statements(csv=ended).csv == ended
    assert gathered(table.read_csv(raw, ended), most=9)[0].closing == 1_500
    for end in range(raw.index(b"500,1500"), raw.index("Cộng".encode()) + 3):
        with pytest.raises(UnreadableFile):
            gathered(table.read_csv(raw[:end], ended), most=9)
