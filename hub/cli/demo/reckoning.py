"""Reconcile the demo's fees: demanded, notified, booked; from the first QR code to the closed day."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table

from connectors.sandbox.effects import Ordered, read_effects
from connectors.sandbox.server import addresses
from hub.cli.demo.bank_day import BankDay, Settling
from hub.cli.demo.payers import Banks, Payers
from hub.cli.demo.portal import PortalClient
from hub.cli.demo.trials import SubmissionTrial
from hub.clock import now
from hub.db import Connection, one
from hub.embedded.waiting import Patience
from hub.fees.closing.store import CloseStep, Closing
from hub.fees.settlements.store import Settlement
from hub.locale import vi
from schemas.figures import grouped

if TYPE_CHECKING:
    from hub.app import Hub
    from hub.fees.settlements.store import Settlement

_DEMANDS: Final = """
SELECT id, amount_due - waived AS due, allocated, status, pay_first FROM fee_demand WHERE dossier_id = ANY(%s)
"""
_PAYMENTS: Final = """
SELECT id, amount, status, source, provider, provider_txn FROM payment
WHERE (provider, provider_txn) IN (SELECT * FROM unnest(%s::text[], %s::text[])) OR bank_ref = ANY(%s)
    OR (source = 'postman' AND id IN (SELECT evidence FROM fee_credit WHERE demand_id = ANY(%s)))
