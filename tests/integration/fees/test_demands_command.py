"""hub fee demands, show, waive, renew: what a clerk sees of a demand, and may do about it."""

import json

from hub.cli.exits import ExitCode
from hub.worker import jobs
from tests.integration.fees.conftest import PAY_LATER, Cashier
from tests.integration.test_command_line import Hub


def test_demands_are_listed_by_status(cashier: Cashier, cli: Hub) -> None:
    waiting, paid = cashier.dossier(), cashier.dossier(PAY_LATER)
    cashier.pays(paid, 50_000)

    code, out, _ = cli("fee", "demands", "--status", "issued", "--json")

    [row] = json.loads(out)["data"]
    assert code == ExitCode.OK
    assert (row["dossier_id"], row["outstanding"]) == (waiting, 150_000)
    assert json.loads(cli("fee", "demands", "--department", "rest-b", "--json")[1])["data"] == []


def test_one_demand_is_shown_by_any_of_its_names(cashier: Cashier, cli: Hub, dossier: str) -> None:
    cashier.pays(dossier, 100_000, "pm_1")
    demand = cashier.demand(dossier)
    [row] = cashier.hub.rows("SELECT raw_code FROM dossier WHERE id = %s", dossier)

    shown = [
        json.loads(cli("fee", "show", name, "--json")[1])
        for name in (demand["id"], demand["reference"], row["raw_code"])
    ]
    code, out, _ = cli("fee", "show", demand["reference"])

    assert shown[0] == shown[1] == shown[2]
    assert [credit["evidence"] for credit in shown[0]["credits"]] == ["pm_1"]
    assert [line["amount"] for line in shown[0]["lines"]] == [120_000, 30_000]
    assert [line["action"] for line in shown[0]["audit_log"]] == ["demand_issued", "demand_credited"]
    assert code == ExitCode.OK
    assert all(part in out for part in ("Đã nộp một phần", "150.000", "120.000"))
    assert cli("fee", "show", "HC000000000052")[0] == ExitCode.NOT_FOUND


def test_a_clerk_waives_by_an_exemption_and_the_audit_log_says_why(cashier: Cashier, cli: Hub, dossier: str) -> None:
    demand = cashier.demand(dossier)["id"]
    words = ("fee", "waive", demand, "--exemption", "nguoi-co-cong", "--reason", "thẻ đã xuất trình")

    assert cli(*words, "--dry-run")[0] == ExitCode.OK
    assert cashier.demand(dossier)["status"] == "issued"
    assert cli(*words, "--yes")[0] == ExitCode.OK
    cashier.hub.sweep()
    cashier.hub.carry()

    assert cashier.demand(dossier)["status"] == "waived"
    assert cashier.handed(dossier)
    [line] = cashier.hub.rows(
        "SELECT actor, reason FROM audit_log WHERE subject = %s AND action = 'demand_waived'", demand
    )
    assert line["actor"] == "thu.nghiem"
    assert line["reason"] == "nguoi-co-cong, Nghị quyết thử nghiệm số 1, Điều 4: thẻ đã xuất trình"
    assert cli(*words, "--yes")[0] == ExitCode.REFUSED


def test_an_expired_demand_is_renewed(cashier: Cashier, cli: Hub, dossier: str) -> None:
    demand = cashier.demand(dossier)["id"]
    assert cli("fee", "renew", demand, "--reason", "chưa hết hạn", "--yes")[0] == ExitCode.REFUSED
    cashier.hub.rows("UPDATE fee_demand SET expires_at = now() WHERE id = %s RETURNING id", demand)
    jobs.expire_demands(cashier.hub)

    assert cli("fee", "renew", demand, "--reason", "người dân đến nộp", "--yes")[0] == ExitCode.OK

    assert cashier.demand(dossier)["status"] == "issued"
