"""Payment orders (lệnh chi): what we pay out, from the request to our own statement. đồng.

Whom our bank is to pay and from which account; the table; and the commands place, approve (another person), send to the
bank, cancel, fail, paid, returned. Each locks the subject before the order and writes the ledger last. The handler of
the order's purpose does what follows for the refund or settlement behind it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Protocol

from psycopg import errors
from psycopg.types.json import Jsonb
from pydantic import AfterValidator, StringConstraints

from hub.audit import AuditAction
from hub.clock import local
from hub.db import Connection, one
from hub.errors import InvalidState, NotConfigured, NotFound
from hub.events import Event
from hub.fees import clerks, payments
from hub.fees.ledger import LedgerEntry, Origin, post_all
from hub.fees.ledger.normalise import normalise
from hub.lifecycle import Lifecycle
from hub.locale import vi
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id
from schemas.payment_reference import PaymentReference, is_reference, scattered
from schemas.strict import Strict


class OrderState(StrEnum):
    """Where an order stands. One person asks, another approves, the bank is told, our own statement shows it."""

    REQUESTED = "requested"
    APPROVED = "approved"
    SENT = "sent"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        return LABELS[self]


LABELS: Final = {
    OrderState.REQUESTED: vi("Waiting for approval"),
    OrderState.APPROVED: vi("Approved, not sent to the bank"),
    OrderState.SENT: vi("Sent to the bank, waiting for the statement"),
    OrderState.CONFIRMED: vi("Paid out"),
    OrderState.FAILED: vi("Not payable, the money is back"),
    OrderState.CANCELLED: vi("Cancelled"),
}
_NEXT: Final = {
    OrderState.REQUESTED: vi("another person approves it first (hub fee orders approve), or cancel it"),
    OrderState.APPROVED: vi("next it is sent to the bank (hub fee orders send), or cancel it"),
    OrderState.SENT: vi(
        "the bank has the order: wait for the statement, or for the bank's word that it cannot"
        " pay (hub fee orders fail)"
    ),
    OrderState.CONFIRMED: vi("the order has been paid"),
    OrderState.FAILED: vi("make the order again (hub fee refund rf_…, hub fee remit)"),
    OrderState.CANCELLED: vi("make a new order"),
}
LIFECYCLE: Final = Lifecycle(
    {
        OrderState.REQUESTED: frozenset({OrderState.APPROVED, OrderState.CANCELLED}),
        OrderState.APPROVED: frozenset({OrderState.SENT, OrderState.CONFIRMED, OrderState.CANCELLED}),
        OrderState.SENT: frozenset({OrderState.CONFIRMED, OrderState.FAILED}),
        OrderState.CONFIRMED: frozenset({OrderState.FAILED}),
        OrderState.FAILED: frozenset(),
        OrderState.CANCELLED: frozenset(),
    }
)
"""From approved straight to confirmed: the bank was told by hand before the file was made."""


def _bank_words(name: str) -> str:
    """As banks write a holder: capitals without marks."""
    written = normalise(name).spaced
    if not written:
        raise ValueError("the holder of an account has a name")
    return written


class Payee(Strict):
    """Whose account is paid. Of a refund it is personal data: never in logs, the audit log, or what reports see."""

    bank_bin: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    """the bank's number in NAPAS's list"""
    account: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{4,34}$")]
    holder: Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_bank_words)]


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """A payment order's row."""

    id: str
    purpose: str
    subject_id: str
    reference: str
    account: str
    amount: int
    payee: Payee
    state: OrderState
    maker: str
    checker: str | None
    reason: str
    requested_at: datetime
    approved_at: datetime | None
    sent_at: datetime | None
    settled_at: datetime | None
    line_id: int | None
    returned_line_id: int | None

    @property
    def content(self) -> str:
        """What the bank is to write on the transfer, and what we recognise our own debit by."""
        return f"{self.reference} {CONTENT[self.purpose]}"

    def check(self, to: OrderState) -> None:
        """Raises InvalidState where ``to`` does not follow."""
        if to not in LIFECYCLE.moves[self.state]:
            raise InvalidState(
                vi(
                    "payment order {id} is {state} and cannot become {to}: {next_step}",
                    id=self.id,
                    state=self.state,
                    to=to,
                    next_step=_NEXT[self.state],
                )
            )


CONTENT: Final = {"refund": "HOAN TRA PHI LE PHI", "remittance": "CHUYEN PHI LE PHI THANG"}
"""purpose → the words behind the reference; no name and no dossier, for everybody at two banks reads them"""


