"""MT940 and MT942 (SWIFT category 9): statements out of messages, whose lines mt940_lines has told apart.

https://www2.swift.com/knowledgecentre/publications/us9m_20240719
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from pydantic import ValidationError

from config.statements import Mt940
from connectors.banks.statements import amounts
from connectors.banks.statements.amounts import text_of
from connectors.banks.statements.mt940_lines import BALANCE, FLOOR_LIMIT, MADE, SUM, Line61, Mt940Message, messages
from schemas.statement import (
    EntryKind,
    Head,
    Portion,
    Statement,
    StatementCode,
    StatementEntry,
    Totals,
    UnreadableFile,
    misfit,
    reference,
)

_STRUCTURED: Final = re.compile(r"[0-9]{3}\?[0-9]{2}")
_FIELD: Final = re.compile(r"\?([0-9]{2})")
_PURPOSE: Final = re.compile(r"2[0-9]|6[0-3]")
_NUMBER: Final = re.compile(r"(?P<statement>[0-9]{1,5})(?:/(?P<page>[0-9]{1,5}))?")
_TURN_OF_THE_YEAR: Final = 330
"""days between value and entry date (which has no year) from which they lie in different years"""


@dataclass(frozen=True, slots=True)
class _Balance:
    day: date
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class Mt940Page:
    """A statement, or a page of one: whether its opening balance was carried in, its closing one is carried on."""

    statement: Statement
    number: int
    carried_in: bool
    carried_on: bool


def _joined(pages: Iterable[Mt940Page]) -> Iterator[Statement]:
    """Statements. One whose pages are not all there says that it is not whole.

    Raises UnreadableFile where a page does not go on from the one before it.
    """
    before: Mt940Page | None = None
    for page in pages:
        if before is not None and _goes_on(before, page):
            before = _together(before, page)
            continue
        if before is not None:
            yield _marked(before)
        before = page
    if before is not None:
        yield _marked(before)


def _goes_on(before: Mt940Page, page: Mt940Page) -> bool:
    first, second = before.statement, page.statement
    same = (first.account, first.sequence, first.kind) == (second.account, second.sequence, second.kind)
    return same and before.carried_on and page.carried_in


def _together(before: Mt940Page, page: Mt940Page) -> Mt940Page:
    first, second = before.statement, page.statement
    if first.closing != second.opening or page.number != before.number + 1 or first.currency != second.currency:
        sentence = "a page does not go on from the one before it: its number or the balance carried over differ"
        raise UnreadableFile(StatementCode.CHAIN_BREAK, sentence, second.line)
    whole = first.model_copy(
        update={"to_date": second.to_date, "closing": second.closing, "entries": first.entries + second.entries}
    )
    return Mt940Page(whole, page.number, before.carried_in, page.carried_on)


def _marked(page: Mt940Page) -> Statement:
    return page.statement.model_copy(update={"whole": not (page.carried_in or page.carried_on)})


def read(raw: bytes, profile: Mt940) -> Iterator[Portion]:
    """The statements in ``raw``, pages of one put together. Raises UnreadableFile."""
    for one in _joined(_page(message) for message in messages(text_of(raw, profile.encoding), profile)):
        yield Portion(Head(**{name: getattr(one, name) for name in Head.model_fields}), iter(one.entries))


def _page(message: Mt940Message) -> Mt940Page:
    """MT940 closes a page with 62M and opens the next with 60M."""
    number = _number(message)
    return Mt940Page(_statement(message), int(number["page"] or 1), "60M" in message.fields, "62M" in message.fields)


def _number(message: Mt940Message) -> re.Match[str]:
    match = _NUMBER.fullmatch(_first(message, "28C", "28") or "")
    if match is None or not _first(message, "25", "25P"):
        raise UnreadableFile(StatementCode.UNPARSABLE, "the message names no account or no number", message.number)
    return match


def _first(message: Mt940Message, *tags: str) -> str | None:
    return next((message.fields[tag] for tag in tags if tag in message.fields), None)


def _statement(message: Mt940Message) -> Statement:
    try:
        head = _head(message)
        entries = [_entry(line, head) for line in message.entries]
        if head.kind is EntryKind.INTERIM and entries:
            first = min(entry.booking_date for entry in entries)
            head = head.model_copy(update={"from_date": min(first, head.to_date)})
        return Statement(**dict(head), entries=tuple(entries))
    except ValidationError as error:
        raise misfit(error, message.number) from None


def _head(message: Mt940Message) -> Head:
    opening, closing = _balance(message, "60F", "60M"), _balance(message, "62F", "62M")
    kind = EntryKind.INTERIM if "34F" in message.fields and not (opening or closing) else EntryKind.STATEMENT
    number = _number(message)
    if kind is EntryKind.STATEMENT and not (opening and closing):
        raise UnreadableFile(
            StatementCode.UNPARSABLE, "the message has no opening or no closing balance", message.number
        )
    created = MADE.fullmatch(_first(message, "13D", "13") or "")
    first = opening.day if opening else created and _day(created["day"])
    last = closing.day if closing else created and _day(created["day"])
    if first is None or last is None:
        raise UnreadableFile(
            StatementCode.UNPARSABLE, "the message says nowhere which day it is of (13D)", message.number
        )
    limit = FLOOR_LIMIT.fullmatch(message.fields.get("34F", ""))
    currency = opening.currency if opening else limit["currency"] if limit else ""
    if closing and closing.currency != currency:
        raise UnreadableFile(StatementCode.WRONG_CURRENCY, "the balances are in two currencies", message.number)
    return Head(
        kind=kind,
        line=message.number,
        account=(_first(message, "25", "25P") or "").strip(),
        bank_id=number[0],
        sequence=int(number["statement"]),
        currency=currency,
        from_date=first,
        to_date=last,
        opening=opening.amount if opening else None,
        closing=closing.amount if closing else None,
        totals=_totals(message, currency),
    )


def _balance(message: Mt940Message, *tags: str) -> _Balance | None:
    match = BALANCE.fullmatch(_first(message, *tags) or "")
    if match is None:
        return None
    amount = _units(match["amount"], match["currency"], message.number)
    return _Balance(_day(match["day"]), match["currency"], -amount if match["mark"] == "D" else amount)


def _totals(message: Mt940Message, currency: str) -> Totals:
    """The sums of an MT942; without a sign, debits too."""
    sums: dict[str, tuple[int, int]] = {}
    for tag in ("90C", "90D"):
        if match := SUM.fullmatch(message.fields.get(tag, "")):
            if match["currency"] != currency:
                raise UnreadableFile(StatementCode.WRONG_CURRENCY, f"an amount is not in {currency}", message.number)
            sums[tag] = int(match["number"]), _units(match["amount"], currency, message.number)
    credits_, credit_sum = sums.get("90C", (None, None))
    debits, debit_sum = sums.get("90D", (None, None))
    return Totals(credits=credits_, credit_sum=credit_sum, debits=debits, debit_sum=debit_sum)


def _entry(line: Line61, head: Head) -> StatementEntry:
    value = _day(line.value)
    amount = _units(line.amount, head.currency, line.number)
    return StatementEntry(
        line=line.number,
        booking_date=_booked(line, value, head),
        value_date=value,
        # A credit that is taken back (RC) goes out, a debit that is taken back (RD) comes in.
        amount=amount if line.mark in ("C", "RD") else -amount,
        bank_ref=reference(line.bank_ref),
        e2e=reference(line.own_ref),
        text=_text(line),
        reversal=line.mark.startswith("R"),
    )


def _booked(line: Line61, value: date, head: Head) -> date:
    if line.entry:
        entry = _day(line.value[:2] + line.entry)
        days = (entry - value).days
        year = value.year + (1 if days <= -_TURN_OF_THE_YEAR else -1 if days >= _TURN_OF_THE_YEAR else 0)
        return entry.replace(year=year)
    # Without an entry date it was booked on one of the statement's days: that of its value, brought within them.
    return max(head.from_date, min(value, head.to_date)) if head.kind is EntryKind.STATEMENT else value


def _text(line: Line61) -> str:
    """Details as they stand, line breaks and all: SWIFT breaks words in the middle. Structured ones without marks."""
    details = line.details
    if _STRUCTURED.match(details):
        _, *parts = _FIELD.split(details.replace("\n", ""))
        fields = list(zip(parts[::2], parts[1::2], strict=True))
        purpose = "".join(text for name, text in fields if _PURPOSE.fullmatch(name))
        details = "\n".join([purpose, *(text for name, text in fields if not _PURPOSE.fullmatch(name))])
    return (details + line.extra).strip()


def _units(amount: str, currency: str, line: int) -> int:
    """Units of the currency. Raises UnreadableFile for a fraction that it does not have."""
    whole, _, fraction = amount.partition(",")
    return amounts.units(whole, fraction, currency, line)


def _day(digits: str) -> date:
    """A day that is_day has let pass (YYMMDD); 30 February of a bank with thirty-day months is the month's last."""
    year, month, day = 2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:])
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, 3, 1) - timedelta(days=1)
