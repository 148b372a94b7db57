"""An entry of the ledger: what it says, the digest that stands for it, and its posting.

It is checked before it is posted, and posted once for each source, whoever asks and however often.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from psycopg import errors

from hub.db import Connection, as_set, one
from hub.errors import HubError
from hub.locale import vi
from schemas.values import MOST


class LedgerAccount(StrEnum):
    """An account and what stands on it. ``label``: what an accountant reads."""

    BANK = "111"
    """on the collection accounts: what their statements show"""
    IN_TRANSIT = "112"
    """notified and not on a statement yet; item: the payment"""
    REFUNDS = "113"
    """ordered to be paid back and not on a statement yet; item: the refund"""
    PAYABLE = "331"
    """owed to a department for a fee"""
    UNIDENTIFIED = "338"
    """received, and not known for what; item: the statement line or payment"""
    OVERPAID = "339"
    """owed back to those who paid too much; item: the payment or line that brought it"""
    CHARGEBACK = "341"
    """charged back after the department had the money; item: the payment"""
    OWN = "411"
    """what is on the accounts and was not collected: opening balances, interest, own transfers"""
    RETAINED = "511"
    """the share of a department's fees that the Centre keeps"""
    CHARGES = "642"
    """of banks and gateways"""

    @property
    def label(self) -> str:
        return LABELS[self]


LABELS: Final = {
    LedgerAccount.BANK: vi("Cash at bank"),
    LedgerAccount.IN_TRANSIT: vi("Cash in transit"),
    LedgerAccount.REFUNDS: vi("Refunds in transit"),
    LedgerAccount.PAYABLE: vi("Fees and charges due to agencies"),
    LedgerAccount.UNIDENTIFIED: vi("Unidentified receipts"),
    LedgerAccount.OVERPAID: vi("Overpayments to refund"),
    LedgerAccount.CHARGEBACK: vi("Clawed back, receivable"),
    LedgerAccount.OWN: vi("Money that is not collected for others"),
    LedgerAccount.RETAINED: vi("Retained share"),
    LedgerAccount.CHARGES: vi("Charges of banks and payment gateways"),
}

OPEN_ITEMS: Final = frozenset(
    {
        LedgerAccount.IN_TRANSIT,
        LedgerAccount.REFUNDS,
        LedgerAccount.UNIDENTIFIED,
        LedgerAccount.OVERPAID,
        LedgerAccount.CHARGEBACK,
    }
)
"""accounts on which every sum has an item behind it, and goes to zero with it"""


