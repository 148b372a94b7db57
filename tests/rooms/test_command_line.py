"""The operator's commands on a real database: what they print, what they change, and their exit codes."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from config.settings import Settings
from connectors.errors import ContractBroken
from hub import dispatch, polling
from hub.cli import ids, main
from hub.cli.exits import Code
from hub.embedded.pki import Pki
from hub.errors import NotFound
from schemas.department import ReadChanges
from schemas.unreadable import Unreadable
from tests.builders import a_code, a_receipt, a_report, a_submission, report_arrival, submission_arrival
from tests.catalogue_secrets import CATALOGUE, environment
from tests.house import ScriptedHouse

Hub = Callable[..., tuple[int, str, str]]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: Settings, pki: Pki) -> Hub:
    """``hub`` on the test's database, with no terminal and the broker away: exit code, stdout, stderr."""
    given = {
        **environment(),
        **pki.environment(),
        "HUB_DATABASE_URL": str(settings.database_url),
        "HUB_BROKER_URL": str(settings.broker_url),
        "HUB_CATALOGUE": str(CATALOGUE),
        "HUB_CURSOR_KEY": "a key for cursors in tests only",
        "HUB_ACTOR": "thu.nghiem",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hub", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main.main()
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


def a_stuck_transfer(house: ScriptedHouse, serial: int = 1) -> str:
    """A transfer whose department answered with something that its contract does not have."""
    accepted = house.accept(submission_arrival(a_submission("rest-a", dossier_code=a_code(serial))))
    house.department("rest-a").answers.append(ContractBroken("DEPT_SCHEMA", "the reply has no number"))
    house.carry()
    [row] = house.rows("SELECT id FROM outbox WHERE kind = 'department.submit' AND subject = %s", accepted.id)
    return str(row["id"])


def state_of(house: ScriptedHouse, transfer: str) -> Any:
    [row] = house.rows("SELECT state, reason FROM outbox WHERE id = %s", transfer)
    return row["state"]


def test_a_stuck_transfer_is_listed_with_advice_and_is_a_finding(house: ScriptedHouse, hub: Hub) -> None:
    transfer = a_stuck_transfer(house)
    code, out, err = hub("transfer", "list", "--state", "stuck")
    assert code == Code.FINDING
    assert transfer in out
    assert "hub transfer check" in out
    assert "1 kẹt" in err


def test_the_list_is_one_json_object_when_asked_for(house: ScriptedHouse, hub: Hub) -> None:
    transfer = a_stuck_transfer(house)
    code, out, _ = hub("transfer", "list", "--json")
    rows = {row["id"]: row["state"] for row in json.loads(out)["data"]}
    assert (code, rows[transfer]) == (Code.FINDING, "stuck")


def test_one_transfer_shows_its_attempts_and_what_people_did(house: ScriptedHouse, hub: Hub) -> None:
    transfer = a_stuck_transfer(house)
    code, out, _ = hub("transfer", "show", transfer, "--json")
    shown = json.loads(out)
    assert (code, [attempt["outcome"] for attempt in shown["attempts_made"]]) == (0, ["contract_broken"])
    code, out, _ = hub("transfer", "show", transfer)
    assert code == 0
    assert "DEPT_SCHEMA" in out


def test_an_unknown_transfer_is_exit_4(house: ScriptedHouse, hub: Hub) -> None:
    code, out, err = hub("transfer", "show", "tr_01JD8M7W4Q2V9X3Y5Z6A7B8C9D")
    assert (code, out) == (Code.NOT_FOUND, "")
    assert err.startswith("hub: ")


def test_the_beginning_of_an_id_stands_for_the_id_as_long_as_only_one_begins_so(house: ScriptedHouse, hub: Hub) -> None:
    transfers = [a_stuck_transfer(house, serial) for serial in (1, 2)]
    every = [row["id"] for row in house.rows("SELECT id FROM outbox")]
    lengths = range(len("tr_"), len(transfers[0]))
    shared, short = next(
        (transfers[0][:length], transfers[0][: length + 1])
        for length in lengths
        if sum(one.startswith(transfers[0][: length + 1]) for one in every) == 1
    )
    assert json.loads(hub("transfer", "show", short.lower(), "--json")[1])["id"] == transfers[0]
    assert hub("transfer", "cancel", short, "--reason", "thử", "--yes")[0] == 0
    assert [state_of(house, transfer) for transfer in transfers] == ["cancelled", "stuck"]
    code, _, err = hub("transfer", "show", shared)
    assert code == Code.USAGE
    assert f"several ids begin with {shared}: tr_" in err
    assert hub("transfer", "show", "tr_0000")[0] == Code.NOT_FOUND


def test_every_table_that_an_id_is_looked_up_in_has_it(house: ScriptedHouse, hub: Hub) -> None:
    for prefix in ids.TABLES:
        with pytest.raises(NotFound):
            ids.whole_id(f"{prefix}_0")


def test_several_transfers_are_asked_about_whatever_becomes_of_one(house: ScriptedHouse, hub: Hub) -> None:
    transfers = [a_stuck_transfer(house, serial) for serial in (1, 2)]
    assert hub("transfer", "cancel", transfers[0], "--reason", "thử", "--yes")[0] == 0
    house.department("rest-a").findings.append(None)
    code, out, err = hub("transfer", "check", *transfers)
    assert code == Code.REFUSED
    assert "1 of 2 not done" in err
    assert transfers[1] in out


def test_a_write_without_yes_changes_nothing_where_nobody_can_be_asked(house: ScriptedHouse, hub: Hub) -> None:
    transfer = a_stuck_transfer(house)
    code, _, err = hub("transfer", "cancel", transfer, "--reason", "thử")
    assert code == Code.USAGE
    assert "--yes" in err
    assert state_of(house, transfer) == "stuck"


def test_a_write_needs_a_reason(house: ScriptedHouse, hub: Hub) -> None:
    transfer = a_stuck_transfer(house)
    assert hub("transfer", "cancel", transfer, "--yes")[0] == Code.USAGE
    assert state_of(house, transfer) == "stuck"


def test_what_a_person_did_stands_in_the_journal_with_name_and_reason(house: ScriptedHouse, hub: Hub) -> None:
    transfer = a_stuck_transfer(house)
    assert hub("transfer", "cancel", transfer, "--reason", "nộp nhầm", "--yes")[0] == 0
    assert state_of(house, transfer) == "cancelled"
    [line] = house.rows("SELECT actor, reason FROM journal WHERE subject = %s AND verb = 'cancelled'", transfer)
    assert line == {"actor": "thu.nghiem", "reason": "nộp nhầm"}


def test_what_has_ended_is_refused_with_exit_5(house: ScriptedHouse, hub: Hub) -> None:
    transfer = a_stuck_transfer(house)
    hub("transfer", "cancel", transfer, "--reason", "thử", "--yes")
    assert hub("transfer", "replay", transfer, "--reason", "thử", "--yes")[0] == Code.REFUSED


def test_what_waits_for_a_person_is_shown_as_it_came_and_refused_with_a_reason(house: ScriptedHouse, hub: Hub) -> None:
    aside = Unreadable.entry('{"report_id": "\\ud800"}', "/report_id lone_surrogate")
    page = ReadChanges(reports=[], unreadable=[aside], cursor="1")
    house.department("soap-a").pages.append(page)
    polling.poll(house)
    house.carry()
    code, out, _ = hub("inbox", "list", "--json")
    [row] = json.loads(out)["data"]
    assert (code, row["error_code"], row["error_detail"]) == (Code.FINDING, "ENTRY_UNREADABLE", aside.why)
    assert aside.document in hub("inbox", "show", row["id"])[1]
    assert hub("inbox", "refuse", row["id"], "--reason", "sở gửi nhầm", "--yes")[0] == 0
    assert hub("inbox", "list")[0] == 0


def test_park_and_unpark(house: ScriptedHouse, hub: Hub) -> None:
    transfer = a_stuck_transfer(house)
    assert hub("transfer", "park", transfer, "2027-01-04", "--reason", "chờ Sở", "--yes")[0] == Code.USAGE
    assert hub("transfer", "park", transfer, "--review-at", "2027-01-04", "--reason", "chờ Sở", "--yes")[0] == 0
    [row] = house.rows("SELECT state, review_at FROM outbox WHERE id = %s", transfer)
    assert (row["state"], row["review_at"].isoformat()) == ("parked", "2027-01-03T17:00:00+00:00")
    assert hub("transfer", "unpark", transfer, "--reason", "xong", "--yes")[0] == 0
    assert state_of(house, transfer) == "unknown"


def test_replay_takes_every_stuck_one_of_a_counterparty(house: ScriptedHouse, hub: Hub) -> None:
    transfers = [a_stuck_transfer(house, serial) for serial in (1, 2)]
    which = ("transfer", "replay", "--counterparty", "department.rest-a", "--reason", "đã sửa")
    code, _, err = hub(*which, "--dry-run")
    assert code == 0
    assert all(transfer in err for transfer in transfers)
    assert [state_of(house, transfer) for transfer in transfers] == ["stuck", "stuck"]
    assert hub(*which, "--yes")[0] == 0
    assert [state_of(house, transfer) for transfer in transfers] == ["unknown", "unknown"]


def test_a_paused_counterparty_holds_and_is_shown_so(house: ScriptedHouse, hub: Hub) -> None:
    assert hub("partner", "pause", "department.rest-a", "--reason", "bảo trì", "--yes")[0] == 0
    code, out, _ = hub("partner", "list", "--json")
    states = {row["code"]: row["state"] for row in json.loads(out)["data"]}
    assert (code, states["department.rest-a"]) == (0, "paused")
    house.carry()
    accepted = house.accept(submission_arrival(a_submission("rest-a")))
    dispatch.handle(house, accepted.id)
    _, out, _ = hub("transfer", "list", "--state", "held", "--json")
    assert [row["subject"] for row in json.loads(out)["data"]] == [accepted.id]
    assert hub("partner", "pause", "department.rest-a", "--reason", "bảo trì", "--yes")[0] == Code.REFUSED
    assert hub("partner", "resume", "department.rest-a", "--reason", "xong", "--yes")[0] == 0


def test_an_unknown_counterparty_is_exit_4(house: ScriptedHouse, hub: Hub) -> None:
    assert hub("partner", "pause", "department.none", "--reason", "thử", "--yes")[0] == Code.NOT_FOUND


def test_a_dead_message_is_a_finding_until_it_is_revived(house: ScriptedHouse, hub: Hub) -> None:
    assert hub("inbox", "list")[0] == 0
    house.department("rest-a").answers.append(a_receipt())
    house.accept(submission_arrival(a_submission("rest-a", dossier_code=a_code(7))))
    house.carry()
    report = house.accept(report_arrival(a_report(a_code(7), "NOT-IN-THE-TABLE")))
    house.carry()
    code, out, _ = hub("inbox", "list", "--json")
    [row] = json.loads(out)["data"]
    assert (code, row["id"], row["error_code"]) == (Code.FINDING, report.id, "STATUS_UNKNOWN")
    assert "body" not in row
    assert hub("inbox", "revive", report.id, "--reason", "đã bổ sung mã", "--yes")[0] == 0
    assert hub("inbox", "list")[0] == 0


def test_a_submission_is_found_by_any_of_its_names_and_shows_no_citizen(house: ScriptedHouse, hub: Hub) -> None:
    said = a_submission("rest-a", dossier_code=a_code(9))
    house.department("rest-a").answers.append(a_receipt())
    accepted = house.accept(submission_arrival(said))
    house.carry()
    for name in (accepted.id, said["reference"], a_code(9).lower()):
        code, out, _ = hub("submission", "show", name, "--json")
        shown = json.loads(out)
        assert (code, shown["id"], shown["status"]) == (0, accepted.id, "accepted")
        assert shown["transfers"][0]["state"] == "delivered"
        assert said["applicant"]["name"] not in out
        assert said["applicant"]["identity"]["number"] not in out
    assert hub("submission", "show", accepted.id)[0] == 0
    assert hub("submission", "show", "CDVC-unheard-of")[0] == Code.NOT_FOUND


def test_the_newest_events_are_shown_oldest_first(house: ScriptedHouse, hub: Hub) -> None:
    house.department("rest-a").answers.append(a_receipt())
    house.accept(submission_arrival(a_submission("rest-a")))
    house.carry()
    _, out, _ = hub("events", "tail", "--json")
    assert [notice["data"]["status"] for notice in json.loads(out)["data"]] == ["registered", "accepted"]
    _, out, _ = hub("events", "tail", "-n", "1")
    assert "accepted" in out
    assert "registered" not in out


def test_db_check_knows_the_newest_step(house: ScriptedHouse, hub: Hub) -> None:
    code, out, _ = hub("db", "check", "--json")
    found = json.loads(out)
    assert (code, found["current"]) == (0, found["newest"])
    with house.db.connection() as conn:
        conn.execute("UPDATE alembic_version SET version_num = '0000'")
    assert hub("db", "check")[0] == Code.FINDING


def test_the_doctor_names_what_is_wrong(house: ScriptedHouse, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """In these tests the broker is away, no worker runs and the server does without fsync; nothing else is wrong."""
    code, out, err = hub("doctor", "--json")
    wrong = {row["check"]: row["finding"] for row in json.loads(out)["data"] if not row["ok"]}
    assert code == Code.FINDING
    assert wrong.keys() == {"database", "broker", "certificates", "ticks", "workers"}
    assert "broker" in err
    monkeypatch.delenv("HUB_SECRET_TEST_REST_A_TOKEN")
    code, out, _ = hub("doctor", "--json")
    [row] = json.loads(out)["data"]
    assert (code, row["check"]) == (Code.FINDING, "config")
    assert "HUB_SECRET_TEST_REST_A_TOKEN" in row["finding"]
