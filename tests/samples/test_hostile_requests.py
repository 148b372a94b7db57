"""../shared/samples/faults/hostile: to the API, in the database's roles, and to the verifier of handoffs.

Without a file, and shown by tests of our own: 11 (tests/integration/http/test_banks.py: whoever proves nothing leaves
a counter), 15 (tests/integration/test_wakeups.py: a burst takes one wake-up for each row), 16
(tests/integration/test_standstill.py: the disk that is looked at is the data's own), 17
(tests/integration/http/test_without_proxy.py: a thousand half heads).
"""

import hmac
import json
import time
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege, UndefinedFunction

from hub.signing import archive, bundle
from hub.signing.judge import judge
from hub.signing.trust import Trust
from hub.signing.verdicts import VerdictAnswer
from tests.builders import PROCEDURES
from tests.deploy.test_database_roles import as_role, installed
from tests.integration.http.caller import ApiCaller
from tests.integration.http.conftest import log_stream, own_api, protocol, proxy_secret
from tests.integration.http.teller import Teller, count, said_by, secret_of, verdicts
from tests.notices import Sent

__all__ = ["as_role", "installed", "log_stream", "own_api", "protocol", "proxy_secret"]


@pytest.fixture(scope="module")
def folder(samples: Path) -> Path:
    return samples / "faults" / "hostile"


@pytest.mark.parametrize("name", ["02-forged-handoff.zip", "12-tst-byte-191-flipped.zip"])
def test_what_the_roots_alone_would_prove_is_not_valid(folder: Path, name: str) -> None:
    trust = Trust.load((folder / "02-roots.pem").read_bytes())
    verdict = judge(bundle.assemble(archive.read_path(folder / name)), trust)
    assert verdict.answer is not VerdictAnswer.VALID


def test_a_text_that_xml_cannot_hold_is_refused_at_the_endpoint_with_its_place(
    folder: Path, own_api: ApiCaller
) -> None:
    raw = (folder / "03-fffe.json").read_bytes()
    answer = own_api.portal().submit(raw, key="FFFE-1")
    assert answer.status_code == 422
    assert "/summary" in [fault["pointer"] for fault in answer.json()["errors"]]
    assert own_api.stored()["inbox"] == 0


def as_sepay(raw: bytes) -> Sent:
    moment = str(int(time.time()))
    signature = hmac.new(secret_of("SEPAY_A").encode(), f"{moment}.".encode() + raw, "sha256").hexdigest()
    return Sent(headers={"X-SePay-Timestamp": moment, "X-SePay-Signature": f"sha256={signature}"}, body=raw)


@pytest.mark.parametrize("name", ["07-sepay-year-0001.json", "08-sepay-year-2099.json"])
def test_a_payment_of_no_year_that_can_be_is_answered_in_the_providers_words(
    folder: Path, own_api: ApiCaller, name: str
) -> None:
    answer = Teller(own_api, "sepay-t").tells(as_sepay((folder / name).read_bytes()))
    assert said_by(answer) == (400, {"success": False})
    assert verdicts(own_api) == [("malformed", "N04")]
    assert (count(own_api, "notify_event"), count(own_api, "inbox")) == (0, 0)


@pytest.mark.parametrize(
    ("as_role", "name"),
    [
        ("hub_worker", "09-evidence-dropped-by-worker-role.sql"),
        ("hub_api", "10-journal-forged-by-api-role.sql"),
    ],
    indirect=["as_role"],
)
def test_a_role_is_refused_what_is_not_its_work(folder: Path, as_role: psycopg.Connection, name: str) -> None:
    text = (folder / name).read_text("utf-8")
    text = text.replace("INSERT INTO journal ", "INSERT INTO audit_log ").replace("verb", "action")  # their names now
    statements = [one for one in text.split(";") if one.strip()]
    assert statements
    for statement in statements:
        with pytest.raises((InsufficientPrivilege, UndefinedFunction)):
            as_role.execute(statement.encode())


def test_a_reference_that_is_used_again_does_not_stand_in_postgresqls_log(folder: Path, own_api: ApiCaller) -> None:
    submission = json.loads((folder / "14-reference-in-postgres-log.json").read_bytes())
    submission["procedure"] = PROCEDURES["rest-a"]
    portal = own_api.portal()
    assert portal.submit(submission, key="k-1").status_code == 202
    again = portal.submit(submission | {"summary": "Nội dung khác"}, key="k-2")
    assert (again.status_code, again.json()["code"]) == (422, "reference-reused")
    [row] = own_api.hub.rows("SELECT setting FROM pg_settings WHERE name = 'data_directory'")
    log = (Path(row["setting"]).parent / "postgres.log").read_text("utf-8")
    assert "duplicate key" in log
    assert submission["reference"] not in log
