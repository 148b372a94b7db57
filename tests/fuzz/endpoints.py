"""Every HTTP endpoint, on a real socket with a real database: requests signed as their sender would, and then spoilt.

No response is an internal error, and nothing that was accepted fails when it is handled.
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
def shared_api() -> ApiCaller:
    """The API, served until the process ends."""
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
        public_url = HttpUrl(f"http://127.0.0.1:{listening.getsockname()[1]}")
        hub = ScriptedHub(settings.model_copy(update={"public_url": public_url}), catalogue)
        server = uvicorn.Server(serve.config(create(hub)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the API did not start"
            time.sleep(0.01)
        yield ApiCaller(hub, stream)
        server.should_exit = True
        thread.join(20)


class EndpointFuzz:
    """Endpoints: each call sends one request and returns the response; None where the sender could not make it."""

    def __init__(self, *calls: Callable[[ApiCaller, Random], Response | None]) -> None:
        self._calls = calls
        self._sent = 0

    def try_one(self, random: Random) -> bool:
        """Send something spoilt; whether it was taken. Raises AssertionError for a failure of ours."""
        api = shared_api()
        answer = random.choice(self._calls)(api, random)
        if answer is None:
            return False
        failed = answer.status_code >= FAILURE and b"ReportRefused" not in answer.content
        assert not failed, f"HTTP {answer.status_code}: {answer.text[:300]}"
        assert b"internal-error" not in answer.content, answer.text[:300]
        self._sent += 1
        if self._sent % HANDLED_EVERY == 0:
            _handle(api.hub)
        return answer.ok


def _handle(hub: ScriptedHub) -> None:
    """Handle and deliver what has come. Raises AssertionError where a fault of ours is in the way."""
    for code in hub.catalogue.departments:
        department = hub.department(code)
        for script in (department.answers, department.findings):
            script.extend(a_receipt() for _ in range(len(script), 3 * HANDLED_EVERY))
    hub.carry()
    query = "SELECT id, kind, error_code, error_detail FROM {} WHERE error_code = ANY(%s) AND state <> 'cancelled'"
    failures = [row for table in ("inbox", "outbox") for row in hub.rows(query.format(table), list(FAILED))]
    with hub.db.connection() as conn:
        conn.execute("UPDATE inbox SET error_code = 'SEEN' WHERE error_code = ANY(%s)", (list(FAILED),))
        conn.execute("UPDATE outbox SET error_code = 'SEEN' WHERE error_code = ANY(%s)", (list(FAILED),))
    bodies = [
        bytes(hub.rows("SELECT body FROM inbox WHERE id = %s", row["id"])[0]["body"])
        for row in failures[:1]
        if not row["id"].startswith("tr_")
    ]
    assert not failures, f"{failures[:3]} {bodies}"


def _spoilt(document: Any, random: Random) -> bytes:
    return mutations.spoilt(as_json(document), WAYS, random)


def submission(api: ApiCaller, random: Random) -> Response:
    document = a_submission(random.choice(("rest-a", "rest-b", "soap-a", "soap-b")))
    document["procedure"] = random.choice(sorted(api.hub.catalogue.procedures))
    document["applicant"]["address"]["detail"] = random.choice(mutations.LURES)
    document["summary"] = f"{random.choice(mutations.LURES)} ổn {random.choice(mutations.LURES)}"
    if random.random() < 0.3:
        document["dossier_code"] = a_code(random.randrange(1, 50)) + random.choice(("", "", " ", "\t", "é"))
    body = as_json(document) if random.random() < 0.4 else _spoilt(document, random)
    return api.portal().submit(body, key=f"k-{random.random()}")


def question(api: ApiCaller, random: Random) -> Response:
    paths = [
        path
        for path, operations in application().openapi()["paths"].items()
        if "get" in operations and "banks" not in path
    ]
    some = api.hub.rows("SELECT id FROM inbox ORDER BY random() LIMIT 1")
    path = random.choice(paths).replace("{code}", "rest-a").replace("{settlement_id}", "sm_x")
    path = path.replace("{submission_id}", some[0]["id"] if some else "sub_x")
    names = ("reference", "dossier_code", "updated_since", "cursor", "limit", "after", "x")
    asked = "&".join(
        f"{random.choice(names)}={quote(random.choice(mutations.LURES)[:500].encode('utf-8', 'replace'))}"
        for _ in range(random.randrange(3))
    )
    caller = _department(api) if path.startswith("/v1/departments") else api.portal()
    return caller.get(f"{path}?{asked}" if asked else path)


def _department(api: ApiCaller) -> Caller:
    return Caller(api.url, "rest-a-1", api.hub.catalogue.secret("HUB_SECRET_TEST_REST_A_PUSH").encode())


def _a_dossier(api: ApiCaller, department: str) -> str:
    rows = api.hub.rows("SELECT code FROM dossier WHERE department = %s ORDER BY random() LIMIT 1", department)
    return str(rows[0]["code"]) if rows else a_code(1)


def status(api: ApiCaller, random: Random) -> Response:
    words = [*api.hub.catalogue.departments["rest-a"].status, "MA_LA"]
    report = a_report(_a_dossier(api, "rest-a"), random.choice(words), report_id=f"R-{random.random()}")
    document = json.loads(report.model_dump_json(exclude_none=True)) | {"note": random.choice(mutations.LURES)[:1000]}
    if random.random() < 0.3:
        document["at"] = random.choice(mutations.DAYS)
    body = as_json(document) if random.random() < 0.5 else _spoilt(document, random)
    return _department(api).call("POST", "/v1/departments/rest-a/statuses", body)


def settlement_answer(api: ApiCaller, random: Random) -> Response:
    document = an_answer(answer_id=f"TL-{random.random()}")
    return _department(api).call("POST", "/v1/departments/rest-a/settlement-answers", _spoilt(document, random))


def soap(api: ApiCaller, random: Random) -> Response | None:
    code = _a_dossier(api, "soap-b")
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
    return post(api, body, PATH)


def parcel(api: ApiCaller, random: Random) -> Response:
    number = f"{a_code(1)}-{random.randrange(10**6)}"
    row = api.hub.rows("SELECT order_number FROM consignment ORDER BY random() LIMIT 1")
    if not row or random.random() < 0.05:
        _addresses.append((address_of(api, number), number))
    address, number = random.choice(_addresses)
    document = SAID | {"order_number": number, "status_code": random.choice(("1", "2", "3", "4", "5", "x"))}
    document["at"] = random.choice((*mutations.DAYS, now().isoformat(timespec="seconds")))
    body = as_json(document) if random.random() < 0.5 else _spoilt(document, random)
    return requests.Session().post(address, data=body, headers={"Content-Type": JSON}, timeout=20)


_addresses: Final[list[tuple[str, str]]] = []


def bank(name: str) -> Callable[[ApiCaller, Random], Response | None]:
    """The notification endpoint of one provider."""

    def call(api: ApiCaller, random: Random) -> Response | None:
        teller = Teller(api, name)
        references = api.hub.rows("SELECT reference FROM fee_demand ORDER BY random() LIMIT 1")
        notice = NoticeDraft(
            txn=str(random.randrange(10**8)),
            reference=references[0]["reference"] if references else NoticeDraft.reference,
            amount=random.choice((150_000, 1, 10**15, 10**15 + 1)),
            words=random.choice(mutations.TEXTS),
            failed=random.random() < 0.1,
        )
        try:
            sent = teller.request(notice)
            for _ in range(random.randrange(3)):
                notice = notice.with_field(
                    random.choice(_fields(sent.body or sent.query)), random.choice(mutations.LURES)
                )
            sent = teller.request(notice)
        except (ValueError, TypeError, AttributeError, KeyError):  # what the provider itself could not sign
            return None
        if random.random() < 0.15 and sent.body:
            sent = type(sent)(**{**sent.__dict__, "body": mutations.spoilt(sent.body, WAYS, random)})
        return teller.tells(sent)

    return call


def _fields(message: bytes) -> list[str]:
    if not message.startswith(b"{"):
        return [pair.partition(b"=")[0].decode() for pair in message.split(b"&")]
    document = json.loads(message)
    inner = document.get("data")
    return [*document, *(inner if isinstance(inner, dict) else ())]


def run(name: str, seconds: int, seed: int) -> int:
    """Send to these endpoints for ``seconds``, print the outcome, and return how many kinds of findings there are."""
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
    "api-portal": lambda: EndpointFuzz(submission, submission, submission, question),
    "api-departments": lambda: EndpointFuzz(submission, status, status, settlement_answer, soap, soap),
    "api-post": lambda: EndpointFuzz(submission, parcel, parcel, parcel),
    "api-banks": lambda: EndpointFuzz(submission, *(bank(name) for name in BANKS)),
}
