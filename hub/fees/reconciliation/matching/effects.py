"""What follows from what a run has joined: demands credited and confirmed, the book, and exceptions for persons.

Dossiers are locked before (sql/locks.sql); the book is written last, because its numbers are given one transaction
after the other.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from hub.audit import AuditAction
from hub.db import Connection
from hub.errors import StaleClaim
from hub.events import Event
from hub.fees import exceptions, payments
from hub.fees.demands.demand_commands import DemandBatch
from hub.fees.exceptions import Opening
from hub.fees.ledger import LedgerEntry, Origin, Share, post_all, postings
from hub.fees.ledger.entry import spread
from hub.fees.reconciliation.matching import late_notifications, passes
from hub.fees.reconciliation.matching.passes import Scope
from hub.fees.reconciliation.statements import lines
from hub.unit_of_work import UnitOfWork

LINE: Final = "line"
"""the source of what the book says of a statement line"""
TAKEN_BACK: Final = ("R01", "R02", "R03", "R05", "R06", "R07", "R09", "N02")
"""exceptions about a payment that are over when it is taken back"""
_EXPLAINED: Final = ["R01", "R02", "R09", "N01"]
"""exceptions about a payment that are over once it is joined to a demand"""

_SHOWN: Final = """
SELECT leg.payment_id FROM match_leg leg JOIN match_group g ON g.id = leg.group_id
WHERE g.run_id = %(run)s AND leg.confirmed AND leg.payment_id IS NOT NULL
"""

_CREDITS: Final = """
SELECT f.evidence, f.demand_id FROM fee_credit f JOIN match_leg t ON t.payment_id = f.evidence
JOIN match_group g ON g.id = t.group_id
WHERE g.run_id = %(run)s AND t.confirmed AND f.reversed_at IS NULL AND f.confirmed_at IS NULL
ORDER BY f.evidence, f.demand_id
"""

_CREDITED: Final = """
UPDATE match_leg t SET credited = true FROM match_group g
WHERE g.id = t.group_id AND g.run_id = %(run)s AND t.confirmed AND NOT t.credited AND t.demand_id IS NOT NULL
"""


_MADE_OF: Final = """
SELECT l.demand_id, l.department, l.fee_code, l.amount - l.waived AS amount, d.allocated
FROM fee_demand_line l JOIN fee_demand d ON d.id = l.demand_id
WHERE l.demand_id = ANY(%s) AND l.amount > l.waived ORDER BY l.demand_id, l.number
"""


@dataclass(slots=True)
class MatchRun:
    """What a run has done so far, and what is written at its end."""

    uow: UnitOfWork
    scope: Scope
    notified: bool
    """whether somebody is to notify what comes into this account"""
    credits: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """payment → demands that were credited by its notification, and wait for the statement"""
    payout_differences: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """line → in which way it is not what its gateway's report says"""
    demands: DemandBatch = field(init=False)
    """what is credited and confirmed, before it is written"""
    events: list[Event] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    states: dict[int, str] = field(default_factory=dict)
    counters: Counter[str] = field(default_factory=Counter)
    allocated: Counter[str] = field(default_factory=Counter)
    """payment → what of it has come to count for demands"""
    owed: dict[str, list[Share]] = field(default_factory=dict)
    """demand → what is owed for it, fee by fee"""
    received: Counter[str] = field(default_factory=Counter)
    """demand → what counts for it by now"""
    origins: dict[date, Origin] = field(default_factory=dict)
    """booking day → where the book takes what was booked on it"""

    def __post_init__(self) -> None:
        self.demands = DemandBatch(self.uow)

    def origin(self, row: Mapping[str, Any]) -> Origin:
        booked = row["booking_date"]
        if booked not in self.origins:
            self.origins[booked] = payments.origin_on(self.uow, LINE, "", self.scope.account, booked)
        day = self.origins[booked]
        return Origin(LINE, str(row["line_id"]), day.day, day.bank_account, day.original)

    def open_exception(
        self, code: str, object_type: str, object_id: str, at_risk: int, row: Mapping[str, Any], **facts: Any
    ) -> None:
        details = {"line": str(row["line_id"]), "payment": row["payment_id"], "account": self.scope.account, **facts}
        self.openings.append(Opening(code, object_type, object_id, at_risk, details))


