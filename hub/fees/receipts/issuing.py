"""A demand that is paid has a receipt for each kind of fee: numbered, signed by the Centre's seal, kept, told."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from config.receipts import ReceiptDesk
from hub.clock import local
from hub.db import one
from hub.errors import InvalidState, NotConfigured
from hub.events import Event
from hub.fees import clerks, exceptions
from hub.fees.demands import demand_store as demands
from hub.fees.receipts import store
from hub.fees.receipts.store import STANDS_WHILE, Due, FeeReceiptRow
from hub.locale import vi
from hub.messages.model import Transfer
from hub.messages.outbox import NewTransfer
from hub.signing import canonical, custody
from hub.unit_of_work import UnitOfWork
from schemas.amount_in_words import in_words
from schemas.fee_receipt import NAMES, TYPE, FeeReceipt, Issued, ReceiptLine, ReceiptNumber, Voided, Voiding
from schemas.identifiers import Prefix, new_id
from schemas.portal import FeeKind

ISSUE: Final = "receipt.issue"
VOID: Final = "receipt.void"
"""kinds of the transfer"""


def tell(uow: UnitOfWork, receipt: FeeReceiptRow, kind: str, body: bytes) -> None:
    """One ordering key a series: an issuer that counts by itself comes to the same numbers, and to no older day."""
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
"""of the leaf in the custody log"""


@dataclass(frozen=True, slots=True)
class Numbered:
    """The name that the next receipt of a kind has, and the day for which it has it."""

    template: str
    symbol: str
    number: int
    day: date

    @property
    def series(self) -> str:
        return f"{self.template} {self.symbol}"


def issue(uow: UnitOfWork, demand_id: str) -> list[Event]:
    """Issue what the demand has to have and has not. Nothing, if nothing is missing. Raises NotFound, NotConfigured.

    Raises MayNotSign where the seal cannot sign: then no number is taken either.
    """
    desk = desk_of(uow)
    demands.lock(uow.conn, demand_id)
    for due in store.waiting(uow.conn, demand_id):
        _issue(uow, desk, due)
    return []


def desk_of(uow: UnitOfWork) -> ReceiptDesk:
    """Raises NotConfigured where no receipts are issued."""
    if uow.catalogue.receipts is None:
        raise NotConfigured(vi("the catalogue has no receipts.toml: no receipts are made"))
    return uow.catalogue.receipts


def said(receipt: FeeReceiptRow) -> FeeReceipt:
    """What the receipt says."""
    return FeeReceipt.model_validate_json(receipt.body)


def _issue(uow: UnitOfWork, desk: ReceiptDesk, due: Due) -> None:
    before = store.last_void(uow.conn, due.demand_id, due.kind)
    numbered = _number(uow, desk, FeeKind(due.kind))
    record = _record(uow, desk, due, numbered, before)
    body = canonical.encode(record.model_dump(mode="json", exclude_none=True))
    signature = uow.signer.sealed(body, uow.now)
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
        counterparty=desk.issuer.counterparty if desk.issuer else None,
    )
    store.add(uow.conn, receipt)
    tell(uow, receipt, ISSUE, body)
    uow.note(receipt.id, "issued", after="stands", reason=f"{due.demand_id} {due.kind} {due.amount} {receipt.title}")


def _number(uow: UnitOfWork, desk: ReceiptDesk, kind: FeeKind) -> Numbered:
    series, day = desk.of(kind), local(uow.now).date()
    symbol = series.symbol_of(day)
    number = store.next_number(uow.conn, f"{series.template} {symbol}", day.year)
    return Numbered(series.template, symbol, number, day)


def _record(
    uow: UnitOfWork, desk: ReceiptDesk, due: Due, numbered: Numbered, before: FeeReceiptRow | None
) -> FeeReceipt:
    about = _about(uow, due.demand_id)
    lines = [
        ReceiptLine(fee_code=line.fee_code, title=line.title, amount=line.amount - line.waived)
        for line in demands.lines(uow.conn, due.demand_id)
        if line.kind == due.kind and line.amount > line.waived
    ]
    kind, old = FeeKind(due.kind), said(before) if before else None
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
        collector=desk.collector,
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
        replaces=ReceiptNumber(template=old.template, symbol=old.symbol, number=old.number) if old else None,
    )


def _about(uow: UnitOfWork, demand_id: str) -> dict[str, Any]:
    return one(
        uow.conn,
        "SELECT d.procedure, d.raw_code AS dossier_code, f.reference FROM fee_demand f"
        " JOIN dossier d ON d.id = f.dossier_id WHERE f.id = %s",
        (demand_id,),
    )


# A receipt becomes void: by itself when its money went away, or by two persons when it is wrong.
#
# Where the demand is still paid, another receipt is issued in its place and says so; what was void stays in the log.

BY_ITSELF: Final = "hub"
"""who voids what has no money any more: nobody decides that"""


def lapse(uow: UnitOfWork, receipt_id: str) -> list[Event]:
    """Void it if its demand is not paid any more: reversed, moved away, given back. Raises NotFound."""
    demand = demands.lock(uow.conn, store.demand_of(uow.conn, receipt_id))
    receipt = store.lock(uow.conn, receipt_id)
    if receipt.voided_at is None and demand.status not in STANDS_WHILE:
        _void(uow, receipt, BY_ITSELF, f"the demand is {demand.status}")
    return []


def void(uow: UnitOfWork, receipt_id: str, reason: str) -> bool:
    """It is wrong: one person proposes, another says the same. Whether it is void now.

    Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_clerk(uow)
    receipt = store.lock(uow.conn, receipt_id)
    if receipt.voided_at is not None:
        raise InvalidState(vi("the receipt is voided already"))
    if receipt.void_maker is None:
        clerks.check_proposes(uow)
        store.void_proposed(uow.conn, receipt.id, uow.actor, reason)
        uow.note(receipt.id, "void proposed", before="stands", reason=reason)
        return False
    clerks.check_agrees(uow, receipt.void_maker)
    _void(uow, receipt, uow.actor, reason)
    return True


