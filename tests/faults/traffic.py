"""Traffic of all parties while faults happen: portals that submit until they are told 202, payers that pay once."""

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import psycopg
import requests

from hub.fees.demands import payer_notice
from tests.faults.plan import PlannedSubmission
from tests.portal_client import SigningPortal
from tests.stack import ProcessStack

PORTALS: Final = 4
"""clients that submit side by side"""
MOST_OPEN: Final = 150
"""rows under way above which the portals wait: people do not submit without end either"""
AGAIN: Final = 0.1
"""seconds between two attempts with the same key"""
BANK: Final = "bank-a"
TIMEOUT: Final = 30.0
_OPEN: Final = """
SELECT (SELECT count(*) FROM inbox WHERE state = 'received')
     + (SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending', 'retrying', 'unknown')) AS n
"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a portal was told: 202 for this submission, at this moment."""

    id: str
    planned: PlannedSubmission
    at: datetime


class Traffic:
    """The portals and payers of one run, as threads. ``accepted`` grows while they run."""

    def __init__(self, stack: ProcessStack, planned: Iterator[PlannedSubmission], most: int) -> None:
        """``most``: submissions after which the portals stop."""
        self._stack = stack
        self._planned = planned
        self._begun = 0
        self._most = self._allowed = most
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._go_on = threading.Event()
        self._go_on.set()
        self._to_pay: queue.Queue[Accepted] = queue.Queue()
        self.accepted: dict[str, Accepted] = {}
        self.refusals: dict[int, int] = {}
        """HTTP status → how often it was the answer instead of 202; 0: no answer at all"""
        self.wrong: list[str] = []
        """answers that no portal should get"""
        self.paying = 0
        """fees that are still to be paid"""
        self._threads = [
            *(threading.Thread(target=self._portal, name=f"portal-{n}", daemon=True) for n in range(PORTALS)),
            threading.Thread(target=self._payers, name="payers", daemon=True),
            threading.Thread(target=self._gauge, name="gauge", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """No new submission; what is under way is seen through."""
        with self._lock:
            self._most = self._begun

    def allow(self, submissions: int) -> None:
        """So many may have begun by now: a short run shall not be over before its faults are."""
        with self._lock:
            self._allowed = submissions

    @property
    def submitting(self) -> bool:
        return any(thread.is_alive() for thread in self._threads[:PORTALS])

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT)

    def _next(self) -> PlannedSubmission | None:
        """The next of the plan as soon as it may begin; None: there is none."""
        while not self._stop.is_set():
            with self._lock:
                if self._begun >= self._most:
                    return None
                if self._begun < self._allowed:
                    self._begun += 1
                    return next(self._planned)
            time.sleep(AGAIN)
        return None

    def _portal(self) -> None:
        client = SigningPortal(self._stack.url)
        while not self._stop.is_set() and (planned := self._next()) is not None:
            self._go_on.wait(TIMEOUT)
            accepted = self._submit(client, planned)
            if accepted is None:
                return
            with self._lock:
                if accepted.id in self.accepted:
                    self.wrong.append(f"{accepted.id} is the answer to two references")
                self.accepted[accepted.id] = accepted
                self.paying += planned.payment is not None
            if planned.payment is not None:
                self._to_pay.put(accepted)
        client.close()

    def _submit(self, client: SigningPortal, planned: PlannedSubmission) -> Accepted | None:
        """Until 202, with the same key; None: stopped before."""
        while not self._stop.is_set():
            status = 0
            try:
                answer = client.submit(dict(planned.body))
                status = answer.status_code
            except requests.RequestException:
                pass  # Nobody answered: whether it was accepted the next attempt says.
            if status == HTTPStatus.ACCEPTED:
                return Accepted(answer.json()["id"], planned, datetime.now(UTC))
            with self._lock:
                self.refusals[status] = self.refusals.get(status, 0) + 1
                if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in (409, 429):
                    self.wrong.append(f"{planned.dossier_code}: HTTP {status} {answer.text[:200]}")
                    return None
            time.sleep(AGAIN)
        return None

    def _payers(self) -> None:
        client = SigningPortal(self._stack.url)
        waiting: list[Accepted] = []
        while not self._stop.is_set():
            while not self._to_pay.empty():
                waiting.append(self._to_pay.get())
            waiting = [accepted for accepted in waiting if not self._paid(client, accepted)]
            time.sleep(AGAIN)
        client.close()

    def _paid(self, client: SigningPortal, accepted: Accepted) -> bool:
        """Whether its fee is paid now: read the QR code of the public API, and pay it once."""
        try:
            answer = client.get(f"/v1/submissions/{accepted.id}")
            fee = answer.json().get("fee") if answer.ok else None
            if not fee or not fee.get("qr"):
                return False
            asked = payer_notice.decode(str(fee["qr"]))
            # A payer who got no answer looks at the account's movements before he pays again.
            if not any(one["reference"] == asked.purpose for one in self._bank("GET", "paid")):
                form = {"amount": asked.amount or 0, "reference": asked.purpose, "account": asked.account}
                self._bank("POST", "transfers", {**form, "behaviour": accepted.planned.payment})
        except requests.RequestException:
            return False
        with self._lock:
            self.paying -= 1
        return True

    def _bank(self, method: str, what: str, form: dict[str, Any] | None = None) -> Any:
        answer = requests.request(method, self._stack.control(f"bank.{BANK}", f"/{what}"), json=form, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()

    def _gauge(self) -> None:
        """Portals wait while much is under way, but never for a hub whose database is away."""
        connection: psycopg.Connection | None = None
        while not self._stop.is_set():
            try:
                if connection is None or connection.closed:
                    connection = psycopg.connect(self._stack.database_url, autocommit=True, connect_timeout=2)
                row = connection.execute(_OPEN).fetchone()
                if row is not None and row[0] > MOST_OPEN:
                    self._go_on.clear()
                else:
                    self._go_on.set()
            except psycopg.Error:
                self._go_on.set()
                if connection is not None:
                    connection.close()
            time.sleep(0.2)
        self._go_on.set()
        if connection is not None:
            connection.close()