_SEPARATORS: Final = ("|", "\n")


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One side of an entry, on one account. Exactly one of ``dr`` and ``cr`` is above zero; đồng."""

    account: LedgerAccount
    dr: int = 0
    cr: int = 0
    department: str | None = None
    fee_code: str | None = None
    demand_id: str | None = None
    item: str | None = None

    def __post_init__(self) -> None:
        if min(self.dr, self.cr) != 0 or not 0 < max(self.dr, self.cr) <= MOST:
            raise ValueError("a line has one side above zero")
        if self.account is LedgerAccount.PAYABLE and not (self.department and self.fee_code):
            raise ValueError("331 is owed to a department for a fee")
        if self.account is LedgerAccount.RETAINED and not self.department:
            raise ValueError("511 is kept from a department's fees")
        if self.account in OPEN_ITEMS and not self.item:
            raise ValueError(f"{self.account} needs the item that is open")
        _check_words(self.department, self.fee_code, self.demand_id, self.item)

    @property
    def content(self) -> str:
        words = (self.account.value, self.department, self.fee_code, self.demand_id, self.item)
        return "|".join([*(word or "" for word in words), str(self.dr), str(self.cr)])


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the money of a demand: which department it belongs to, for which fee; đồng."""

    department: str
    fee_code: str
    amount: int
    demand_id: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """What an entry is about. Of one source there is one entry of a kind, however often it is posted."""

    source_type: str
    source_id: str
    day: date
    """the business date"""
    bank_account: str | None = None
    original: date | None = None
    """the business date on which it belongs, where that was closed when it was found"""

    def __post_init__(self) -> None:
        if self.original is not None and self.original >= self.day:
            raise ValueError("what was found later stands on a later day")


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Both sides are equal, or there is no such entry: raises ValueError."""

    kind: str
    origin: Origin
    lines: tuple[LedgerLine, ...]

    def __post_init__(self) -> None:
        debit, credit = sum(line.dr for line in self.lines), sum(line.cr for line in self.lines)
        if debit != credit or not 0 < debit <= MOST:
            raise ValueError(f"{self.kind}: debit {debit}, credit {credit}")
        if not self.origin.bank_account and any(line.account is LedgerAccount.BANK for line in self.lines):
            raise ValueError("111 is an account at a bank: the origin names it")
        _check_words(self.kind, self.origin.source_type, self.origin.source_id, self.origin.bank_account)

    @property
    def amount(self) -> int:
        """Of either side; đồng."""
        return sum(line.dr for line in self.lines)

    @property
    def source(self) -> tuple[str, str, str]:
        """What makes it the same entry again."""
        return self.origin.source_type, self.origin.source_id, self.kind

    @property
    def content(self) -> str:
        """All that it says, without its number: the text that hub.fees.proof puts together again in SQL."""
        origin = self.origin
        words = [origin.day.isoformat(), self.kind, origin.source_type, origin.source_id, origin.bank_account or ""]
        words += [origin.original.isoformat()] if origin.original else []
        return "\n".join(["|".join(words), *(line.content for line in self.lines)])

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.content.encode()).digest()


def _check_words(*words: str | None) -> None:
    for word in words:
        if word is not None and (not word or any(separator in word for separator in _SEPARATORS)):
            raise ValueError("a word of an entry is not empty and holds neither | nor a line break")


def spread(owed: Sequence[Share], before: int, amount: int) -> list[Share]:
    """``amount`` over the fees of a demand, in their order, where ``before`` was received already.

    However a sum comes in parts, the parts end where the whole would have. Raises ValueError for more than is owed.
    """
    if before < 0 or amount < 0 or before + amount > sum(share.amount for share in owed):
        raise ValueError("more than is owed")
    parts, begin = [], 0
    for share in owed:
        end = begin + share.amount
        part = min(end, before + amount) - max(begin, before)
        if part > 0:
            parts.append(Share(share.department, share.fee_code, part, share.demand_id))
        begin = end
    return parts


LOCK: Final = 7_310_002
"""PostgreSQL's advisory lock under which the database numbers entries; it is held until the commit, so post late"""

_INSERT: Final = """
WITH entry AS (
    INSERT INTO ledger_entry (business_date, kind, source_type, source_id, bank_account, original_date, lines, amount,
        digest)
    SELECT day, kind, source_type, source_id, bank_account, original, lines, amount, digest
    FROM ROWS FROM (json_to_recordset(%s) AS (day date, kind text, source_type text, source_id text, bank_account text,
            original date, lines smallint, amount bigint, digest bytea))
        WITH ORDINALITY AS e (day, kind, source_type, source_id, bank_account, original, lines, amount, digest, at)
    ORDER BY at
    ON CONFLICT (source_type, source_id, kind) DO NOTHING
    RETURNING seq, source_type, source_id, kind, digest
)
INSERT INTO ledger_line (entry_seq, number, account, department, fee_code, demand_id, item, dr, cr)
SELECT entry.seq, l.number, l.account, l.department, l.fee_code, l.demand_id, l.item, l.dr, l.cr
FROM json_to_recordset(%s) AS l (source_type text, source_id text, kind text, number smallint, account text,
    department text, fee_code text, demand_id text, item text, dr bigint, cr bigint)
JOIN entry ON (entry.source_type, entry.source_id, entry.kind) = (l.source_type, l.source_id, l.kind)
"""


_POSTED: Final = """
SELECT e.business_date, e.bank_account, e.original_date, l.account, l.dr, l.cr, l.department, l.fee_code, l.demand_id,
    l.item
FROM ledger_entry e JOIN ledger_line l ON l.entry_seq = e.seq
WHERE (e.source_type, e.source_id, e.kind) = (%s, %s, %s) ORDER BY l.number
"""


class SourceReused(HubError):
    """Something was posted about this source before, and it said something else."""


class DayClosed(HubError):
    """The book of this day is closed; what was found later goes to an open day."""


def hold(conn: Connection) -> None:
    """Nobody posts before the transaction ends; whoever did is seen from here on."""
    conn.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))


