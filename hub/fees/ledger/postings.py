"""The postings of the book: each thing that happens to money, and the entry that it is. Pure; book.post writes them.

``owed`` is what is booked to departments by it, ``over`` what was paid too much; either may be nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

from hub.fees.ledger.chart import Account
from hub.fees.ledger.entry import Entry, Line, Origin, Share


def notified(origin: Origin, payment: str, owed: Sequence[Share], over: int = 0, unidentified: int = 0) -> Entry:
    """An authenticated notification: the money is on its way."""
    credit = [*_owed(owed), *_item(Account.OVERPAID, payment, cr=over)]
    credit += _item(Account.UNIDENTIFIED, payment, cr=unidentified)
    amount = sum(line.cr for line in credit)
    return Entry("notified", origin, (*_item(Account.IN_TRANSIT, payment, dr=amount), *credit))


def on_statement(origin: Origin, payment: str, amount: int) -> Entry:
    """The statement shows what a notification had announced."""
    return Entry("on_statement", origin, (_bank(dr=amount), *_item(Account.IN_TRANSIT, payment, cr=amount)))


def identified(origin: Origin, item: str, owed: Sequence[Share], over: int = 0) -> Entry:
    """A statement line without a notification, for demands that are known. ``item``: what an overpayment came by."""
    credit = [*_owed(owed), *_item(Account.OVERPAID, item, cr=over)]
    return Entry("identified", origin, (_bank(dr=sum(line.cr for line in credit)), *credit))


def unidentified(origin: Origin, item: str, amount: int) -> Entry:
    """A statement line of which nobody knows yet what it is for."""
    return Entry("unidentified", origin, (_bank(dr=amount), *_item(Account.UNIDENTIFIED, item, cr=amount)))


def identified_later(origin: Origin, item: str, owed: Sequence[Share], over: int = 0) -> Entry:
    """What was unidentified has found its demands."""
    credit = [*_owed(owed), *_item(Account.OVERPAID, item, cr=over)]
    amount = sum(line.cr for line in credit)
    return Entry("identified_later", origin, (*_item(Account.UNIDENTIFIED, item, dr=amount), *credit))


def overpaid(origin: Origin, item: str, amount: int, payment: str | None = None) -> Entry:
    """All of it is too much: the demand was paid already. ``payment``: it was notified only."""
    money = _item(Account.IN_TRANSIT, payment, dr=amount) if payment else [_bank(dr=amount)]
    return Entry("overpaid", origin, (*money, *_item(Account.OVERPAID, item, cr=amount)))


def unconfirmed(origin: Origin, payment: str, owed: Sequence[Share], over: int = 0, unidentified: int = 0) -> Entry:
    """No statement ever showed what was notified: ``notified`` is taken back, by two persons."""
    debit = [*_owed(owed, debit=True), *_item(Account.OVERPAID, payment, dr=over)]
    debit += _item(Account.UNIDENTIFIED, payment, dr=unidentified)
    amount = sum(line.dr for line in debit)
    return Entry("unconfirmed", origin, (*debit, *_item(Account.IN_TRANSIT, payment, cr=amount)))


def gateway_net(origin: Origin, payments: Sequence[tuple[str, int]], charge: int) -> Entry:
    """A gateway pays many notified payments at once, less its charge. ``payments``: each with its amount."""
    total = sum(amount for _, amount in payments)
    charges = [Line(Account.CHARGES, dr=charge)] if charge else []
    transit = [line for payment, amount in payments for line in _item(Account.IN_TRANSIT, payment, cr=amount)]
    return Entry("gateway_net", origin, (_bank(dr=total - charge), *charges, *transit))


def refund_ordered(
    origin: Origin, refund: str, owed: Sequence[Share] = (), overpaid: Sequence[tuple[str, int]] = ()
) -> Entry:
    """Money is to go back: what departments would have had, or overpayments (each with its item)."""
    debit = _owed(owed, debit=True)
    debit += [line for item, amount in overpaid for line in _item(Account.OVERPAID, item, dr=amount)]
    amount = sum(line.dr for line in debit)
    return Entry("refund_ordered", origin, (*debit, *_item(Account.REFUNDS, refund, cr=amount)))


def refund_of_unidentified(origin: Origin, refund: str, item: str, amount: int) -> Entry:
    """Money that nobody could place is to go back to its sender."""
    debit = _item(Account.UNIDENTIFIED, item, dr=amount)
    return Entry("refund_ordered", origin, (*debit, *_item(Account.REFUNDS, refund, cr=amount)))


def refund_line(origin: Origin, refund: str, amount: int) -> Entry:
    """The statement shows the refund."""
    return Entry("refund_line", origin, (*_item(Account.REFUNDS, refund, dr=amount), _bank(cr=amount)))


def refund_returned(origin: Origin, refund: str, amount: int) -> Entry:
    """The refund came back: it is owed again."""
    return Entry("refund_returned", origin, (_bank(dr=amount), *_item(Account.REFUNDS, refund, cr=amount)))


def reversal(origin: Origin, owed: Sequence[Share], payment: str = "", over: int = 0, unidentified: int = 0) -> Entry:
    """The bank takes a credit back, wherever it stood."""
    debit = _from_wherever(owed, payment, over, unidentified)
    return Entry("reversal", origin, (*debit, _bank(cr=sum(line.dr for line in debit))))


def chargeback(origin: Origin, owed: Sequence[Share]) -> Entry:
    """Charged back before the department had the money."""
    debit = _owed(owed, debit=True)
    return Entry("chargeback", origin, (*debit, _bank(cr=sum(line.dr for line in debit))))


def chargeback_after_transfer(origin: Origin, payment: str, amount: int) -> Entry:
    """Charged back after the department had the money: it has to give it back."""
    return Entry("chargeback", origin, (*_item(Account.CHARGEBACK, payment, dr=amount), _bank(cr=amount)))


def recovered(
    origin: Origin, item: str, owed: Sequence[Share], payment: str = "", over: int = 0, unidentified: int = 0
) -> Entry:
    """What was charged back is kept from those who have it: the department, or wherever the money stands."""
    debit = _from_wherever(owed, payment, over, unidentified)
    amount = sum(line.dr for line in debit)
    return Entry("recovered", origin, (*debit, *_item(Account.CHARGEBACK, item, cr=amount)))


def moved(origin: Origin, payment: str, away: Sequence[Share], to: Sequence[Share]) -> Entry:
    """From the wrong dossier to the right one, by two persons. Both sides name the payment whose money it is."""
    lines = (*_owed(away, debit=True), *_owed(to))
    return Entry("moved", origin, tuple(replace(line, item=payment) for line in lines))


def allocated(origin: Origin, item: str, owed: Sequence[Share]) -> Entry:
    """What was paid too much counts for another demand, as its payer wished."""
    amount = sum(share.amount for share in owed)
    return Entry("allocated", origin, (*_item(Account.OVERPAID, item, dr=amount), *_owed(owed)))


def found_notified(origin: Origin, found: str, payments: Sequence[tuple[str, int]], charge: int = 0) -> Entry:
    """What was unidentified (``found``) is what was notified; less a charge where a gateway has paid it out."""
    transit = [line for payment, amount in payments for line in _item(Account.IN_TRANSIT, payment, cr=amount)]
    came = sum(amount for _, amount in payments) - charge
    charges = [Line(Account.CHARGES, dr=charge)] if charge else []
    return Entry("found_notified", origin, (*_item(Account.UNIDENTIFIED, found, dr=came), *charges, *transit))


def not_ours(origin: Origin, item: str, amount: int) -> Entry:
    """What was unidentified has nothing to do with fees: interest, a transfer of our own, another's money."""
    own = Line(Account.OWN, cr=amount)
    return Entry("not_ours", origin, (*_item(Account.UNIDENTIFIED, item, dr=amount), own))


