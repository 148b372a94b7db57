"""A sandbox bank's durable books: movements and statements of each account; payments, notifications and payouts.

Every line is on the disk before anybody hears of it, so that a restart goes on where the bank stood.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from connectors.sandbox.bank_statements import StatementMovement, StatementText
from connectors.sandbox.effects import DurableLines
from schemas.strict import Strict


class BankMovement(Strict):
    """A movement. ``amount``: below zero it left the account. ``by``: through whom it came (counterparty)."""

    type: Literal["entry"] = "entry"
    number: int
    at: AwareDatetime
    account: str
    day: date
    amount: int
    words: str
    ref: str
    """the bank's own number; a reversal has that of what it takes back"""
    by: str
    reversal: bool = False
    reference: str | None = None
    """of a payment order of ours, as we gave it"""

    @property
    def move(self) -> StatementMovement:
        e2e = self.reference if self.amount < 0 else None
        return StatementMovement(self.amount, self.words, self.day, ref=self.ref, e2e=e2e, reversal=self.reversal)


class LedgerStatement(Strict):
    """A statement: the entries behind those of the one before it, up to a day's end."""

    type: Literal["statement"] = "statement"
    number: int
    first: date
    day: date
    opening: int
    entries: list[int]
    name: str
    format: str


_LINE: TypeAdapter[BankMovement | LedgerStatement] = TypeAdapter(
    Annotated[BankMovement | LedgerStatement, Field(discriminator="type")]
)


class AccountBook:
    """One account. Nothing in it is ever changed."""

    def __init__(self, path: Path, account: str) -> None:
        self.account = account
        self._lines = DurableLines(path)
        self.entries: list[BankMovement] = []
        self.statements: list[LedgerStatement] = []
        self._numbers = 0
        for text in self._lines.loaded:
            self._enter(_LINE.validate_json(text))

    @property
    def balance(self) -> int:
        return sum(entry.amount for entry in self.entries)

    def number(self) -> int:
        """One that no entry has had, here or before a restart."""
        self._numbers += 1
        return self._numbers

    def used(self, number: int) -> None:
        """This number was given to something that never came onto the account."""
        self._numbers = max(self._numbers, number)

    async def append(self, line: BankMovement | LedgerStatement) -> None:
        """Returns when it is on the disk. Raises OSError."""
        await self._lines.append(line.model_dump_json())
        self._enter(line)

    def entry_of(self, ref: str) -> BankMovement | None:
        """The entry with the bank's number ``ref`` that is no reversal."""
        return next((entry for entry in self.entries if entry.ref == ref and not entry.reversal), None)

    def next_statement(self, day: date, name: str, format_: str) -> LedgerStatement:
        """What a statement up to the end of ``day`` would be: the entries that are on none yet."""
        listed = {number for statement in self.statements for number in statement.entries}
        fresh = [entry for entry in self.entries if entry.number not in listed and entry.day <= day]
        before = self.statements[-1].day if self.statements else day - timedelta(days=1)
        return LedgerStatement(
            number=len(self.statements) + 1,
            first=min([day, before + timedelta(days=1), *(entry.day for entry in fresh)]),
            day=max(day, before),
            opening=sum(entry.amount for entry in self.entries if entry.number in listed),
            entries=[entry.number for entry in fresh],
            name=name,
            format=format_,
        )

    def text_of(self, statement: LedgerStatement) -> StatementText:
        """The statement in words."""
        by_number: Mapping[int, BankMovement] = {entry.number: entry for entry in self.entries}
        return StatementText(
            moves=[by_number[number].move for number in statement.entries],
            opening=statement.opening,
            day=statement.day,
            first=statement.first,
            account=self.account,
            id=str(statement.number),
            sequence=statement.number,
        )

    def close(self) -> None:
        self._lines.close()

    def _enter(self, line: BankMovement | LedgerStatement) -> None:
        if isinstance(line, BankMovement):
            self.entries.append(line)
            self.used(line.number)
        else:
            self.statements.append(line)


class BankLedgers:
    """The accounts of all banks of one sandbox: gateways pay into accounts at other banks."""

    def __init__(self, folder: Path, accounts: Sequence[str]) -> None:
        self._folder = folder
        self._accounts = frozenset(accounts)
        self._books: dict[str, AccountBook] = {}

    def of(self, account: str) -> AccountBook:
        """Raises KeyError for an account that no bank of the catalogue has."""
        if account not in self._accounts:
            raise KeyError(account)
        if account not in self._books:
            self._books[account] = AccountBook(self._folder / f"{account}.jsonl", account)
        return self._books[account]

    def close(self, accounts: Sequence[str]) -> None:
        for account in accounts:
            if account in self._books:
                self._books.pop(account).close()


_DAY: Final = 6
"""digits of a provider's number that say the day; the rest counts on"""


class Paid(Strict):
    """A payment through this provider."""

    type: Literal["paid"] = "paid"
    txn: str
    """the provider's number of it"""
    name: str
    """what the hub calls it: the number as the provider's dialect says it"""
    at: AwareDatetime
    account: str
    amount: int
    reference: str
    words: str
    ref: str
    """the bank's number, where the movement is on the bank's book"""
    behaviour: str


class NotificationCall(Strict):
    """One call of the hub's notification endpoint and the answer; status 0: none."""

    type: Literal["told"] = "told"
    at: AwareDatetime
    txn: str
    status: int
    body: str


class PaidOut(Strict):
    """A gateway has paid into our account what it had collected."""

    type: Literal["paid_out"] = "paid_out"
    report: str
    txns: list[str]


_TRANSFER_LINE: TypeAdapter[Paid | NotificationCall | PaidOut] = TypeAdapter(
    Annotated[Paid | NotificationCall | PaidOut, Field(discriminator="type")]
)


class BankTransfers:
    """One provider's."""

    def __init__(self, path: Path) -> None:
        self._lines = DurableLines(path)
        self.paid: list[Paid] = []
        self.notification_calls: list[NotificationCall] = []
        self.paid_out: list[PaidOut] = []
        self._numbers = 0
        for text in self._lines.loaded:
            self._enter(_TRANSFER_LINE.validate_json(text))

    def number(self) -> int:
        """One that no payment has had, here or before a restart."""
        self._numbers += 1
        return self._numbers

    async def append(self, line: Paid | NotificationCall | PaidOut) -> None:
        """Returns when it is on the disk. Raises OSError."""
        await self._lines.append(line.model_dump_json())
        self._enter(line)

    def unnotified(self) -> list[Paid]:
        """Of what nobody has been told anything."""
        notified = {one.txn for one in self.notification_calls}
        return [paid for paid in self.paid if paid.txn not in notified]

    def unpaid(self, account: str) -> list[Paid]:
        """What was collected for ``account`` and has not been paid into it."""
        gone = {txn for out in self.paid_out for txn in out.txns}
        return [paid for paid in self.paid if paid.account == account and not paid.ref and paid.txn not in gone]

    def close(self) -> None:
        self._lines.close()

    def _enter(self, line: Paid | NotificationCall | PaidOut) -> None:
        match line:
            case Paid():
                self.paid.append(line)
                self._numbers = max(self._numbers, int(line.txn[_DAY:]))
            case NotificationCall():
                self.notification_calls.append(line)
            case PaidOut():
                self.paid_out.append(line)
