"""A hub for integration tests: real database, real handlers and commands; the test plays the counterparties."""

import base64
import hashlib
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from psycopg import sql

from config.catalogue import Catalogue, Idempotency
from config.settings import Settings
from hub import clock, delivery, dispatch
from hub.app import Hub
from hub.db import one
from hub.messages import inbox
from hub.messages.model import Arrival, InboxReceipt, Wakeup
from hub.messages.wakeups import find_due
from schemas import postal, strict
from schemas.custody import WitnessedCheckpoint, WitnessReceipt
from schemas.department import Changes, Handoff, HandoffReceipt, ReadChanges, StatusReport
from schemas.fee_receipt import FeeReceipt, Issued, Voided, Voiding
from schemas.replies import UnreadableEntry
from schemas.settlement import HandedTable, SettlementTable, TableReceipt
from schemas.statement import StatementPage


class ScriptedDepartment:
    """A department that answers what the test put into its script, in that order; an exception is raised."""

    def __init__(self) -> None:
        self.submitted: list[tuple[str, str]] = []
        self.handed: list[Handoff] = []
        self.asked: list[str] = []
        self.answers: deque[Any] = deque()
        self.checkpoints: list[WitnessedCheckpoint] = []
        self.tables: list[tuple[HandedTable, str]] = []
        self.findings: deque[Any] = deque()
        self.pages: deque[Changes] = deque()
        self.entries: deque[Any] = deque()

    def submit(self, handoff: Handoff, key: str) -> HandoffReceipt:
        self.submitted.append((handoff.dossier_code, key))
        self.handed.append(handoff)
        receipt: HandoffReceipt = _play(self.answers, handoff)
        return receipt

    def find(self, handoff: Handoff, key: str) -> HandoffReceipt | None:
        self.asked.append(handoff.dossier_code)
        receipt: HandoffReceipt | None = _play(self.findings, handoff)
        return receipt

    def witness(self, checkpoint: WitnessedCheckpoint, key: str) -> WitnessReceipt:
        self.checkpoints.append(checkpoint)
        receipt: WitnessReceipt = _play(self.answers)
        return receipt

    def settle(self, handed: HandedTable, key: str) -> TableReceipt:
        """It takes every table unless the test has prepared another answer."""
        self.tables.append((handed, key))
        receipt: TableReceipt = _play(self.answers, handed) if self.answers else a_table_receipt(handed)
        return receipt

    def changes(self, cursor: str) -> ReadChanges:
        page = self.pages.popleft() if self.pages else Changes(reports=[], cursor=cursor)
        return page if isinstance(page, ReadChanges) else ReadChanges(reports=page.reports, cursor=page.cursor)

    def entry(self, document: str) -> StatusReport | UnreadableEntry:
        report: StatusReport | UnreadableEntry = _play(self.entries, document)
        return report

    def check(self) -> str:
        return "here"


class ScriptedEndpoint:
    """A webhook endpoint that keeps what it is told."""

    def __init__(self) -> None:
        self.received: list[tuple[bytes, str]] = []
        self.answers: deque[Any] = deque()

    def tell(self, notice: bytes, key: str) -> None:
        if self.answers:
            _play(self.answers)
        self.received.append((notice, key))

    def check(self) -> str:
        return "here"


class ScriptedOperator:
    """A postal operator that takes every order unless the test has prepared another answer."""

    def __init__(self) -> None:
        self.ordered: list[postal.ConsignmentOrder] = []
        self.cancelled: list[str] = []
        self.answers: deque[Any] = deque()
        self.pages: deque[postal.EventPage] = deque()

    def order(self, order: postal.ConsignmentOrder, key: str) -> postal.ConsignmentAccepted:
        self.ordered.append(order)
        taken = postal.ConsignmentAccepted(order_number=order.order_number)
        answer: postal.ConsignmentAccepted = _play(self.answers) if self.answers else taken
        return answer

    def cancel(self, order_number: str, key: str) -> None:
        if self.answers:
            _play(self.answers)
        self.cancelled.append(order_number)

    def feed(self, cursor: str) -> postal.EventPage:
        return self.pages.popleft() if self.pages else postal.EventPage(events=[], cursor=cursor)

    def check(self) -> str:
        return "here"


class ScriptedService:
    """A trust service that has nothing to say."""

    def __init__(self) -> None:
        self.answers: deque[Any] = deque()

    def changes(self, cursor: str) -> None:
        return None


class ScriptedBank:
    """A bank that lays out what the test prepared."""

    def __init__(self) -> None:
        self.pages: deque[StatementPage] = deque()
        self.answers: deque[Any] = deque()

    def statements(self, cursor: str) -> StatementPage:
        return self.pages.popleft() if self.pages else StatementPage([], cursor)

    def check(self) -> str:
        return "here"


