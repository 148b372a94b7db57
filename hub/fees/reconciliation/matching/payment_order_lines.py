"""PO: our own payment orders. A debit that names one is its payment, a credit that names one that was paid its return.

Identity goes before amount here too: a line joins itself to an order by the reference's check digits, on the order's
own account, by an equal amount. What names an order and is not what was ordered is an exception (V05 out, V04 in). It
is done before the passes: nothing that comes back from us is anybody's fee.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hub.db import Connection
from hub.events import Event
from hub.fees import exceptions, payments
from hub.fees.exceptions.store import LINE
from hub.fees.ledger import LedgerEntry, Origin, postings
from hub.fees.ledger.normalise import normalise
from hub.fees.payouts import orders
from hub.fees.payouts.orders import OrderState, PaymentOrder, SettledOrder
from hub.fees.reconciliation.matching import match_store, passes
from hub.fees.reconciliation.matching.effects import MatchRun
from hub.fees.reconciliation.matching.match_store import MatchLeg
from hub.fees.reconciliation.matching.passes import Scope
from hub.fees.reconciliation.matching.references import MatchMethod, references
from hub.fees.reconciliation.statements import lines
from hub.unit_of_work import UnitOfWork

NAME: Final = "PO"
_PAYABLE: Final = frozenset({OrderState.APPROVED, OrderState.SENT})
_BY_ITSELF: Final = {"class": "A", "maker": None, "checker": None}
_SURE: Final = frozenset({MatchMethod.STRICT, MatchMethod.REPAIRED})


@dataclass(slots=True)
class PaymentOrderLine:
    """What a run has found of our own orders; ``hand_on`` puts it to the rest of the run, which writes the book."""

    uow: UnitOfWork
    scope: Scope
    letters: str
    events: list[Event] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)

    def origin(self, row: Mapping[str, Any]) -> Origin:
        return payments.origin_on(self.uow, "line", str(row["line_id"]), self.scope.account, row["booking_date"])

    def hand_on(self, match_run: MatchRun) -> None:
        match_run.events += self.events
        match_run.entries += self.entries
        match_run.counters += self.counters


def settle(uow: UnitOfWork, scope: Scope) -> PaymentOrderLine:
    """Every such line of the day that has no outcome yet. Debits first: what is paid may come back on its day."""
    fees = uow.catalogue.fee_settings
    own = PaymentOrderLine(uow, scope, fees.order_prefix if fees else "")
    if not own.letters:
        return own
    rows = uow.conn.execute(passes.text("own_lines"), {**scope.parameters, "letters": own.letters}).fetchall()
    for row in rows:
        if row["amount"] < 0:
            _debit(own, row)
    for row in rows:
        if row["amount"] > 0:
            _credit(own, row)
    return own


def _debit(own: PaymentOrderLine, row: Mapping[str, Any]) -> None:
    named = _named(own, row["said"])
    if not named:
        return
    meant = list(orders.named(own.uow.conn, named).values())
    order = orders.locked(own.uow, meant[0].id) if len(meant) == 1 else None
    why = _why_not(own, row, order, len(meant), _PAYABLE)
    if order is None or why:
        _open_exception(own, row, "V05", why, order, postings.charged(own.origin(row), -row["amount"]))
    else:
        _joined(own, row, order, orders.paid(own.uow, order, row["line_id"], own.origin(row)), "paid")


def _credit(own: PaymentOrderLine, row: Mapping[str, Any]) -> None:
    named = _named(own, row["said"])
    meant = list(orders.named(own.uow.conn, named).values())
    if not named and row["reversal"]:
        meant = orders.paid_by(own.uow.conn, row["originals"])
    if not meant:  # letters and digits that a payer wrote for something else are for the passes
        return
    order = orders.locked(own.uow, meant[0].id) if len(meant) == 1 else None
    why = _why_not(own, row, order, len(meant), frozenset({OrderState.CONFIRMED}))
    if order is None or why:
        name = str(row["line_id"])
        _open_exception(own, row, "V04", why, order, postings.unidentified(own.origin(row), name, row["amount"]))
    else:
        _joined(own, row, order, orders.returned(own.uow, order, row["line_id"], own.origin(row)), "returned")


def join(conn: Connection, run: int, line: int, evidence: Mapping[str, Any], by: Mapping[str, Any]) -> None:
    """Match the line with the order of ``evidence``. ``by``: the class, and the two persons of class C."""
    persons = {"maker": by["maker"], "checker": by["checker"]}
    match_store.add(conn, run, NAME, by["class"], [MatchLeg(line=line)], evidence, **persons)
    lines.settle(conn, {line: "matched"})


def _named(own: PaymentOrderLine, text: str) -> list[str]:
    clues = references(normalise(text), (own.letters,))
    return sorted(clue.value for clue in clues if clue.how in _SURE and clue.value.startswith(own.letters))


def _why_not(
    own: PaymentOrderLine,
    row: Mapping[str, Any],
    order: PaymentOrder | None,
    orders: int,
    states: frozenset[OrderState],
) -> str:
    if order is None:
        return "several orders are named" if orders else "no order has this reference"
    if order.account != own.scope.account:
        return "the order is of another account"
    if order.state not in states:
        return f"the order is {order.state}"
    return "" if abs(row["amount"]) == order.amount else "the order is of another amount"


def _joined(
    own: PaymentOrderLine, row: Mapping[str, Any], order: PaymentOrder, settled: SettledOrder, how: str
) -> None:
    own.events += settled.events
    own.entries += settled.entries
    evidence = {"how": how, "order": order.id, "reference": order.reference}
    join(own.uow.conn, own.scope.run, row["line_id"], evidence, _BY_ITSELF)
    own.counters[NAME] += 1


def _open_exception(
    own: PaymentOrderLine, row: Mapping[str, Any], code: str, why: str, order: PaymentOrder | None, entry: LedgerEntry
) -> None:
    name = str(row["line_id"])
    facts: dict[str, Any] = {"line": name, "account": own.scope.account, "why": why}
    if order is not None:
        facts |= {"order": order.id, "ordered": order.amount, "reference": order.reference}
    own.entries.append(entry)
    lines.settle(own.uow.conn, {row["line_id"]: "in_exception"})
    exceptions.open_exception(own.uow, code, LINE, name, abs(row["amount"]), facts)
    own.counters[code] += 1


# What left the account, or came back to it, and is nobody's by now: an exception, so that no line is without an
# outcome.
# It is the last step of a run. Whatever knows its own lines (the reversal of a credit does) takes them before.

_LEFT: Final = """
SELECT id AS line_id, booking_date, amount FROM statement_line
WHERE account = %(account)s AND booking_date = %(day)s AND status = 'BOOK' AND state = 'new'
    AND (amount < 0 OR reversal) AND amount <> 0
ORDER BY booking_date, line_key
"""


def open_left(match_run: MatchRun) -> None:
    """Every such line of the day that no step has taken."""
    for row in match_run.uow.conn.execute(_LEFT, match_run.scope.parameters).fetchall():
        _open_outgoing(match_run, row)


def _open_outgoing(match_run: MatchRun, row: Mapping[str, Any]) -> None:
    """A debit is taken for a charge (642) until somebody knows better; what came back is unidentified (338)."""
    name, amount = str(row["line_id"]), row["amount"]
    if amount < 0:
        code, entry = "P02", postings.charged(match_run.origin(row), -amount)
    else:
        code, entry = "V04", postings.unidentified(match_run.origin(row), name, amount)
    match_run.entries.append(entry)
    match_run.states[row["line_id"]] = "in_exception"
    facts = {"line": name, "account": match_run.scope.account}
    exceptions.open_exception(match_run.uow, code, LINE, name, abs(amount), facts)
    match_run.counters[code] += 1
