"""The invariants of the ledger, the checks of a proof, and their outcomes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, LiteralString

from hub.db import Connection
from hub.fees.proof import labels
from hub.locale import vi
from schemas.explained import Explained


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
        return labels.CHECKS[self.name]

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