def post(conn: Connection, entry: LedgerEntry) -> int:
    """Write ``entry`` in the caller's transaction and give its number; the same again is the same number.

    Raises SourceReused for other content about the same source, DayClosed for a closed day.
    """
    return post_all(conn, [entry])[0]


def post_all(conn: Connection, entries: Sequence[LedgerEntry]) -> list[int]:
    """``post`` for many at once: in two statements, numbered in their order."""
    digests = [entry.digest for entry in entries]
    unlike = {entry.source: (entry, digest) for entry, digest in zip(entries, digests, strict=True)}
    written = _written(conn, [entry for entry, _ in unlike.values()])
    missing = [one for source, one in unlike.items() if source not in written]
    if missing:
        _insert(conn, missing)
        written |= _written(conn, [entry for entry, _ in missing])
    for entry, digest in zip(entries, digests, strict=True):
        if written[entry.source][1] != digest:
            raise SourceReused(f"{' '.join(entry.source)} was posted with other content")
    return [written[entry.source][0] for entry in entries]


def posted(conn: Connection, source_type: str, source_id: str, kind: str) -> LedgerEntry | None:
    """What was posted about a source; None: nothing of this kind was."""
    rows = conn.execute(_POSTED, (source_type, source_id, kind)).fetchall()
    if not rows:
        return None
    head = rows[0]
    origin = Origin(source_type, source_id, head["business_date"], head["bank_account"], head["original_date"])
    columns = ("dr", "cr", "department", "fee_code", "demand_id", "item")
    lines = [LedgerLine(LedgerAccount(row["account"]), *(row[name] for name in columns)) for row in rows]
    return LedgerEntry(kind, origin, tuple(lines))


def closed(conn: Connection, account: str | None, day: date) -> bool:
    """Whether nothing more is posted to ``day`` of this account; None: whether any account has closed it."""
    return bool(one(conn, "SELECT book_is_closed(%s, %s) AS closed", (account, day))["closed"])


def _written(conn: Connection, entries: Sequence[LedgerEntry]) -> dict[tuple[str, str, str], tuple[int, bytes]]:
    """Source → number and digest, of those that are in the book."""
    rows = conn.execute(
        "SELECT e.seq, e.digest, source_type, source_id, kind FROM ledger_entry e"
        " JOIN unnest(%s::text[], %s::text[], %s::text[]) AS asked (source_type, source_id, kind)"
        " USING (source_type, source_id, kind)",
        _sources(entries),
    )
    return {(row["source_type"], row["source_id"], row["kind"]): (row["seq"], bytes(row["digest"])) for row in rows}


def _insert(conn: Connection, entries: Sequence[tuple[LedgerEntry, bytes]]) -> None:
    lines = [_line(entry, number, line) for entry, _ in entries for number, line in enumerate(entry.lines, start=1)]
    try:
        conn.execute(_INSERT, (as_set([_head(*one) for one in entries]), as_set(lines)))
    except errors.ObjectNotInPrerequisiteState as error:
        raise DayClosed(
            vi("the ledger of that day is closed: book on the open day, or reopen it by hub fee reopen")
        ) from error


def _sources(entries: Sequence[LedgerEntry]) -> tuple[list[str], list[str], list[str]]:
    return (
        [entry.origin.source_type for entry in entries],
        [entry.origin.source_id for entry in entries],
        [entry.kind for entry in entries],
    )


def _head(entry: LedgerEntry, digest: bytes) -> Mapping[str, Any]:
    origin = entry.origin
    return {
        "day": origin.day,
        "kind": entry.kind,
        "source_type": origin.source_type,
        "source_id": origin.source_id,
        "bank_account": origin.bank_account,
        "original": origin.original,
        "lines": len(entry.lines),
        "amount": entry.amount,
        "digest": f"\\x{digest.hex()}",
    }


def _line(entry: LedgerEntry, number: int, line: LedgerLine) -> Mapping[str, Any]:
    origin = entry.origin
    return {
        "source_type": origin.source_type,
        "source_id": origin.source_id,
        "kind": entry.kind,
        "number": number,
        "account": line.account.value,
        "department": line.department,
        "fee_code": line.fee_code,
        "demand_id": line.demand_id,
        "item": line.item,
        "dr": line.dr,
        "cr": line.cr,
    }