@dataclass(frozen=True, slots=True)
class SettledOrder:
    """What follows from an order's move: events to hand on, and entries that the caller posts last."""

    events: list[Event] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)


class PurposeHandler(Protocol):
    """What an order of one purpose brings about: a module that has these functions.

    Each is given the locked order as it stood before the move. It may import model.py and store.py of this package,
    not its commands: those call it.
    """

    def lock(self, uow: UnitOfWork, subject_id: str) -> object:
        """Lock what stands behind the subject, before the order itself: dossiers first, as everywhere."""

    def approved(self, uow: UnitOfWork, order: PaymentOrder, origin: Origin) -> SettledOrder:
        """Another person has agreed. The origin is the order, today. Raises InvalidState where it may not be paid."""

    def cancelled(self, uow: UnitOfWork, order: PaymentOrder, origin: Origin) -> SettledOrder:
        """It is not paid after all: asked for or approved, and the bank was not told."""

    def sent(self, uow: UnitOfWork, order: PaymentOrder) -> None:
        """The bank was told."""

    def paid(self, uow: UnitOfWork, order: PaymentOrder, origin: Origin) -> SettledOrder:
        """Our own debit line shows it. The origin is that line: one of the entries takes the amount from 111."""

    def failed(self, uow: UnitOfWork, order: PaymentOrder) -> None:
        """The bank did not pay: the money never left."""

    def open_overdue(self, uow: UnitOfWork, account: str, day: date) -> int:
        """Open exceptions for sent orders that the statement of ``day`` should have shown; how many are new."""

    def returned(self, uow: UnitOfWork, order: PaymentOrder, origin: Origin) -> SettledOrder:
        """It was paid and came back. The origin is the credit line: one of the entries puts the amount on 111."""


# What the approval, the payment and the return of an order bring about for its subject, by the order's purpose.
#
# The packages of the subjects (refunds, settlements) import this one, so they are not imported here: the flow table
# (hub.flow) registers their handlers when it is loaded.

_HANDLERS: Final[dict[str, PurposeHandler]] = {}


def register(handlers: Mapping[str, PurposeHandler]) -> None:
    """Take ``handlers`` (purpose → module) for all orders of this process."""
    _HANDLERS.update(handlers)


def handler(order: PaymentOrder) -> PurposeHandler:
    """The handler of the order's purpose."""
    return _HANDLERS[order.purpose]


def open_overdue(uow: UnitOfWork, account: str, day: date) -> int:
    """Open exceptions for orders that the statement of ``day`` should have shown; how many are new."""
    return sum(each.open_overdue(uow, account, day) for each in _HANDLERS.values())


_COLUMNS: Final = ", ".join(field.name for field in fields(PaymentOrder))
_ADD: Final = """
INSERT INTO payment_order (id, purpose, subject_id, reference, account, amount, payee, state, maker, reason,
    requested_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, 'requested', %s, %s, %s)
"""
_MOVE: Final = """
UPDATE payment_order SET state = %(state)s, checker = coalesce(%(checker)s, checker),
    approved_at = CASE %(state)s WHEN 'approved' THEN %(at)s ELSE approved_at END,
    sent_at = CASE %(state)s WHEN 'sent' THEN %(at)s ELSE sent_at END,
    settled_at = CASE WHEN %(state)s IN ('confirmed', 'failed', 'cancelled') THEN %(at)s ELSE settled_at END,
    line_id = coalesce(%(line)s, line_id), returned_line_id = coalesce(%(returned)s, returned_line_id)
WHERE id = %(id)s
"""


def next_reference(conn: Connection, prefix: str) -> str:
    """A reference that no order has had."""
    number = one(conn, "SELECT nextval('order_reference_serial') AS number", ())["number"]
    return str(PaymentReference.issued(prefix, scattered(number)))


def add(conn: Connection, order: PaymentOrder) -> None:
    """Raises InvalidState where an order for the same subject is under way, or was paid."""
    row = (
        order.id,
        order.purpose,
        order.subject_id,
        order.reference,
        order.account,
        order.amount,
        Jsonb(order.payee.model_dump()),
        order.maker,
        order.reason,
        order.requested_at,
    )
    try:
        with conn.transaction():
            conn.execute(_ADD, row)
    except errors.UniqueViolation:
        raise InvalidState(vi("{subject_id} has a payment order already", subject_id=order.subject_id)) from None


def find(conn: Connection, name: str, *, lock: bool = False) -> PaymentOrder:
    """By its id or reference; ``lock``: ours until the transaction ends. Raises NotFound."""
    column = "reference" if is_reference(name) else "id"
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM payment_order WHERE {column} = %s" + (" FOR UPDATE" if lock else ""), (name,)
    ).fetchone()
    if row is None:
        raise NotFound(vi("there is no payment order {name}", name=name))
    return _order(row)


