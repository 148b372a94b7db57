"""Lines of statements: by what one is known again, and how those that are new come into the account.

A line is known by the bank's own reference where it has proved to be one, else by what it says. A download that
overlaps an earlier one tells the same lines again, and they are the same lines; two payers who each pay 50,000 on one
day in the same words are two. So identical lines are counted, and their ordinal is part of the key. A notice or the day
so far may have told of a new line already.
"""

import hashlib
import json
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from hub.db import Connection, as_set
from hub.fees.ledger import normalise
from hub.fees.reconciliation.statements.model import StatementMovementDraft
from schemas.statement import EntryStatus, Statement


@dataclass(frozen=True, slots=True)
class KnownLine:
    """A line that is there already."""

    id: int
    line_key: str
    content: bytes
    bank_ref: str | None
    e2e: str | None
    booking_date: date
    value_date: date
    amount: int
    text: str
    is_booked: bool


def plain(text: str) -> str:
    """What is compared of a text: neither case nor line breaks nor blanks, which banks put where they like.

    Not the normaliser of matching: that one may change, and a key may not.
    """
    return "".join(unicodedata.normalize("NFC", text).casefold().split())


def content(account: str, line: StatementMovementDraft) -> bytes:
    """What a line says, as 32 bytes."""
    values = [
        account,
        line.booking_date.isoformat(),
        line.value_date.isoformat(),
        line.amount,
        line.e2e or "",
        plain(line.text),
        line.standing.value,
    ]
    return hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).digest()


def assigned(
    contents: Sequence[bytes], refs: Sequence[str | None], known: Sequence[KnownLine], before: Mapping[bytes, int]
) -> list[str]:
    """The key of each line. ``known``: the account's lines that share a reference or a content with one of them.

    ``before``: how many identical lines of the day lie in earlier statements, where these lines come after them.
    """
    uses = Counter(ref for ref in refs if ref)
    by_ref: dict[str, list[KnownLine]] = {}
    for one in known:
        if one.bank_ref:
            by_ref.setdefault(one.bank_ref, []).append(one)
    keys: list[str] = []
    taken: set[str] = set()
    ordinals: Counter[bytes] = Counter(before)
    for content_hash, ref in zip(contents, refs, strict=True):
        ordinals[content_hash] += 1
        key = _by_reference(content_hash, ref, uses, by_ref)
        if key is None or key in taken:
            key = _by_content(content_hash, ordinals[content_hash])
        taken.add(key)
        keys.append(key)
    return keys


def _by_reference(
    content_hash: bytes, ref: str | None, uses: Mapping[str, int], by_ref: Mapping[str, list[KnownLine]]
) -> str | None:
    """The key by the bank's reference, if that has been unique so far: in this file, and on the account."""
    if not ref:
        return None
    key = f"ref:{ref}"
    history = by_ref.get(ref, [])
    if any(one.line_key == key and one.content == content_hash for one in history):
        return key
    return key if not history and uses[ref] == 1 else None


def _by_content(content_hash: bytes, ordinal: int) -> str:
    return "sha256:" + hashlib.sha256(content_hash + ordinal.to_bytes(4)).hexdigest()


def digest(statement: Statement) -> bytes:
    """What the whole statement says, however it is written: the same for a file that was indented or zipped again."""
    entries = [
        [
            entry.booking_date.isoformat(),
            entry.value_date.isoformat(),
            entry.amount,
            entry.standing.value,
            entry.bank_ref or "",
            entry.e2e or "",
            plain(entry.text),
            entry.reversal,
            [[detail.amount, detail.bank_ref or "", detail.e2e or "", plain(detail.text)] for detail in entry.details],
        ]
        for entry in statement.entries
    ]
    head = [
        statement.kind.value,
        statement.account,
        statement.bank_id,
        statement.from_date.isoformat(),
        statement.to_date.isoformat(),
        statement.opening,
        statement.closing,
    ]
    return hashlib.sha256(json.dumps([head, entries], ensure_ascii=False).encode()).digest()


NEAR: Final = timedelta(days=31)
"""how far a pending line may lie from its booking"""

