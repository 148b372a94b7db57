"""The tables of a month are computed once, inside its close: shares kept, book anchored, tables sealed."""

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from hub.clock import last_of
from hub.db import Connection, one
from hub.errors import InvalidState
from hub.fees.ledger import LedgerEntry, Origin, Share, book, checkpoints, post_all, postings
from hub.fees.settlements import answers, store, table
from hub.fees.settlements.model import LEAF, Settlement, SettlementState
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
    """Department → fee → ranges, as schemas.settlement.ReceiptRange. One receipt may be for several fees of a kind."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    between = {"first": month, "last": last_of(month)}
    for row in conn.execute(_ISSUED, between).fetchall():
        told = {name: row[name] for name in ("series", "first", "last", "count", "amount")}
        found.setdefault(row["department"], {}).setdefault(row["fee_code"], []).append(told)
    return found


SOURCE: Final = "settlement"
"""of the entries that a settlement makes"""


def compute(uow: UnitOfWork, month: date) -> bytes:
    """The tables of ``month`` (any day of it), one a department, and the digest over them; once, then the same digest.

    Called by the month's close, before it stands: posts what the Centre keeps on the last day. Raises InvalidState
    while a checkpoint of the book is being made, and MayNotSign where the seal or the log's key cannot sign.
    """
    first = month.replace(day=1)
    standing = store.of_month(uow.conn, first)
    if not standing:
        _carry_on(uow, first)
        drafts = _drafts(uow, first)
        post_all(uow.conn, [entry for draft in drafts if (entry := _kept(draft)) is not None])
        _seal(uow, drafts)
        standing = store.of_month(uow.conn, first)
    return digest(standing)


def digest(settlements: Sequence[Settlement]) -> bytes:
    """SHA-256 over the digests of these tables, by department."""
    lines = sorted(f"{one.department} {one.sha256.hex()}" for one in settlements)
    return hashlib.sha256("\n".join(lines).encode()).digest()


def withdraw(uow: UnitOfWork, month: date, reason: str) -> None:
    """The month is opened again: its tables are no more, and what was kept is given back.

    Raises InvalidState if too late.
    """
    first = month.replace(day=1)
    standing = [store.lock(uow.conn, one.id) for one in store.of_month(uow.conn, first)]
    late = [one.id for one in standing if one.state != SettlementState.COMPUTED]
    if late:
        raise InvalidState(
            vi(
                "tables that were handed over cannot be computed anew: {listed}; adjust in the open month",
                listed=", ".join(late),
            )
        )
    for settlement in standing:
        store.move(uow.conn, settlement, SettlementState.WITHDRAWN)
        uow.conn.execute("UPDATE settlement_item SET live = false WHERE settlement_id = %s", (settlement.id,))
        uow.conn.execute("UPDATE settlement_carry SET taken_by = NULL WHERE taken_by = %s", (settlement.id,))
        uow.note(settlement.id, "withdrawn", before=settlement.state, after=SettlementState.WITHDRAWN, reason=reason)
    post_all(uow.conn, [entry for one in standing if (entry := _given_back(uow, one)) is not None])


def _carry_on(uow: UnitOfWork, month: date) -> None:
    """What nobody answered and has nothing to transfer is not waited for."""
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


def _kept(draft: Draft) -> LedgerEntry | None:
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
    anchor, cases = _anchored(uow), table.open_cases(uow.conn)
    ranges = by_fee(uow.conn, drafts[0].month) if drafts else {}
    for draft in drafts:
        department = uow.catalogue.departments.get(draft.department)
        body = table.encoded(
            draft,
            name=department.name if department else draft.department,
            at=uow.now,
            anchor=anchor,
            cases=cases.get(draft.department, ()),
            issued=ranges.get(draft.department, {}),
        )
        _keep(uow, draft, body)


def _keep(uow: UnitOfWork, draft: Draft, body: bytes) -> None:
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
    said = f"{draft.month:%Y-%m} {draft.department} {hashlib.sha256(body).hexdigest()}"
    uow.note(draft.id, "computed", after=SettlementState.COMPUTED, reason=said)


def _anchored(uow: UnitOfWork) -> Anchor:
    """The book up to its last entry, under a checkpoint. Nobody else posts: we hold the book since our last entry."""
    book.hold(uow.conn)
    made = checkpoints.keep(
        uow.conn, uow.catalogue.signing.log, lambda: uow.signer.log_key(uow.now), uow.now
    ) or checkpoints.latest(uow.conn)
    last = int(one(uow.conn, "SELECT coalesce(max(seq), 0) AS seq FROM ledger_entry", ())["seq"])
    if made is None or made.last_seq != last:
        raise InvalidState(vi("a checkpoint of the ledger is being made: wait a moment and run it again"))
    return Anchor(str(canonical.decode(made.body)["root"]), last)
