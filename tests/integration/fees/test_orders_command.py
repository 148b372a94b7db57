"""hub fee refund, refunds, orders, chargebacks: money goes back by two persons, and the bank is told by a file."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from hub.cli.exits import ExitCode
from tests.bank_files import StatementMovement
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, red, status
from tests.integration.fees.test_refunds import payment
from tests.integration.test_command_line import Hub

PAYEE = ("--bank", "970436", "--account", "0011223344", "--holder", "Nguyễn Thị Thử Nghiệm", "--reason", "rút hồ sơ")


def listed(cli: Hub, *words: str) -> list[dict[str, Any]]:
    return list(json.loads(cli("fee", *words, "--json")[1])["data"])


def test_a_refund_from_the_request_to_our_own_statement(
    till: AccountTill,
    cashier: Cashier,
    cli: Hub,
    dossier: str,
    reference: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    till.books(StatementMovement(DUE, reference))

    assert cli("fee", "refund", reference, *PAYEE)[0] == ExitCode.OK
    assert cli("fee", "refund", reference, *PAYEE)[0] == ExitCode.REFUSED
    [order] = listed(cli, "orders", "list")
    approve = ("fee", "orders", "approve", order["id"], "--reason", "đủ giấy tờ", "--yes")
    assert cli(*approve)[0] == ExitCode.REFUSED
    monkeypatch.setenv("HUB_ACTOR", "truong-phong")
    assert cli(*approve, "--dry-run")[0] == ExitCode.OK
    assert status(cashier, dossier) == "paid"
    assert cli(*approve)[0] == ExitCode.OK
    code, _, err = cli("fee", "orders", "send", order["id"], "-o", str(tmp_path / "khong-co" / "lenh.csv"))
    assert (code, err.count("\n"), listed(cli, "orders", "list")[0]["state"]) == (ExitCode.USAGE, 1, "approved")
    assert cli("fee", "orders", "send", order["reference"], "-o", str(tmp_path / "lenh.csv"))[0] == ExitCode.OK
    assert (tmp_path / "lenh.csv").stat().st_mode & 0o077 == 0
    assert cli("fee", "orders", "cancel", order["id"], "--reason", "muộn", "--yes")[0] == ExitCode.REFUSED

    written = (tmp_path / "lenh.csv").read_bytes()
    [row] = csv.DictReader(io.StringIO(written.decode("utf-8-sig")))
    assert (row["Tên người thụ hưởng"], row["Tài khoản thụ hưởng"]) == ("NGUYEN THI THU NGHIEM", "0011223344")
    assert (row["Số tiền"], row["Nội dung"].split()[0]) == (str(DUE), order["reference"])
    cli("fee", "orders", "send", order["id"], "-o", str(tmp_path / "lai.csv"))
    assert (tmp_path / "lai.csv").read_bytes() == written

    till.books(StatementMovement(-DUE, f"CT DI {order['reference']} HOAN TRA PHI LE PHI"))
    assert listed(cli, "orders", "list") == []
    assert [(one["state"], one["amount"]) for one in listed(cli, "refunds", "--state", "confirmed")] == [
        ("confirmed", DUE)
    ]
    assert cli("fee", "prove")[0] == ExitCode.OK


def test_whose_account_it_is_stands_in_the_order_alone(
    till: AccountTill, cli: Hub, reference: str, tmp_path: Path
) -> None:
    till.books(StatementMovement(DUE + 50_000, reference))
    [case] = till.hub.rows("SELECT id FROM fee_exception WHERE code = 'R05'")
    assert cli("fee", "refund", case["id"], *PAYEE, "--amount", "20000")[0] == ExitCode.OK

    [order] = listed(cli, "orders", "list")
    shown = cli("fee", "orders", "show", order["id"])[1]
    assert "NGUYEN THI THU NGHIEM" in shown
    assert "20.000" in shown
    audit_text = till.hub.rows("SELECT string_agg(concat_ws(' ', subject, action, reason), ' ') AS said FROM audit_log")
    for secret in ("0011223344", "THU NGHIEM", "Thử Nghiệm"):
        assert secret not in audit_text[0]["said"]
        assert secret not in json.dumps(listed(cli, "orders", "list") + listed(cli, "refunds"), ensure_ascii=False)


def test_a_paper_is_printed_for_those_who_sign(
    till: AccountTill, cli: Hub, reference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.books(StatementMovement(DUE, reference))
    cli("fee", "refund", reference, *PAYEE)
    [order] = listed(cli, "orders", "list")
    paper = tmp_path / "lenh.txt"
    assert cli("fee", "orders", "send", order["id"], "-o", str(paper))[0] == ExitCode.REFUSED
    assert not paper.exists()
    monkeypatch.setenv("HUB_ACTOR", "truong-phong")
    cli("fee", "orders", "approve", order["id"], "--reason", "đủ giấy tờ", "--yes")

    assert cli("fee", "orders", "send", order["id"], "-o", str(paper))[0] == ExitCode.OK

    printed = paper.read_text(encoding="utf-8")
    assert printed.startswith("LỆNH CHI\n")
    for part in ("150.000 đồng", order["reference"], "NGUYEN THI THU NGHIEM", "truong-phong", "rút hồ sơ"):
        assert part in printed


def test_what_the_bank_did_not_pay_is_ordered_again_by_its_refund(
    till: AccountTill, cli: Hub, reference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.books(StatementMovement(DUE, reference))
    cli("fee", "refund", reference, *PAYEE)
    [order] = listed(cli, "orders", "list")
    monkeypatch.setenv("HUB_ACTOR", "truong-phong")
    cli("fee", "orders", "approve", order["id"], "--reason", "đủ giấy tờ", "--yes")
    cli("fee", "orders", "send", order["id"], "-o", str(tmp_path / "a.csv"))

    assert cli("fee", "orders", "fail", order["id"], "--reason", "sai số tài khoản", "--yes")[0] == ExitCode.OK
    assert cli("fee", "refund", order["subject_id"], *PAYEE)[0] == ExitCode.OK

    [again] = listed(cli, "orders", "list")
    assert (again["subject_id"], again["maker"]) == (order["subject_id"], "truong-phong")
    assert red(till.hub) == []


def test_what_is_not_there_is_not_given_back(cli: Hub, reference: str) -> None:
    assert cli("fee", "refund", reference, *PAYEE)[0] == ExitCode.REFUSED
    assert cli("fee", "refund", "pm_01ARZ3NDEKTSV4RRFFQ69G5FAV", *PAYEE)[0] == ExitCode.NOT_FOUND
    assert cli("fee", "refund", "ex_01ARZ3NDEKTSV4RRFFQ69G5FAV", *PAYEE)[0] == ExitCode.NOT_FOUND
    wrong = ("--bank", "1", "--account", "0011223344", "--holder", "Bí Mật", "--reason", "x")
    code, _, err = cli("fee", "refund", reference, *wrong)
    assert (code, "Bí Mật" in err, "--bank" in err) == (ExitCode.USAGE, False, True)


def test_a_chargeback_is_noticed_answered_and_won(till: AccountTill, cli: Hub, reference: str) -> None:
    till.books(StatementMovement(DUE, reference))
    words = ("fee", "chargebacks", "notice", payment(till), "--case", "CB-000777", "--answer-by", "2026-12-01")

    assert cli(*words, "--reason", "công văn")[0] == ExitCode.OK
    assert cli("fee", "chargebacks", "evidence", "CB000777", "--reason", "đã gửi")[0] == ExitCode.OK
    [chargeback] = listed(cli, "chargebacks", "list")
    assert (chargeback["state"], chargeback["amount"], chargeback["answer_by"]) == ("evidence", DUE, "2026-12-01")
    assert cli("fee", "chargebacks", "won", chargeback["id"], "--reason", "rút khiếu nại")[0] == ExitCode.OK
    assert cli("fee", "chargebacks", "won", chargeback["id"], "--reason", "rút khiếu nại")[0] == ExitCode.REFUSED
    assert (listed(cli, "chargebacks", "list"), till.cases()) == ([], [])