_KNOWN: Final = """
SELECT id, line_key, content, bank_ref, e2e, booking_date, value_date, amount, text, status = 'BOOK' AS is_booked
FROM statement_line
WHERE account = %(account)s AND state <> 'vanished'
  AND (content = ANY(%(contents)s) OR bank_ref = ANY(%(refs)s::text[]))
ORDER BY id
"""

_CANDIDATES: Final = """
SELECT id, line_key, content, bank_ref, e2e, booking_date, value_date, amount, text, status = 'BOOK' AS is_booked
FROM statement_line
WHERE account = %(account)s AND state <> 'vanished' AND (status = 'PDNG' OR %(booked_too)s)
  AND amount = ANY(%(amounts)s) AND booking_date BETWEEN %(first)s AND %(last)s
ORDER BY booking_date, id
"""

_INSERT: Final = """
INSERT INTO statement_line (statement_id, account, line_key, content, entry, booking_date, value_date, amount, status,
    bank_ref, e2e, text, text_norm, text_version, reversal, state)
VALUES (%(statement)s, %(account)s, %(key)s, %(content)s, %(entry)s, %(booking_date)s, %(value_date)s, %(amount)s,
    %(status)s, %(bank_ref)s, %(e2e)s, %(text)s, %(text_norm)s, %(text_version)s, %(reversal)s, %(state)s)
"""

_BOOK: Final = """
UPDATE statement_line SET statement_id = %(statement)s, line_key = %(key)s, content = %(content)s, entry = %(entry)s,
    booking_date = %(booking_date)s, value_date = %(value_date)s, status = 'BOOK', bank_ref = %(bank_ref)s,
    e2e = %(e2e)s, text = %(text)s, text_norm = %(text_norm)s, text_version = %(text_version)s,
    reversal = %(reversal)s, state = %(state)s
WHERE id = %(id)s
"""

_SETTLE: Final = """
UPDATE statement_line l SET state = s.state,
    allocated = CASE s.state WHEN 'in_exception' THEN 0 WHEN 'vanished' THEN 0 WHEN 'reversed' THEN l.allocated
        ELSE abs(l.amount) END
FROM json_to_recordset(%s) AS s (id bigint, state text) WHERE l.id = s.id
"""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A movement with the key by which it is known again."""

    movement: StatementMovementDraft
    key: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Count:
    """What became of a statement's lines."""

    new: int
    known: int
    """there already, whether booked or announced"""


def known(conn: Connection, account: str, contents: Sequence[bytes], refs: Sequence[str | None]) -> list[KnownLine]:
    """The account's lines that share a reference or a content with one of these."""
    numbers = sorted({ref for ref in refs if ref})
    rows = conn.execute(_KNOWN, {"account": account, "contents": list(set(contents)), "refs": numbers}).fetchall()
    return [KnownLine(**{**row, "content": bytes(row["content"])}) for row in rows]


def put(conn: Connection, statement_id: str, account: str, lines: Sequence[StatementLine]) -> Count:
    """Write those that are not there. A pending line that is booked now is the same line."""
    booked = [line for line in lines if line.movement.standing is EntryStatus.BOOK]
    pending = [line for line in lines if line.movement.standing is EntryStatus.PDNG]
    known_keys = _known_keys(conn, account, booked)
    fresh = [line for line in booked if line.key not in known_keys]
    announced = _Announced(conn, account, fresh, booked_too=False)
    rows, updates = [], []
    for line in fresh:
        row = _row(statement_id, account, line)
        earlier = announced.take(line.movement)
        if earlier is None:
            rows.append(row)
        else:
            updates.append({**row, "id": earlier})
    announced_or_booked = _Announced(conn, account, pending, booked_too=True)
    unheard = [line for line in pending if announced_or_booked.take(line.movement) is None]
    rows += [_row(statement_id, account, line) for line in _numbered(conn, account, unheard)]
    with conn.cursor() as cursor:
        if updates:
            cursor.executemany(_BOOK, updates)
        if rows:
            cursor.executemany(_INSERT, rows)
    return Count(len(rows), len(lines) - len(rows))