def named(conn: Connection, references: Sequence[str]) -> dict[str, PaymentOrder]:
    """Reference → its order, of those that are orders' references."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM payment_order WHERE reference = ANY(%s)", (list(references),))
    return {row["reference"]: _order(row) for row in rows}


def paid_by(conn: Connection, lines: Sequence[int]) -> list[PaymentOrder]:
    """The orders that these debit lines have shown."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM payment_order WHERE line_id = ANY(%s) ORDER BY id", (list(lines),))
    return [_order(row) for row in rows]


def sent(conn: Connection, account: str, purpose: str) -> list[PaymentOrder]:
    """Orders from this account that were sent to the bank and are on no statement yet."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM payment_order WHERE purpose = %s AND state = 'sent' AND account = %s ORDER BY id",
        (purpose, account),
    )
    return [_order(row) for row in rows]


def move(
    conn: Connection,
    order: PaymentOrder,
    to: OrderState,
    *,
    at: datetime,
    checker: str | None = None,
    line: int | None = None,
    returned: int | None = None,
) -> None:
    """A locked order comes to stand at ``to``. Raises InvalidState where that does not follow."""
    order.check(to)
    parameters = {"state": to.value, "at": at, "checker": checker, "line": line, "returned": returned, "id": order.id}
    conn.execute(_MOVE, parameters)


def _order(row: Mapping[str, Any]) -> PaymentOrder:
    return PaymentOrder(**{**row, "payee": Payee.model_validate(row["payee"]), "state": OrderState(row["state"])})


# Reads: payment orders. They change nothing, and leave out whose accounts are paid.

Row = dict[str, Any]

_LIST: Final = """
SELECT o.id, o.purpose, o.subject_id, o.reference, o.account, o.amount, o.state, o.maker, o.checker, o.requested_at,
    o.approved_at, o.sent_at, o.settled_at, o.line_id, o.returned_line_id, r.due_on, r.item
FROM payment_order o LEFT JOIN refund r ON r.id = o.subject_id
"""


def listing(conn: Connection, *, state: str | None, purpose: str | None, limit: int) -> list[Row]:
    """Orders, the oldest first; without ``state`` those that are not over."""
    return conn.execute(
        _LIST + " WHERE (o.state = %(state)s OR (%(state)s::text IS NULL"
        " AND o.state IN ('requested', 'approved', 'sent')))"
        " AND (%(purpose)s::text IS NULL OR o.purpose = %(purpose)s) ORDER BY o.id LIMIT %(limit)s",
        {"state": state, "purpose": purpose, "limit": limit},
    ).fetchall()


SOURCE: Final = "payment_order"
_AUDIT_ACTIONS: Final = {
    OrderState.APPROVED: AuditAction.PAYMENT_ORDER_APPROVED,
    OrderState.SENT: AuditAction.PAYMENT_ORDER_SENT,
    OrderState.FAILED: AuditAction.PAYMENT_ORDER_FAILED,
    OrderState.CANCELLED: AuditAction.PAYMENT_ORDER_CANCELLED,
}
"""of the ledger entries of an order before a statement line shows it"""


def place(
    uow: UnitOfWork, purpose: str, subject_id: str, account: str, amount: int, payee: Payee, reason: str
) -> PaymentOrder:
    """Ask for ``amount`` to be paid from our ``account``; another person approves it.

    Raises InvalidState where the same subject is ordered already, NotConfigured where nothing is collected, Forbidden.
    """
    clerks.check_proposes(uow)
    fee_settings = uow.catalogue.fee_settings
    if fee_settings is None:
        raise NotConfigured(vi("the catalogue has no fees.toml: nothing can be paid out"))
    order = PaymentOrder(
        id=new_id(Prefix.PAYMENT_ORDER),
        purpose=purpose,
        subject_id=subject_id,
        reference=next_reference(uow.conn, fee_settings.order_prefix),
        account=account,
        amount=amount,
        payee=payee,
        state=OrderState.REQUESTED,
        maker=uow.actor,
        checker=None,
        reason=reason,
        requested_at=uow.now,
        approved_at=None,
        sent_at=None,
        settled_at=None,
        line_id=None,
        returned_line_id=None,
    )
    add(uow.conn, order)
    summary = f"{subject_id} {order.reference} {amount}"
    uow.write_audit(order.id, AuditAction.PAYMENT_ORDER_REQUESTED, after=OrderState.REQUESTED, reason=summary)
    return order


def approve(uow: UnitOfWork, name: str, reason: str) -> list[Event]:
    """Approve the order as another person than its maker. Raises NotFound, InvalidState, Forbidden."""
    clerks.check_clerk(uow)
    order = locked(uow, name)
    order.check(OrderState.APPROVED)
    clerks.check_agrees(uow, order.maker)
    settled = handler(order).approved(uow, order, origin(uow, order))
    move(uow.conn, order, OrderState.APPROVED, at=uow.now, checker=uow.actor)
    return finish(uow, order, OrderState.APPROVED, settled, reason)


def send(uow: UnitOfWork, name: str) -> PaymentOrder:
    """Mark the order as sent to the bank, whose file paper.py makes; again for a sent one only repeats the file.

    Returns the order as it is now. Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_clerk(uow)
    order = locked(uow, name)
    if order.state is OrderState.SENT:
        uow.write_audit(order.id, AuditAction.PAYMENT_ORDER_FILE_RECREATED)
        return order
    order.check(OrderState.SENT)
    handler(order).sent(uow, order)
    move(uow.conn, order, OrderState.SENT, at=uow.now)
    finish(uow, order, OrderState.SENT, SettledOrder(), None)
    return find(uow.conn, order.id)


