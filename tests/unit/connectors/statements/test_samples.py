"""Real files of other people's banks: each gets the verdict that it deserves, with the numbers that a person needs.

None of them is in đồng, so none is ever accepted here; what else is wrong with each is what is looked at.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from config.banks import Bank, BankAccount
from config.statements import Camt, Columns, Mt940, Statements, Table
from connectors.banks.statements import formats
from hub.fees.reconciliation.statements import gates, lines
from hub.fees.reconciliation.statements.model import booked, movements
from schemas.statement import Statement, StatementCode, UnreadableFile
from tests.bank_files import ago, weekday

TABLE: Final = Table(
    columns=Columns(booking_date="Buchungstag", amount="Betrag", text=["Verwendungszweck"]),
    opening="Anfangssaldo",
    closing="Endsaldo",
    dates=["%Y-%m-%d"],
    thousands=".",
    decimal=",",
    delimiter=";",
)
ENGLISH: Final = TABLE.model_copy(
    update={
        "columns": Columns(booking_date="Date", amount="Amount", text=["Description"]),
        "thousands": ",",
        "decimal": ".",
        "delimiter": ",",
    }
)
BANK: Final = Bank(
    code="any",
    name="Any",
    accounts=[BankAccount(number="00000000", name="none of theirs")],
    statements=Statements(camt=Camt(), mt940=Mt940(encoding="cp852"), csv=TABLE, value_days=366),
)
UNBALANCED, UNPARSABLE, CURRENCY = StatementCode.UNBALANCED, StatementCode.UNPARSABLE, StatementCode.WRONG_CURRENCY

VERDICTS: Final[dict[str, set[StatementCode]]] = {
    "betterplace__sepa_mt9401.sta": {CURRENCY},
    "camt053.v2.five.decimals.xml": {CURRENCY, UNBALANCED},
    "camt053.v2.minimal.xml": {CURRENCY},
    "camt053.v2.multi.statement.xml": {CURRENCY, UNPARSABLE},
    "camt053.v8.xml": {CURRENCY},
    "camt053_duplicate_same_day.xml": {CURRENCY, UNBALANCED, UNPARSABLE},
    "camt053_no_namespace.xml": {CURRENCY},
    "camt054.v2.xml": {CURRENCY},
    "citi__mt940.txt": {CURRENCY},
    "cmxl__mt940.sta": {CURRENCY, UNPARSABLE},
    "csv_european_decimals.csv": {UNPARSABLE},
    "csv_garbled_amount.csv": {UNPARSABLE},
    "jejik__abnamro.sta": {CURRENCY, UNBALANCED, UNPARSABLE},
    "mBank__mt942.sta": {CURRENCY},
    "self-provided__february_30.sta": {UNPARSABLE},
    "self-provided__invalid_statement.sta": {UNPARSABLE},
}
"""Beside S06: the accounts are none of ours. UNPARSABLE: days that cannot be, or no way to read the file at all."""


@pytest.fixture(scope="module")
def files(samples: Path) -> Path:
    return samples / "statements"


def verdict(raw: bytes, bank: Bank = BANK) -> set[StatementCode]:
    """The codes of all that is wrong, but for the account."""
    try:
        statements = formats.read(bank, raw)[1]
    except UnreadableFile as error:
        return {error.code}
    return {
        finding.code
        for one in statements
        for finding in gates.judge(one, BANK.accounts[0], value_days=366, today=ago(0), is_working=weekday)
        if finding.code is not StatementCode.WRONG_ACCOUNT
    }


def test_every_sample_has_its_verdict(files: Path) -> None:
    banks = {"csv_garbled_amount.csv": BANK.model_copy(update={"statements": Statements(csv=ENGLISH)})}
    verdicts = {path.name: verdict(path.read_bytes(), banks.get(path.name, BANK)) for path in sorted(files.iterdir())}
    assert verdicts == VERDICTS


def test_reversals_are_not_income_so_every_statement_of_the_largest_sample_balances(files: Path) -> None:
    _, statements = formats.read(BANK, (files / "betterplace__sepa_mt9401.sta").read_bytes())
    assert len(statements) == 20  # in 26 messages, of which some are pages of one statement
    assert [one.bank_id for one in statements if (one.opening or 0) + booked(one) != one.closing] == []
    assert sum(entry.reversal for one in statements for entry in one.entries) == 2


def test_what_does_not_balance_is_told_with_its_three_numbers(files: Path) -> None:
    _, statements = formats.read(BANK, (files / "jejik__abnamro.sta").read_bytes())
    findings = [
        one
        for one in gates.judge(statements[0], None, value_days=9, today=ago(0), is_working=weekday)
        if one.code is UNBALANCED
    ]
    assert [(one.opening, one.total, one.closing) for one in findings] == [(323_628, -32_144, 87_684)]


def test_two_identical_lines_of_one_day_stay_two(files: Path) -> None:
    _, [statement] = formats.read(BANK, (files / "camt053_duplicate_same_day.xml").read_bytes())
    moved = movements(statement)
    contents = [lines.content("1", one) for one in moved]
    assert len(moved) == 2
    assert len(set(contents)) == 1
    assert len(set(lines.assigned(contents, [one.bank_ref for one in moved], [], {}))) == 2


def test_a_garbled_amount_is_named_by_its_line(files: Path) -> None:
    bank = BANK.model_copy(update={"statements": Statements(csv=ENGLISH)})
    with pytest.raises(UnreadableFile, match="line 3: an amount is not a number"):
        formats.read(bank, (files / "csv_garbled_amount.csv").read_bytes())


def cuts(raw: bytes) -> Iterator[bytes]:
    for end in range(37, len(raw), 37):
        yield raw[:end]


@pytest.mark.parametrize("name", sorted(VERDICTS))
def test_a_file_cut_anywhere_never_becomes_a_shorter_statement(files: Path, name: str) -> None:
    raw = (files / name).read_bytes()
    whole = _read(raw)
    for cut in cuts(raw):
        reading = _read(cut)
        proved = [one for one in reading if is_proved(one)] if isinstance(reading, list) else []
        if proved:
            assert isinstance(whole, list)
            # None of them is shorter than it was, and only where nothing but blanks was cut off are all of them right.
            assert all(one in whole for one in proved), len(cut)
            assert proved == whole or len(proved) < len(reading), len(cut)


def is_proved(one: Statement) -> bool:
    return one.whole and one.opening is not None and one.opening + booked(one) == one.closing


def _read(raw: bytes) -> list[Statement] | StatementCode:
    try:
        return formats.read(BANK, raw)[1]
    except UnreadableFile as error:
        return error.code