def settle(conn: Connection, states: Mapping[int, str]) -> None:
    """Store the outcome of lines (id → state) and, by it, how much of each has been allocated.

    ``matched``, ``not_fee``: all of it; ``in_exception``, ``vanished``: nothing; ``reversed``: what was.
    """
    rows = [{"id": line, "state": state} for line, state in states.items()]
    conn.execute(_SETTLE, (as_set(rows),))


def vanish(conn: Connection, ids: Iterable[int]) -> None:
    """Mark lines that the bank has left out of a corrected statement: they stay, and no longer count."""
    conn.execute("UPDATE statement_line SET state = 'vanished' WHERE id = ANY(%s)", (list(ids),))


def _known_keys(conn: Connection, account: str, lines: Sequence[StatementLine]) -> set[str]:
    rows = conn.execute(
        "SELECT line_key FROM statement_line WHERE account = %s AND line_key = ANY(%s)",
        (account, [line.key for line in lines]),
    ).fetchall()
    return {row["line_key"] for row in rows}


def _numbered(conn: Connection, account: str, lines: Sequence[StatementLine]) -> list[StatementLine]:
    """Announced lines under a key that no booked line has: the first ordinals that are free."""
    numbered: list[StatementLine] = []
    taken: set[str] = set()
    prefixes = [f"pending:{line.content.hex()}:" for line in lines]
    rows = conn.execute(
        "SELECT line_key FROM statement_line WHERE account = %s AND content = ANY(%s) AND line_key LIKE 'pending:%%'",
        (account, [line.content for line in lines]),
    ).fetchall()
    taken.update(row["line_key"] for row in rows)
    for line, start in zip(lines, prefixes, strict=True):
        ordinal = 1
        while f"{start}{ordinal}" in taken:
            ordinal += 1
        taken.add(f"{start}{ordinal}")
        numbered.append(StatementLine(line.movement, f"{start}{ordinal}", line.content))
    return numbered


class _Announced:
    """Lines of the account that may be the same as some of these; each is given out once."""

    def __init__(self, conn: Connection, account: str, lines: Sequence[StatementLine], *, booked_too: bool) -> None:
        self._by: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        self._left: set[int] = set()
        if not lines:
            return
        days = [line.movement.booking_date for line in lines]
        asked = {
            "account": account,
            "booked_too": booked_too,
            "amounts": sorted({line.movement.amount for line in lines}),
            "first": min(days) - NEAR,
            "last": max(days) + NEAR,
        }
        for row in conn.execute(_CANDIDATES, asked).fetchall():
            self._left.add(row["id"])
            for name in _names(row["amount"], row["bank_ref"], row["e2e"], row["value_date"], row["text"]):
                self._by[name].append(row["id"])

    def take(self, line: StatementMovementDraft) -> int | None:
        """The line that is the same: by the bank's reference, else by value date and the payer's, or the text."""
        for name in _names(line.amount, line.bank_ref, line.e2e, line.value_date, line.text):
            for line_id in self._by.get(name, ()):
                if line_id in self._left:
                    self._left.remove(line_id)
                    return line_id
        return None


def _names(amount: int, bank_ref: str | None, e2e: str | None, value_date: Any, text: str) -> list[tuple[Any, ...]]:
    names: list[tuple[Any, ...]] = []
    if bank_ref:
        names.append(("ref", amount, bank_ref))
    if e2e:
        names.append(("e2e", amount, value_date, e2e))
    return [*names, ("text", amount, value_date, plain(text))]


def _row(statement_id: str, account: str, line: StatementLine) -> dict[str, Any]:
    movement = line.movement
    is_booked = movement.standing is EntryStatus.BOOK
    return {
        "statement": statement_id,
        "account": account,
        "key": line.key,
        "content": line.content,
        "entry": movement.entry,
        "booking_date": movement.booking_date,
        "value_date": movement.value_date,
        "amount": movement.amount,
        "status": movement.standing.value,
        "bank_ref": movement.bank_ref,
        "e2e": movement.e2e,
        "text": movement.text,
        "text_norm": normalise.normalise(movement.text).spaced,
        "text_version": normalise.VERSION,
        "reversal": movement.reversal,
        "state": ("new" if movement.amount else "not_fee") if is_booked else "pending",
    }
