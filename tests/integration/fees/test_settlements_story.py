"""A month from the citizen's transfer to the department's account, by the command line, with the whole proof green."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
from typer import Exit

from hub.cli import fee_settlements
from hub.cli.exits import ExitCode
from hub.clock import now
from hub.embedded.pki import Pki
from hub.fees import settlements
from hub.fees.settlements import store
from hub.fees.settlements.package import SEAL, STAMP
from hub.fees.settlements.store import SettlementState
from hub.signing import archive, checkpoints, cms, custody, trust_list
from hub.signing.bundle import SUMS, sums_of
from hub.signing.verdicts import VerdictAnswer
from hub.worker import jobs
from schemas.figures import grouped
from schemas.settlement import SettlementTable
from tests.bank_files import StatementMovement
from tests.integration.custody.test_custody_command import Tsa
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, another, red
from tests.integration.fees.settling import answer_to
from tests.scripted_hub import ScriptedHub
from tests.unit.signing.authority import KeyHolder
from tests.unit.signing.test_tampering import verify_sh

Run = Callable[..., tuple[int, str, str]]
KEPT = 84_000
"""70 % of the phí of 120,000 đ; nothing of the lệ phí"""


class DepartmentMonth:
    """One month of one department: two dossiers are paid, one of them is disputed or not."""

    def __init__(self, hub: ScriptedHub, cashier: Cashier, till: AccountTill, cli: Run, folder: Path) -> None:
        self.hub, self.till, self.cli, self.folder = hub, till, cli, folder
        self.dossiers = [another(cashier) for _ in range(2)]
        moves = [StatementMovement(DUE, reference, ref=f"FT{at}") for at, (_, reference) in enumerate(self.dossiers)]
        self.day = till.books(*moves)
        self.name = f"{self.day:%Y-%m}"

    def run(self, *words: str, actor: str = "ke-toan-a") -> str:
        os.environ["HUB_ACTOR"] = actor  # the command line's fixture set it, and takes it back
        code, out, err = self.cli("fee", *words)
        assert code == 0, err
        self.hub.sweep()
        self.hub.carry()
        return out

    def settlement(self) -> dict[str, Any]:
        return dict(json.loads(self.run("table", self.name, "--json"))["data"][0])

    def closes(self) -> None:
        self.till.act(lambda uow: settlements.compute(uow, self.day))

    def answers(self, **disputed: str) -> None:
        with self.hub.db.connection() as conn:
            [settlement] = store.of_month(conn, self.day.replace(day=1))
        file = self.folder / "tra-loi.json"
        table_answer = answer_to(settlement, {int(key[1:]): why for key, why in disputed.items()})
        file.write_bytes(table_answer.model_dump_json().encode())
        self.run("answer", str(file))

    def pays(self) -> str:
        """By two persons, and on our statement; the order."""
        self.run("remit", self.name, "--reason", "chuyển tiền tháng")
        [row] = self.hub.rows("SELECT id, reference, amount FROM payment_order WHERE state = 'requested'")
        order = str(row["id"])
        self.run("orders", "approve", order, "--reason", "đúng bảng", "--yes", actor="truong-phong")
        self.run("orders", "send", order, "-o", str(self.folder / "lenh.csv"))
        self.till.books(StatementMovement(-row["amount"], f"{row['reference']} CHUYEN PHI LE PHI THANG", ref="LC1"))
        return order

    def statuses(self) -> list[str]:
        rows = self.hub.rows("SELECT status FROM fee_demand WHERE allocated > 0 ORDER BY issued_at, id")
        return [row["status"] for row in rows]

    def package(self) -> Path:
        path = self.folder / "thang.zip"
        self.run("table", self.name, "-o", str(path))
        return path


@pytest.fixture
def month(hub: ScriptedHub, cashier: Cashier, till: AccountTill, cli: Run, tmp_path: Path, pki: Pki) -> DepartmentMonth:
    hub.players["trust.tsa"] = Tsa(pki)
    till.always_open()
    return DepartmentMonth(hub, cashier, till, cli, tmp_path)


def test_what_no_statement_has_shown_is_said_before_it_is_transferred(month: DepartmentMonth) -> None:
    """And where nothing is ordered, the command says so by its exit code."""
    month.closes()
    assert month.cli("fee", "remit", month.name, "--reason", "sớm")[0] == ExitCode.REFUSED
    month.answers()
    with month.hub.db.connection() as conn:
        conn.execute(
            "UPDATE fee_credit SET confirmed_at = NULL WHERE demand_id = (SELECT min(demand_id) FROM fee_credit)"
        )
    code, _, err = month.cli("fee", "remit", month.name, "--reason", "chuyển tiền tháng")

    assert (code, f"{grouped(DUE)} đ của 1 yêu cầu nộp" in err) == (ExitCode.OK, True), err
    [row] = month.hub.rows("SELECT id FROM payment_order")
    _, _, err = month.cli("fee", "orders", "approve", row["id"], "--reason", "x", "--dry-run")
    assert f"{grouped(DUE)} đ của 1 yêu cầu nộp" in err
    assert month.cli("fee", "remit", month.name, "--reason", "lần nữa")[0] == ExitCode.REFUSED


def anchored(month: DepartmentMonth) -> None:
    """What was signed is in the custody log, under a stamped checkpoint."""
    jobs.seal_log(month.hub)
    month.hub.carry()


def test_a_month_is_handed_confirmed_and_paid_and_its_demands_are_settled(month: DepartmentMonth) -> None:
    month.closes()
    assert month.settlement()["net"] == 2 * (DUE - KEPT)
    month.run("send", month.name)
    assert month.settlement()["state"] == SettlementState.NOTIFIED
    [(handed, _)] = month.hub.department("rest-a").tables
    assert handed.table
    month.answers()
    assert red(month.hub) == []
    month.pays()
    assert month.settlement()["state"] == SettlementState.TRANSFERRED
    assert month.statuses() == ["settled", "settled"]
    assert month.till.book() == {"111": 2 * KEPT, "511": -2 * KEPT}
    assert red(month.hub) == []


def test_a_demand_whose_line_is_disputed_is_not_settled(month: DepartmentMonth) -> None:
    month.closes()
    month.answers(n1="không có hồ sơ")
    month.pays()
    assert month.statuses() == ["paid", "settled"]
    assert red(month.hub) == []


def test_the_package_is_valid_for_a_stranger_with_the_trust_list_alone(month: DepartmentMonth, pki: Pki) -> None:
    month.closes()
    month.answers()
    month.pays()
    anchored(month)
    package = month.package()
    assert month.settlement()["state"] == SettlementState.CLOSED
    done = stranger(package, pki)
    assert done.returncode == 0, done.stdout
    codes = [finding["code"] for finding in json.loads(done.stdout)["findings"]]
    assert {"TABLE_SUMS", "TABLE_SHEET", "TABLE_BOOK", "TABLE_ANSWER", "TABLE_TRANSFER", "PROOF"} <= set(codes)


def test_a_package_without_a_time_stamp_cannot_be_told(month: DepartmentMonth, pki: Pki) -> None:
    month.closes()
    code, _, err = month.cli("fee", "table", month.name, "-o", str(month.folder / "x.zip"))
    assert code == 5, err  # not in the log yet
    with month.hub.db.transaction() as conn:
        assert custody.try_lock(conn)
        custody.sequence(conn)
        schedule = jobs.checkpoint_schedule(month.hub)
        checkpoints.issue_if_due(conn, month.hub.catalogue, lambda: month.hub.signer.log_key(now()), schedule, now())
    assert stranger(month.package(), pki).returncode == 4


def changed_sheet(body: bytes) -> bytes:
    """The workbook with another number in it."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(written, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"<v>132000</v>", b"<v>999000</v>"))
    return written.getvalue()


