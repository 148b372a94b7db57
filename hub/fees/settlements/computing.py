"""Compute the settlements of a month, once, inside its close: shares retained, ledger anchored, tables sealed."""

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from hub.audit import AuditAction
from hub.clock import last_of
from hub.db import Connection
from hub.errors import InvalidState
from hub.fees.ledger import LedgerEntry, Origin, Share, balances, checkpoints, post_all, postings
from hub.fees.ledger.entry import hold
from hub.fees.settlements import answers, store, table
from hub.fees.settlements.store import LEAF, Settlement, SettlementState
from hub.fees.settlements.table import Anchor, Draft, TableFee
from hub.locale import vi
from hub.signing import canonical, custody
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id

_ISSUED: Final = """
SELECT r.department, l.fee_code, r.series, min(r.number)::bigint AS first, max(r.number)::bigint AS last,
       count(*) AS count, sum(l.amount - l.waived)::bigint AS amount
FROM receipt r JOIN fee_demand_line l ON l.demand_id = r.demand_id AND l.kind = r.kind AND l.amount > l.waived
WHERE r.issued_on BETWEEN %(first)s AND %(last)s AND r.voided_at IS NULL
GROUP BY r.department, l.fee_code, r.series ORDER BY r.department, l.fee_code, r.series
"""