def no_charge(origin: Origin, amount: int) -> Entry:
    """What was taken for a charge is none, and has nothing to do with fees: a transfer of our own."""
    return Entry("no_charge", origin, (Line(Account.OWN, dr=amount), Line(Account.CHARGES, cr=amount)))


def retained(origin: Origin, shares: Sequence[Share], kind: str = "retained") -> Entry:
    """The month's share that the Centre keeps; below zero of a fee: it gives back."""
    kept = [
        Line(
            Account.RETAINED,
            dr=max(-one.amount, 0),
            cr=max(one.amount, 0),
            department=one.department,
            fee_code=one.fee_code,
        )
        for one in shares
    ]
    return Entry(kind, origin, (*_set_off(shares), *kept))


def transferred(origin: Origin, shares: Sequence[Share]) -> Entry:
    """The month's money has gone to its department: the statement shows it. Below zero of a fee: set off."""
    owed = _set_off(shares)
    return Entry("transferred", origin, (*owed, _bank(cr=sum(line.dr - line.cr for line in owed))))


def charged(origin: Origin, amount: int) -> Entry:
    """The bank took its charge."""
    return Entry("charged", origin, (Line(Account.CHARGES, dr=amount), _bank(cr=amount)))


def not_collected(origin: Origin, amount: int) -> Entry:
    """A movement that has nothing to do with fees (interest, own transfer); below zero: it went out."""
    bank, own = (_bank(dr=amount), Line(Account.OWN, cr=amount)) if amount > 0 else _out(-amount)
    return Entry("not_collected", origin, (bank, own))


def opening(origin: Origin, amount: int) -> Entry:
    """What was on the account before its first statement here; below zero: it was overdrawn."""
    return Entry("opening", origin, not_collected(origin, amount).lines)


def mirrored(entry: Entry, kind: str, origin: Origin) -> Entry:
    """``entry`` taken back in full: nothing is ever deleted."""
    lines = (
        Line(line.account, line.cr, line.dr, line.department, line.fee_code, line.demand_id, line.item)
        for line in entry.lines
    )
    return Entry(kind, origin, tuple(lines))


def _out(amount: int) -> tuple[Line, Line]:
    return Line(Account.OWN, dr=amount), _bank(cr=amount)


def _bank(*, dr: int = 0, cr: int = 0) -> Line:
    return Line(Account.BANK, dr=dr, cr=cr)


def _owed(shares: Sequence[Share], *, debit: bool = False) -> list[Line]:
    return [
        Line(
            Account.PAYABLE,
            dr=share.amount if debit else 0,
            cr=0 if debit else share.amount,
            department=share.department,
            fee_code=share.fee_code,
            demand_id=share.demand_id,
        )
        for share in shares
        if share.amount
    ]


def _set_off(shares: Sequence[Share]) -> list[Line]:
    """331 debited with ``shares``, and credited with those below zero."""
    away = [Share(one.department, one.fee_code, -one.amount, one.demand_id) for one in shares if one.amount < 0]
    return [*_owed([one for one in shares if one.amount > 0], debit=True), *_owed(away)]


def _from_wherever(owed: Sequence[Share], payment: str, over: int, unidentified: int) -> list[Line]:
    return [
        *_owed(owed, debit=True),
        *_item(Account.OVERPAID, payment, dr=over),
        *_item(Account.UNIDENTIFIED, payment, dr=unidentified),
    ]


def _item(account: Account, item: str, *, dr: int = 0, cr: int = 0) -> list[Line]:
    return [Line(account, dr=dr, cr=cr, item=item)] if dr or cr else []
