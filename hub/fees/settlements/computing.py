"""The tables of a month are computed once, inside its close: shares kept, book anchored, tables sealed."""

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Final

from hub.clock import last_of
from hub.db import one
from hub.errors import NotNow
from hub.fees.ledger import Entry, Origin, Share, book, checkpoints, post_all, postings
from hub.fees.settlements import answers, issued, store, table, taking
from hub.fees.settlements.model import LEAF, Settlement, State
from hub.fees.settlements.table import Anchor, Draft, Fee
from hub.signing import canonical, custody
from hub.work import Work
from schemas.identifiers import Prefix, new_id

SOURCE: Final = "settlement"
"""of the entries that a settlement makes"""


def compute(work: Work, month: date) -> bytes:
    """The tables of ``month`` (any day of it), one a department, and the digest over them; once, then the same digest.

    Called by the month's close, before it stands: posts what the Centre keeps on the last day. Raises NotNow while a
    checkpoint of the book is being made, and MayNotSign where the seal or the log's key cannot sign.
    """
    first = month.replace(day=1)
    standing = store.of_month(work.conn, first)
    if not standing:
        _carry_on(work, first)
        drafts = _drafts(work, first)
        post_all(work.conn, [entry for draft in drafts if (entry := _kept(draft)) is not None])
        _seal(work, drafts)
        standing = store.of_month(work.conn, first)
    return digest(standing)


def digest(settlements: Sequence[Settlement]) -> bytes:
    """SHA-256 over the digests of these tables, by department."""
    lines = sorted(f"{one.department} {one.sha256.hex()}" for one in settlements)
    return hashlib.sha256("\n".join(lines).encode()).digest()


def withdraw(work: Work, month: date, reason: str) -> None:
    """The month is opened again: its tables are no more, and what was kept is given back. Raises NotNow if too late."""
    first = month.replace(day=1)
    standing = [store.lock(work.conn, one.id) for one in store.of_month(work.conn, first)]
    late = [one.id for one in standing if one.state != State.COMPUTED]
    if late:
        raise NotNow(f"bảng đã giao, không tính lại được: {', '.join(late)}; điều chỉnh trong tháng đang mở")
    for settlement in standing:
        store.move(work.conn, settlement, State.WITHDRAWN)
        work.conn.execute("UPDATE settlement_item SET live = false WHERE settlement_id = %s", (settlement.id,))
        work.conn.execute("UPDATE settlement_carry SET taken_by = NULL WHERE taken_by = %s", (settlement.id,))
        work.note(settlement.id, "withdrawn", before=settlement.state, after=State.WITHDRAWN, reason=reason)
    post_all(work.conn, [entry for one in standing if (entry := _given_back(work, one)) is not None])


def _carry_on(work: Work, month: date) -> None:
    """What nobody answered and has nothing to transfer is not waited for."""
    for settlement in store.before(work.conn, month):
        if settlement.net <= 0:
            answers.carry_on(work, settlement)


def _drafts(work: Work, month: date) -> list[Draft]:
    known = {
        fee.code: Fee(fee.kind.value, fee.title)
        for procedure in work.catalogue.procedures.values()
        for fee in procedure.fees
    }
    return [
        table.draft(new_id(Prefix.SETTLEMENT), department, month, items, known)
        for department, items in taking.items(work.conn, month).items()
    ]


def _kept(draft: Draft) -> Entry | None:
    shares = [Share(draft.department, fee["fee_code"], fee["retained"]) for fee in draft.fees if fee["retained"]]
    return postings.retained(_origin(draft.id, draft.month), shares) if shares else None


def _given_back(work: Work, settlement: Settlement) -> Entry | None:
    shares = [
        Share(settlement.department, fee.fee_code, -fee.retained)
        for fee in store.fee_rows(work.conn, settlement.id)
        if fee.retained
    ]
    return postings.retained(_origin(settlement.id, settlement.month), shares, "retained_withdrawn") if shares else None


def _origin(settlement_id: str, month: date) -> Origin:
    return Origin(SOURCE, settlement_id, last_of(month))


def _seal(work: Work, drafts: Sequence[Draft]) -> None:
    if not drafts:
        return
    anchor, cases = _anchored(work), taking.open_cases(work.conn)
    ranges = issued.by_fee(work.conn, drafts[0].month) if drafts else {}
    for draft in drafts:
        department = work.catalogue.departments.get(draft.department)
        body = table.encoded(
            draft,
            name=department.name if department else draft.department,
            at=work.now,
            anchor=anchor,
            cases=cases.get(draft.department, ()),
            issued=ranges.get(draft.department, {}),
        )
        _keep(work, draft, body)


def _keep(work: Work, draft: Draft, body: bytes) -> None:
    signature = work.signer.sealed(body, work.now)
    leaf = custody.enter(work.conn, kind=LEAF, subject=draft.id, record=body, signatures=[signature])
    row = {"id": draft.id, "department": draft.department, "month": draft.month, "body": body, "at": work.now}
    store.add(work.conn, row | draft.sums | {"signature": signature, "leaf": leaf}, [dict(fee) for fee in draft.fees])
    taking.take(work.conn, draft.id, [item.carry_id for item in draft.items if item.carry_id is not None])
    store.add_items(
        work.conn,
        (
            (draft.id, number, item.kind, item.day, item.fee_code, item.amount, item.retention_bp, item.entry,
             item.line_number, item.carry_id, item.demand_id)
            for number, item in enumerate(draft.items, start=1)
        ),
    )  # fmt: skip
    said = f"{draft.month:%Y-%m} {draft.department} {hashlib.sha256(body).hexdigest()}"
    work.note(draft.id, "computed", after=State.COMPUTED, reason=said)


def _anchored(work: Work) -> Anchor:
    """The book up to its last entry, under a checkpoint. Nobody else posts: we hold the book since our last entry."""
    book.hold(work.conn)
    made = checkpoints.keep(
        work.conn, work.catalogue.signing.log, lambda: work.signer.log_key(work.now), work.now
    ) or checkpoints.latest(work.conn)
    last = int(one(work.conn, "SELECT coalesce(max(seq), 0) AS seq FROM journal_entry", ())["seq"])
    if made is None or made.last_seq != last:
        raise NotNow("sổ đang được chốt mốc kiểm tra: chờ một lát rồi chạy lại")
    return Anchor(str(canonical.decode(made.body)["root"]), last)
