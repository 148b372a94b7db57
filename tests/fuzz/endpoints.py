"""Every HTTP door on a real socket before a real database: what is sent is signed as its sender would, and then spoilt.

No answer is a failure of ours, and nothing that was accepted fails when it is handled.
"""

import atexit
import io
import json
import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import quote

import requests
import uvicorn
from lxml import etree
from pydantic import HttpUrl
from requests import Response

from config.catalogue import load
from config.settings import Settings
from hub.clock import now
from hub.embedded.pki import completed
from hub.embedded.postgres import postgres
from hub.http import serve
from hub.http.app import application, create
from hub.logging import configure
from hub.migrations.run import upgrade
from tests.builders import a_code, a_receipt, a_report, a_submission
from tests.catalogue_secrets import CATALOGUE, environment
from tests.fuzz import mutations
from tests.integration.http.caller import JSON, ApiCaller, Caller, as_json
from tests.integration.http.teller import BANKS, Teller
from tests.integration.http.test_postal import SAID, address_of
from tests.integration.http.test_settlements import an_answer
from tests.integration.http.test_soap import PATH, a_push, post, signed
from tests.notices import NoticeDraft
from tests.scripted_hub import ScriptedHub

HANDLED_EVERY: Final = 20
"""requests"""
FAILED: Final = ("HANDLER_FAILED", "REPLY_FAILED", "HUB_FAILED", "OUR_MESSAGE_INVALID")
FAILURE: Final = 500
WAYS: Final = (mutations.some_values, mutations.some_values, mutations.some_words, mutations.some_bytes)


