"""The postings of the book: each thing that happens to money, and the entry that it is. Pure; book.post writes them.

``owed`` is what is booked to departments by it, ``over`` what was paid too much; either may be nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

from hub.fees.ledger.entry import LedgerAccount, LedgerEntry, LedgerLine, Origin, Share


def notified(origin: Origin, payment: str, owed: Sequence[Share], over: int = 0, unidentified: int = 0) -> LedgerEntry:
    """An authenticated notification: the money is on its way."""
    credit = [*_owed(owed), *_item(LedgerAccount.OVERPAID, payment, cr=over)]
    credit += _item(LedgerAccount.UNIDENTIFIED, payment, cr=unidentified)
    amount = sum(line.cr for line in credit)
    return LedgerEntry("notified", origin, (*_item(LedgerAccount.IN_TRANSIT, payment, dr=amount), *credit))


def on_statement(origin: Origin, payment: str, amount: int) -> LedgerEntry:
    """The statement shows what a notification had announced."""
    return LedgerEntry("on_statement", origin, (_bank(dr=amount), *_item(LedgerAccount.IN_TRANSIT, payment, cr=amount)))


def identified(origin: Origin, item: str, owed: Sequence[Share], over: int = 0) -> LedgerEntry:
    """A statement line without a notification, for demands that are known. ``item``: what an overpayment came by."""
    credit = [*_owed(owed), *_item(LedgerAccount.OVERPAID, item, cr=over)]
    return LedgerEntry("identified", origin, (_bank(dr=sum(line.cr for line in credit)), *credit))


def unidentified(origin: Origin, item: str, amount: int) -> LedgerEntry:
    """A statement line of which nobody knows yet what it is for."""
    return LedgerEntry("unidentified", origin, (_bank(dr=amount), *_item(LedgerAccount.UNIDENTIFIED, item, cr=amount)))


def identified_later(origin: Origin, item: str, owed: Sequence[Share], over: int = 0) -> LedgerEntry:
    """What was unidentified has found its demands."""
    credit = [*_owed(owed), *_item(LedgerAccount.OVERPAID, item, cr=over)]
    amount = sum(line.cr for line in credit)
    return LedgerEntry("identified_later", origin, (*_item(LedgerAccount.UNIDENTIFIED, item, dr=amount), *credit))


def overpaid(origin: Origin, item: str, amount: int, payment: str | None = None) -> LedgerEntry:
    """All of it is too much: the demand was paid already. ``payment``: it was notified only."""
    money = _item(LedgerAccount.IN_TRANSIT, payment, dr=amount) if payment else [_bank(dr=amount)]
    return LedgerEntry("overpaid", origin, (*money, *_item(LedgerAccount.OVERPAID, item, cr=amount)))


def unconfirmed(
    origin: Origin, payment: str, owed: Sequence[Share], over: int = 0, unidentified: int = 0
) -> LedgerEntry:
    """No statement ever showed what was notified: ``notified`` is taken back, by two persons."""
    debit = [*_owed(owed, debit=True), *_item(LedgerAccount.OVERPAID, payment, dr=over)]
    debit += _item(LedgerAccount.UNIDENTIFIED, payment, dr=unidentified)
    amount = sum(line.dr for line in debit)
    return LedgerEntry("unconfirmed", origin, (*debit, *_item(LedgerAccount.IN_TRANSIT, payment, cr=amount)))


def gateway_net(origin: Origin, payments: Sequence[tuple[str, int]], charge: int) -> LedgerEntry:
    """A gateway pays many notified payments at once, less its charge. ``payments``: each with its amount."""
    total = sum(amount for _, amount in payments)
    charges = [LedgerLine(LedgerAccount.CHARGES, dr=charge)] if charge else []
    transit = [line for payment, amount in payments for line in _item(LedgerAccount.IN_TRANSIT, payment, cr=amount)]
    return LedgerEntry("gateway_net", origin, (_bank(dr=total - charge), *charges, *transit))


def refund_ordered(
    origin: Origin, refund: str, owed: Sequence[Share] = (), overpaid: Sequence[tuple[str, int]] = ()
) -> LedgerEntry:
    """Money is to go back: what departments would have had, or overpayments (each with its item)."""
    debit = _owed(owed, debit=True)
    debit += [line for item, amount in overpaid for line in _item(LedgerAccount.OVERPAID, item, dr=amount)]
    amount = sum(line.dr for line in debit)
    return LedgerEntry("refund_ordered", origin, (*debit, *_item(LedgerAccount.REFUNDS, refund, cr=amount)))


def refund_of_unidentified(origin: Origin, refund: str, item: str, amount: int) -> LedgerEntry:
    """Money that nobody could place is to go back to its sender."""
    debit = _item(LedgerAccount.UNIDENTIFIED, item, dr=amount)
    return LedgerEntry("refund_ordered", origin, (*debit, *_item(LedgerAccount.REFUNDS, refund, cr=amount)))


def refund_line(origin: Origin, refund: str, amount: int) -> LedgerEntry:
    """The statement shows the refund."""
    return LedgerEntry("refund_line", origin, (*_item(LedgerAccount.REFUNDS, refund, dr=amount), _bank(cr=amount)))


def refund_returned(origin: Origin, refund: str, amount: int) -> LedgerEntry:
    """The refund came back: it is owed again."""
    return LedgerEntry("refund_returned", origin, (_bank(dr=amount), *_item(LedgerAccount.REFUNDS, refund, cr=amount)))


def reversal(
    origin: Origin, owed: Sequence[Share], payment: str = "", over: int = 0, unidentified: int = 0
) -> LedgerEntry:
    """The bank takes a credit back, wherever it stood."""
    debit = _from_wherever(owed, payment, over, unidentified)
    return LedgerEntry("reversal", origin, (*debit, _bank(cr=sum(line.dr for line in debit))))


def chargeback(origin: Origin, owed: Sequence[Share]) -> LedgerEntry:
    """Charged back before the department had the money."""
    debit = _owed(owed, debit=True)
    return LedgerEntry("chargeback", origin, (*debit, _bank(cr=sum(line.dr for line in debit))))


def chargeback_after_transfer(origin: Origin, payment: str, amount: int) -> LedgerEntry:
    """Charged back after the department had the money: it has to give it back."""
    return LedgerEntry("chargeback", origin, (*_item(LedgerAccount.CHARGEBACK, payment, dr=amount), _bank(cr=amount)))


def recovered(
    origin: Origin, item: str, owed: Sequence[Share], payment: str = "", over: int = 0, unidentified: int = 0
) -> LedgerEntry:
    """What was charged back is kept from those who have it: the department, or wherever the money stands."""
    debit = _from_wherever(owed, payment, over, unidentified)
    amount = sum(line.dr for line in debit)
    return LedgerEntry("recovered", origin, (*debit, *_item(LedgerAccount.CHARGEBACK, item, cr=amount)))


def moved(origin: Origin, payment: str, away: Sequence[Share], to: Sequence[Share]) -> LedgerEntry:
    """From the wrong dossier to the right one, by two persons. Both sides name the payment whose money it is."""
    lines = (*_owed(away, debit=True), *_owed(to))
    return LedgerEntry("moved", origin, tuple(replace(line, item=payment) for line in lines))


def allocated(origin: Origin, item: str, owed: Sequence[Share]) -> LedgerEntry:
    """What was paid too much counts for another demand, as its payer wished."""
    amount = sum(share.amount for share in owed)
    return LedgerEntry("allocated", origin, (*_item(LedgerAccount.OVERPAID, item, dr=amount), *_owed(owed)))


def found_notified(origin: Origin, item: str, payments: Sequence[tuple[str, int]], charge: int = 0) -> LedgerEntry:
    """What was unidentified (``item``) is what was notified; less a charge where a gateway has paid it out."""
    transit = [line for payment, amount in payments for line in _item(LedgerAccount.IN_TRANSIT, payment, cr=amount)]
    came = sum(amount for _, amount in payments) - charge
    charges = [LedgerLine(LedgerAccount.CHARGES, dr=charge)] if charge else []
    return LedgerEntry(
        "found_notified", origin, (*_item(LedgerAccount.UNIDENTIFIED, item, dr=came), *charges, *transit)
    )


def not_ours(origin: Origin, item: str, amount: int) -> LedgerEntry:
    """What was unidentified has nothing to do with fees: interest, a transfer of our own, another's money."""
    own = LedgerLine(LedgerAccount.OWN, cr=amount)
    return LedgerEntry("not_ours", origin, (*_item(LedgerAccount.UNIDENTIFIED, item, dr=amount), own))