"""
_ITEMS: Final = """
SELECT account, item, sum(cr - dr)::bigint AS net FROM ledger_line
WHERE account IN ('338', '339') AND item = ANY(%s) GROUP BY account, item HAVING sum(cr - dr) <> 0
"""
_CASES: Final = """
SELECT id, code, object_id, state, facts ->> 'payment' AS payment, facts ->> 'demand' AS demand FROM fee_exception
WHERE state <> 'resolved' AND (object_id = ANY(%(all)s) OR facts ->> 'payment' = ANY(%(all)s)) ORDER BY code, id
"""
_ON_111: Final = """
SELECT coalesce(sum(l.dr - l.cr), 0)::bigint AS net FROM ledger_line l JOIN ledger_entry e ON e.seq = l.entry_seq
WHERE l.account = '111' AND e.bank_account = %s
"""
TITLES: Final[Mapping[str, str]] = {
    "later": vi("Payable later, not due yet"),
    "cancelled": vi("Dossier not accepted, no longer collected"),
    "short": vi("Paid too little"),
    "unpaid": vi("Paid, the dossier is not known yet: still waiting"),
    "reopened": vi("Reversed by the bank: to be paid again"),
    "over": vi("Paid too much"),
    "twice": vi("Paid twice"),
    "unknown": vi("Money nobody knows the owner of"),
    "lost": vi("Notification lost, seen on the statement"),
    "taken_back": vi("Notified, then reversed by the bank"),
    "refunded": vi("Refunded"),
    "charges": vi("Charges kept by the payment gateway"),
    "cash": vi("Cash collected by the post on delivery"),
    "held": vi("Held by the post, not paid in yet"),
}
OPEN: Final = ("short", "unpaid", "reopened", "over", "twice", "unknown")
"""exceptions that somebody has to settle"""
CODES: Final[Mapping[str, str]] = {
    "short": "R04",
    "reopened": "R04",
    "over": "R05",
    "twice": "R03",
    "unknown": "R01",
    "lost": "N02",
}
"""exception → the code of the case that has to be open for it"""


@dataclass(frozen=True)
class Reckoning:
    """The three sums, the exceptions between each and the money of the dossiers, and the open cases. In đồng."""

    demanded: int
    notified: int
    booked: int
    allocated: int
    """what counts for the dossiers: all three come to it"""
    demand_exceptions: Mapping[str, int]
    """exception → what it takes from the demanded"""
    notification_exceptions: Mapping[str, int]
    """exception → what it adds to, or takes from the notified"""
    bank_exceptions: Mapping[str, int]
    """exception → what it adds to, or takes from the booked"""
    cases: Sequence[Mapping[str, Any]]
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def off(self) -> Iterator[str]:
        """Sums that do not, with their exceptions, come to what is allocated to the dossiers."""
        for name, whole, between in (
            ("demanded", self.demanded, self.demand_exceptions),
            ("notified", self.notified, self.notification_exceptions),
            ("booked", self.booked, self.bank_exceptions),
        ):
            left = whole + sum(between.values()) - self.allocated
            if left:
                yield f"fees: {name} {whole} VND and its exceptions are {left} VND off what counts for the dossiers"

    def amount(self, exception: str) -> int:
        """What it comes to, on whichever side it stands."""
        return next(
            (
                abs(side[exception])
                for side in (self.demand_exceptions, self.notification_exceptions, self.bank_exceptions)
                if side.get(exception)
            ),
            0,
        )

    @property
    def unlisted(self) -> Iterator[str]:
        """Check that each trouble of the day has happened and has an exception."""
        known = {case["code"] for case in self.cases}
        for exception, code in CODES.items():
            if not self.amount(exception):
                yield f"fees: nothing was {exception}, and something should have been"
            elif code not in known:
                yield f"fees: nobody has a case {code} about what was {exception}"

    @property
    def unsettled(self) -> Iterator[str]:
        """What is still open when everything is settled."""
        yield from (f"fees: {self.amount(name)} VND are still {name}" for name in OPEN if self.amount(name))
        yield from (f"fees: the case {case['id']} ({case['code']}) is still open" for case in self.cases)


def reckon(conn: Connection, day: BankDay, dossiers: Sequence[str]) -> Reckoning:
    """Compute the reckoning in one snapshot, in a transaction of its own. ``dossiers``: ids of those of the demo."""
    conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    demands = conn.execute(_DEMANDS, (list(dossiers),)).fetchall()
    payments_made, own = day.payers.payments, day.own()
    provider_ids = [payment.provider for payment in payments_made], [payment.txn for payment in payments_made]
    named = (*provider_ids, [row["ref"] for row in own], [demand["id"] for demand in demands])
    payments = conn.execute(_PAYMENTS, named).fetchall()
    ids = [payment["id"] for payment in payments]
    everything = [*ids, *(demand["id"] for demand in demands)]
    cases = conn.execute(_CASES, {"all": everything}).fetchall()
    counts: Counter[str] = Counter()
    owed = _owed(demands, counts)
    waiting = _waiting(conn.execute(_ITEMS, (ids,)).fetchall(), cases, counts)
    lost = [payment["amount"] for payment in payments if payment["source"] == "statement"]
    back = [payment["amount"] for payment in payments if payment["status"] == "reversed"]
    cash = [payment for payment in payments if payment["source"] == "postman"]
    held = [payment["amount"] for payment in cash if payment["status"] == "notified"]
    out = [row["amount"] for row in own if row.get("reference")]
    counts.update(lost=len(lost), taken_back=len(back), refunded=len(out), cash=len(cash), held=len(held))
    notified = {**waiting, "lost": sum(lost), "taken_back": -sum(back), "refunded": sum(out)}
    notified["cash"] = sum(_ordered(day).get(payment["provider_txn"], 0) for payment in cash)
    return Reckoning(
        demanded=sum(demand["due"] for demand in demands),
        notified=sum(payment.amount for payment in payments_made if payment.notified),
        booked=sum(row["amount"] for row in own),
        allocated=sum(demand["allocated"] for demand in demands),
        demand_exceptions=owed,
        notification_exceptions=notified,
        bank_exceptions={**waiting, "charges": day.charges, "held": sum(held)},
        cases=cases,
        counts=counts,
    )


def _ordered(day: BankDay) -> dict[str, int]:
    """Order number → the cash that was to be collected with it, by the postal operators' own files."""
    return {
        effect.order_number: effect.cash
        for code in day.hub.catalogue.operators.values()
        for effect in read_effects(day.effects, code.counterparty)
        if isinstance(effect, Ordered)
    }


