"""MT940 and MT942 (SWIFT category 9), by the library mt-940 with all of its options.

Its defaults count the reversal of a credit as income and cut long details; ``parse`` makes one statement of several.
Before it reads, mt940_lines has seen to it that every line has a place; afterwards its entries are counted again.
https://www2.swift.com/knowledgecentre/publications/us9m_20240719
"""

import io
import logging
import re
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import mt940
from pydantic import ValidationError

from config.statements import Mt940
from connectors.banks.statements.amounts import places
from connectors.banks.statements.mt940_lines import Line61, Mt940Message, messages
from connectors.banks.statements.pages import Mt940Page, joined
from connectors.banks.statements.text import text_of
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

# What it cannot match it writes to its log, and that is what people wrote.
logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)

_STRUCTURED: Final = re.compile(r"[0-9]{3}\?[0-9]{2}")
_FIELD: Final = re.compile(r"\?([0-9]{2})")
_PURPOSE: Final = re.compile(r"2[0-9]|6[0-3]")
_NUMBER: Final = re.compile(r"([0-9]{1,5})(?:/([0-9]{1,5}))?")


def read(raw: bytes, profile: Mt940) -> Iterator[Portion]:
    """The statements in ``raw``, pages of one put together. Raises UnreadableFile."""
    tags: dict[int | str, Any] = {}
    if profile.dialect == "long-reference":
        relaxed = mt940.tags.StatementGLS()
        tags = {relaxed.id: relaxed}
    for one in joined(_page(message, tags) for message in messages(text_of(raw, profile.encoding), profile)):
        yield Portion(Head(**{name: getattr(one, name) for name in Head.model_fields}), iter(one.entries))


def _page(message: Mt940Message, tags: dict[int | str, Any]) -> Mt940Page:
    parsed = _parsed(message, tags)
    number = int(parsed.data.get("sequence_number") or 1)
    return Mt940Page(_statement(message, parsed), number, "60M" in message.tags, "62M" in message.tags)


def _statement(message: Mt940Message, parsed: Any) -> Statement:
    if len(parsed) != len(message.entries):
        raise UnreadableFile(
            StatementCode.UNPARSABLE, "the message has entries that cannot be told apart", message.number
        )
    try:
        head = _head(message, parsed.data, parsed.currency)
        entries = [_entry(one, line, head) for one, line in zip(parsed, message.entries, strict=True)]
        if head.kind is EntryKind.INTERIM and entries:
            first = min(entry.booking_date for entry in entries)
            head = head.model_copy(update={"from_date": min(first, head.to_date)})
        return Statement(**dict(head), entries=tuple(entries))
    except ValidationError as error:
        raise misfit(error, message.number) from None


def _parsed(message: Mt940Message, tags: dict[int | str, Any]) -> Any:
    try:
        source = io.StringIO("\n".join(message.lines))
        (parsed,) = mt940.parse_statements(source, tags=tags, options=mt940.Options.all())
    except (RuntimeError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError):
        raise UnreadableFile(
            StatementCode.UNPARSABLE, "a tag of the message does not read as SWIFT has it", message.number
        ) from None
    return parsed


def _head(message: Mt940Message, data: dict[str, Any], told: str | None) -> Head:
    opening = data.get("final_opening_balance") or data.get("intermediate_opening_balance")
    closing = data.get("final_closing_balance") or data.get("intermediate_closing_balance")
    kind = EntryKind.INTERIM if "34F" in message.tags and not (opening or closing) else EntryKind.STATEMENT
    match = _NUMBER.fullmatch(data.get("statement_number") or "")
    if match is None or not data.get("account_identification"):
        raise UnreadableFile(StatementCode.UNPARSABLE, "the message names no account or no number", message.number)
    if kind is EntryKind.STATEMENT and not (opening and closing):
        raise UnreadableFile(
            StatementCode.UNPARSABLE, "the message has no opening or no closing balance", message.number
        )
    page = data.get("sequence_number")
    made = data.get("date")
    first, last = (opening.date if opening else made), (closing.date if closing else made)
    if first is None or last is None:
        raise UnreadableFile(
            StatementCode.UNPARSABLE, "the message says nowhere which day it is of (13D)", message.number
        )
    currency = told or ""
    if closing and closing.amount.currency != currency:
        raise UnreadableFile(StatementCode.WRONG_CURRENCY, "the balances are in two currencies", message.number)
    return Head(
        kind=kind,
        line=message.number,
        account=str(data["account_identification"]).strip(),
        bank_id=f"{match[1]}/{page}" if page else match[1],
        sequence=int(match[1]),
        currency=currency,
        from_date=_day(first),
        to_date=_day(last),
        opening=_units(opening.amount, currency, message.number) if opening else None,
        closing=_units(closing.amount, currency, message.number) if closing else None,
        totals=_totals(data, currency, message.number),
    )


def _totals(data: dict[str, Any], currency: str, line: int) -> Totals:
    credit, debit = data.get("sum_credit_entries"), data.get("sum_debit_entries")
    return Totals(
        credits=int(credit.number) if credit else None,
        credit_sum=_units(credit, currency, line) if credit else None,
        debits=int(debit.number) if debit else None,
        debit_sum=-_units(debit, currency, line) if debit else None,
    )


def _entry(parsed: Any, said: Line61, head: Head) -> StatementEntry:
    data = parsed.data
    value = _day(data["date"])
    # Without an entry date it was booked on one of the statement's days: that of its value, brought within them.
    booked = _day(data["entry_date"]) if said.has_entry_date else value
    if not said.has_entry_date and head.kind is EntryKind.STATEMENT:
        booked = max(head.from_date, min(value, head.to_date))
    return StatementEntry(
        line=said.number,
        booking_date=booked,
        value_date=value,
        amount=_units(data["amount"], head.currency, said.number),
        bank_ref=reference(said.bank_ref),
        e2e=reference(said.own_ref),
        text=_text(said),
        reversal=data["status"].startswith("R"),
    )


def _text(said: Line61) -> str:
    """Details as they stand, line breaks and all: SWIFT breaks words in the middle. Structured ones without marks."""
    details = said.details
    if _STRUCTURED.match(details):
        _, *parts = _FIELD.split(details.replace("\n", ""))
        fields = list(zip(parts[::2], parts[1::2], strict=True))
        purpose = "".join(text for name, text in fields if _PURPOSE.fullmatch(name))
        details = "\n".join([purpose, *(text for name, text in fields if not _PURPOSE.fullmatch(name))])
    return (details + said.extra).strip()


def _units(amount: Any, currency: str, line: int) -> int:
    """The library's Decimal as units of the currency. Raises UnreadableFile if it is none."""
    if amount.currency != currency:
        raise UnreadableFile(StatementCode.WRONG_CURRENCY, f"an amount is not in {currency}", line)
    digits = places(currency)
    scaled = amount.amount.scaleb(digits) if digits else amount.amount
    units = int(scaled)
    if units != scaled:
        raise UnreadableFile(StatementCode.UNPARSABLE, f"an amount has a fraction that {currency} does not have", line)
    return units


def _day(found: date) -> date:
    return date(found.year, found.month, found.day)