def no_charge(origin: Origin, amount: int) -> LedgerEntry:
    """What was taken for a charge is none, and has nothing to do with fees: a transfer of our own."""
    return LedgerEntry(
        "no_charge", origin, (LedgerLine(LedgerAccount.OWN, dr=amount), LedgerLine(LedgerAccount.CHARGES, cr=amount))
    )


def retained(origin: Origin, shares: Sequence[Share], kind: str = "retained") -> LedgerEntry:
    """The month's share that the Centre keeps; below zero of a fee: it gives back."""
    centre_lines = [
        LedgerLine(
            LedgerAccount.RETAINED,
            dr=max(-share.amount, 0),
            cr=max(share.amount, 0),
            department=share.department,
            fee_code=share.fee_code,
        )
        for share in shares
    ]
    return LedgerEntry(kind, origin, (*_set_off(shares), *centre_lines))


def transferred(origin: Origin, shares: Sequence[Share]) -> LedgerEntry:
    """The month's money has gone to its department: the statement shows it. Below zero of a fee: set off."""
    owed = _set_off(shares)
    return LedgerEntry("transferred", origin, (*owed, _bank(cr=sum(line.dr - line.cr for line in owed))))


def charged(origin: Origin, amount: int) -> LedgerEntry:
    """The bank took its charge."""
    return LedgerEntry("charged", origin, (LedgerLine(LedgerAccount.CHARGES, dr=amount), _bank(cr=amount)))


