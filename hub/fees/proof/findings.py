"""The invariants of the ledger, the checks of a proof with what accountants read about them, and their outcomes."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, LiteralString

from hub.db import Connection
from hub.locale import vi
from schemas.explained import Explained

CHECKS: Final[Mapping[str, str]] = {
    # I1
    "entries are numbered without a gap": vi("Entries are numbered without gaps"),
    "both sides of every entry are equal and what it says": vi(
        "Each entry has debit = credit = the amount on the entry"
    ),
    "debit and credit of the whole book are equal": vi("Total debits = total credits of the whole ledger"),
    "every entry is the one that was posted": vi("Every entry is as it was posted"),
    "a closed day has the entries with which it was closed": vi(
        "A closed day has the entries that it had when it was closed"
    ),
    "a closed month has the entries with which it was closed": vi(
        "A closed month has the entries that it had when it was closed"
    ),
    "the entries lead to the signed roots": vi("The entries lead to the signed root"),
    "checkpoints follow one another and lie in the custody log": (
        vi("Each checkpoint follows the one before and is in the custody log")
    ),
    # I2
    "111 of every account is what its statements have booked": (
        vi("Balance of 111 by account = sum of the booked statement lines")
    ),
    "every booked line that has an outcome is in the book once, with its amount and its account": (
        vi("Each statement line with a result is booked once, with its amount and account")
    ),
    # I3
    "no booked line has waited for an hour without an outcome": vi(
        "No statement line is without a result for more than an hour"
    ),
    "a line is matched, in an open case, or no fee: one of the three": (
        vi("Each statement line is matched, has an open exception, or is not a fee")
    ),
    "a line, and a payment, stand in one confirmed match": (
        vi("Each statement line and each payment is in one confirmed match only")
    ),
    "what a match counts for a demand was credited to it by its payment": (
        vi("What a match allocates to a demand, the payment has credited to that demand")
    ),
    "a match counts no more than came, and its line and payment are of one amount and account": (
        vi("No match allocates more than came; line and payment have the same amount and account")
    ),
    "no movement is two payments because two issuers number it": (
        vi("No transaction became two payments because two notifiers number differently")
    ),
    "a payment order that was paid is one debit of its account and its amount; one that came back is a credit too": (
        vi("A paid order is one debit of the right account and amount; a returned one has a credit as well")
    ),
    # I4
    "deliveries are the bytes that came": vi("The content of a notification is as it was received"),
    "deliveries are events, repetitions, conflicts, and what was not believed": (
        vi("Each notification is a new event, a repetition, a contradiction or a refusal")
    ),
    "events are what their messages say": vi("The event is what the notification says"),
    "a payment that was notified has one outcome": vi("Each notified payment has exactly one result"),
    "what was taken back has ended its payment, or is a case": (
        vi("What was taken back has ended the payment or has an exception")
    ),
    "every payment by notification was notified, with its amount and number": (
        vi("Each notified payment has its notification, with amount and transaction number")
    ),
    "what postmen have collected is what consignments were delivered for": (
        vi("Money collected by the post = cash on delivery of delivered consignments")
    ),
    "what was notified of a known payment is that payment, told once by each provider": (
        vi("A late notification belongs to a known payment, once from each notifier")
    ),
    # I5
    "a demand is the sum of its lines": vi("A demand = the sum of its lines"),
    "what is allocated to a demand is what was credited to it": (vi("Allocated to a demand = credited to it")),
    "what is allocated to a demand is owed to its departments by the book": (
        vi("Allocated to a demand = due to the agency on 331")
    ),
    "no more is allocated of a payment than it counts for": (vi("Used of a payment = what demands received from it")),
    # I6
    "112 is the payments that no statement has shown yet": vi("Balance of 112 = payments on no statement yet"),
    "behind every sum on 338, 339 and 341 there is an open case, and on its right side": (
        vi("Each balance on 338, 339, 341 has an open exception and is on the right side")
    ),
    "113 is the refunds that are approved and on no statement yet": (
        vi("Balance of 113 = approved refunds on no statement yet")
    ),
    "a refund stands as its last order does": vi("A refund has the status of its last payment order"),
    # I7
    "files are the bytes that came, and what was not accepted has posted nothing": (
        vi("A statement file is as it was received; one that is not accepted is not booked")
    ),
    "the statements of an account follow one another without a gap": (
        vi("The statements of each account follow one another without a break")
    ),
    "an account's last closing balance is its first opening balance and all that was booked": (
        vi("Last closing balance = first opening balance + all movements")
    ),
    # I8
    "every movement of 331 in a month that has tables is one line of its department's table": (
        vi("Each movement on 331 of a month with tables is a line of the agency's table")
    ),
    "the sums of a table are those of its lines, and what was signed says the same": (
        vi("Totals of a table = sums of its lines = what was signed")
    ),
    "what the Centre keeps of a month is what its tables say": (
        vi("What the Centre retains of the month = what the tables say")
    ),
    "a settlement whose money has gone was paid what it came to, but for what is disputed": (
        vi("A transferred table was paid what it says, less what is disputed")
    ),
    "331 of a department is what is in no table yet, in tables not paid yet, and disputed": (
        vi("Balance of 331 of an agency = not in tables + tables unpaid + disputed")
    ),
    # I9
    "every payment that was notified is in the book once, with its amount and its account": (
        vi("Each notified payment is booked once, with its amount and account")
    ),
    "what was taken back is taken back in the book": vi("What was taken back is reversed in the ledger"),
    "the second engine comes to the same balances": vi("The second engine finds the same balances"),
    "the second engine reads the same entries": vi("The second engine reads the same entries"),
    "the second engine finds the same demands in the lines": (
        vi("The second engine finds the same demands in the statement lines")
    ),
    "all that came, handled again from the beginning, ends where the hub stands": (
        vi("Handling all that was received anew gives the present result")
    ),
    # I10
    "the numbers of a series begin with 1 every year and none is missing": (
        vi("Receipt numbers of each series begin at 1 each year, without gaps")
    ),
    "the receipts of a demand that stand are what is allocated to it": (
        vi("Receipts in force of a demand = what is allocated to it")
    ),
    "what a receipt says is what was sealed and what its row says": (
        vi("A receipt is what was signed and what is stored")
    ),
}
"""Check.name → its label"""
_SUBJECTS: Final[Mapping[str, str]] = {
    "book": vi("the whole ledger"),
    "chargeback": vi("chargeback"),
    "checkpoint": vi("checkpoint"),
    "delivery": vi("notification"),
    "entry": vi("entry"),
    "event": vi("event"),
    "line": vi("statement line"),
    "match": vi("match"),
    "payment": vi("payment"),
    "refund": vi("refund"),
    "settlement": vi("table"),
}


def subject(what: str) -> str:
    """Name an offender: "entry 12" is "bút toán 12"; an id or an account stays as it is."""
    kind, space, number = what.partition(" ")
    return _SUBJECTS.get(kind, kind) + space + number


class Invariant(StrEnum):
    """A statement that is true of the ledger as long as nothing is lost, invented or changed."""

    I1 = "I1"
    I2 = "I2"
    I3 = "I3"
    I4 = "I4"
    I5 = "I5"
    I6 = "I6"
    I7 = "I7"
    I8 = "I8"
    I9 = "I9"
    I10 = "I10"

    @property
    def label(self) -> str:
        return LABELS[self]


LABELS: Final = {
    Invariant.I1: vi("Debit = credit, entries numbered without gaps, checkpoints agree"),
    Invariant.I2: vi("Ledger balance by account = statement balance"),
    Invariant.I3: vi("Statement lines = matched + in work + not fees"),
    Invariant.I4: vi("Notifications = events + repeated + refused; one result for each event"),
    Invariant.I5: vi("Due = paid + outstanding + waived"),
    Invariant.I6: vi("Balances of 112, 113, 338, 339, 341 = open items"),
    Invariant.I7: vi("Statements without a break or a missing day"),
    Invariant.I8: vi("Monthly settlement table = movements on 331"),
    Invariant.I9: vi("Made anew from the sources it is the same"),
    Invariant.I10: vi("Receipts = collected, receipts numbered without gaps"),
}


class ProofCode(Explained):
    """The exceptions that a red proof opens; while one is open nothing is closed and nothing is transferred."""

    INVARIANT = ("L01", "An invariant of the book does not hold.")
    CHAIN = (
        "L02",
        "The numbers of the entries or of the checkpoints have a gap, or an entry is not the one that was posted.",
    )
    CHECKPOINT = (
        "L03",
        "The entries do not lead to a root that was signed: something below it was changed or cut off.",
    )
    REPLAY = ("L04", "Made anew from its sources, the book is another.")


@dataclass(frozen=True, slots=True)
class Offender:
    """One thing that breaks an invariant: which (an id, a number), and how, in Vietnamese, with the numbers."""

    what: str
    how: str


@dataclass(frozen=True, slots=True)
class Check:
    """A part of an invariant: a query whose rows (what, how) break it; no row: it holds."""

    invariant: Invariant
    name: str
    """what holds, in English; stable, for scripts. People read its label (words.CHECKS)"""
    query: LiteralString
    code: ProofCode = ProofCode.INVARIANT


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """The outcome of a check. ``offenders``: at most proving.MOST of them; ``count``: how many there are."""

    invariant: Invariant
    name: str
    code: ProofCode
    offenders: Sequence[Offender] = ()
    count: int = 0

    @property
    def label(self) -> str:
        return CHECKS[self.name]

    @property
    def green(self) -> bool:
        return self.count == 0


@dataclass(frozen=True, slots=True)
class ProofReport:
    """All checks over one reading of the database, and the digest of what was proven."""

    results: Sequence[CheckOutcome]
    digest: bytes
    last_seq: int
    missing: Sequence[Invariant] = field(default=())
    """invariants of which nothing was looked at: what they speak of is not there yet"""

    @property
    def green(self) -> bool:
        return all(result.green for result in self.results)

    @property
    def red(self) -> list[CheckOutcome]:
        return [result for result in self.results if not result.green]


def digest_of(rows: Sequence[str]) -> bytes:
    """SHA-256 over sorted lines: the same rows in any order are the same digest."""
    return hashlib.sha256("\n".join(sorted(rows)).encode()).digest()


# What all of it comes to, said without our own ids, so that what is made anew from the same inputs can be compared.

_LINES: Final[tuple[LiteralString, ...]] = (
    # The book: what stands where. Open items are named by what others call them.
    """
    SELECT concat_ws('|', 'book', account, bank_account, department, fee_code, reference, item, net) AS line FROM (
        SELECT l.account, CASE l.account WHEN '111' THEN e.bank_account ELSE '' END AS bank_account,
               coalesce(l.department, '') AS department, coalesce(l.fee_code, '') AS fee_code,
               coalesce(d.reference, l.demand_id, '') AS reference,
               coalesce(p.provider || ' ' || p.provider_txn, s.line_key, l.item, '') AS item, sum(l.dr - l.cr) AS net
        FROM ledger_line l JOIN ledger_entry e ON e.seq = l.entry_seq
        LEFT JOIN fee_demand d ON d.id = l.demand_id LEFT JOIN payment p ON p.id = l.item
        LEFT JOIN statement_line s ON s.id::text = l.item
        GROUP BY 1, 2, 3, 4, 5, 6
    ) AS stands WHERE net <> 0
    """,
    """
    SELECT concat_ws('|', 'demand', reference, amount_due, waived, allocated, confirmed, status) AS line
    FROM fee_demand
    """,
    """
    SELECT concat_ws('|', 'payment', provider, coalesce(provider_txn, bank_ref), account, amount, allocated, status)
           AS line
    FROM payment
    """,
    """
    SELECT concat_ws('|', 'credit', d.reference, coalesce(p.provider || ' ' || p.provider_txn, c.evidence), c.amount,
                     c.confirmed_at IS NOT NULL, c.reversed_at IS NOT NULL) AS line
    FROM fee_credit c JOIN fee_demand d ON d.id = c.demand_id LEFT JOIN payment p ON p.id = c.evidence
    """,
    """
    SELECT concat_ws('|', 'line', account, line_key, booking_date, amount, status, state, allocated) AS line
    FROM statement_line
    """,
    """
    SELECT concat_ws('|', 'match', g.pass, g.class, g.state, s.line_key, p.provider || ' ' || p.provider_txn,
                     d.reference, t.amount) AS line
    FROM match_leg t JOIN match_group g ON g.id = t.group_id LEFT JOIN statement_line s ON s.id = t.line_id
    LEFT JOIN payment p ON p.id = t.payment_id LEFT JOIN fee_demand d ON d.id = t.demand_id WHERE t.confirmed
    """,
)


def lines(conn: Connection) -> list[str]:
    """All of it, in no order."""
    return [row["line"] for query in _LINES for row in conn.execute(query)]
