"""What a sandbox bank or gateway has been paid through it, what it has told, and what it has paid out. Durable."""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from connectors.sandbox.effects import DurableLines
from schemas.strict import Strict

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
    fate: str


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


_LINE: TypeAdapter[Paid | NotificationCall | PaidOut] = TypeAdapter(
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
            self._enter(_LINE.validate_json(text))

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