def cancel(uow: UnitOfWork, name: str, reason: str) -> list[Event]:
    """Cancel an order that was not sent to the bank. Raises NotFound, InvalidState, Forbidden."""
    clerks.check_clerk(uow)
    order = locked(uow, name)
    order.check(OrderState.CANCELLED)
    settled = handler(order).cancelled(uow, order, origin(uow, order))
    move(uow.conn, order, OrderState.CANCELLED, at=uow.now)
    return finish(uow, order, OrderState.CANCELLED, settled, reason)


def fail(uow: UnitOfWork, name: str, reason: str) -> list[Event]:
    """Record that the bank did not pay: the money never left. Raises NotFound, InvalidState, Forbidden."""
    clerks.check_clerk(uow)
    order = locked(uow, name)
    if order.state is not OrderState.SENT:
        raise InvalidState(
            vi("payment order {id} is {state}: only one sent to the bank can fail", id=order.id, state=order.state)
        )
    handler(order).failed(uow, order)
    move(uow.conn, order, OrderState.FAILED, at=uow.now)
    return finish(uow, order, OrderState.FAILED, SettledOrder(), reason)


def paid(uow: UnitOfWork, order: PaymentOrder, line: int, line_origin: Origin) -> SettledOrder:
    """Record that our own debit line shows a locked order. The caller publishes the events and posts the entries."""
    settled = handler(order).paid(uow, order, line_origin)
    move(uow.conn, order, OrderState.CONFIRMED, at=uow.now, line=line)
    _audit_line(uow, order, AuditAction.PAYMENT_ORDER_CONFIRMED, OrderState.CONFIRMED, line)
    return settled


def returned(uow: UnitOfWork, order: PaymentOrder, line: int, line_origin: Origin) -> SettledOrder:
    """Record that the money of a paid, locked order came back by this credit line. The caller does as for ``paid``."""
    settled = handler(order).returned(uow, order, line_origin)
    move(uow.conn, order, OrderState.FAILED, at=uow.now, returned=line)
    _audit_line(uow, order, AuditAction.PAYMENT_ORDER_RETURNED, OrderState.FAILED, line)
    return settled


def _audit_line(uow: UnitOfWork, order: PaymentOrder, action: AuditAction, to: OrderState, line: int) -> None:
    uow.write_audit(order.id, action, before=order.state, after=to, reason=f"line {line}", details={"line_id": line})


def locked(uow: UnitOfWork, name: str) -> PaymentOrder:
    """Lock the order, and before it what is behind its subject. Raises NotFound."""
    order = find(uow.conn, name)
    handler(order).lock(uow, order.subject_id)
    return find(uow.conn, order.id, lock=True)


def origin(uow: UnitOfWork, order: PaymentOrder) -> Origin:
    """The origin of today's ledger entries of an order that no statement line shows."""
    return payments.origin_on(uow, SOURCE, order.id, order.account, local(uow.now).date())


def finish(
    uow: UnitOfWork, order: PaymentOrder, to: OrderState, settled: SettledOrder, reason: str | None
) -> list[Event]:
    uow.write_audit(order.id, _AUDIT_ACTIONS[to], before=order.state, after=to, reason=reason)
    post_all(uow.conn, settled.entries)
    return settled.events
