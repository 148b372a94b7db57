"""hub handoff list, show, sign and minute: what they print, what they change, and their exit codes."""

import json
from datetime import date, timedelta
from pathlib import Path

from hub.cli.exits import ExitCode
from hub.clock import local, now
from tests.builders import a_receipt, a_submission, submission_arrival
from tests.counterparts import DepartmentSeal
from tests.integration.handoffs.handing import hand_over, row_of
from tests.integration.test_command_line import Hub
from tests.scripted_hub import ScriptedHub


def test_an_officer_enters_the_minute_and_sees_the_handoff_complete(hub: ScriptedHub, cli: Hub, tmp_path: Path) -> None:
    handed = hand_over(hub, a_receipt(), department="rest-a")
    scan = tmp_path / "bien-ban.pdf"
    scan.write_bytes(b"%PDF-1.7 signed by both")
    code, out, _ = cli("handoff", "list", "--status", "acknowledged", "--json")
    [listed] = json.loads(out)["data"]
    assert (code, listed["id"]) == (ExitCode.OK, handed.id)
    assert "biên bản giao nhận" in listed["lacks"]

    signers = ("--file", str(scan), "--signed-by", "Người Giao", "--signed-by", "Người Nhận")
    code, _, err = cli("handoff", "minute", handed.id, *signers, "--at", f"{local(now()):%Y-%m-%dT%H:%M}")
    assert (code, "hoàn tất" in err) == (ExitCode.OK, True)
    assert (
        cli("handoff", "minute", handed.id, *signers, "--at", f"{local(now()):%Y-%m-%dT%H:%M}")[0] == ExitCode.REFUSED
    )
    code, out, _ = cli("handoff", "show", handed.id)
    assert code == ExitCode.OK
    assert "Người Giao" not in out, "names stand on the minute, which few may read"
    [line] = hub.rows("SELECT actor FROM audit_log WHERE subject = %s AND action = 'handoff_minute_entered'", handed.id)
    assert line["actor"] == "thu.nghiem"


def test_show_tells_both_sides_and_what_was_signed(hub: ScriptedHub, cli: Hub, seal: DepartmentSeal) -> None:
    handed = hand_over(hub, seal.receipt)
    code, out, _ = cli("handoff", "show", handed.id, "--json")
    shown = json.loads(out)
    assert (code, shown["status"], shown["lacks"]) == (ExitCode.OK, "complete", "")
    assert [(one["kind"], one["signatures"]) for one in shown["signed"]] == [("handoff", 2), ("receipt", 1)]
    assert shown["record_hash"] == row_of(hub, handed.id)["record_hash"].hex()
    assert cli("handoff", "show", "hd_00000000000000000000000000")[0] == ExitCode.NOT_FOUND


def test_what_cannot_be_signed_is_a_finding_with_its_reason(hub: ScriptedHub, cli: Hub) -> None:
    assert cli("handoff", "list", "--unsigned")[0] == ExitCode.OK
    ended = {
        code: one.model_copy(update={"valid_to": now().date() - timedelta(days=1), "valid_from": date(2026, 1, 1)})
        for code, one in hub.catalogue.officers.items()
    }
    hub.catalogue = hub.catalogue.model_copy(update={"officers": ended})
    hub.accept(submission_arrival(a_submission("rest-a")))
    hub.carry()
    code, out, err = cli("handoff", "list", "--unsigned")
    assert (code, "OFFICER_MAY_NOT_SIGN" in out) == (ExitCode.FINDING, True)
    assert "1 bản tin không ký được" in err


def test_sign_wants_one_thing_at_a_time(hub: ScriptedHub, cli: Hub, tmp_path: Path) -> None:
    handed = hand_over(hub, a_receipt(), department="rest-a")
    assert cli("handoff", "sign", handed.id)[0] == ExitCode.USAGE
    assert cli("handoff", "sign", handed.id, "--renew", "--export", str(tmp_path / "x"))[0] == ExitCode.USAGE
    code, _, err = cli("handoff", "sign", handed.id, "--export", str(tmp_path / "x"))
    assert (code, "nothing to sign" in err) == (ExitCode.REFUSED, True)