def not_collected(origin: Origin, amount: int) -> LedgerEntry:
    """A movement that has nothing to do with fees (interest, own transfer); below zero: it went out."""
    bank, own = (_bank(dr=amount), LedgerLine(LedgerAccount.OWN, cr=amount)) if amount > 0 else _out(-amount)
    return LedgerEntry("not_collected", origin, (bank, own))


def opening(origin: Origin, amount: int) -> LedgerEntry:
    """What was on the account before its first statement here; below zero: it was overdrawn."""
    return LedgerEntry("opening", origin, not_collected(origin, amount).lines)


def mirrored(entry: LedgerEntry, kind: str, origin: Origin) -> LedgerEntry:
    """``entry`` taken back in full: nothing is ever deleted."""
    lines = (
        LedgerLine(line.account, line.cr, line.dr, line.department, line.fee_code, line.demand_id, line.item)
        for line in entry.lines
    )
    return LedgerEntry(kind, origin, tuple(lines))


def _out(amount: int) -> tuple[LedgerLine, LedgerLine]:
    return LedgerLine(LedgerAccount.OWN, dr=amount), _bank(cr=amount)


def _bank(*, dr: int = 0, cr: int = 0) -> LedgerLine:
    return LedgerLine(LedgerAccount.BANK, dr=dr, cr=cr)


def _owed(shares: Sequence[Share], *, debit: bool = False) -> list[LedgerLine]:
    return [
        LedgerLine(
            LedgerAccount.PAYABLE,
            dr=share.amount if debit else 0,
            cr=0 if debit else share.amount,
            department=share.department,
            fee_code=share.fee_code,
            demand_id=share.demand_id,
        )
        for share in shares
        if share.amount
    ]


def _set_off(shares: Sequence[Share]) -> list[LedgerLine]:
    """331 debited with ``shares``, and credited with those below zero."""
    away = [Share(one.department, one.fee_code, -one.amount, one.demand_id) for one in shares if one.amount < 0]
    return [*_owed([one for one in shares if one.amount > 0], debit=True), *_owed(away)]


def _from_wherever(owed: Sequence[Share], payment: str, over: int, unidentified: int) -> list[LedgerLine]:
    return [
        *_owed(owed, debit=True),
        *_item(LedgerAccount.OVERPAID, payment, dr=over),
        *_item(LedgerAccount.UNIDENTIFIED, payment, dr=unidentified),
    ]


def _item(account: LedgerAccount, item: str, *, dr: int = 0, cr: int = 0) -> list[LedgerLine]:
    return [LedgerLine(account, dr=dr, cr=cr, item=item)] if dr or cr else []
