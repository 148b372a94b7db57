"""The profiles that ship: each reads a file in the layout that public parsers of that bank know, of our own making."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import pytest

from config import profiles
from config.settings import PACKAGED
from connectors.banks.statements import formats
from hub.fees.reconciliation.statements import gates
from schemas.statement import Statement, StatementCode, gathered
from tests.bank_files import weekday, xlsx

KNOWN: Final = profiles.known(PACKAGED)
ACCOUNT: Final = "1020304050607"
FILES: Final[dict[str, list[list[Any]]]] = {
    "vietcombank": [
        ["SAO KÊ TÀI KHOẢN\nSTATEMENT OF ACCOUNT"],
        ["Số tài khoản/ Account number:", "", ACCOUNT],
        ["Từ/ From:", "", "02/11/2026 Đến/ To: 03/11/2026"],
        ["Số dư đầu kỳ/ Opening balance:", "", "2,000,000 VND"],
        [
            "STT\nNo.",
            "Ngày GD/ TNX Date\nSố CT/ Doc No",
            "Số tiền ghi nợ/\nDebit",
            "Số tiền ghi có/\nCredit",
            "Số dư/\nBalance",
            "Nội dung chi tiết/\nTransactions in detail",
        ],
        ["1", "02/11/2026\n5001.11", "", "50,000", "2,050,000", "HC123456789012 nop phi"],
        ["2", "03/11/2026\n5001.12", "1,100", "", "2,048,900", "THU PHI"],
        ["Tổng số/ Total", "", "1,100", "50,000", "", ""],
        ["Số dư cuối kỳ/ Closing balance:", "", "2,048,900 VND"],
    ],
    "techcombank": [
        ["TRANSACTION ENQUIRY / TRUY VẤN GIAO DỊCH"],
        ["Số tài khoản/Account number", "", ACCOUNT],
        ["Số dư đầu ngày/Opening balance", "", "2,000,000.00"],
        ["Số dư cuối ngày/ Closing balance", "", "2,048,900.00"],
        [
            "Ngày giao dịch/Transaction date",
            "Số bút toán/Reference number",
            "Diễn giải/Description",
            "Nợ/Debit",
            "Có/Credit",
            "Số dư/Running balance",
        ],
        ["02/11/2026", "FT1", "HC123456789012 nop phi", "", "50,000.00", "2,050,000.00"],
        ["03/11/2026", "FT2", "PHI", "-1,100.00", "", "2,048,900.00"],
    ],
    "techcombank-charges": [
        ["Số tài khoản/Account number", "", ACCOUNT],
        ["Số dư đầu ngày/Opening balance", "", "2,000,000.00"],
        ["Số dư cuối ngày/ Closing balance", "", "2,048,900.00"],
        [
            "Ngày giao dịch/Transaction date",
            "Số bút toán/Reference number",
            "Diễn giải/Description",
            "Nợ/Debit",
            "Có/Credit",
            "Phí/Lãi",
            "Thuế/VAT",
            "Số dư/Running balance",
        ],
        ["02/11/2026", "FT1", "HC123456789012 nop phi", "", "50,000.00", "", "", "2,050,000.00"],
        ["03/11/2026", "FT2", "PHI", "", "", "1,000.00", "100.00", "2,048,900.00"],
    ],
    "bidv": [
        ["BÁO CÁO CHI TIẾT SỐ DƯ TÀI KHOẢN"],
        ["Số tài khoản:", ACCOUNT, "", "Số tài khoản cũ: 482100001"],
        ["Số dư đầu ngày 02/11/2026:", "2.000.000"],
        [
            "STT",
            "Ngày hiệu lực\nEffective date",
            "Số tiền ghi nợ\nDebit",
            "Số tiền ghi có\nCredit",
            "Số dư\nBalance",
            "Mô tả\nDescription",
        ],
        ["1", "02/11/2026", "0", "50.000", "2.050.000", "HC123456789012 nop phi"],
        ["2", "03/11/2026", "1.100", "0", "2.048.900", "PHI"],
        ["Tổng cộng", "", "1.100", "50.000", "", ""],
        ["Số dư cuối ngày 03/11/2026:", "2.048.900"],
        ["", "", "", "", "Giao dịch viên"],
    ],
    "mb": [
        ["Tài khoản/Account No: " + ACCOUNT],
        ["Số dư đầu kỳ/ Opening balance: VND 2,000,000"],
        [
            "NGÀY HẠCH TOÁN\nPOSTING DATE",
            "PHÁT SINH NỢ\nDEBIT",
            "PHÁT SINH CÓ\nCREDIT",
            "SỐ DƯ\nBALANCE",
            "NỘI DUNG\nDESCRIPTION",
        ],
        ["02/11/2026 08:15:02", "0 VND", "50,000 VND", "2,050,000 VND", "HC123456789012 nop phi"],
        ["03/11/2026 16:02:11", "1,100 VND", "0 VND", "2,048,900 VND", "PHI"],
        ["Tổng cộng/ Total", "1,100 VND", "50,000 VND", "", ""],
        ["Số dư cuối kỳ/ Closing balance: 2,048,900 VND"],
    ],
    "agribank": [
        ["Số tài khoản", ACCOUNT],
        ["Số dư đầu kỳ", "2,000,000.00"],
        ["Ngày giao dịch", "Diễn giải", "Ghi nợ", "Ghi có", "Số dư"],
        ["02/11/2026", "MA_GD:1 HC1234567", "", "50,000.00", "2,050,000.00"],
        ["", "89012 nop phi", "", "", ""],
        ["03/11/2026", "PHI", "1,100.00", "", "2,048,900.00"],
        ["Tổng cộng", "", "1,100.00", "50,000.00", ""],
        ["Số dư cuối kỳ", "2,048,900.00"],
    ],
    "vietinbank": [
        ["LỊCH SỬ GIAO DỊCH - TRANSACTION HISTORY"],
        ["Số tài khoản/ Account No:", ACCOUNT],
        ["Số dư đầu kỳ/ Opening balance:", "2,000,000"],
        ["Số dư cuối kỳ/ Closing balance:", "2,048,900"],
        [
            "STT\nNo.",
            "Ngày hạch toán/ Accounting date",
            "Mô tả giao dịch/ Transaction description",
            "Nợ/ Debit",
            "Có/ Credit",
            "Số dư TK/ Account balance",
            "Số giao dịch/ Transaction number",
        ],
        ["1", "02/11/2026 08:15:02", "HC123456789012 nop phi", "", "50,000", "2,050,000", "S1"],
        ["2", "03/11/2026 09:00:00", "PHI", "1,100", "", "2,048,900", "S2"],
    ],
}


def padded(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    width = max(map(len, rows))
    return [[*row, *[""] * (width - len(row))] for row in rows]


def read(name: str, raw: bytes) -> list[Statement]:
    return gathered(formats.portions(KNOWN[name], raw)[1], most=99)


def test_every_shipped_profile_has_a_file_here_and_says_that_no_bank_has_confirmed_it() -> None:
    shipped = {path.stem: path.read_text("utf-8") for path in profiles.SHIPPED.glob("*.toml")}
    assert set(shipped) == set(FILES)
    assert [name for name, text in shipped.items() if not text.startswith("# From public parsers")] == []
    assert all("not confirmed by the bank" in text.splitlines()[0] for text in shipped.values())


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_of_its_layout_is_read_and_keeps_every_gate(name: str) -> None:
    [statement] = read(name, xlsx(padded(FILES[name])))
    assert (statement.account, statement.opening, statement.closing) == (ACCOUNT, 2_000_000, 2_048_900)
    assert [entry.amount for entry in statement.entries] == [50_000, -1_100]
    assert "".join(statement.entries[0].text.split()).endswith("HC123456789012nopphi")
    judged = gates.judge(statement, None, value_days=31, today=date(2026, 12, 1), is_working=weekday)
    assert {finding.code for finding in judged} == {StatementCode.WRONG_ACCOUNT}


@pytest.mark.parametrize("name", sorted(FILES))
def test_one_amount_that_is_changed_is_never_accepted(name: str) -> None:
    rows = [[cell.replace("50,000", "60,000").replace("50.000", "60.000") for cell in row] for row in FILES[name]]
    [statement] = read(name, xlsx(padded(rows)))
    judged = gates.judge(statement, None, value_days=31, today=date(2026, 12, 1), is_working=weekday)
    assert StatementCode.UNBALANCED in {finding.code for finding in judged}
