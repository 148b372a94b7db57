"""hub handoff print: what was signed in a real hub comes out as a form that a stranger can judge."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from hub.cli.exits import ExitCode
from hub.clock import now
from hub.embedded.pki import Pki
from hub.papers.verify import verify_pdf
from hub.signing import trust_list
from hub.signing.trust import Trust
from hub.signing.verdicts import VerdictAnswer
from schemas.handoff import HandoffRecord
from tests.builders import a_code, a_receipt, a_submission, submission_arrival
from tests.integration import test_command_line
from tests.scripted_hub import ScriptedHub

Run = Callable[..., tuple[int, str, str]]
command = test_command_line.cli
"""a fixture: the command line"""


@pytest.fixture
def dossier(hub: ScriptedHub) -> str:
    """The code of a dossier that its department has."""
    code = a_code(1)
    hub.accept(submission_arrival(a_submission("rest-a", dossier_code=code)))
    hub.department("rest-a").answers.append(a_receipt())
    hub.carry()
    return code


@pytest.fixture
def stranger(pki: Pki) -> Trust:
    """Who has the trust list and nothing else."""
    return trust_list.load(pki.trust_list)


def test_a_control_sheet_is_signed_and_carries_the_record_of_the_handoff(
    dossier: str, command: Run, stranger: Trust, tmp_path: Path
) -> None:
    out = tmp_path / "phieu.pdf"
    code, _, err = command("handoff", "print", dossier, "-o", str(out))
    assert code == ExitCode.OK, err
    judged = verify_pdf(out.read_bytes(), stranger, now() + timedelta(seconds=1))
    assert judged.answer is VerdictAnswer.VALID, judged.findings
    [record] = [data for name, data in judged.attachments.items() if name.endswith(".json") and "receipt" not in name]
    assert HandoffRecord.model_validate_json(record).dossier == dossier


def test_a_reprint_without_signatures_is_byte_for_byte_the_same(dossier: str, command: Run, tmp_path: Path) -> None:
    for name in ("a.pdf", "b.pdf"):
        assert command("handoff", "print", dossier, "--unsigned", "-o", str(tmp_path / name))[0] == ExitCode.OK
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_a_minute_of_one_handoff_is_printed(hub: ScriptedHub, dossier: str, command: Run, tmp_path: Path) -> None:
    [row] = hub.rows("SELECT id FROM handoff")
    out = tmp_path / "bien-ban.pdf"
    assert command("handoff", "print", row["id"], "--form", "bien-ban", "-o", str(out))[0] == ExitCode.OK
    assert out.read_bytes().startswith(b"%PDF-1.7")


def test_what_is_not_there_is_exit_4(hub: ScriptedHub, command: Run, tmp_path: Path) -> None:
    assert (
        command("handoff", "print", "hd_01JD8M7W4Q2V9X3Y5Z6A7B8C9D", "-o", str(tmp_path / "x.pdf"))[0]
        == ExitCode.NOT_FOUND
    )


def test_an_officer_of_another_department_signs_nothing(dossier: str, command: Run, tmp_path: Path) -> None:
    out = tmp_path / "x.pdf"
    code, _, err = command("handoff", "print", dossier, "--officer", "rb-01", "-o", str(out))
    assert code == ExitCode.REFUSED
    assert "rb-01" in err
    assert not out.exists()


def test_hub_handoff_verify_judges_a_printed_form_with_the_trust_alone(
    dossier: str, command: Run, pki: Pki, tmp_path: Path
) -> None:
    out, trust = tmp_path / "phieu.pdf", str(pki.trust_list)
    assert command("handoff", "print", dossier, "-o", str(out))[0] == ExitCode.OK
    code, out_text, _ = command("handoff", "verify", str(out), "--offline", "--trust", trust)
    assert (code, out_text.splitlines()[-1]) == (ExitCode.OK, "VALID: HỢP LỆ")
    bent = bytearray(out.read_bytes())
    bent[20_000] ^= 1
    out.write_bytes(bent)
    code, out_text, _ = command("handoff", "verify", str(out), "--offline", "--trust", trust)
    assert (code, out_text.splitlines()[-1]) == (ExitCode.FINDING, "INVALID: KHÔNG HỢP LỆ")
    out.write_bytes(b"%PDF-1.7 and nothing else")
    code, out_text, _ = command("handoff", "verify", str(out), "--offline", "--trust", trust)
    assert "FORM_BROKEN" in out_text
