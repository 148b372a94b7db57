"""hub handoff print: what was signed in a real house comes out as a form that a stranger can judge."""

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from config.settings import Settings
from hub.cli import main
from hub.cli.exits import Code
from hub.clock import now
from hub.embedded.pki import Pki
from hub.papers.verify import verify_pdf
from hub.signing.findings import Answer
from hub.signing.trust import Trust
from schemas.handoff import HandoffRecord
from tests.builders import a_code, a_receipt, a_submission, submission_arrival
from tests.catalogue_secrets import CATALOGUE, environment
from tests.house import ScriptedHouse

Print = Callable[..., tuple[int, str]]


@pytest.fixture
def print_(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: Settings, pki: Pki) -> Print:
    """``hub handoff print``: exit code and stderr."""
    given = {
        **environment(),
        **pki.environment(),
        "HUB_DATABASE_URL": str(settings.database_url),
        "HUB_BROKER_URL": str(settings.broker_url),
        "HUB_CATALOGUE": str(CATALOGUE),
        "HUB_CURSOR_KEY": "a key for cursors in tests only",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["hub", "handoff", "print", *words])
        with pytest.raises(SystemExit) as left:
            main.main()
        return int(left.value.code or 0), capsys.readouterr().err

    return run


@pytest.fixture
def dossier(house: ScriptedHouse) -> str:
    """The code of a dossier that its department has."""
    code = a_code(1)
    house.accept(submission_arrival(a_submission("rest-a", dossier_code=code)))
    house.department("rest-a").answers.append(a_receipt())
    house.carry()
    return code


@pytest.fixture
def stranger(pki: Pki) -> Trust:
    """Who has the roots and nothing else."""
    return Trust.load((pki.keys / "roots.pem").read_bytes())


def test_a_control_sheet_is_signed_and_carries_the_record_of_the_handoff(
    dossier: str, print_: Print, stranger: Trust, tmp_path: Path
) -> None:
    out = tmp_path / "phieu.pdf"
    code, said = print_(dossier, "-o", str(out))
    assert code == Code.OK, said
    judged = verify_pdf(out.read_bytes(), stranger, now() + timedelta(seconds=1))
    assert judged.answer is Answer.VALID, judged.findings
    [record] = [data for name, data in judged.attachments.items() if name.endswith(".json") and "receipt" not in name]
    assert HandoffRecord.model_validate_json(record).dossier == dossier


def test_a_reprint_without_signatures_is_byte_for_byte_the_same(dossier: str, print_: Print, tmp_path: Path) -> None:
    for name in ("a.pdf", "b.pdf"):
        assert print_(dossier, "--unsigned", "-o", str(tmp_path / name))[0] == Code.OK
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_a_minute_of_one_handoff_is_printed(house: ScriptedHouse, dossier: str, print_: Print, tmp_path: Path) -> None:
    [row] = house.rows("SELECT id FROM handoff")
    out = tmp_path / "bien-ban.pdf"
    assert print_(row["id"], "--form", "bien-ban", "-o", str(out))[0] == Code.OK
    assert out.read_bytes().startswith(b"%PDF-1.7")


def test_what_is_not_there_is_exit_4(house: ScriptedHouse, print_: Print, tmp_path: Path) -> None:
    assert print_("hd_01JD8M7W4Q2V9X3Y5Z6A7B8C9D", "-o", str(tmp_path / "x.pdf"))[0] == Code.NOT_FOUND


def test_an_officer_of_another_department_signs_nothing(dossier: str, print_: Print, tmp_path: Path) -> None:
    out = tmp_path / "x.pdf"
    code, said = print_(dossier, "--officer", "rb-01", "-o", str(out))
    assert code == Code.REFUSED
    assert "rb-01" in said
    assert not out.exists()
