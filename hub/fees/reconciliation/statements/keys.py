"""By what a line is known again: the bank's own reference where it has proved to be one, else what the line says.

A download that overlaps an earlier one tells the same lines again, and they are the same lines; two payers who each pay
50,000 on one day in the same words are two. So identical lines are counted, and their ordinal is part of the key.
"""

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from hub.fees.reconciliation.statements.model import StatementMovementDraft
from schemas.statement import Statement


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
