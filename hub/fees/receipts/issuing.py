"""Issue a receipt for each kind of fee of a paid demand, void it when the payment is gone, and tell the issuer.

A paid fee without a receipt, or with one that the issuer does not know, is exception M03 and a gate of the month.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from psycopg.rows import class_row

from config.receipts import ReceiptSettings
from hub.audit import AuditAction
from hub.clock import VIETNAM, last_of, local
from hub.db import Connection, one
from hub.errors import InvalidState, NotConfigured
from hub.events import Event
from hub.fees import clerks, exceptions
from hub.fees.demands import demand_store as demands
from hub.fees.exceptions import FeeException
from hub.fees.receipts import store
from hub.fees.receipts.store import BARE, ISSUE, STANDS_WHILE, VOID, Due, FeeReceiptRow
from hub.locale import vi
from hub.messages.model import Transfer
from hub.messages.outbox import NewTransfer
from hub.signing import canonical, custody
from hub.unit_of_work import UnitOfWork
from schemas.amount_in_words import in_words
from schemas.fee_receipt import NAMES, TYPE, FeeReceipt, Issued, ReceiptLine, ReceiptNumber, Voided, Voiding
from schemas.identifiers import Prefix, new_id
from schemas.portal import FeeKind


def send_to_issuer(uow: UnitOfWork, receipt: FeeReceiptRow, kind: str, body: bytes) -> None:
    """Put ``body`` into the outbox for the receipt's issuer, if it has one.

    The ordering key is the series: an issuer that counts by itself comes to the same numbers in the same order.
    """
    if receipt.counterparty is None:
        return
    demand = one(uow.conn, "SELECT dossier_id FROM fee_demand WHERE id = %s", (receipt.demand_id,))
    uow.put(
        NewTransfer(
            id=new_id(Prefix.TRANSFER),
            kind=kind,
            counterparty=receipt.counterparty,
            ordering_key=receipt.series,
            key=receipt.id,
            subject=demand["dossier_id"],
            body=body,
        )
    )


LEAF: Final = "fee-receipt"
"""kind of the leaf in the custody log"""


@dataclass(frozen=True, slots=True)
class Numbered:
    """The series and number of a receipt that is being issued, and its day."""

    template: str
    symbol: str
    number: int
    day: date

    @property
    def series(self) -> str:
        return f"{self.template} {self.symbol}"


def issue(uow: UnitOfWork, demand_id: str) -> list[Event]:
    """Issue the receipts that the demand lacks, one for each kind of fee.

    1. Lock the demand, so that its payments do not change meanwhile.
    2. For each kind of fee that is due, take the next number of its series, which stays locked until the commit.
    3. Write the record, in place of the last void receipt of this kind if there is one, and seal it.
    4. Enter it into the custody log, store the row, and send it to the issuer.

    Raises NotFound, NotConfigured, and MayNotSign where the seal cannot sign: then no number is taken either.
    """
    settings = receipt_settings(uow)
    # 1.
    demands.lock(uow.conn, demand_id)
    for due in store.waiting(uow.conn, demand_id):
        _issue(uow, settings, due)
    return []


def receipt_settings(uow: UnitOfWork) -> ReceiptSettings:
    """The catalogue's receipts.toml. Raises NotConfigured where there is none."""
    if uow.catalogue.receipts is None:
        raise NotConfigured(vi("the catalogue has no receipts.toml: no receipts are made"))
    return uow.catalogue.receipts


def record_of(receipt: FeeReceiptRow) -> FeeReceipt:
    """The record that was signed."""
    return FeeReceipt.model_validate_json(receipt.body)


def _issue(uow: UnitOfWork, settings: ReceiptSettings, due: Due) -> None:
    # 2.
    before = store.last_void(uow.conn, due.demand_id, due.kind)
    numbered = _number(uow, settings, FeeKind(due.kind))
    # 3.
    record = _record(uow, settings, due, numbered, before)
    body = canonical.encode(record.model_dump(mode="json", exclude_none=True))
    signature = uow.signer.sealed(body, uow.now)
    # 4.
    receipt = FeeReceiptRow(
        id=record.receipt_id,
        series=numbered.series,
        year=numbered.day.year,
        number=numbered.number,
        demand_id=due.demand_id,
        department=due.department,
        kind=due.kind,
        amount=due.amount,
        issued_on=numbered.day,
        issued_at=uow.now,
        body=body,
        signature=signature,
        leaf_id=custody.enter(uow.conn, kind=LEAF, subject=record.receipt_id, record=body, signatures=[signature]),
        replaces=before.id if before else None,
        counterparty=settings.issuer.counterparty if settings.issuer else None,
    )
    store.add(uow.conn, receipt)
    send_to_issuer(uow, receipt, ISSUE, body)
    uow.write_audit(
        receipt.id,
        AuditAction.RECEIPT_ISSUED,
        after="stands",
        reason=f"{due.demand_id} {due.kind} {due.amount} {receipt.title}",
    )