def _void(uow: UnitOfWork, receipt: FeeReceiptRow, by: str, reason: str) -> None:
    store.voided(uow.conn, receipt.id, by, reason, uow.now)
    uow.note(receipt.id, "voided", before="stands", after="void", reason=f"by {by}: {reason}")
    told = said(receipt)
    body = Voiding(receipt_id=receipt.id, template=told.template, symbol=told.symbol, number=told.number)
    tell(uow, receipt, VOID, canonical.encode(body.model_dump(mode="json")))


# What an issuer's answer means for a receipt.


def issued(uow: UnitOfWork, transfer: Transfer, reply: Issued) -> list[Event]:
    """It is issued there. Under another number than ours it is, for the law, another receipt: a person looks (M03)."""
    receipt = store.lock(uow.conn, transfer.key)
    store.published(uow.conn, receipt.id, reply.number, uow.now)
    uow.note(receipt.id, "published", after=str(reply.number), reason=transfer.counterparty)
    there = f"{reply.template} {reply.symbol}"
    if (there, reply.number) != (receipt.series, receipt.number):
        _case(uow, receipt, {"why": "other number", "ours": receipt.number, "theirs": reply.number, "series": there})
    return []


def not_issued(uow: UnitOfWork, transfer: Transfer, reason: str) -> list[Event]:
    """The issuer does not take it: it stands here alone, and a person looks (M03)."""
    receipt = store.lock(uow.conn, transfer.key)
    uow.note(receipt.id, "not published", reason=reason)
    _case(uow, receipt, {"why": "refused", "series": receipt.series, "ours": receipt.number})
    return []


def voided(uow: UnitOfWork, transfer: Transfer, reply: Voided | None) -> list[Event]:  # noqa: ARG001 - a duplicate says none
    """It is void there too."""
    store.void_told(uow.conn, transfer.key, uow.now)
    uow.note(transfer.key, "void published", reason=transfer.counterparty)
    return []


def not_voided(uow: UnitOfWork, transfer: Transfer, reason: str) -> list[Event]:
    """It stands there still: a person looks (M03)."""
    receipt = store.lock(uow.conn, transfer.key)
    uow.note(receipt.id, "void not published", reason=reason)
    _case(uow, receipt, {"why": "void refused", "series": receipt.series, "ours": receipt.number})
    return []


def _case(uow: UnitOfWork, receipt: FeeReceiptRow, facts: dict[str, object]) -> None:
    exceptions.open_exception(uow, "M03", "receipt", receipt.id, receipt.amount, facts)
