"""The operator's commands on a real database: what they print, what they change, and their exit codes."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from config.settings import Settings
from connectors.errors import ContractBroken
from hub import dispatch, polling
from hub.cli import arguments, main
from hub.cli.exits import ExitCode
from hub.embedded.pki import Pki
from hub.errors import NotFound
from schemas.department import ReadChanges
from schemas.replies import UnreadableEntry
from tests.builders import a_code, a_receipt, a_report, a_submission, report_arrival, submission_arrival
from tests.catalogue_secrets import CATALOGUE, environment
from tests.scripted_hub import ScriptedHub

Hub = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: Settings, pki: Pki) -> Hub:
    """``hub`` on the test's database, with no terminal and the broker away: exit code, stdout, stderr."""
    variables = {
        **environment(),
        **pki.environment(),
        "HUB_DATABASE_URL": str(settings.database_url),
        "HUB_BROKER_URL": str(settings.broker_url),
        "HUB_CATALOGUE": str(CATALOGUE),
        "HUB_CURSOR_KEY": "a key for cursors in tests only",
        "HUB_ACTOR": "thu.nghiem",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hub", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main.main()
        captured = capsys.readouterr()
        return int(left.value.code or 0), captured.out, captured.err

    return run


def a_stuck_transfer(hub: ScriptedHub, serial: int = 1) -> str:
    """A transfer whose department answered with something that its contract does not have."""
    accepted = hub.accept(submission_arrival(a_submission("rest-a", dossier_code=a_code(serial))))
    hub.department("rest-a").answers.append(ContractBroken("DEPT_SCHEMA", "the reply has no number"))
    hub.carry()
    [row] = hub.rows("SELECT id FROM outbox WHERE kind = 'department.submit' AND subject = %s", accepted.id)
    return str(row["id"])


def state_of(hub: ScriptedHub, transfer: str) -> Any:
    [row] = hub.rows("SELECT state, reason FROM outbox WHERE id = %s", transfer)
    return row["state"]


def test_a_stuck_transfer_is_listed_with_advice_and_is_a_finding(hub: ScriptedHub, cli: Hub) -> None:
    transfer = a_stuck_transfer(hub)
    code, out, err = cli("transfer", "list", "--state", "stuck")
    assert code == ExitCode.FINDING
    assert transfer in out
    assert "hub transfer check" in out
    assert "1 kẹt" in err


def test_the_list_is_one_json_object_when_asked_for(hub: ScriptedHub, cli: Hub) -> None:
    transfer = a_stuck_transfer(hub)
    code, out, _ = cli("transfer", "list", "--json")
    rows = {row["id"]: row["state"] for row in json.loads(out)["data"]}
    assert (code, rows[transfer]) == (ExitCode.FINDING, "stuck")


def test_one_transfer_shows_its_attempts_and_what_people_did(hub: ScriptedHub, cli: Hub) -> None:
    transfer = a_stuck_transfer(hub)
    code, out, _ = cli("transfer", "show", transfer, "--json")
    shown = json.loads(out)
    assert (code, [attempt["outcome"] for attempt in shown["attempts_made"]]) == (0, ["contract_broken"])
    code, out, _ = cli("transfer", "show", transfer)
    assert code == 0
    assert "DEPT_SCHEMA" in out


def test_an_unknown_transfer_is_exit_4(hub: ScriptedHub, cli: Hub) -> None:
    code, out, err = cli("transfer", "show", "tr_01JD8M7W4Q2V9X3Y5Z6A7B8C9D")
    assert (code, out) == (ExitCode.NOT_FOUND, "")
    assert err.startswith("hub: ")


def test_the_beginning_of_an_id_stands_for_the_id_as_long_as_only_one_begins_so(hub: ScriptedHub, cli: Hub) -> None:
    transfers = [a_stuck_transfer(hub, serial) for serial in (1, 2)]
    every = [row["id"] for row in hub.rows("SELECT id FROM outbox")]
    lengths = range(len("tr_"), len(transfers[0]))
    shared, short = next(
        (transfers[0][:length], transfers[0][: length + 1])
        for length in lengths
        if sum(one.startswith(transfers[0][: length + 1]) for one in every) == 1
    )
    assert json.loads(cli("transfer", "show", short.lower(), "--json")[1])["id"] == transfers[0]
    assert cli("transfer", "cancel", short, "--reason", "thử", "--yes")[0] == 0
    assert [state_of(hub, transfer) for transfer in transfers] == ["cancelled", "stuck"]
    code, _, err = cli("transfer", "show", shared)
    assert code == ExitCode.USAGE
    assert f"several ids begin with {shared}: tr_" in err
    assert cli("transfer", "show", "tr_0000")[0] == ExitCode.NOT_FOUND


def test_every_table_that_an_id_is_looked_up_in_has_it(hub: ScriptedHub, cli: Hub) -> None:
    for prefix in arguments.TABLES:
        with pytest.raises(NotFound):
            arguments.whole_id(f"{prefix}_0")


def test_several_transfers_are_asked_about_whatever_becomes_of_one(hub: ScriptedHub, cli: Hub) -> None:
    transfers = [a_stuck_transfer(hub, serial) for serial in (1, 2)]
    assert cli("transfer", "cancel", transfers[0], "--reason", "thử", "--yes")[0] == 0
    hub.department("rest-a").findings.append(None)
    code, out, err = cli("transfer", "check", *transfers)
    assert code == ExitCode.REFUSED
    assert "1 of 2 not done" in err
    assert transfers[1] in out


def test_a_write_without_yes_changes_nothing_where_nobody_can_be_asked(hub: ScriptedHub, cli: Hub) -> None:
    transfer = a_stuck_transfer(hub)
    code, _, err = cli("transfer", "cancel", transfer, "--reason", "thử")
    assert code == ExitCode.USAGE
    assert "--yes" in err
    assert state_of(hub, transfer) == "stuck"


def test_a_write_needs_a_reason(hub: ScriptedHub, cli: Hub) -> None:
    transfer = a_stuck_transfer(hub)
    assert cli("transfer", "cancel", transfer, "--yes")[0] == ExitCode.USAGE
    assert state_of(hub, transfer) == "stuck"


def test_what_a_person_did_is_in_the_audit_log_with_name_and_reason(hub: ScriptedHub, cli: Hub) -> None:
    transfer = a_stuck_transfer(hub)
    assert cli("transfer", "cancel", transfer, "--reason", "nộp nhầm", "--yes")[0] == 0
    assert state_of(hub, transfer) == "cancelled"
    [line] = hub.rows(
        "SELECT actor, reason FROM audit_log WHERE subject = %s AND action = 'transfer_cancelled'", transfer
    )
    assert line == {"actor": "thu.nghiem", "reason": "nộp nhầm"}


def test_what_has_ended_is_refused_with_exit_5(hub: ScriptedHub, cli: Hub) -> None:
    transfer = a_stuck_transfer(hub)
    cli("transfer", "cancel", transfer, "--reason", "thử", "--yes")
    assert cli("transfer", "replay", transfer, "--reason", "thử", "--yes")[0] == ExitCode.REFUSED


def test_what_waits_for_a_person_is_shown_as_it_came_and_refused_with_a_reason(hub: ScriptedHub, cli: Hub) -> None:
    aside = UnreadableEntry.entry('{"report_id": "\\ud800"}', "/report_id lone_surrogate")
    page = ReadChanges(reports=[], unreadable=[aside], cursor="1")
    hub.department("soap-a").pages.append(page)
    polling.poll(hub)
    hub.carry()
    code, out, _ = cli("inbox", "list", "--json")
    [row] = json.loads(out)["data"]
    assert (code, row["error_code"], row["error_detail"]) == (ExitCode.FINDING, "ENTRY_UNREADABLE", aside.why)
    assert aside.document in cli("inbox", "show", row["id"])[1]
    assert cli("inbox", "refuse", row["id"], "--reason", "sở gửi nhầm", "--yes")[0] == 0
    assert cli("inbox", "list")[0] == 0


def test_park_and_unpark(hub: ScriptedHub, cli: Hub) -> None:
    transfer = a_stuck_transfer(hub)
    assert cli("transfer", "park", transfer, "2027-01-04", "--reason", "chờ Sở", "--yes")[0] == ExitCode.USAGE
    assert cli("transfer", "park", transfer, "--review-at", "2027-01-04", "--reason", "chờ Sở", "--yes")[0] == 0
    [row] = hub.rows("SELECT state, review_at FROM outbox WHERE id = %s", transfer)
    assert (row["state"], row["review_at"].isoformat()) == ("parked", "2027-01-03T17:00:00+00:00")
    assert cli("transfer", "unpark", transfer, "--reason", "xong", "--yes")[0] == 0
    assert state_of(hub, transfer) == "unknown"


def test_replay_takes_every_stuck_one_of_a_counterparty(hub: ScriptedHub, cli: Hub) -> None:
    transfers = [a_stuck_transfer(hub, serial) for serial in (1, 2)]
    which = ("transfer", "replay", "--counterparty", "department.rest-a", "--reason", "đã sửa")
    code, _, err = cli(*which, "--dry-run")
    assert code == 0
    assert all(transfer in err for transfer in transfers)
    assert [state_of(hub, transfer) for transfer in transfers] == ["stuck", "stuck"]
    assert cli(*which, "--yes")[0] == 0
    assert [state_of(hub, transfer) for transfer in transfers] == ["unknown", "unknown"]


def test_a_paused_counterparty_holds_and_is_shown_so(hub: ScriptedHub, cli: Hub) -> None:
    assert cli("partner", "pause", "department.rest-a", "--reason", "bảo trì", "--yes")[0] == 0
    code, out, _ = cli("partner", "list", "--json")
    states = {row["code"]: row["state"] for row in json.loads(out)["data"]}
    assert (code, states["department.rest-a"]) == (0, "paused")
    hub.carry()
    accepted = hub.accept(submission_arrival(a_submission("rest-a")))
    dispatch.handle(hub, accepted.id)
    _, out, _ = cli("transfer", "list", "--state", "held", "--json")
    assert [row["subject"] for row in json.loads(out)["data"]] == [accepted.id]
    assert cli("partner", "pause", "department.rest-a", "--reason", "bảo trì", "--yes")[0] == ExitCode.REFUSED
    assert cli("partner", "resume", "department.rest-a", "--reason", "xong", "--yes")[0] == 0


def test_an_unknown_counterparty_is_exit_4(hub: ScriptedHub, cli: Hub) -> None:
    assert cli("partner", "pause", "department.none", "--reason", "thử", "--yes")[0] == ExitCode.NOT_FOUND


def test_a_dead_message_is_a_finding_until_it_is_revived(hub: ScriptedHub, cli: Hub) -> None:
    assert cli("inbox", "list")[0] == 0
    hub.department("rest-a").answers.append(a_receipt())
    hub.accept(submission_arrival(a_submission("rest-a", dossier_code=a_code(7))))
    hub.carry()
    report = hub.accept(report_arrival(a_report(a_code(7), "NOT-IN-THE-TABLE")))
    hub.carry()
    code, out, _ = cli("inbox", "list", "--json")
    [row] = json.loads(out)["data"]
    assert (code, row["id"], row["error_code"]) == (ExitCode.FINDING, report.id, "STATUS_UNKNOWN")
    assert "body" not in row
    assert cli("inbox", "requeue", report.id, "--reason", "đã bổ sung mã", "--yes")[0] == 0
    assert cli("inbox", "list")[0] == 0


def test_a_submission_is_found_by_any_of_its_names_and_shows_no_citizen(hub: ScriptedHub, cli: Hub) -> None:
    submission = a_submission("rest-a", dossier_code=a_code(9))
    hub.department("rest-a").answers.append(a_receipt())
    accepted = hub.accept(submission_arrival(submission))
    hub.carry()
    for name in (accepted.id, submission["reference"], a_code(9).lower()):
        code, out, _ = cli("submission", "show", name, "--json")
        shown = json.loads(out)
        assert (code, shown["id"], shown["status"]) == (0, accepted.id, "accepted")
        assert shown["transfers"][0]["state"] == "delivered"
        assert submission["applicant"]["name"] not in out
        assert submission["applicant"]["identity"]["number"] not in out
    assert cli("submission", "show", accepted.id)[0] == 0
    assert cli("submission", "show", "CDVC-unheard-of")[0] == ExitCode.NOT_FOUND


def test_the_newest_events_are_shown_oldest_first(hub: ScriptedHub, cli: Hub) -> None:
    hub.department("rest-a").answers.append(a_receipt())
    hub.accept(submission_arrival(a_submission("rest-a")))
    hub.carry()
    _, out, _ = cli("events", "tail", "--json")
    assert [notice["data"]["status"] for notice in json.loads(out)["data"]] == ["registered", "accepted"]
    _, out, _ = cli("events", "tail", "-n", "1")
    assert "accepted" in out
    assert "registered" not in out


def test_db_check_knows_the_newest_step(hub: ScriptedHub, cli: Hub) -> None:
    code, out, _ = cli("db", "check", "--json")
    listed = json.loads(out)
    assert (code, listed["current"]) == (0, listed["newest"])
    with hub.db.connection() as conn:
        conn.execute("UPDATE alembic_version SET version_num = '0000'")
    assert cli("db", "check")[0] == ExitCode.FINDING


def test_the_doctor_names_what_is_wrong(hub: ScriptedHub, cli: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """In these tests the broker is away, no worker runs and the server does without fsync; nothing else is wrong."""
    code, out, err = cli("doctor", "--json")
    wrong = {row["check"]: row["finding"] for row in json.loads(out)["data"] if not row["ok"]}
    assert code == ExitCode.FINDING
    assert wrong.keys() == {"database", "broker", "certificates", "ticks", "workers"}
    assert "broker" in err
    monkeypatch.delenv("HUB_SECRET_TEST_REST_A_TOKEN")
    code, out, _ = cli("doctor", "--json")
    [row] = json.loads(out)["data"]
    assert (code, row["check"]) == (ExitCode.FINDING, "config")
    assert "HUB_SECRET_TEST_REST_A_TOKEN" in row["finding"]