def _owed(demands: Sequence[Mapping[str, Any]], counts: Counter[str]) -> dict[str, int]:
    by_exception: Counter[str] = Counter()
    for demand in demands:
        left = demand["due"] - demand["allocated"]
        if not left:
            continue
        status = {"part_paid": "short", "reopened": "reopened", "cancelled": "cancelled"}.get(demand["status"])
        exception = status or ("unpaid" if demand["pay_first"] else "later")
        by_exception[exception] -= left
        counts[exception] += 1
    return dict(by_exception)


def _waiting(
    items: Sequence[Mapping[str, Any]], cases: Sequence[Mapping[str, Any]], counts: Counter[str]
) -> dict[str, int]:
    """Money that came and counts for no dossier, by the case that stands behind it."""
    codes = {case["object_id"]: case["code"] for case in cases if case["code"] in ("R01", "R03", "R05")}
    by_exception: Counter[str] = Counter()
    for item in items:
        exception = {"R03": "twice", "R05": "over"}.get(codes.get(item["item"], ""), "unknown")
        by_exception[exception] -= item["net"]
        counts[exception] += 1
    return dict(by_exception)


def proved(conn: Connection, day: BankDay) -> Iterator[str]:
    """What the hub's book says against the bank's own, and what its proof has to say against it."""
    from hub.fees.proof import proving

    bank = sum(row["amount"] for row in day.booked())
    own = one(conn, _ON_111, (day.banks.account,))["net"]
    if own != bank:
        yield f"fees: the bank's own book has {bank} VND, ours {own} VND"
    for result in proving.prove(conn).red:
        for offender in result.offenders:
            yield f"fees: {result.invariant} {result.name}: {offender.what} {offender.how}"


def write(sums: Reckoning, title: str) -> None:
    """The equation, on stdout."""
    table = Table(title=title, title_justify="left", show_footer=True)
    table.add_column(vi("Code"), footer="")
    table.add_column(vi("Heading"), footer=vi("= Money of the dossiers"))
    table.add_column(vi("No."), justify="right")
    sides = (
        (sums.demanded, sums.demand_exceptions),
        (sums.notified, sums.notification_exceptions),
        (sums.booked, sums.bank_exceptions),
    )
    for label, (whole, between) in zip(
        (vi("Amount due"), vi("Amount notified"), vi("Booked at the bank")), sides, strict=True
    ):
        table.add_column(label, grouped(whole + sum(between.values())), justify="right")
    table.add_row("", vi("Total"), "", *(grouped(whole) for whole, _ in sides))
    for name, label in TITLES.items():
        amounts = [between.get(name, 0) for _, between in sides]
        if any(amounts):
            shown = [_signed(amount) for amount in amounts]
            table.add_row(CODES.get(name, ""), label, str(sums.counts[name] or ""), *shown)
    say(table)
    listed = Counter(case["code"] for case in sums.cases)
    if listed:
        say(vi("Open exceptions: ") + ", ".join(f"{code} × {count}" for code, count in sorted(listed.items())))


def write_tables(tables: "Sequence[Settlement]", names: Mapping[str, str]) -> None:
    """What each department is owed of the month so far. ``names``: department → how people call it."""
    shown = Table(title=vi("The month's summary by agency, up to today (VND)"), title_justify="left")
    for label in (
        vi("Agency"),
        vi("Brought forward"),
        vi("Receipts of the month"),
        vi("Refunds"),
        vi("Adjustment"),
        vi("Retained"),
        vi("To transfer"),
    ):
        shown.add_column(label, justify="left" if label == vi("Agency") else "right")
    for table in tables:
        sums = (table.opening, table.receipts, table.refunds, table.adjustments, table.retained, table.net)
        shown.add_row(
            names.get(table.department, table.department), *(grouped(amount).replace("-", "−") for amount in sums)
        )
    say(shown)


