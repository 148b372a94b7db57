"""Ledger entries of notified payments, and the open day to which a late entry is posted."""

from datetime import date, timedelta
from typing import Final

from hub.clock import local
from hub.fees.demands import demand_store
from hub.fees.ledger import LedgerAccount, LedgerEntry, LedgerLine, Origin, Share, closed, post, postings
from hub.fees.ledger.entry import spread
from hub.fees.payments.payment_store import Payment
from hub.unit_of_work import UnitOfWork

SOURCE: Final = "payment"
OWED_BACK: Final = frozenset({"R03", "R05", "R07"})
"""exceptions whose money beyond the demand is owed to its payer (339); of any other it is unidentified (338)"""


def notified(
    uow: UnitOfWork, payment: Payment, demand_id: str | None = None, taken: int = 0, code: str | None = None
) -> None:
    """An authenticated notification: ``taken`` of it counts for the demand, ``code`` says what the rest is. Once."""
    rest = payment.amount - taken
    over = rest if code in OWED_BACK else 0
    owed = shares(uow, demand_id, taken) if demand_id and taken else []
    post(uow.conn, postings.notified(_origin(uow, payment), payment.id, owed, over, rest - over))


def taken_back(uow: UnitOfWork, payment: Payment) -> bool:
    """``notified`` in reverse; False if something has been booked about the payment since, so that a person decides."""
    booked = uow.conn.execute(
        "SELECT l.account, l.dr, l.cr, l.department, l.fee_code, l.demand_id, l.item,"
        " e.source_type, e.source_id, e.kind FROM ledger_line l JOIN ledger_entry e ON e.seq = l.entry_seq"
        " WHERE l.item = %(id)s OR (e.source_type = 'payment' AND e.source_id = %(id)s) ORDER BY e.seq, l.number",
        {"id": payment.id},
    ).fetchall()
    own = (SOURCE, payment.id, "notified")
    if not booked or any((row["source_type"], row["source_id"], row["kind"]) != own for row in booked):
        return False
    lines = tuple(
        LedgerLine(
            LedgerAccount(row["account"]),
            row["dr"],
            row["cr"],
            row["department"],
            row["fee_code"],
            row["demand_id"],
            row["item"],
        )
        for row in booked
    )
    origin = _origin(uow, payment)
    today = origin_on(uow, SOURCE, payment.id, payment.account, local(uow.now).date())
    post(uow.conn, postings.mirrored(LedgerEntry("notified", origin, lines), "taken_back", today))
    return True


def shares(uow: UnitOfWork, demand_id: str, taken: int) -> list[Share]:
    """Which fees of the demand the money is for: in their order, behind what came before."""
    demand = demand_store.lock(uow.conn, demand_id)
    owed = [
        Share(line.department, line.fee_code, line.amount - line.waived, demand_id)
        for line in demand_store.lines(uow.conn, demand_id)
        if line.amount > line.waived
    ]
    return spread(owed, demand.allocated - taken, taken)


def _origin(uow: UnitOfWork, payment: Payment) -> Origin:
    return origin_on(uow, SOURCE, payment.id, payment.account, payment.business_date)


def origin_on(uow: UnitOfWork, source_type: str, source_id: str, account: str, day: date) -> Origin:
    """Where an entry that belongs on ``day`` of ``account`` goes: there, or to an open day that points back to it."""
    taken = open_day(uow, account, day)
    return Origin(source_type, source_id, taken, account, day if taken != day else None)


def open_day(uow: UnitOfWork, account: str, day: date) -> date:
    """What is found when its day has been closed goes to today; where that is closed too, to the next open day."""
    if not closed(uow.conn, account, day):
        return day
    later = max(day + timedelta(days=1), local(uow.now).date())
    while closed(uow.conn, account, later):
        later += timedelta(days=1)
    return later
