"""A stand-still is red: what does not move within its time is a finding, and what moves is none."""

from collections import namedtuple
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from config.calendar import CalendarConfig
from hub import operations, standstill
from hub.cli import checkup
from hub.messages import liveness
from tests.integration.transfers import put_one
from tests.scripted_hub import ScriptedHub


def finding(hub: ScriptedHub, code: str) -> Any:
    with hub.db.connection() as conn:
        rows = standstill.counterparties(conn, hub.catalogue, hub.settings)
    return next(row["finding"] for row in rows if row["code"] == code)


def change(hub: ScriptedHub, statement: Any) -> None:
    with hub.db.connection() as conn:
        conn.execute(statement)


def test_a_hub_that_makes_progress_has_no_findings(hub: ScriptedHub) -> None:
    put_one(hub)
    with hub.db.connection() as conn:
        liveness.claim_tick(conn, "ticks.sweep", 15)
        liveness.finish_tick(conn, "ticks.sweep")
        liveness.record_heartbeat(conn, "worker@here", ["inbox"])
        rows = standstill.counterparties(conn, hub.catalogue, hub.settings)
        assert [row["finding"] for row in rows if row["finding"]] == []
        assert [*standstill.ticks(conn), *standstill.workers(conn), *standstill.inbox(conn, hub.settings)] == []


def test_a_department_cut_off_by_its_breaker_is_a_finding_with_its_backlog(hub: ScriptedHub) -> None:
    put_one(hub)
    change(hub, "UPDATE counterparty SET failures = 5, breaker_open_until = now() + interval '1 minute'")
    detail = finding(hub, "department.rest-a")
    assert detail is not None
    assert "1 đang chờ" in detail
    change(hub, "UPDATE counterparty SET breaker_open_until = now() - interval '1 minute'")
    assert finding(hub, "department.rest-a") is not None, "one probe is not an answer"


def test_an_aged_backlog_is_a_finding_unless_a_person_has_paused_it(hub: ScriptedHub) -> None:
    put_one(hub)
    change(hub, "UPDATE outbox SET created_at = now() - interval '2 hours'")
    assert "120 phút" in str(finding(hub, "department.rest-a"))
    operations.pause(hub, "department.rest-a", actor="thu.nghiem", reason="bảo trì")
    assert finding(hub, "department.rest-a") is None
    with hub.db.connection() as conn:
        rows = standstill.counterparties(conn, hub.catalogue, hub.settings)
    [row] = [row for row in rows if row["code"] == "department.rest-a"]
    assert (row["waiting"], row["held"]) == (0, 1)


def test_a_feed_that_has_not_advanced_in_its_time_is_a_finding_that_says_why(hub: ScriptedHub) -> None:
    change(hub, "UPDATE counterparty SET enrolled_at = now() - interval '1 day', feed_error = 'PARTNER_CONTRACT: x'")
    assert "PARTNER_CONTRACT" in str(finding(hub, "department.soap-a"))
    assert finding(hub, "department.rest-a") is None, "it pushes"
    change(hub, "UPDATE counterparty SET polled_at = now()")
    assert finding(hub, "department.soap-a") is None


def test_ticks_that_stopped_and_workers_that_died_are_findings(hub: ScriptedHub) -> None:
    with hub.db.connection() as conn:
        assert "no sweep" in next(standstill.ticks(conn))
        assert list(standstill.workers(conn)) == ["no worker lives"]
        for name in ("ticks.sweep", "ticks.poll"):
            liveness.claim_tick(conn, name, 15)
            liveness.finish_tick(conn, name)
        liveness.record_heartbeat(conn, "worker@here", ["inbox"])
        conn.execute("UPDATE tick SET finished_at = now() - interval '10 minutes' WHERE name = 'ticks.poll'")
        assert list(standstill.ticks(conn)) == [], "the worker has only just begun"
        conn.execute("UPDATE worker_heartbeat SET started_at = now() - interval '1 hour'")
        assert [line.split()[0] for line in standstill.ticks(conn)] == ["ticks.poll"]
        conn.execute("UPDATE worker_heartbeat SET seen_at = now() - interval '10 minutes'")
        assert [line.split()[0] for line in standstill.ticks(conn)] == ["ticks.poll"]
        assert [line.split()[0] for line in standstill.workers(conn)] == ["worker@here", "no"]
        liveness.record_stop(conn, "worker@here")
        assert list(standstill.workers(conn)) == ["no worker lives"], "it was told to stop"


def test_an_inbox_that_nobody_takes_from_is_a_finding(hub: ScriptedHub) -> None:
    put_one(hub)
    change(hub, "UPDATE inbox SET state = 'received', settled_at = NULL, due_at = now() - interval '2 hours'")
    with hub.db.connection() as conn:
        assert "nobody takes them" in next(standstill.inbox(conn, hub.settings))


def test_the_disk_that_is_looked_at_is_the_datas_own(
    hub: ScriptedHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Usage = namedtuple("Usage", "total used free")  # noqa: PYI024 - as shutil has it
    full = tmp_path / "full"
    full.mkdir()
    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage(9, 9, 0 if Path(folder) == full else 9 * 1024**3))
    with hub.db.connection() as conn:
        [row] = hub.rows("SELECT current_setting('data_directory') AS folder")
        assert Path(row["folder"]) in standstill.disks(conn, tmp_path)
        assert list(standstill.disk(conn, tmp_path)) == []
        assert str(full) in next(standstill.disk(conn, full))
        assert str(full) in next(standstill.disk(conn, full / "var" / "not-made-yet").__iter__())


def test_a_disk_that_a_role_may_not_see_is_said_to_be_unseen(hub: ScriptedHub) -> None:
    with hub.db.transaction() as conn:
        assert standstill.unseen_disk(conn) == ""
        conn.execute("CREATE ROLE sees_little")
        conn.execute("SET LOCAL ROLE sees_little")
        assert "not visible to this role" in standstill.unseen_disk(conn)
        assert len(standstill.disks(conn, Path("/"))) == 1
        conn.execute("RESET ROLE")
        conn.execute("DROP ROLE sees_little")


SHIPPED = {"morning": ["07:00", "11:30"], "afternoon": ["13:30", "17:00"], "cut_off": "15:00"}


@pytest.mark.parametrize(
    ("today", "known", "wrong", "soon"),
    [
        (date(2026, 11, 30), {"not_announced": [2027]}, False, False),
        (date(2026, 12, 1), {"not_announced": [2027]}, False, True),
        (date(2026, 12, 1), {}, False, True),
        (date(2026, 12, 1), {"days_off": {"2026-01-02": "x", "2027-01-04": "x"}}, False, False),
        (date(2027, 1, 4), {"not_announced": [2027]}, False, True),
        (date(2027, 1, 4), {}, True, False),
    ],
)
def test_next_years_swapped_days_are_a_warning_in_december_and_not_red(
    today: date, known: dict[str, Any], wrong: bool, soon: bool
) -> None:
    days = {"days_off": {"2026-01-02": "x"}, **known}
    calendar = CalendarConfig.model_validate({**SHIPPED, **days}, strict=False)
    assert (bool(list(checkup.calendar_faults(calendar, today))), bool(checkup.not_announced(calendar, today))) == (
        wrong,
        soon,
    )