def _number(uow: UnitOfWork, settings: ReceiptSettings, kind: FeeKind) -> Numbered:
    series, day = settings.of(kind), local(uow.now).date()
    symbol = series.symbol_of(day)
    number = store.next_number(uow.conn, f"{series.template} {symbol}", day.year)
    return Numbered(series.template, symbol, number, day)


def _record(
    uow: UnitOfWork, settings: ReceiptSettings, due: Due, numbered: Numbered, before: FeeReceiptRow | None
) -> FeeReceipt:
    about = _about(uow, due.demand_id)
    lines = [
        ReceiptLine(fee_code=line.fee_code, title=line.title, amount=line.amount - line.waived)
        for line in demands.lines(uow.conn, due.demand_id)
        if line.kind == due.kind and line.amount > line.waived
    ]
    kind, replaced = FeeKind(due.kind), record_of(before) if before else None
    return FeeReceipt(
        v=1,
        typ=TYPE,
        receipt_id=new_id(Prefix.RECEIPT),
        name=NAMES[kind],
        template=numbered.template,
        symbol=numbered.symbol,
        number=numbered.number,
        issued_on=numbered.day.isoformat(),
        issued_at=uow.now,
        collector=settings.collector,
        department=due.department,
        department_name=uow.catalogue.departments[due.department].name,
        procedure=about["procedure"],
        dossier_code=about["dossier_code"],
        reference=about["reference"],
        kind=kind,
        lines=tuple(lines),
        amount=due.amount,
        amount_in_words=in_words(due.amount),
        currency="VND",
        replaces=ReceiptNumber(template=replaced.template, symbol=replaced.symbol, number=replaced.number)
        if replaced
        else None,
    )


def _about(uow: UnitOfWork, demand_id: str) -> dict[str, Any]:
    return one(
        uow.conn,
        "SELECT d.procedure, d.raw_code AS dossier_code, f.reference FROM fee_demand f"
        " JOIN dossier d ON d.id = f.dossier_id WHERE f.id = %s",
        (demand_id,),
    )


# A receipt is voided by the hub when its payment is gone, or by two persons when it is wrong.
#
# Where the demand is still paid, another receipt is issued in its place and names it; the void one stays in the log.

BY_ITSELF: Final = "hub"
"""the actor where no person decides"""


def lapse(uow: UnitOfWork, receipt_id: str) -> list[Event]:
    """Void the receipt if its demand is not paid any more (reversed, moved, refunded). Raises NotFound."""
    demand = demands.lock(uow.conn, store.demand_of(uow.conn, receipt_id))
    receipt = store.lock(uow.conn, receipt_id)
    if receipt.voided_at is None and demand.status not in STANDS_WHILE:
        _void(uow, receipt, BY_ITSELF, f"the demand is {demand.status}")
    return []


def void(uow: UnitOfWork, receipt_id: str, reason: str) -> bool:
    """Void a wrong receipt: one person proposes, another agrees. Whether it is void now.

    Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_clerk(uow)
    receipt = store.lock(uow.conn, receipt_id)
    if receipt.voided_at is not None:
        raise InvalidState(vi("the receipt is voided already"))
    if receipt.void_maker is None:
        clerks.check_proposes(uow)
        store.void_proposed(uow.conn, receipt.id, uow.actor, reason)
        uow.write_audit(receipt.id, AuditAction.RECEIPT_VOID_PROPOSED, before="stands", reason=reason)
        return False
    clerks.check_agrees(uow, receipt.void_maker)
    _void(uow, receipt, uow.actor, reason)
    return True


def _void(uow: UnitOfWork, receipt: FeeReceiptRow, by: str, reason: str) -> None:
    store.voided(uow.conn, receipt.id, by, reason, uow.now)
    uow.write_audit(receipt.id, AuditAction.RECEIPT_VOIDED, before="stands", after="void", reason=f"by {by}: {reason}")
    record = record_of(receipt)
    body = Voiding(receipt_id=receipt.id, template=record.template, symbol=record.symbol, number=record.number)
    send_to_issuer(uow, receipt, VOID, canonical.encode(body.model_dump(mode="json")))


# The issuer's replies.


def issued(uow: UnitOfWork, transfer: Transfer, reply: Issued) -> list[Event]:
    """Record that the issuer has issued it. Under another number it is, by law, another receipt: opens M03."""
    receipt = store.lock(uow.conn, transfer.key)
    store.published(uow.conn, receipt.id, reply.number, uow.now)
    uow.write_audit(receipt.id, AuditAction.RECEIPT_PUBLISHED, after=str(reply.number), reason=transfer.counterparty)
    series = f"{reply.template} {reply.symbol}"
    if (series, reply.number) != (receipt.series, receipt.number):
        _open_exception(
            uow, receipt, {"why": "other number", "ours": receipt.number, "theirs": reply.number, "series": series}
        )
    return []


def not_issued(uow: UnitOfWork, transfer: Transfer, reason: str) -> list[Event]:
    """The issuer refuses it, so that only the hub has it: opens M03."""
    return _refused(uow, transfer, AuditAction.RECEIPT_NOT_PUBLISHED, reason, "refused")


def voided(uow: UnitOfWork, transfer: Transfer, reply: Voided | None) -> list[Event]:  # noqa: ARG001 - a duplicate says none
    """Record that the issuer has voided it."""
    store.void_told(uow.conn, transfer.key, uow.now)
    uow.write_audit(transfer.key, AuditAction.RECEIPT_VOID_PUBLISHED, reason=transfer.counterparty)
    return []


def not_voided(uow: UnitOfWork, transfer: Transfer, reason: str) -> list[Event]:
    """The issuer refuses to void it, so that it is valid there still: opens M03."""
    return _refused(uow, transfer, AuditAction.RECEIPT_VOID_NOT_PUBLISHED, reason, "void refused")


def _refused(uow: UnitOfWork, transfer: Transfer, action: AuditAction, reason: str, why: str) -> list[Event]:
    receipt = store.lock(uow.conn, transfer.key)
    uow.write_audit(receipt.id, action, reason=reason)
    _open_exception(uow, receipt, {"why": why, "series": receipt.series, "ours": receipt.number})
    return []


def _open_exception(uow: UnitOfWork, receipt: FeeReceiptRow, facts: dict[str, object]) -> None:
    exceptions.open_exception(uow, "M03", "receipt", receipt.id, receipt.amount, facts)


PATIENCE: Final = timedelta(days=1)
"""a receipt is issued and voided on the day on which that is due"""
_MOST: Final = 1000
"""exceptions that are opened at a time"""
_WHY: Final = {
    "not issued": vi("not made"),
    "not published": vi("not sent to the issuer"),
    "other number": vi("the issuer's number is not the hub's"),
}

# What is missing or not known to the issuer, of demands that were paid in [%(first)s, %(behind)s). OFFSET 0 keeps the
# planner from working receipt_due out for every demand there is.
_GAPS: Final = f"""
WITH suspect AS MATERIALIZED ({BARE} UNION SELECT r.demand_id FROM receipt r WHERE r.voided_at IS NULL
    AND r.counterparty IS NOT NULL AND r.issuer_number IS DISTINCT FROM r.number)