def tables_off(tables: "Sequence[Settlement]", owed: int) -> Iterator[str]:
    """What the book owes to departments is what their tables say, to the đồng."""
    total = sum(table.net for table in tables)
    if owed != total:
        yield f"fees: 331 has {owed} VND, the departments' tables come to {total} VND"


def say(what: Table | str) -> None:
    """On stdout, beside the demo's other tables."""
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120).print(what)


def _signed(amount: int) -> str:
    return "" if not amount else f"{'+' if amount > 0 else '−'}{grouped(abs(amount))}"


STEPS: Final = {
    CloseStep.DONE: vi("closed, approved by two persons"),
    CloseStep.PROPOSED: vi("closing proposed by one person only"),
    CloseStep.WAITING: vi("waiting for a second person"),
    CloseStep.REFUSED: vi("not closed yet"),
}


@dataclass(frozen=True)
class Accounts:
    """The two reckonings: at the end of the bank's day, and when its troubles are settled; and how the day closed."""

    evening: Reckoning
    settled: Reckoning
    closings: list[Closing]
    tables: list[Settlement]
    """of the departments, for the month so far"""
    wrong: list[str]


def opened(
    hub: "Hub", portal: PortalClient, effects: Path, trials: list[SubmissionTrial], patience: Patience
) -> BankDay:
    """The bank day of these trials. ``effects``: where the sandbox writes, and says its addresses."""
    banks = Banks(hub.catalogue, addresses(effects / "addresses.json"), patience)
    ways = {trial.code: trial.way for trial in trials if trial.way is not None}
    return BankDay(hub, portal, banks, Payers(banks, ways), {trial.code for trial in trials}, now(), effects, patience)


def run(day: BankDay) -> Accounts:
    """Run the whole bank day; return when it is closed. Raises InvalidState, BankRefused."""
    day.collect()
    day.end()
    evening, wrong = _reckoned(day)
    wrong += evening.unlisted
    settling = Settling(day)
    settling.settle()
    day.wait_until_quiet()
    settling.remit()
    day.end()
    settled, more = _reckoned(day)
    closings, (tables, owed) = settling.close(), settling.tables()
    more += tables_off(tables, owed)
    return Accounts(evening, settled, closings, tables, [*wrong, *more, *settled.unsettled])


def write_accounts(accounts: Accounts, names: Mapping[str, str]) -> None:
    """On stdout. ``names``: department → how people call it."""
    write(accounts.evening, vi("The bank's day: due = notified = booked ± each exception (VND)"))
    write(accounts.settled, vi("After each exception is resolved, approved by two persons (VND)"))
    for closing in accounts.closings[-1:]:
        say(
            vi(
                "Day {day:%d/%m/%Y} of account {account}: {step}",
                day=closing.day,
                account=closing.account,
                step=STEPS[closing.step],
            )
        )
    if not accounts.closings:
        say(vi("Today was closed before: what came since is booked on the next open day"))
    write_tables(accounts.tables, names)


def findings(accounts: Accounts) -> Iterator[str]:
    """What does not hold, a sentence each."""
    yield from accounts.wrong
    for closing in accounts.closings:
        if closing.step is not CloseStep.DONE:
            red = ", ".join(f"{gate.label}: {gate.finding}" for gate in closing.gates if not gate.green)
            yield f"fees: the day is not closed: {red or ', '.join(closing.changed) or closing.step}"


def _reckoned(day: BankDay) -> tuple[Reckoning, list[str]]:
    dossiers = [submission.id for submission in day.statuses().values()]
    with day.hub.db.transaction() as conn:
        sums = reckon(conn, day, dossiers)
    with day.hub.db.connection() as conn:
        return sums, [*sums.off, *proved(conn, day)]
