"""A demand that is paid has a receipt for each kind of fee: numbered, signed by the Centre's seal, kept, told."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from config.receipts import ReceiptDesk
from hub.clock import local
from hub.db import one
from hub.errors import NotConfigured
from hub.events import Event
from hub.fees.demands import demand_store as demands
from hub.fees.receipts import issuer_messages, store
from hub.fees.receipts.store import Due, FeeReceiptRow
from hub.signing import canonical, custody
from hub.unit_of_work import UnitOfWork
from schemas.amount_in_words import in_words
from schemas.fee_receipt import NAMES, TYPE, FeeReceipt, ReceiptLine, ReceiptNumber
from schemas.identifiers import Prefix, new_id
from schemas.portal import FeeKind

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
        raise NotConfigured("danh mục không có receipts.toml: không lập biên lai")
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
    issuer_messages.tell(uow, receipt, issuer_messages.ISSUE, body)
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
