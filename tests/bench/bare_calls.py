"""Bare calls to a counterparty with what the hub has prepared for it: the same bytes, so that it does the same work."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

import requests
from standardwebhooks import Webhook

from connectors.departments.soap import encode
from schemas.department import Handoff
from tests.bench import bare_zeep
from tests.stack import ProcessStack

TOKEN_OF: Final = {"rest-a": "HUB_SECRET_TEST_REST_A_TOKEN"}
"""department → its secret; the others speak SOAP"""


@dataclass(frozen=True, slots=True)
class PreparedTransfer:
    """A transfer that waits in the outbox: its idempotency key and its body."""

    key: str
    body: bytes


def prepared(running: ProcessStack, counterparty: str, many: int) -> list[PreparedTransfer]:
    """The transfers to this counterparty that would be sent last, signed as the hub signs them."""
    rows = running.rows(
        "SELECT key, body FROM outbox WHERE counterparty = %s AND settled_at IS NULL ORDER BY seq DESC LIMIT %s",
        counterparty,
        many,
    )
    assert len(rows) == many
    return [PreparedTransfer(row["key"], bytes(row["body"])) for row in rows]


def handoff_calls(
    running: ProcessStack, department: str, transfers: Sequence[PreparedTransfer]
) -> list[Callable[[], object]]:
    """One call for each handoff: a POST with requests, or a signed SubmitDossier with zeep."""
    if department in TOKEN_OF:
        return _posts(running, department, transfers)
    service = bare_zeep.service(running.address(f"department.{department}"), running.folder, running.environment)
    encoded = [(transfer.key, encode(Handoff.model_validate_json(transfer.body))) for transfer in transfers]
    return [partial(service.SubmitDossier, key=key, handoff=body) for key, body in encoded]


def _posts(running: ProcessStack, department: str, transfers: Sequence[PreparedTransfer]) -> list[Callable[[], object]]:
    token = running.environment[TOKEN_OF[department]]
    url = running.address(f"department.{department}") + "/dossiers"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    session = _session()

    def submit(transfer: PreparedTransfer) -> None:
        own = headers | {"Idempotency-Key": transfer.key}
        session.post(url, data=transfer.body, headers=own, timeout=10).raise_for_status()

    return [partial(submit, transfer) for transfer in transfers]


def notice_calls(
    running: ProcessStack, endpoint: str, secret: str, transfers: Iterable[PreparedTransfer]
) -> list[Callable[[], object]]:
    """One signed webhook for each notice, under an id that the endpoint has not heard yet."""
    url, session, webhook = running.address(f"portal.{endpoint}"), _session(), Webhook(running.environment[secret])

    def tell(transfer: PreparedTransfer) -> None:
        key, moment = f"{transfer.key}-bare", datetime.fromtimestamp(int(time.time()), UTC)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": webhook.sign(key, moment, transfer.body.decode()),
        }
        session.post(url, data=transfer.body, headers=headers, timeout=10).raise_for_status()

    return [partial(tell, transfer) for transfer in transfers]


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def per_second(calls: Sequence[Callable[[], object]]) -> float:
    """Calls per second, one after the other."""
    started = time.perf_counter()
    for call in calls:
        call()
    return len(calls) / (time.perf_counter() - started)


def milliseconds(calls: Sequence[Callable[[], object]]) -> list[float]:
    """How long each call takes."""
    times = []
    for call in calls:
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1000)
    return times
