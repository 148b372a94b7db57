"""A demand that is paid has a receipt for each kind of fee: numbered, signed by the Centre's seal, kept, told."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from config.receipts import ReceiptDesk
from hub.clock import local
from hub.db import one
from hub.errors import NotConfigured
from hub.events import Event
from hub.fees import store as demands
from hub.fees.receipts import store, telling
from hub.fees.receipts.store import Due, Receipt
from hub.signing import canonical, custody
from hub.work import Work
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


def issue(work: Work, demand_id: str) -> list[Event]:
    """Issue what the demand has to have and has not. Nothing, if nothing is missing. Raises NotFound, NotConfigured.

    Raises MayNotSign where the seal cannot sign: then no number is taken either.
    """
    desk = desk_of(work)
    demands.lock(work.conn, demand_id)
    for due in store.waiting(work.conn, demand_id):
        _issue(work, desk, due)
    return []


def desk_of(work: Work) -> ReceiptDesk:
    """Raises NotConfigured where no receipts are issued."""
    if work.catalogue.receipts is None:
        raise NotConfigured("danh mục không có receipts.toml: không lập biên lai")
    return work.catalogue.receipts


def said(receipt: Receipt) -> FeeReceipt:
    """What the receipt says."""
    return FeeReceipt.model_validate_json(receipt.body)


def _issue(work: Work, desk: ReceiptDesk, due: Due) -> None:
    before = store.last_void(work.conn, due.demand_id, due.kind)
    numbered = _number(work, desk, FeeKind(due.kind))
    record = _record(work, desk, due, numbered, before)
    body = canonical.encode(record.model_dump(mode="json", exclude_none=True))
    signature = work.signer.sealed(body, work.now)
    receipt = Receipt(
        id=record.receipt_id,
        series=numbered.series,
        year=numbered.day.year,
        number=numbered.number,
        demand_id=due.demand_id,
        department=due.department,
        kind=due.kind,
        amount=due.amount,
        issued_on=numbered.day,
        issued_at=work.now,
        body=body,
        signature=signature,
        leaf_id=custody.enter(work.conn, kind=LEAF, subject=record.receipt_id, record=body, signatures=[signature]),
        replaces=before.id if before else None,
        counterparty=desk.issuer.counterparty if desk.issuer else None,
    )
    store.add(work.conn, receipt)
    telling.tell(work, receipt, telling.ISSUE, body)
    work.note(receipt.id, "issued", after="stands", reason=f"{due.demand_id} {due.kind} {due.amount} {receipt.title}")


def _number(work: Work, desk: ReceiptDesk, kind: FeeKind) -> Numbered:
    series, day = desk.of(kind), local(work.now).date()
    symbol = series.symbol_of(day)
    number = store.next_number(work.conn, f"{series.template} {symbol}", day.year)
    return Numbered(series.template, symbol, number, day)


def _record(work: Work, desk: ReceiptDesk, due: Due, numbered: Numbered, before: Receipt | None) -> FeeReceipt:
    about = _about(work, due.demand_id)
    lines = [
        ReceiptLine(fee_code=line.fee_code, title=line.title, amount=line.amount - line.waived)
        for line in demands.lines(work.conn, due.demand_id)
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
        issued_at=work.now,
        collector=desk.collector,
        department=due.department,
        department_name=work.catalogue.departments[due.department].name,
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


def _about(work: Work, demand_id: str) -> dict[str, Any]:
    return one(
        work.conn,
        "SELECT d.procedure, d.raw_code AS dossier_code, f.reference FROM fee_demand f"
        " JOIN dossier d ON d.id = f.dossier_id WHERE f.id = %s",
        (demand_id,),
    )
