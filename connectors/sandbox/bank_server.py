"""A sandbox bank or gateway before its HTTP endpoints: takes transfers, notifies, pays out, executes orders."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

from pydantic import AwareDatetime, Field, StringConstraints

from config.catalogue import Bank
from connectors.clock import now
from connectors.sandbox.bank_behaviours import (
    EXECUTED,
    ORDER_BEHAVIOURS,
    PAID_OUT,
    PAYOUT_BEHAVIOURS,
    TOLD,
    TRANSFER_BEHAVIOURS,
    Booked,
    NotificationBehaviour,
    TransferBehaviour,
)
from connectors.sandbox.bank_ledger import (
    AccountBook,
    BankLedgers,
    BankMovement,
    BankTransfers,
    NotificationCall,
    Paid,
    PaidOut,
)
from connectors.sandbox.bank_notices import LOCAL, BankNotifier, HubAnswer, MovementNotice, keypay_transaction
from connectors.sandbox.runtime_settings import RuntimeControl
from schemas.strict import Strict
from schemas.values import MOST

_Amount = Annotated[int, Field(strict=True, gt=0, le=MOST)]
_Words = Annotated[str, StringConstraints(max_length=500)]
_Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{0,40}$")]


class PayerTransferForm(Strict):
    """Somebody pays. ``account``: None: the first. ``words``: what the payer writes; empty: some with the reference."""

    amount: _Amount
    reference: _Reference = ""
    words: _Words = ""
    account: str | None = None
    at: AwareDatetime | None = None
    """None: now; it may lie in the past"""
    behaviour: str = ""


class Done(Strict):
    """What became of it: the provider's number, the bank's (if it is on an account), and the hub's answers."""

    txn: str
    ref: str
    amount: int
    answers: list[int]


class TakeBack(Strict):
    """Take the credit with this number of the bank back."""

    ref: str


class BankOrderForm(Strict):
    """A payment order of ours."""

    reference: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[0-9]{1,12}$")]
    amount: _Amount
    account: str | None = None
    words: _Words = ""
    behaviour: str = "executed"


class PayoutForm(Strict):
    """Pay what was collected into our account. ``charge_bp``: what is kept of each payment, in basis points."""

    account: str | None = None
    charge_bp: Annotated[int, Field(ge=0, le=10_000)] = 0
    behaviour: str = "paid-out"


class ReportItem(Strict):
    """A payment of a payout."""

    provider_txn: str
    amount: int
    charge: int


class PayoutReportForm(Strict):
    """What a payout is made of, as ``hub fee match payout`` takes it."""

    provider: str
    report: str
    account: str
    day: date
    items: list[ReportItem]

    @property
    def net(self) -> int:
        return sum(item.amount - item.charge for item in self.items)


class StatementForm(Strict):
    """A statement up to the end of ``day`` (None: today). ``format``: None: the first that the bank writes."""

    account: str | None = None
    day: date | None = None
    format: str | None = None
    behaviour: str = "right"


class LaidOut(Strict):
    """A statement: its file's name, what it comes to, how many lines it has."""

    name: str
    opening: int
    closing: int
    lines: int


WATCHERS: Final = frozenset({"payos", "casso", "sepay"})
"""Dialects of services that watch an account at a bank; any other without accounts collects, and pays out later."""
BEHAVIOURS: Final[Mapping[str, TransferBehaviour]] = {behaviour.name: behaviour for behaviour in TRANSFER_BEHAVIOURS}
OFF_BY: Final = 1_000
"""đồng by which an order or a payout is wrong"""
WHOLE: Final = 10_000
"""basis points"""
_DATED: Final = len("FTyyjjj")
"""characters of a bank's number before the part that counts on"""


class CannotDo(ValueError):
    """It was asked for something that it does not do; the message says what."""