@cache
def the_door() -> ApiCaller:
    """The doors, open until the process ends."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="lienthong-fuzz-")))
    folder.chmod(0o755)
    url = stack.enter_context(postgres(folder / "postgres"))
    upgrade(url)
    return stack.enter_context(_opened(folder, url))


@contextmanager
def _opened(folder: Path, url: str) -> Iterator[ApiCaller]:
    stream = io.StringIO()
    configure("CRITICAL", stream)
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    catalogue = load(CATALOGUE, environment())
    pki = completed(folder / "pki", catalogue, "a passphrase for keys in tests only")
    settings = Settings.model_validate(
        {
            "database_url": url,
            "broker_url": "redis://127.0.0.1:1/0",
            "catalogue": CATALOGUE,
            "cursor_key": "a key for cursors in tests only",
            "keys": pki.keys,
            "keys_passphrase": pki.passphrase,
        }
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        here = HttpUrl(f"http://127.0.0.1:{listening.getsockname()[1]}")
        hub = ScriptedHub(settings.model_copy(update={"public_url": here}), catalogue)
        server = uvicorn.Server(serve.config(create(hub)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the doors did not open"
            time.sleep(0.01)
        yield ApiCaller(hub, stream)
        server.should_exit = True
        thread.join(20)


class Doors:
    """One door, or some: ``call`` sends something to it and gives the answer; None where it could not be made."""

    def __init__(self, *calls: Callable[[ApiCaller, Random], Response | None]) -> None:
        self._calls = calls
        self._sent = 0

    def try_one(self, random: Random) -> bool:
        """Send something spoilt; whether it was taken. Raises AssertionError for a failure of ours."""
        door = the_door()
        answer = random.choice(self._calls)(door, random)
        if answer is None:
            return False
        failed = answer.status_code >= FAILURE and b"ReportRefused" not in answer.content
        assert not failed, f"HTTP {answer.status_code}: {answer.text[:300]}"
        assert b"internal-error" not in answer.content, answer.text[:300]
        self._sent += 1
        if self._sent % HANDLED_EVERY == 0:
            _handle(door.hub)
        return answer.ok


def _handle(hub: ScriptedHub) -> None:
    """Handle and deliver what has come. Raises AssertionError where a fault of ours is in the way."""
    for code in hub.catalogue.departments:
        department = hub.department(code)
        for script in (department.answers, department.findings):
            script.extend(a_receipt() for _ in range(len(script), 3 * HANDLED_EVERY))
    hub.carry()
    query = "SELECT id, kind, error_code, error_detail FROM {} WHERE error_code = ANY(%s) AND state <> 'cancelled'"
    found = [row for table in ("inbox", "outbox") for row in hub.rows(query.format(table), list(FAILED))]
    with hub.db.connection() as conn:
        conn.execute("UPDATE inbox SET error_code = 'SEEN' WHERE error_code = ANY(%s)", (list(FAILED),))
        conn.execute("UPDATE outbox SET error_code = 'SEEN' WHERE error_code = ANY(%s)", (list(FAILED),))
    bodies = [
        bytes(hub.rows("SELECT body FROM inbox WHERE id = %s", row["id"])[0]["body"])
        for row in found[:1]
        if not row["id"].startswith("tr_")
    ]
    assert not found, f"{found[:3]} {bodies}"


def _spoilt(document: Any, random: Random) -> bytes:
    return mutations.spoilt(as_json(document), WAYS, random)


def submission(door: ApiCaller, random: Random) -> Response:
    document = a_submission(random.choice(("rest-a", "rest-b", "soap-a", "soap-b")))
    document["procedure"] = random.choice(sorted(door.hub.catalogue.procedures))
    document["applicant"]["address"]["detail"] = random.choice(mutations.LURES)
    document["summary"] = f"{random.choice(mutations.LURES)} ổn {random.choice(mutations.LURES)}"
    if random.random() < 0.3:
        document["dossier_code"] = a_code(random.randrange(1, 50)) + random.choice(("", "", " ", "\t", "é"))
    body = as_json(document) if random.random() < 0.4 else _spoilt(document, random)
    return door.portal().submit(body, key=f"k-{random.random()}")


def question(door: ApiCaller, random: Random) -> Response:
    paths = [path for path, verbs in application().openapi()["paths"].items() if "get" in verbs and "banks" not in path]
    some = door.hub.rows("SELECT id FROM inbox ORDER BY random() LIMIT 1")
    path = random.choice(paths).replace("{code}", "rest-a").replace("{settlement_id}", "sm_x")
    path = path.replace("{submission_id}", some[0]["id"] if some else "sub_x")
    names = ("reference", "dossier_code", "updated_since", "cursor", "limit", "after", "x")
    asked = "&".join(
        f"{random.choice(names)}={quote(random.choice(mutations.LURES)[:500].encode('utf-8', 'replace'))}"
        for _ in range(random.randrange(3))
    )
    caller = _department(door) if path.startswith("/v1/departments") else door.portal()
    return caller.get(f"{path}?{asked}" if asked else path)


def _department(door: ApiCaller) -> Caller:
    return Caller(door.url, "rest-a-1", door.hub.catalogue.secret("HUB_SECRET_TEST_REST_A_PUSH").encode())


def _a_dossier(door: ApiCaller, department: str) -> str:
    rows = door.hub.rows("SELECT code FROM dossier WHERE department = %s ORDER BY random() LIMIT 1", department)
    return str(rows[0]["code"]) if rows else a_code(1)


def status(door: ApiCaller, random: Random) -> Response:
    words = [*door.hub.catalogue.departments["rest-a"].status, "MA_LA"]
    report = a_report(_a_dossier(door, "rest-a"), random.choice(words), report_id=f"R-{random.random()}")
    document = json.loads(report.model_dump_json(exclude_none=True)) | {"note": random.choice(mutations.LURES)[:1000]}
    if random.random() < 0.3:
        document["at"] = random.choice(mutations.DAYS)
    body = as_json(document) if random.random() < 0.5 else _spoilt(document, random)
    return _department(door).call("POST", "/v1/departments/rest-a/statuses", body)


def settlement_answer(door: ApiCaller, random: Random) -> Response:
    document = an_answer(answer_id=f"TL-{random.random()}")
    return _department(door).call("POST", "/v1/departments/rest-a/settlement-answers", _spoilt(document, random))


def soap(door: ApiCaller, random: Random) -> Response | None:
    code = _a_dossier(door, "soap-b")
    message = a_push(reportId=f"R-{random.randrange(10**9)}", dossierCode=code)
    leaves = [one for one in message.iter() if not len(one)]
    for _ in range(random.randrange(3)):
        try:
            random.choice(leaves).text = random.choice(mutations.LURES)
        except ValueError:  # what XML cannot hold, lxml does not write
            continue
    if random.random() < 0.2:
        etree.SubElement(random.choice(leaves), random.choice(("a", "{urn:x}b")))
    body = signed(message)
    if random.random() < 0.3:
        body = mutations.spoilt(body, (mutations.some_elements, mutations.some_bytes), random)
    return post(door, body, PATH)


def parcel(door: ApiCaller, random: Random) -> Response:
    number = f"{a_code(1)}-{random.randrange(10**6)}"
    row = door.hub.rows("SELECT order_number FROM consignment ORDER BY random() LIMIT 1")
    if not row or random.random() < 0.05:
        _addresses.append((address_of(door, number), number))
    address, number = random.choice(_addresses)
    document = SAID | {"order_number": number, "status_code": random.choice(("1", "2", "3", "4", "5", "x"))}
    document["at"] = random.choice((*mutations.DAYS, now().isoformat(timespec="seconds")))
    body = as_json(document) if random.random() < 0.5 else _spoilt(document, random)
    return requests.Session().post(address, data=body, headers={"Content-Type": JSON}, timeout=20)


_addresses: Final[list[tuple[str, str]]] = []


def bank(name: str) -> Callable[[ApiCaller, Random], Response | None]:
    """The door of one provider."""

    def call(door: ApiCaller, random: Random) -> Response | None:
        teller = Teller(door, name)
        references = door.hub.rows("SELECT reference FROM fee_demand ORDER BY random() LIMIT 1")
        said = NoticeDraft(
            txn=str(random.randrange(10**8)),
            reference=references[0]["reference"] if references else NoticeDraft.reference,
            amount=random.choice((150_000, 1, 10**15, 10**15 + 1)),
            words=random.choice(mutations.TEXTS),
            failed=random.random() < 0.1,
        )
        try:
            sent = teller.request(said)
            for _ in range(random.randrange(3)):
                said = said.with_field(random.choice(_fields(sent.body or sent.query)), random.choice(mutations.LURES))
            sent = teller.request(said)
        except (ValueError, TypeError, AttributeError, KeyError):  # what the provider itself could not sign
            return None
        if random.random() < 0.15 and sent.body:
            sent = type(sent)(**{**sent.__dict__, "body": mutations.spoilt(sent.body, WAYS, random)})
        return teller.tells(sent)

    return call


def _fields(said: bytes) -> list[str]:
    if not said.startswith(b"{"):
        return [pair.partition(b"=")[0].decode() for pair in said.split(b"&")]
    document = json.loads(said)
    inner = document.get("data")
    return [*document, *(inner if isinstance(inner, dict) else ())]


def run(name: str, seconds: int, seed: int) -> int:
    """Send to that door for so long, and print what it comes to. How many kinds of findings there are."""
    subject, findings = SUBJECTS[name](), Counter[str]()
    ends, number, taken = time.monotonic() + seconds, 0, 0
    while time.monotonic() < ends:
        try:
            taken += subject.try_one(Random(f"{seed}:{number}"))  # noqa: S311 - the same choices for the same number
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            kind = f"{type(error).__name__} {str(error)[:120]}"
            findings[kind] += 1
            if findings[kind] == 1:
                print(f"{name} --seed {seed}, request {number}: {type(error).__name__} {str(error)[:1500]}", flush=True)
        number += 1
    print(f"{name}: {number} requests in {seconds} s, seed {seed}, {taken} taken, {len(findings)} findings", flush=True)
    return len(findings)


SUBJECTS: Final = {
    "door-portal": lambda: Doors(submission, submission, submission, question),
    "door-departments": lambda: Doors(submission, status, status, settlement_answer, soap, soap),
    "door-post": lambda: Doors(submission, parcel, parcel, parcel),
    "door-banks": lambda: Doors(submission, *(bank(name) for name in BANKS)),
}