def apply(
    uow: UnitOfWork, scope: Scope, *, notified: bool, payout_differences: Mapping[int, Mapping[str, Any]]
) -> MatchRun:
    """Apply what the passes of the run have joined, in the order of booking.

    1. Confirm the notified payments that a statement shows.
    2. Read and lock the demands that these payments or the run's groups name.
    3. Credit or confirm each group's demands, and collect ledger entries and exceptions.
    4. Resolve the exceptions that the groups explain.
    5. Open exceptions for lines that are joined to no demand.

    ``finish`` writes the lines' states and the ledger entries.
    """
    # 1.
    payments.confirm(uow.conn, [row["payment_id"] for row in uow.conn.execute(_SHOWN, scope.parameters)])
    # 2.
    waiting: dict[str, list[str]] = {}
    for one in uow.conn.execute(_CREDITS, scope.parameters):
        waiting.setdefault(one["evidence"], []).append(one["demand_id"])
    match_run = MatchRun(uow, scope, notified, waiting, payout_differences)
    joined = passes.rows(uow.conn, "joined", scope)
    match_run.demands.read(demand for waits in waiting.values() for demand in waits)
    expect(match_run, {demand for row in joined for demand, _, credited in row["legs"] if demand and not credited})
    # 3.
    for row in joined:
        _joined(match_run, row)
    # 4.
    explained(match_run, joined)
    # 5.
    for row in passes.rows(uow.conn, "leftovers", scope):
        _left(match_run, row)
    uow.conn.execute(_CREDITED, scope.parameters)
    return match_run


def expect(match_run: MatchRun, demands: Iterable[str]) -> None:
    """Read what these demands are made of, and what counts for them so far, before any of it is credited."""
    demand_ids = sorted(demands)
    match_run.demands.read(demand_ids)
    for row in match_run.uow.conn.execute(_MADE_OF, (demand_ids,)):
        share = Share(row["department"], row["fee_code"], row["amount"], row["demand_id"])
        match_run.owed.setdefault(row["demand_id"], []).append(share)
        match_run.received[row["demand_id"]] = row["allocated"]


def finish(match_run: MatchRun) -> None:
    """Write what the run has collected since the last call: demands, payments, lines, and the ledger entries last."""
    _write(match_run)
    payments.allocate(match_run.uow.conn, match_run.allocated)
    lines.settle(match_run.uow.conn, match_run.states)
    post_all(match_run.uow.conn, match_run.entries)
    for written in (match_run.allocated, match_run.states, match_run.entries):
        written.clear()


def _write(match_run: MatchRun) -> None:
    """Demands, and the exceptions about what they did not take."""
    match_run.demands.write()
    lost = [one.object_id for one in match_run.openings if one.code == "N02"]
    late = (
        late_notifications.told_of(match_run.uow, match_run.scope.account, lost, match_run.scope.day) if lost else set()
    )
    match_run.openings = [one for one in match_run.openings if one.code != "N02" or one.object_id not in late]
    opened = exceptions.open_all(match_run.uow.conn, match_run.uow.calendar, match_run.openings)
    opened_now = [
        (one, exception_id)
        for one, exception_id in zip(match_run.openings, opened, strict=True)
        if exception_id is not None
    ]
    match_run.counters.update(one.code for one, _ in opened_now)
    for one, exception_id in opened_now:
        match_run.uow.write_audit(one.object_id, AuditAction.EXCEPTION_OPENED, after=one.code, reason=exception_id)
    match_run.openings.clear()


def _joined(match_run: MatchRun, row: Mapping[str, Any]) -> None:
    confirm(match_run, row["payment_id"])
    if row["booked"]:
        match_run.entries.append(postings.on_statement(match_run.origin(row), row["payment_id"], row["came"]))
        match_run.states[row["line_id"]] = "matched"
    match_run.counters[row["pass"]] += 1
    legs = [(demand, amount) for demand, amount, credited in row["legs"] if demand and not credited]
    if legs:
        credit(match_run, row, legs)


def confirm(match_run: MatchRun, payment: str) -> None:
    """The statement shows what the notification of this payment had credited."""
    for demand in match_run.credits.get(payment, ()):
        match_run.events += match_run.demands.confirm(demand, payment)


def credit(
    match_run: MatchRun, row: Mapping[str, Any], legs: Sequence[tuple[str, int]], origin: Origin | None = None
) -> None:
    """The money of a line counts for the demands of ``legs``, as far as the passes said; the rest is an exception.

    Raises StaleClaim where a demand takes something else, which the locks should have prevented.
    """
    owed: list[Share] = []
    code: str | None = None
    for demand, amount in legs:
        money = amount if len(legs) > 1 else row["came"]
        credited = match_run.demands.credit(demand, money, row["payment_id"], paid_at=row["paid_at"], confirmed=True)
        if credited.taken != amount:
            raise StaleClaim(f"{demand} was to take {amount} and took {credited.taken}")
        if credited.taken:
            match_run.allocated[row["payment_id"]] += credited.taken
            owed += spread(match_run.owed[demand], match_run.received[demand], credited.taken)
            match_run.received[demand] += credited.taken
        code = credited.exception_code
        match_run.events += credited.events
    rest = row["came"] - sum(share.amount for share in owed)
    over = rest if code in payments.OWED_BACK else 0
    _book(match_run, row, owed, over, rest - over, origin)
    match_run.states[row["line_id"]] = "in_exception" if rest > over else "matched"
    _open_exceptions(match_run, row, legs[0][0], code, rest)