CHANGES: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "01-settlement/record.json": lambda body: body.replace(b'"net":132000', b'"net":132001'),
    "table.xlsx": changed_sheet,
    "transfer.json": lambda body: body.replace(b'"amount":132000', b'"amount":131000'),
    "answer.json": lambda body: body.replace(b'"confirmed"', b'"disputed"'),
    "book.json": lambda body: body.replace(b'"last":', b'"last":1'),
    "receipts.json": lambda _: b'[{"amount":1,"fee_code":"phi","number":1,"series":"X"}]',
    "table.pdf": lambda body: body.replace(b"%PDF-1.7", b"%PDF-1.6"),
}


def test_a_package_that_was_changed_is_invalid_even_where_its_sums_file_was_made_anew(
    month: DepartmentMonth, pki: Pki, tmp_path: Path
) -> None:
    files = paid_package(month)
    trust = trust_list.load(pki.trust_list)
    for name, change in CHANGES.items():
        changed = files | {name: change(files[name])}
        assert changed[name] != files[name], name
        changed[SUMS] = sums_of({one: body for one, body in changed.items() if not one.startswith(SUMS)})
        path = tmp_path / "doi.zip"
        path.write_bytes(archive.pack(changed))
        assert fee_settlements.verify_file(path, trust).answer is VerdictAnswer.INVALID, name


