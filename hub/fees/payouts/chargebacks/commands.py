"""What persons do about a chargeback. What is lost is booked when the debit comes (matching.charged_back)."""

import re
from datetime import date
from typing import Final

from hub.errors import InvalidState, NotFound
from hub.events import Event
from hub.fees import clerks, exceptions
from hub.fees.ledger.normalise import normalise
from hub.fees.payments import payment_store
from hub.fees.payouts.chargebacks import store
from hub.fees.payouts.chargebacks.model import Chargeback, ChargebackState
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id

CASE: Final = "V03"
_NUMBER: Final = re.compile(r"[A-Z0-9]{6,40}")


def notice(uow: UnitOfWork, payment_id: str, provider_case: str, answer_by: date, reason: str) -> Chargeback:
    """The provider says that ``payment_id`` is asked back, as its case; to be answered by a day.

    Raises NotFound, Forbidden; InvalidState where no statement has shown the payment, it is noticed already, or the
    number is none that a debit could be known by.
    """
    clerks.check_clerk(uow)
    number = normalise(provider_case).squeezed
    if not _NUMBER.fullmatch(number):
        raise InvalidState("số tra soát gồm 6 đến 40 chữ cái và chữ số")
    payment = payment_store.lock(uow.conn, payment_id)
    if payment is None:
        raise NotFound(f"không có khoản nộp {payment_id}")
    if payment.status not in payment_store.SHOWN:
        raise InvalidState(f"khoản nộp đang ở trạng thái {payment.status}: không có gì để đòi lại")
    found = Chargeback(
        id=new_id(Prefix.CHARGEBACK),
        payment_id=payment_id,
        account=payment.account,
        amount=payment.amount,
        provider_case=number,
        state=ChargebackState.NOTICED,
        answer_by=answer_by,
        maker=uow.actor,
        reason=reason,
        noticed_at=uow.now,
        settled_at=None,
        line_id=None,
    )
    store.add(uow.conn, found)
    said = f"{payment_id} {found.provider_case} {found.amount} {answer_by.isoformat()}"
    uow.note(found.id, "chargeback noticed", after=ChargebackState.NOTICED, reason=said)
    facts = {"chargeback": found.id, "provider_case": found.provider_case, "answer_by": answer_by.isoformat()}
    exceptions.open_case(uow, CASE, "payment", payment_id, found.amount, facts)
    return found


def answered(uow: UnitOfWork, name: str, reason: str) -> list[Event]:
    """The evidence was sent; ``reason`` says by which letter. Raises NotFound, InvalidState, Forbidden."""
    clerks.check_clerk(uow)
    found = store.find(uow.conn, name, lock=True)
    _move(uow, found, ChargebackState.EVIDENCE, reason)
    return []


def won(uow: UnitOfWork, name: str, reason: str) -> list[Event]:
    """The money stays here. Raises NotFound, InvalidState, Forbidden."""
    clerks.check_clerk(uow)
    found = store.find(uow.conn, name, lock=True)
    _move(uow, found, ChargebackState.WON, reason)
    close(uow, found, "won")
    return []


def lost(uow: UnitOfWork, name: str, reason: str) -> list[Event]:
    """It has to go back: the debit will say so, and until then nothing moves.

    Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_clerk(uow)
    found = store.find(uow.conn, name, lock=True)
    _move(uow, found, ChargebackState.LOST, reason)
    return []


def close(uow: UnitOfWork, found: Chargeback, how: str) -> None:
    """Its case is over."""
    by = f"{how} {found.id}"
    for case in exceptions.explained(uow.conn, [CASE], "payment", [found.payment_id], by):
        uow.note(case, "resolved", after="resolved", reason=by)


def _move(uow: UnitOfWork, found: Chargeback, to: ChargebackState, reason: str) -> None:
    if found.state is to:
        raise InvalidState(f"tra soát {found.id} đã ở trạng thái {to}")
    store.move(uow.conn, found, to, at=uow.now)
    uow.note(found.id, f"chargeback {to}", before=found.state, after=to, reason=reason)