def by_fee(conn: Connection, month: date) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Department → fee → ranges, as schemas.settlement.ReceiptRange. A receipt may be for several fees of one kind."""
    ranges: dict[str, dict[str, list[dict[str, Any]]]] = {}
    between = {"first": month, "last": last_of(month)}
    for row in conn.execute(_ISSUED, between).fetchall():
        receipt_range = {name: row[name] for name in ("series", "first", "last", "count", "amount")}
        ranges.setdefault(row["department"], {}).setdefault(row["fee_code"], []).append(receipt_range)
    return ranges


SOURCE: Final = "settlement"
"""source type of the entries that a settlement posts"""


def compute(uow: UnitOfWork, month: date) -> bytes:
    """Compute the settlements of ``month`` (any day of it), one a department; returns the digest over their tables.

    Called by the month's close, before it is recorded. Called again it returns the same digest and changes nothing.

    1. Carry on earlier settlements that nobody answered and that have nothing to transfer.
    2. Draft a table for each department: lines from the ledger and carried on from earlier tables, sums by fee, and
       what the Centre retains.
    3. Post the retained shares on the last day of the month.
    4. Sign a checkpoint of the ledger up to those postings; every table names its root.
    5. Seal each table, enter it into the custody log, and store it with its lines.

    Raises InvalidState while a checkpoint is being made by another process, and MayNotSign where the seal or the log's
    key cannot sign.
    """
    first = month.replace(day=1)
    tables = store.of_month(uow.conn, first)
    if not tables:
        # 1.
        _carry_on(uow, first)
        # 2.
        drafts = _drafts(uow, first)
        # 3.
        post_all(uow.conn, [entry for draft in drafts if (entry := _retained(draft)) is not None])
        # 4. and 5.
        _seal(uow, drafts)
        tables = store.of_month(uow.conn, first)
    return digest(tables)


def digest(settlements: Sequence[Settlement]) -> bytes:
    """SHA-256 over the digests of these tables, by department."""
    lines = sorted(f"{one.department} {one.sha256.hex()}" for one in settlements)
    return hashlib.sha256("\n".join(lines).encode()).digest()


def withdraw(uow: UnitOfWork, month: date, reason: str) -> None:
    """Withdraw the month's tables because it is reopened, and post the retained shares back.

    Raises InvalidState where one was handed over.
    """
    first = month.replace(day=1)
    tables = [store.lock(uow.conn, one.id) for one in store.of_month(uow.conn, first)]
    late = [one.id for one in tables if one.state != SettlementState.COMPUTED]
    if late:
        raise InvalidState(
            vi(
                "tables that were handed over cannot be computed anew: {listed}; adjust in the open month",
                listed=", ".join(late),
            )
        )
    for settlement in tables:
        store.move(uow.conn, settlement, SettlementState.WITHDRAWN)
        uow.conn.execute("UPDATE settlement_item SET live = false WHERE settlement_id = %s", (settlement.id,))
        uow.conn.execute("UPDATE settlement_carry SET taken_by = NULL WHERE taken_by = %s", (settlement.id,))
        uow.write_audit(
            settlement.id,
            AuditAction.SETTLEMENT_WITHDRAWN,
            before=settlement.state,
            after=SettlementState.WITHDRAWN,
            reason=reason,
        )
    post_all(uow.conn, [entry for one in tables if (entry := _given_back(uow, one)) is not None])


def _carry_on(uow: UnitOfWork, month: date) -> None:
    """Close earlier settlements without an answer that have nothing to transfer: nobody waits for them."""
    for settlement in store.before(uow.conn, month):
        if settlement.net <= 0:
            answers.carry_on(uow, settlement)


def _drafts(uow: UnitOfWork, month: date) -> list[Draft]:
    known = {
        fee.code: TableFee(fee.kind.value, fee.title)
        for procedure in uow.catalogue.procedures.values()
        for fee in procedure.fees
    }
    return [
        table.draft(new_id(Prefix.SETTLEMENT), department, month, items, known)
        for department, items in table.items(uow.conn, month).items()
    ]


def _retained(draft: Draft) -> LedgerEntry | None:
    shares = [Share(draft.department, fee["fee_code"], fee["retained"]) for fee in draft.fees if fee["retained"]]
    return postings.retained(_origin(draft.id, draft.month), shares) if shares else None


def _given_back(uow: UnitOfWork, settlement: Settlement) -> LedgerEntry | None:
    shares = [
        Share(settlement.department, fee.fee_code, -fee.retained)
        for fee in store.fee_rows(uow.conn, settlement.id)
        if fee.retained
    ]
    return postings.retained(_origin(settlement.id, settlement.month), shares, "retained_withdrawn") if shares else None


def _origin(settlement_id: str, month: date) -> Origin:
    return Origin(SOURCE, settlement_id, last_of(month))


def _seal(uow: UnitOfWork, drafts: Sequence[Draft]) -> None:
    if not drafts:
        return
    anchor, exceptions = _anchored(uow), table.open_exceptions(uow.conn)
    ranges = by_fee(uow.conn, drafts[0].month)
    for draft in drafts:
        department = uow.catalogue.departments.get(draft.department)
        body = table.encoded(
            draft,
            name=department.name if department else draft.department,
            at=uow.now,
            anchor=anchor,
            exceptions=exceptions.get(draft.department, ()),
            issued=ranges.get(draft.department, {}),
        )
        _store(uow, draft, body)


def _store(uow: UnitOfWork, draft: Draft, body: bytes) -> None:
    signature = uow.signer.sealed(body, uow.now)
    leaf = custody.enter(uow.conn, kind=LEAF, subject=draft.id, record=body, signatures=[signature])
    row = {"id": draft.id, "department": draft.department, "month": draft.month, "body": body, "at": uow.now}
    store.add(uow.conn, row | draft.sums | {"signature": signature, "leaf": leaf}, [dict(fee) for fee in draft.fees])
    table.take(uow.conn, draft.id, [item.carry_id for item in draft.items if item.carry_id is not None])
    store.add_items(
        uow.conn,
        (
            (draft.id, number, item.kind, item.day, item.fee_code, item.amount, item.retention_bp, item.entry,
             item.line_number, item.carry_id, item.demand_id)
            for number, item in enumerate(draft.items, start=1)
        ),
    )  # fmt: skip
    reason = f"{draft.month:%Y-%m} {draft.department} {hashlib.sha256(body).hexdigest()}"
    uow.write_audit(draft.id, AuditAction.SETTLEMENT_COMPUTED, after=SettlementState.COMPUTED, reason=reason)


def _anchored(uow: UnitOfWork) -> Anchor:
    """A checkpoint of the ledger that covers its last entry. Nobody else posts meanwhile: we hold its lock."""
    hold(uow.conn)
    checkpoint = checkpoints.keep(
        uow.conn, uow.catalogue.signing.log, lambda: uow.signer.log_key(uow.now), uow.now
    ) or checkpoints.latest(uow.conn)
    last = balances.last_number(uow.conn)
    if checkpoint is None or checkpoint.last_seq != last:
        raise InvalidState(vi("a checkpoint of the ledger is being made: wait a moment and run it again"))
    return Anchor(str(canonical.decode(checkpoint.body)["root"]), last)
