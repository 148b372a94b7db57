"""Departments and the monthly table, over both dialects: looked through, kept, answered once, restarts included."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.catalogue import Catalogue
from connectors.departments.soap import TABLE_PART
from connectors.errors import Rejected
from connectors.ports import DepartmentPort
from connectors.registry import department_port
from connectors.sandbox.accountant import REASON, AnswerLine, read_tables
from connectors.trust.development_authority import DevelopmentAuthority
from schemas.settlement import HandedTable, TableAnswer
from tests.tables import LINES, a_table, handed
from tests.unit.sandbox.hubs import WitnessHub
from tests.unit.sandbox.running import DEPARTMENTS, Running, call, port_at, sandbox, until

PUSHING = ["rest-a", "soap-b"]


@pytest.fixture
def running(tmp_path: Path, witness: WitnessHub) -> Iterator[Running]:
    with sandbox(tmp_path, [f"department.{code}" for code in DEPARTMENTS], hub=witness.url) as started:
        yield started


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for all tables that are refused, since nothing of them stays."""
    data = tmp_path_factory.mktemp("refusing")
    with sandbox(data, [f"department.{code}" for code in DEPARTMENTS]) as started:
        yield started


@pytest.fixture
def authority(running: Running) -> DevelopmentAuthority:
    """The one that the sandbox believes."""
    return DevelopmentAuthority(running.data / "pki")


def answers(data: Path, code: str) -> list[TableAnswer]:
    return [line.answer for line in read_tables(data, f"department.{code}") if isinstance(line, AnswerLine)]


def standing(running: Running, code: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = call("GET", f"{running.control(f'department.{code}')}/tables").json()
    return rows


def test_a_table_that_adds_up_is_taken_and_taken_once(
    port: DepartmentPort, code: str, authority: DevelopmentAuthority
) -> None:
    table = handed(a_table(code), authority)

    first, again = port.settle(table, "tr_1"), port.settle(table, "tr_1")

    assert first == again
    content = json.loads(base64.b64decode(table.table))
    assert first.settlement_id == content["settlement_id"]


@pytest.mark.parametrize("code", PUSHING)
def test_a_department_that_pushes_confirms_by_itself(
    port: DepartmentPort, code: str, authority: DevelopmentAuthority, witness: WitnessHub, running: Running
) -> None:
    receipt = port.settle(handed(a_table(code), authority), "tr_1")

    [answer] = until(lambda: list(witness.answers))
    assert (answer.verdict, answer.lines, answer.sha256) == ("confirmed", (), receipt.sha256)
    until(lambda: standing(running, code)[0]["delivered"])
    assert answers(running.data, code) == [answer]


@pytest.mark.parametrize("code", PUSHING)
def test_it_disputes_the_line_that_it_is_told_to(
    port: DepartmentPort, code: str, authority: DevelopmentAuthority, witness: WitnessHub, running: Running
) -> None:
    running.turn(f"department.{code}", dispute_line=3)
    port.settle(handed(a_table(code), authority), "tr_1")
    until(lambda: len(witness.answers) == 1)
    running.turn(f"department.{code}", dispute_line=99)
    port.settle(handed(a_table(code), authority), "tr_2")
    until(lambda: len(witness.answers) == 2)

    assert [[(line.number, line.reason) for line in answer.lines] for answer in witness.answers] == [
        [(3, REASON)],
        [(len(LINES), REASON)],
    ]


def test_a_department_that_does_not_push_lays_its_answer_down_as_a_file(
    port_of: Callable[[str], DepartmentPort], authority: DevelopmentAuthority, running: Running
) -> None:
    receipt = port_of("soap-a").settle(handed(a_table("soap-a"), authority), "tr_1")

    path = running.data / "department.soap-a.answers" / f"{receipt.settlement_id}.json"
    until(path.exists)
    answer = TableAnswer.model_validate_json(path.read_text(encoding="utf-8"))
    assert (answer.verdict, answer.sha256) == ("confirmed", receipt.sha256)


def test_an_answer_that_the_hub_has_not_taken_is_told_after_a_restart_and_is_the_same(
    tmp_path: Path, catalogue: Catalogue, witness: WitnessHub
) -> None:
    with sandbox(tmp_path, ["department.rest-a"]) as alone:
        port = department_port(catalogue.departments["rest-a"], catalogue, alone.urls["department.rest-a"])
        port.settle(handed(a_table("rest-a"), DevelopmentAuthority(tmp_path / "pki")), "tr_1")
        [answered] = until(lambda: answers(tmp_path, "rest-a"))
    with sandbox(tmp_path, ["department.rest-a"], hub=witness.url):
        [received] = until(lambda: list(witness.answers))

    assert received == answered


def _another_net(table: dict[str, Any]) -> None:
    table["net"] += 1


def _another_sum_of_a_fee(table: dict[str, Any]) -> None:
    table["fees"][0]["receipts"] += 1_000
    table["fees"][0]["net"] += 1_000
    table["receipts"] += 1_000
    table["net"] += 1_000


def _a_line_left_out(table: dict[str, Any]) -> None:
    del table["lines"][0]


def _a_line_of_no_fee(table: dict[str, Any]) -> None:
    table["lines"].append(table["lines"][-1] | {"number": len(table["lines"]) + 1, "fee_code": "khac"})


def _another_opening(table: dict[str, Any]) -> None:
    table["opening"] += 5


def _le_phi_retained(table: dict[str, Any]) -> None:
    [fee] = [one for one in table["fees"] if one["kind"] == "le_phi"]
    fee["retained"] += 100
    fee["net"] -= 100
    table["retained"] += 100
    table["net"] -= 100


def _another_department(table: dict[str, Any]) -> None:
    table["department"] = "somebody-else"


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (_another_net, "tổng net"),
        (_another_sum_of_a_fee, "các dòng cộng lại"),
        (_a_line_left_out, "đánh số"),
        (_a_line_of_no_fee, "khac"),
        (_another_opening, "chuyển từ bảng trước"),
        (_le_phi_retained, "lệ phí"),
        (_another_department, "cơ quan khác"),
    ],
)
def test_a_table_that_does_not_add_up_is_refused_with_the_place(
    refusing: Running,
    catalogue: Catalogue,
    code: str,
    spoil: Callable[[dict[str, Any]], None],
    named: str,
) -> None:
    table = a_table(code)
    spoil(table)

    with pytest.raises(Rejected) as refused:
        port_at(refusing, catalogue, code).settle(handed(table, DevelopmentAuthority(refusing.data / "pki")), "tr_1")

    assert named in refused.value.reason