class BankServer:
    """One bank or gateway. ``notifier`` is None for one that tells nothing by itself."""

    def __init__(
        self, bank: Bank, books: BankLedgers, data: Path, runtime: RuntimeControl, notifier: BankNotifier | None
    ) -> None:
        self.bank = bank
        self._books = books
        self._runtime = runtime
        self._notifier = notifier
        self._transfers = BankTransfers(data / f"{bank.counterparty}.jsonl")
        dialect = bank.notifications.dialect if bank.notifications else ""
        self._books_at_once = bool(bank.accounts) or dialect in WATCHERS
        self.accounts = [account.number for account in bank.accounts] or bank.notified
        for paid in self._transfers.paid:
            if paid.ref and paid.account in self.accounts:
                # What was told and never booked stands in no book, and its number must not come again.
                books.of(paid.account).used(int(paid.ref[_DATED:]))

    def book(self, account: str | None = None) -> AccountBook:
        """Of one of its accounts, or of the first. Raises CannotDo."""
        number = account or self.accounts[0]
        if number not in self.accounts:
            raise CannotDo(f"{self.bank.code} has nothing to do with that account")
        return self._books.of(number)

    def notification_calls(self) -> list[NotificationCall]:
        return self._transfers.notification_calls

    def paid(self) -> list[Paid]:
        return self._transfers.paid

    async def transfer(self, form: PayerTransferForm) -> list[Done]:
        """Somebody pays. Raises CannotDo, OSError."""
        behaviour = self._behaviour(self._runtime.settings.transfer_behaviour or form.behaviour)
        book = self.book(form.account)
        times = 2 if behaviour.booked is Booked.TWICE else 1
        return [await self._transfer(form, behaviour, book) for _ in range(times)]

    async def notify_held(self) -> int:
        """Tell now what was held back or lost; how many."""
        held = self._transfers.unnotified()
        for paid in held:
            await self._notify(paid, NotificationBehaviour.ONCE)
        return len(held)

    async def take_back(self, ref: str) -> BankMovement:
        """The bank takes a credit back. Raises CannotDo."""
        for account in self.accounts:
            entry = self._books.of(account).entry_of(ref)
            if entry is not None and entry.amount > 0:
                return await self._enter(
                    self._books.of(account), now(), -entry.amount, f"DAO BUT TOAN {ref}", ref=ref, reversal=True
                )
        raise CannotDo(f"no credit has the number {ref}")

    async def pay_out(self, form: PayoutForm) -> PayoutReportForm:
        """A gateway pays what it has collected into our account; its report. Raises CannotDo."""
        if self._books_at_once:
            raise CannotDo(f"{self.bank.code} collects nothing of its own")
        if form.behaviour not in {behaviour.name for behaviour in PAYOUT_BEHAVIOURS}:
            raise CannotDo(f"no payout has the behaviour {form.behaviour}")
        book = self.book(form.account)
        paid = [
            one for one in self._transfers.unpaid(book.account) if BEHAVIOURS[one.behaviour].booked is not Booked.NEVER
        ]
        if not paid:
            raise CannotDo(f"{self.bank.code} has collected nothing that is not paid out")
        day = _local(now()).date()
        name = f"{self.bank.code.upper()}-{day:%Y%m%d}-{len(self._transfers.paid_out) + 1:03}"
        items = [
            ReportItem(provider_txn=one.name, amount=one.amount, charge=one.amount * form.charge_bp // WHOLE)
            for one in paid
        ]
        report = PayoutReportForm(provider=self.bank.code, report=name, account=book.account, day=day, items=items)
        await self._transfers.append(PaidOut(report=name, txns=[one.txn for one in paid]))
        off = 0 if form.behaviour == PAID_OUT else OFF_BY
        await self._enter(book, now(), report.net - off, f"{name} THANH TOAN DVC")
        return report

    async def execute(self, order: BankOrderForm) -> list[BankMovement]:
        """A payment order of ours; once for each reference. Raises CannotDo."""
        if order.behaviour not in {behaviour.name for behaviour in ORDER_BEHAVIOURS}:
            raise CannotDo(f"no order has the behaviour {order.behaviour}")
        book = self.book(order.account)
        if any(entry.reference == order.reference for entry in book.entries):
            raise CannotDo(f"{order.reference} was executed before")
        if order.behaviour == "never":
            return []
        amount = order.amount + (OFF_BY if order.behaviour == "other-amount" else 0)
        if amount > book.balance:
            raise CannotDo(f"the account has {book.balance} đ")
        words = f"{order.reference} {order.words}".strip()
        entries = [await self._enter(book, now(), -amount, words, reference=order.reference)]
        if order.behaviour not in (EXECUTED, "other-amount"):
            entries.append(await self._enter(book, now(), amount, f"HOAN TRA LENH {order.reference}"))
        return entries

    def close(self) -> None:
        self._transfers.close()
        if self._notifier is not None:
            self._notifier.close()

    def _behaviour(self, name: str) -> TransferBehaviour:
        behaviour = BEHAVIOURS.get(name or TOLD.name)
        if behaviour is None:
            raise CannotDo(f"no transfer has the behaviour {name}")
        if behaviour.booked is Booked.TAKEN_BACK and not self._books_at_once:
            raise CannotDo(f"{self.bank.code} collects, and takes nothing back from our account")
        return behaviour

    async def _transfer(self, form: PayerTransferForm, behaviour: TransferBehaviour, book: AccountBook) -> Done:
        at = _local(form.at or now())
        reference = _cut(form.reference) if behaviour.cut else form.reference
        words = form.words.replace(form.reference, reference) if form.words else f"{reference} NOP PHI"
        ref = _ref(at, book.number()) if self._books_at_once else ""
        txn = f"{at:%y%m%d}{self._transfers.number():06}"
        notice = self._notice(txn, form.amount, reference, words, at, book.account, ref)
        name = keypay_transaction(notice) if self._dialect == "keypay" else txn
        paid = Paid(
            txn=txn,
            name=name,
            at=at,
            account=book.account,
            amount=form.amount,
            reference=reference,
            words=words,
            ref=ref,
            behaviour=behaviour.name,
        )
        if self._books_at_once and behaviour.booked is not Booked.NEVER:
            late = timedelta(days=behaviour.booked is Booked.NEXT_DAY)
            await self._enter(book, at, form.amount, words, ref=ref, day=at.date() + late)
        await self._transfers.append(paid)
        answers = [] if self._runtime.settings.lose_notifications else await self._notify(paid, behaviour.telling)
        if behaviour.booked is Booked.TAKEN_BACK:
            await self.take_back(ref)
        return Done(txn=txn, ref=ref, amount=form.amount, answers=[answer.status for answer in answers])

    @property
    def _dialect(self) -> str:
        return self._notifier.terms.dialect if self._notifier else ""

    async def _notify(self, paid: Paid, telling: NotificationBehaviour) -> list[HubAnswer]:
        if self._notifier is None:
            return []
        notice = self._notice(
            paid.txn, paid.amount, paid.reference, paid.words, _local(paid.at), paid.account, paid.ref
        )
        answers = await self._notifier.notify(notice, telling)
        for answer in answers:
            await self._transfers.append(
                NotificationCall(at=now(), txn=paid.txn, status=answer.status, body=answer.body)
            )
        return answers

    def _notice(
        self, txn: str, amount: int, reference: str, words: str, at: datetime, account: str, ref: str
    ) -> MovementNotice:
        terms = self._notifier.terms if self._notifier else None
        return MovementNotice(
            txn=txn,
            amount=amount,
            reference=reference,
            at=at,
            account=account,
            merchant=(terms.merchant or "") if terms else "",
            words=words,
            bank_ref=ref,
            access_key=self._notifier.access_key if self._notifier else "",
        )

    async def _enter(
        self,
        book: AccountBook,
        at: datetime,
        amount: int,
        words: str,
        *,
        ref: str = "",
        day: date | None = None,
        reversal: bool = False,
        reference: str | None = None,
    ) -> BankMovement:
        number = book.number()
        entry = BankMovement(
            number=number,
            at=at,
            account=book.account,
            day=day or _local(at).date(),
            amount=amount,
            words=words,
            ref=ref or _ref(at, number),
            by=self.bank.counterparty,
            reversal=reversal,
            reference=reference,
        )
        await book.append(entry)
        return entry


def _ref(at: datetime, number: int) -> str:
    """The bank's own number of a movement."""
    return f"FT{_local(at):%y%j}{number:08}"


def _local(at: datetime) -> datetime:
    return at.astimezone(LOCAL)


def _cut(reference: str) -> str:
    return reference[: len(reference) // 2]
