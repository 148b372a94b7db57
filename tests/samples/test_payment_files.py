"""../shared/samples/faults/payments: payments by notification, by statement file and by command."""

import hashlib
import hmac
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from config.statements import Statements
from hub import dispatch
from hub.cli.exits import ExitCode
from hub.fees.reconciliation.statements import importing
from hub.fees.reconciliation.statements.model import FileStatus
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import red
from tests.integration.fees.statements.conftest import StatementImports, imports
from tests.integration.http.caller import ApiCaller
from tests.integration.http.conftest import log_stream, own_api, protocol, proxy_secret
from tests.integration.http.teller import Teller, count, secret_of
from tests.integration.test_command_line import cli
from tests.notices import NoticeDraft, Sent
from tests.samples.test_hostile_requests import as_sepay
from tests.samples.test_statement_files import COLUMNS, DAYTIME, read
from tests.scripted_hub import ScriptedHub

__all__ = ["cli", "imports", "log_stream", "own_api", "protocol", "proxy_secret"]

ACCOUNT = "9001002003004"
CommandLine = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def folder(samples: Path) -> Path:
    return samples / "faults" / "payments"


def a_demand(hub: ScriptedHub, reference: str) -> str:
    """An open demand of 150.000 đ with this reference; its id."""
    cashier = Cashier(hub)
    demand = cashier.demand(cashier.dossier())
    with hub.db.connection() as conn:
        conn.execute("UPDATE fee_demand SET reference = %s WHERE id = %s", (reference, demand["id"]))
    return str(demand["id"])


@pytest.mark.parametrize("statement_first", [False, True], ids=["notification first", "statement first"])
def test_f01_one_transfer_that_two_number_is_one_payment(
    folder: Path, own_api: ApiCaller, statement_first: bool
) -> None:
    hub = own_api.hub
    demand = a_demand(hub, "HC304968046806")
    notice = as_sepay((folder / "F01-sepay.json").read_bytes())
    booked = (folder / "F01-statement-vcb-number.xlsx").read_bytes()

    def tell() -> None:
        assert Teller(own_api, "sepay-t").tells(notice).ok

    def book() -> None:
        bank = hub.catalogue.banks["bank-a"]
        result = dispatch.run_command(hub, "ke-toan-a", lambda uow: (importing.bring(uow, bank, "F01", booked), []))
        assert result.is_accepted, result.findings

    for step in (book, tell) if statement_first else (tell, book):
        step()
        hub.carry()
    assert hub.rows("SELECT status FROM fee_demand WHERE id = %s", demand) == [{"status": "paid"}]
    assert hub.rows("SELECT 1 AS x FROM fee_exception WHERE code = 'R03'") == []
    assert red(hub) == []


def test_f05a_words_that_go_on_in_the_next_row_are_one_text(folder: Path) -> None:
    [one] = read(folder / "F05a-content-goes-on-in-next-row.xlsx")
    assert [entry.amount for entry in one.entries] == [1_000_000, -11_000, 350_000]
    assert [entry.text.count("\n") for entry in one.entries] == [1, 0, 0]
    assert one.entries[0].text.endswith("NOP LE PHI")


def with_table(hub: ScriptedHub, **changes: Any) -> None:
    """bank-a keeps the account of the files, and writes tables as they do."""
    bank = hub.catalogue.banks["bank-a"]
    account = bank.accounts[0].model_copy(update={"number": ACCOUNT, "also": []})
    statements = Statements.model_validate({"csv": {**DAYTIME, "columns": COLUMNS, **changes}})
    changed = bank.model_copy(update={"accounts": [account, *bank.accounts], "statements": statements})
    banks = {**hub.catalogue.banks, "bank-a": changed}
    hub.catalogue = hub.catalogue.model_copy(update={"banks": banks})


def test_f09_the_evening_adds_what_the_morning_did_not_have(folder: Path, imports: StatementImports) -> None:
    with_table(imports.hub)
    morning, evening = (imports.bring((folder / f"F09-{part}.csv").read_bytes()) for part in ("morning", "evening"))
    assert (morning.state, evening.state) == (FileStatus.ACCEPTED, FileStatus.ACCEPTED)
    assert [(one["new"], one["known"]) for one in evening.summary] == [(1, 1)]
    assert imports.amounts == [150_000, 150_000]


def test_f10_a_file_is_read_anew_when_its_profile_was_mended(folder: Path, imports: StatementImports) -> None:
    raw = (folder / "F10-file.csv").read_bytes()
    before = imports.hub.catalogue
    with_table(imports.hub, thousands=",")
    held = imports.bring(raw)
    assert (held.state, held.findings[0]["code"]) == (FileStatus.QUARANTINED, "S05")
    imports.hub.catalogue = before
    with_table(imports.hub)
    again = imports.bring(raw)
    assert (again.id, again.state, imports.amounts) == (held.id, FileStatus.ACCEPTED, [150_000])


def test_f18_what_vnpay_hears_is_what_is_booked(folder: Path, own_api: ApiCaller) -> None:
    fields = dict(parse_qsl((folder / "F18-vnpay-query.txt").read_text("utf-8").split("  (")[0]))
    demand = a_demand(own_api.hub, fields["vnp_TxnRef"].removesuffix("-1"))
    fields["vnp_TmnCode"] = NoticeDraft().merchant
    fields |= {"vnp_PayDate": time.strftime("%Y%m%d%H%M%S"), "vnp_BankCode": "NCB"}
    query = urlencode(sorted(fields.items()))
    signature = hmac.new(secret_of("VNPAY").encode(), query.encode(), hashlib.sha512).hexdigest()
    answer = Teller(own_api, "vnpay-t").tells(Sent(query=f"{query}&vnp_SecureHash={signature}".encode()))
    own_api.hub.carry()
    assert answer.json()["RspCode"] == "00"
    credited = own_api.hub.rows("SELECT amount FROM fee_credit WHERE demand_id = %s", demand)
    assert credited == [{"amount": 150_000}]


@pytest.mark.parametrize("name", ["F19a-amount-0.json", "F19c-refund-deducted.json", "F19d-net-below-0.json"])
def test_f19_a_report_that_cannot_be_booked_is_refused_in_a_line(
    folder: Path,
    cli: CommandLine,
    hub: ScriptedHub,
    tmp_path: Path,
    name: str,
) -> None:
    report = tmp_path / name
    report.write_bytes((folder / name).read_bytes().replace(b'"vnpay"', b'"vnpay-t"'))
    code, _, err = cli("fee", "match", "payout", str(report))
    assert (code, err.count("\n")) == (ExitCode.USAGE, 1), err
    assert hub.count("payout_report") == 0


def test_f20_two_attempts_that_failed_without_a_number_are_two(folder: Path, own_api: ApiCaller) -> None:
    assert "transId 0" in (folder / "F20-momo.txt").read_text("utf-8")
    teller = Teller(own_api, "momo-t")
    for last in (1, 2):
        failed = NoticeDraft(reference=f"HC00000000018{last}", txn="0", failed=True).with_field("resultCode", 1005)
        assert teller.tells(failed).ok
    own_api.hub.carry()
    assert (count(own_api, "notify_event"), count(own_api, "fee_exception")) == (2, 0)
