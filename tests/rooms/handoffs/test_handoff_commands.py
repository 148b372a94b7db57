"""hub handoff list, show, sign and minute: what they print, what they change, and their exit codes."""

import json
from datetime import date, timedelta
from pathlib import Path

from hub.cli.exits import Code
from hub.clock import local, now
from tests.builders import a_receipt, a_submission, submission_arrival
from tests.counterparts import Seal
from tests.house import ScriptedHouse
from tests.rooms.handoffs.handing import hand_over, row_of
from tests.rooms.test_command_line import Hub


def test_an_officer_enters_the_minute_and_sees_the_handoff_complete(
    house: ScriptedHouse, hub: Hub, tmp_path: Path
) -> None:
    handed = hand_over(house, a_receipt(), department="rest-a")
    scan = tmp_path / "bien-ban.pdf"
    scan.write_bytes(b"%PDF-1.7 signed by both")
    code, out, _ = hub("handoff", "list", "--status", "acknowledged", "--json")
    [listed] = json.loads(out)["data"]
    assert (code, listed["id"]) == (Code.OK, handed.id)
    assert "biên bản giao nhận" in listed["lacks"]

    given = ("--file", str(scan), "--signed-by", "Người Giao", "--signed-by", "Người Nhận")
    code, _, err = hub("handoff", "minute", handed.id, *given, "--at", f"{local(now()):%Y-%m-%dT%H:%M}")
    assert (code, "hoàn tất" in err) == (Code.OK, True)
    assert hub("handoff", "minute", handed.id, *given, "--at", f"{local(now()):%Y-%m-%dT%H:%M}")[0] == Code.REFUSED
    code, out, _ = hub("handoff", "show", handed.id)
    assert code == Code.OK
    assert "Người Giao" not in out, "names stand on the minute, which few may read"
    [line] = house.rows("SELECT actor FROM journal WHERE subject = %s AND verb = 'minute entered'", handed.id)
    assert line["actor"] == "thu.nghiem"


def test_show_tells_both_sides_and_what_was_signed(house: ScriptedHouse, hub: Hub, seal: Seal) -> None:
    handed = hand_over(house, seal.receipt)
    code, out, _ = hub("handoff", "show", handed.id, "--json")
    shown = json.loads(out)
    assert (code, shown["status"], shown["lacks"]) == (Code.OK, "complete", "")
    assert [(one["kind"], one["signatures"]) for one in shown["signed"]] == [("handoff", 2), ("receipt", 1)]
    assert shown["record_hash"] == row_of(house, handed.id)["record_hash"].hex()
    assert hub("handoff", "show", "hd_00000000000000000000000000")[0] == Code.NOT_FOUND


def test_what_cannot_be_signed_is_a_finding_with_its_reason(house: ScriptedHouse, hub: Hub) -> None:
    assert hub("handoff", "list", "--unsigned")[0] == Code.OK
    ended = {
        code: one.model_copy(update={"valid_to": now().date() - timedelta(days=1), "valid_from": date(2026, 1, 1)})
        for code, one in house.catalogue.officers.items()
    }
    house.catalogue = house.catalogue.model_copy(update={"officers": ended})
    house.accept(submission_arrival(a_submission("rest-a")))
    house.carry()
    code, out, err = hub("handoff", "list", "--unsigned")
    assert (code, "OFFICER_MAY_NOT_SIGN" in out) == (Code.FINDING, True)
    assert "1 bản tin không ký được" in err


def test_sign_wants_one_thing_at_a_time(house: ScriptedHouse, hub: Hub, tmp_path: Path) -> None:
    handed = hand_over(house, a_receipt(), department="rest-a")
    assert hub("handoff", "sign", handed.id)[0] == Code.USAGE
    assert hub("handoff", "sign", handed.id, "--renew", "--export", str(tmp_path / "x"))[0] == Code.USAGE
    code, _, err = hub("handoff", "sign", handed.id, "--export", str(tmp_path / "x"))
    assert (code, "nothing to sign" in err) == (Code.REFUSED, True)
