"""hub consignment on a real database: what it prints, what it changes, and its exit codes."""

import json
from pathlib import Path

import pytest

from hub.cli.exits import ExitCode
from schemas.item_code import ItemCode
from tests.integration.consignments.conftest import BY_POST, Counter
from tests.integration.test_command_line import Hub


def test_a_clerk_orders_looks_and_cancels(counter: Counter, cli: Hub) -> None:
    dossier = counter.dossier()
    [row] = counter.hub.rows("SELECT code FROM dossier")
    code, out, _ = cli("consignment", "order", row["code"], "--direction", "centre_to_department", "--seal", "NP-7")
    consignment = out.strip()
    assert code == ExitCode.OK
    counter.hub.sweep()
    counter.hub.carry()

    code, out, _ = cli("consignment", "show", consignment, "--json")
    shown = json.loads(out)
    assert (code, shown["status"], shown["seal_number"]) == (ExitCode.OK, "accepted", "NP-7")
    assert shown["manifest"][0]["dossier_id"] == dossier
    assert "Thử Nghiệm" not in out
    code, out, _ = cli("consignment", "show", row["code"])
    assert (code, "Bưu điện đã nhận yêu cầu" in out) == (ExitCode.OK, True)
    code, out, _ = cli("consignment", "list", "--open")
    assert (code, consignment in out) == (ExitCode.OK, True)

    code, _, err = cli("consignment", "cancel", consignment, "--reason", "người dân đến nhận", "--yes")
    assert (code, consignment in err) == (ExitCode.OK, True)
    counter.hub.sweep()
    counter.hub.carry()
    assert counter.status(consignment) == "cancelled"
    [line] = counter.hub.rows("SELECT actor, reason FROM audit_log WHERE action = 'consignment_cancellation_requested'")
    assert (line["actor"], line["reason"]) == ("thu.nghiem", "người dân đến nhận")


def test_what_waits_for_a_person_is_a_finding_until_it_is_seen_to(counter: Counter, cli: Hub) -> None:
    consignment = counter.order()
    counter.reports(consignment, "lost", 1)
    code, out, err = cli("consignment", "attention", "--json")
    [waiting] = json.loads(out)["data"]
    assert (code, waiting["kind"], waiting["subject"]) == (ExitCode.FINDING, "lost", consignment)
    assert "1 việc" in err
    assert cli("consignment", "list")[0] == ExitCode.FINDING
    cli("consignment", "dismiss", str(waiting["id"]), "--reason", "đã gọi bưu điện", "--yes")
    assert cli("consignment", "attention")[0] == ExitCode.OK
    assert cli("consignment", "dismiss", str(waiting["id"]), "--reason", "lần nữa", "--yes")[0] == ExitCode.NOT_FOUND


def test_complaint_loss_and_the_quarter(counter: Counter, cli: Hub, tmp_path: Path) -> None:
    consignment = counter.order()
    counter.reports(consignment, "posted", 0)
    complain = ("consignment", "complain", consignment, "--subject", "late", "--detail", "quá hạn")
    code, out, _ = cli(*complain)
    assert code == ExitCode.OK
    assert cli("consignment", "resolve", out.strip(), "--outcome", "upheld", "--answer", "đã giao")[0] == ExitCode.OK
    again = cli("consignment", "resolve", out.strip(), "--outcome", "upheld", "--answer", "đã giao")
    assert again[0] == ExitCode.REFUSED
    loss = ("--kind", "loss", "--liable", "operator", "--compensation", "500000", "--note", "thất lạc")
    assert cli("consignment", "incident", consignment, *loss)[0] == ExitCode.OK
    day = counter.row(consignment)["posted_on"]
    quarter = f"{day.year}-Q{(day.month + 2) // 3}"
    sheet = tmp_path / "quy.csv"
    code, out, _ = cli("consignment", "report", "post-a", quarter, "--json", "--csv", str(sheet))
    report = json.loads(out)
    assert (code, report["complaints"]["filed"], report["incidents"]["compensation"]) == (ExitCode.OK, 1, 500_000)
    assert "Khiếu nại" in sheet.read_text(encoding="utf-8-sig")
    assert cli("consignment", "report", "post-a", "2026-13")[0] == ExitCode.USAGE


def test_a_sheet_of_codes_is_taken_whole_or_not_at_all(counter: Counter, cli: Hub, tmp_path: Path) -> None:
    sheet = tmp_path / "codes.txt"
    right = [ItemCode.issued("RR", serial).raw for serial in range(3)]
    sheet.write_text("\n".join([*right, "RR123456780VN"]), encoding="utf-8")
    assert cli("consignment", "pool", "add", "post-b", str(sheet))[0] == ExitCode.REFUSED
    sheet.write_text("\n".join(right) + "\n", encoding="utf-8")
    assert cli("consignment", "pool", "add", "post-a", str(sheet))[0] == ExitCode.REFUSED, "it gives its own codes"
    assert cli("consignment", "pool", "add", "post-b", str(sheet))[0] == ExitCode.OK
    code, out, _ = cli("consignment", "pool", "list", "--json")
    assert (code, json.loads(out)["data"]) == (ExitCode.OK, [{"operator": "post-b", "free": 3, "used": 0}])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("show", "cs_none"), ExitCode.NOT_FOUND),
        (("manifest", "cs_none"), ExitCode.NOT_FOUND),
        (("order", "nothing", "--direction", "citizen_to_centre"), ExitCode.NOT_FOUND),
        (("order", "000.00.01.H42-261124-0001", "--direction", "sideways"), ExitCode.USAGE),
        (("cancel", "cs_01JD8M7W4Q2V9X3Y5Z6A7B8C9D", "--reason", "x"), ExitCode.USAGE),
    ],
)
def test_what_cannot_be_done_is_said_by_the_exit_code(
    counter: Counter, cli: Hub, words: tuple[str, ...], expected: ExitCode
) -> None:
    assert cli("consignment", *words)[0] == expected


def test_an_order_that_lacks_something_says_what(counter: Counter, cli: Hub) -> None:
    dossier = counter.dossier(result=BY_POST)
    code, _, err = cli("consignment", "order", dossier, "--direction", "agency_to_agency")
    assert (code, "from which department" in err) == (ExitCode.REFUSED, True)