def _book(
    match_run: MatchRun,
    row: Mapping[str, Any],
    owed: Sequence[Share],
    over: int,
    unidentified: int,
    origin: Origin | None,
) -> None:
    source = origin or match_run.origin(row)
    is_in_book = row["booked"] or row["line_state"] != "new"
    if is_in_book and (owed or over):
        match_run.entries.append(postings.identified_later(source, row["payment_id"], owed, over))
    elif not is_in_book and unidentified:
        match_run.entries.append(postings.unidentified(source, row["payment_id"], row["came"]))
    elif not is_in_book and owed:
        match_run.entries.append(postings.identified(source, row["payment_id"], owed, over))
    elif not is_in_book:
        match_run.entries.append(postings.overpaid(source, row["payment_id"], over))


def _open_exceptions(match_run: MatchRun, row: Mapping[str, Any], demand: str, code: str | None, rest: int) -> None:
    if code == "R04":
        match_run.open_exception(code, "fee_demand", demand, row["came"], row, demand=demand)
    elif code is not None:
        match_run.open_exception(code, "payment", row["payment_id"], rest, row, demand=demand, rest=rest)
    if row["source"] == "statement" and match_run.notified:
        match_run.open_exception("N02", "payment", row["payment_id"], 0, row, demand=demand)


def _left(match_run: MatchRun, row: Mapping[str, Any]) -> None:
    """Money that came and is nobody's: on 338, in an exception, with what was seen."""
    if row["booked"]:
        return  # A notification told of it: it is on 338, and in an exception since then.
    difference = match_run.payout_differences.get(row["line_id"])
    code, why = ("P01", "it is not what the gateway's report comes to") if difference else _why(row)
    match_run.entries.append(postings.unidentified(match_run.origin(row), row["payment_id"], row["amount"]))
    match_run.states[row["line_id"]] = "in_exception"
    facts = dict(difference or {}) | {
        name: row[name] for name in ("conflict", "named", "of_others", "proposals") if row[name]
    }
    match_run.open_exception(code, "payment", row["payment_id"], row["amount"], row, why=why, **facts)


def _why(row: Mapping[str, Any]) -> tuple[str, str]:
    if row["conflict"]:
        return "N03", "the bank's number is that of a notification of another amount"
    if row["named"] > 1:
        return "R02", "several references, and the amount is not what they come to"
    if row["named"] == 1:
        return "R09", "the demand is to be paid into another account"
    if row["likely"] > 1:
        return "R02", "several demands are equally likely"
    if row["of_others"] and not row["proposals"]:
        return "R09", "the reference is somebody else's"
    return "R01", "no reference, or none that is certain"


def explained(match_run: MatchRun, joined: Sequence[Mapping[str, Any]]) -> None:
    """End exceptions about payments that are shown or have a demand by now, and about demands that are paid in full."""
    _write(match_run)
    conn = match_run.uow.conn
    exceptions.resolve_about(
        conn, "payment", [row["payment_id"] for row in joined if row["booked"]], "matched", codes=["N01"]
    )
    placed = [row["payment_id"] for row in joined if any(demand for demand, _, _ in row["legs"])]
    exceptions.resolve_about(conn, "payment", placed, "matched", codes=_EXPLAINED)
    exceptions.resolve_paid(conn, match_run.received)


def close(match_run: MatchRun, payment: str, codes: Sequence[str], by: str) -> None:
    """Exceptions about a payment that what came later explains."""
    exceptions.resolve_about(match_run.uow.conn, "payment", [payment], f"matched by {by}", codes=codes)


@dataclass(frozen=True, slots=True)
class PaymentPosition:
    """Of one payment, in đồng."""

    owed: Sequence[Share]
    over: int
    unidentified: int

    @property
    def total(self) -> int:
        return sum(share.amount for share in self.owed) + self.over + self.unidentified

    def is_all(self, amount: int) -> bool:
        """Whether ``amount`` stands there, and nowhere less than nothing: none of it has gone on."""
        least = min(self.over, self.unidentified, *(share.amount for share in self.owed))
        return self.total == amount and least >= 0


def standing(conn: Connection, payment: str, line: int | str | None) -> PaymentPosition:
    """``line``: the one that shows the payment; None: none does."""
    rows = conn.execute(passes.text("standing"), {"payment": payment, "line": line}).fetchall()
    owed = [
        Share(row["department"], row["fee_code"], row["net"], row["demand_id"])
        for row in rows
        if row["account"] == "331"
    ]
    over, unidentified = (sum(row["net"] for row in rows if row["account"] == name) for name in ("339", "338"))
    return PaymentPosition(owed, over, unidentified)