def test_a_package_is_judged_unpacked_by_openssl_too_and_no_file_of_it_is_anybody_else_s(
    month: DepartmentMonth, pki: Pki, tmp_path: Path
) -> None:
    files = paid_package(month)
    lists = pki.trust_list.read_bytes(), pki.trust_list.with_suffix(".p7s").read_bytes()
    judged = verify_sh(files, lists, tmp_path / "whole")
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert stranger(tmp_path / "whole" / "bundle", pki).returncode == 0
    rewritten = files | {"answer.json": files["answer.json"].replace(b'"confirmed"', b'"disputed"')}
    rewritten[SUMS] = sums_of({one: body for one, body in rewritten.items() if not one.startswith(SUMS)})
    department = pki.authority.seal("rest-b")
    by_another = KeyHolder(department.key, department.certificate, (pki.authority.issuing.certificate,))
    sealed = rewritten | {SEAL: cms.sign(rewritten[SUMS], by_another, now())}
    for number, changed in enumerate((rewritten, sealed, {**sealed, "extra.json": b"{}"})):
        assert verify_sh(changed, lists, tmp_path / str(number)).returncode == 1
        assert stranger(tmp_path / str(number) / "bundle", pki).returncode in (2, 3)
    unstamped = {name: body for name, body in sealed.items() if name != STAMP}
    assert verify_sh(unstamped, lists, tmp_path / "unstamped").returncode == 1
    assert stranger(tmp_path / "unstamped" / "bundle", pki).returncode == 3


def test_a_damaged_package_is_a_sentence_or_invalid_and_never_a_traceback(
    month: DepartmentMonth, pki: Pki, tmp_path: Path
) -> None:
    month.closes()
    anchored(month)
    whole, trust = month.package().read_bytes(), trust_list.load(pki.trust_list)
    path = tmp_path / "hong.zip"
    for place in range(0, len(whole), max(len(whole) // 40, 1)):
        for damaged in (whole[:place], whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]):
            path.write_bytes(damaged)
            with suppress(Exit):  # a sentence, and not a package
                assert fee_settlements.verify_file(path, trust).answer is not VerdictAnswer.VALID, place


def paid_package(month: DepartmentMonth) -> dict[str, bytes]:
    month.closes()
    month.answers()
    month.pays()
    anchored(month)
    with zipfile.ZipFile(month.package()) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def stranger(package: Path, pki: Pki) -> subprocess.CompletedProcess[str]:
    """``hub fee verify`` on a machine that knows nothing: no settings, no database."""
    return subprocess.run(
        [sys.executable, "-m", "hub.cli", "fee", "verify", str(package), "--offline", "--json",
         "--trust", str(pki.trust_list)],
        cwd=package.parent,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_table_is_written_as_what_its_name_ends_with(month: DepartmentMonth) -> None:
    month.closes()
    for ending, magic in ((".json", b"{"), (".xlsx", b"PK"), (".pdf", b"%PDF-1.7")):
        path = month.folder / f"bang{ending}"
        month.run("table", month.name, "-o", str(path))
        assert path.read_bytes().startswith(magic)
    assert (month.folder / "bang.p7s").exists()
    table = SettlementTable.model_validate_json((month.folder / "bang.json").read_bytes())
    assert date.fromisoformat(table.lines[0].day) == month.day


def test_a_month_without_a_table_is_exit_4_and_another_ending_exit_2(month: DepartmentMonth) -> None:
    assert month.cli("fee", "table", "2019-01")[0] == 4
    assert month.cli("fee", "table", month.name, "-o", "bang.doc")[0] == 2