def _changed(table: HandedTable, _: DevelopmentAuthority) -> HandedTable:
    content = base64.b64decode(table.table).replace(b"Th", b"th", 1)
    return table.model_copy(update={"table": base64.b64encode(content).decode()})


def _no_signature(table: HandedTable, _: DevelopmentAuthority) -> HandedTable:
    return table.model_copy(update={"signature": base64.b64encode(b"none").decode()})


def _by_a_stranger(table: HandedTable, authority: DevelopmentAuthority) -> HandedTable:
    return handed(json.loads(base64.b64decode(table.table)), authority, authority.stranger("rest-a"))


def _by_another_department(table: HandedTable, authority: DevelopmentAuthority) -> HandedTable:
    return handed(json.loads(base64.b64decode(table.table)), authority, authority.seal("soap-b"))


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (_changed, "nội dung khác"),
        (_no_signature, "không đọc được"),
        (_by_a_stranger, "chứng thư không đúng"),
        (_by_another_department, "không phải Trung tâm"),
    ],
)
def test_a_table_that_the_centre_has_not_sealed_is_refused(
    refusing: Running,
    catalogue: Catalogue,
    code: str,
    spoil: Callable[[HandedTable, DevelopmentAuthority], HandedTable],
    named: str,
) -> None:
    authority = DevelopmentAuthority(refusing.data / "pki")
    table = spoil(handed(a_table(code), authority), authority)

    with pytest.raises(Rejected) as refused:
        port_at(refusing, catalogue, code).settle(table, "tr_1")

    assert named in refused.value.reason


def test_another_table_with_the_same_number_is_refused_and_the_first_stands(
    port: DepartmentPort, code: str, authority: DevelopmentAuthority, running: Running
) -> None:
    first = a_table(code)
    receipt = port.settle(handed(first, authority), "tr_1")
    other = a_table(code, LINES[:3], settlement_id=first["settlement_id"])

    with pytest.raises(Rejected) as refused:
        port.settle(handed(other, authority), "tr_2")

    assert "bảng khác" in refused.value.reason
    assert [row["sha256"] for row in standing(running, code)] == [receipt.sha256]


@pytest.mark.parametrize("code", ["rest-a", "soap-a"])
def test_a_table_of_ten_megabytes_arrives_whole(
    catalogue: Catalogue, code: str, authority: DevelopmentAuthority, running: Running
) -> None:
    """In SOAP it takes three elements."""
    content = a_table(code, [LINES[0]] * 10_000)
    for line in content["lines"]:
        line["dossier_code"] = "A" * 1_000
    table = handed(content, authority)
    patient = catalogue.departments[code].model_copy(update={"timeout_seconds": 60})
    port = department_port(patient, catalogue, running.urls[patient.counterparty])
    assert len(base64.b64decode(table.table)) > 2 * TABLE_PART

    receipt = port.settle(table, "tr_1")

    assert standing(running, code)[0]["sha256"] == receipt.sha256