class ScriptedIssuer:
    """An issuer of receipts that counts as we do, unless the test has prepared another answer."""

    def __init__(self) -> None:
        self.issued: list[FeeReceipt] = []
        self.voided: list[Voiding] = []
        self.answers: deque[Any] = deque()
        self.findings: deque[Any] = deque()
        self.asked: list[str] = []

    def issue(self, receipt: FeeReceipt, key: str) -> Issued:
        self.issued.append(receipt)
        issued = Issued(template=receipt.template, symbol=receipt.symbol, number=receipt.number)
        answer: Issued = _play(self.answers, receipt) if self.answers else issued
        return answer

    def find(self, receipt: FeeReceipt, key: str) -> Issued | None:
        self.asked.append(key)
        issued: Issued | None = _play(self.findings, receipt)
        return issued

    def void(self, voiding: Voiding, key: str) -> Voided:
        self.voided.append(voiding)
        done = Voided(receipt_id=voiding.receipt_id)
        answer: Voided = _play(self.answers, voiding) if self.answers else done
        return answer

    def check(self) -> str:
        return "here"


PLAYERS: Final[Mapping[str, type]] = {
    "department": ScriptedDepartment,
    "portal": ScriptedEndpoint,
    "postal": ScriptedOperator,
    "trust": ScriptedService,
    "bank": ScriptedBank,
    "receipts": ScriptedIssuer,
}
"""The kind of a counterparty → who plays it."""


def a_table_receipt(handed: HandedTable) -> TableReceipt:
    """What a department answers that takes the table."""
    table = base64.b64decode(handed.table)
    settlement = strict.read(SettlementTable, table)
    return TableReceipt(
        settlement_id=settlement.settlement_id, sha256=hashlib.sha256(table).hexdigest(), received_at=clock.now()
    )


def _play(script: deque[Any], *arguments: Any) -> Any:
    answer = script.popleft()
    if isinstance(answer, Exception):
        raise answer
    return answer(*arguments) if callable(answer) else answer


class ScriptedHub(Hub):
    """A hub without a broker: wake-ups are kept, and carried when the test says so."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        super().__init__(settings, catalogue)
        self.waiting: deque[Wakeup] = deque()
        self.profiles: dict[str, Idempotency] = {}
        self.players: dict[str, Any] = {code: PLAYERS[code.split(".")[0]]() for code in catalogue.counterparties}

    def wake(self, wakeups: list[Wakeup]) -> None:
        self.waiting.extend(wakeups)

    def port(self, counterparty: str) -> Any:
        return self.players[counterparty]

    def profile(self, counterparty: str) -> Idempotency:
        return self.profiles.get(counterparty) or super().profile(counterparty)

    def impatient(self, code: str) -> None:
        """From now on no report of this department waits for another."""
        departments = dict(self.catalogue.departments)
        departments[code] = departments[code].model_copy(update={"gap_patience_seconds": 0.0})
        self.catalogue = self.catalogue.model_copy(update={"departments": departments})

    def department(self, code: str) -> ScriptedDepartment:
        player = self.players[f"department.{code}"]
        assert isinstance(player, ScriptedDepartment)
        return player

    def endpoint(self, code: str) -> ScriptedEndpoint:
        player = self.players[f"portal.{code}"]
        assert isinstance(player, ScriptedEndpoint)
        return player

    def operator(self, code: str) -> ScriptedOperator:
        player = self.players[f"postal.{code}"]
        assert isinstance(player, ScriptedOperator)
        return player

    def bank(self, code: str) -> ScriptedBank:
        player = self.players[f"bank.{code}"]
        assert isinstance(player, ScriptedBank)
        return player

    def issuer(self, code: str) -> ScriptedIssuer:
        player = self.players[f"receipts.{code}"]
        assert isinstance(player, ScriptedIssuer)
        return player

    def accept(self, arrival: Arrival) -> InboxReceipt:
        """Store it and wake it, as an endpoint does."""
        with self.db.connection() as conn:
            accepted = inbox.accept(conn, arrival)
        self.wake([Wakeup(inbox.QUEUE, accepted.id)])
        return accepted

    def carry(self) -> None:
        """Be the broker and the worker until no wake-up is left."""
        while self.waiting:
            wakeup = self.waiting.popleft()
            (dispatch.handle if wakeup.queue == inbox.QUEUE else delivery.deliver)(self, wakeup.id)

    def due(self, *, repeat_after: float = 0, waiting: int = 0) -> list[Wakeup]:
        """What a sweep finds while so many messages wait in each queue."""
        with self.db.connection() as conn:
            return find_due(
                conn, self.queues, repeat_after=repeat_after, depths=lambda queues: dict.fromkeys(queues, waiting)
            )

    def sweep(self) -> None:
        """What beat does: wake-up whatever is due."""
        self.wake(self.due())

    def make_due(self, row_id: str) -> None:
        """As if the pause or the lease of this row of inbox or outbox were over."""
        with self.db.connection() as conn:
            conn.execute("UPDATE inbox SET due_at = now() WHERE id = %s", (row_id,))
            conn.execute("UPDATE outbox SET due_at = now() WHERE id = %s", (row_id,))

    def count(self, table: str) -> int:
        with self.db.connection() as conn:
            query = sql.SQL("SELECT count(*) AS n FROM {}").format(sql.Identifier(table))
            return int(one(conn, query, ())["n"])

    def rows(self, query: Any, *parameters: Any) -> list[dict[str, Any]]:
        """What the database says."""
        with self.db.connection() as conn:
            return conn.execute(query, parameters).fetchall()