SELECT due.demand_id, due.kind, due.amount, due.department, due.since, r.id AS receipt_id,
       CASE WHEN r.id IS NULL THEN 'not issued' WHEN r.published_at IS NULL THEN 'not published'
            ELSE 'other number' END AS why
FROM suspect s CROSS JOIN LATERAL (
    SELECT demand_id, kind, amount, department, since FROM receipt_due WHERE demand_id = s.demand_id OFFSET 0) AS due
LEFT JOIN receipt r ON (r.demand_id, r.kind) = (due.demand_id, due.kind) AND r.voided_at IS NULL
WHERE (r.id IS NULL OR (r.counterparty IS NOT NULL AND r.issuer_number IS DISTINCT FROM r.number))
  AND due.since >= %(first)s AND due.since < %(behind)s
ORDER BY due.since, due.demand_id, due.kind
"""


@dataclass(frozen=True, slots=True)
class Gap:
    """A kind of fee of a paid demand without a receipt that is valid in the hub and at the issuer alike."""

    demand_id: str
    kind: str
    amount: int
    department: str
    since: datetime
    """since when it is due"""
    receipt_id: str | None
    why: str
    """"not issued", "not published", "other number" """


def missing(conn: Connection, month: date) -> list[Gap]:
    """The gaps of a month (any day of it): while there is one, the month cannot be closed."""
    return _gaps(conn, _midnight(month.replace(day=1)), _midnight(last_of(month) + timedelta(days=1)))


def report_missing(uow: UnitOfWork) -> int:
    """Open M03 for each gap older than a day; how many were opened."""
    opened = 0
    for gap in _gaps(uow.conn, datetime.min.replace(tzinfo=VIETNAM), uow.now - PATIENCE)[:_MOST]:
        about = ("receipt", gap.receipt_id) if gap.receipt_id else ("fee_demand", gap.demand_id)
        facts = {"why": gap.why, "kind": gap.kind, "demand": gap.demand_id}
        opened += exceptions.open_exception(uow, "M03", *about, gap.amount, facts) is not None
    return opened


def mended(uow: UnitOfWork, exception: FeeException, details: Mapping[str, str]) -> list[Event]:  # noqa: ARG001 - takes none
    """Resolve M03: nothing is missing any more. Raises InvalidState where something is."""
    gap = uow.conn.execute(
        f"SELECT why FROM ({_GAPS}) AS g WHERE %(object)s IN (demand_id, receipt_id) LIMIT 1",
        {"first": datetime.min.replace(tzinfo=VIETNAM), "behind": uow.now, "object": exception.object_id},
    ).fetchone()
    if gap is not None:
        raise InvalidState(vi("receipts are still missing: {reasons}", reasons=_WHY[gap["why"]]))
    return []


def _gaps(conn: Connection, first: datetime, behind: datetime) -> list[Gap]:
    parameters: dict[str, Any] = {"first": first, "behind": behind}
    with conn.cursor(row_factory=class_row(Gap)) as cursor:
        return cursor.execute(_GAPS, parameters).fetchall()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=VIETNAM)
