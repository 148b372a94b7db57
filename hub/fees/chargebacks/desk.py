"""What persons do about a chargeback. What is lost is booked when the debit comes (matching.charged_back)."""

import re
from datetime import date
from typing import Final

from hub.errors import NotFound, NotNow
from hub.events import Event
from hub.fees import cases, payments, persons
from hub.fees.chargebacks import store
from hub.fees.chargebacks.model import Chargeback, State
from hub.fees.matching.normalise import normalise
from hub.work import Work
from schemas.identifiers import Prefix, new_id

CASE: Final = "V03"
_NUMBER: Final = re.compile(r"[A-Z0-9]{6,40}")


def notice(work: Work, payment_id: str, provider_case: str, answer_by: date, reason: str) -> Chargeback:
    """The provider says that ``payment_id`` is asked back, as its case; to be answered by a day.

    Raises NotFound, MayNot; NotNow where no statement has shown the payment, it is noticed already, or the number is
    none that a debit could be known by.
    """
    persons.check_clerk(work)
    number = normalise(provider_case).squeezed
    if not _NUMBER.fullmatch(number):
        raise NotNow("số tra soát gồm 6 đến 40 chữ cái và chữ số")
    payment = payments.lock(work.conn, payment_id)
    if payment is None:
        raise NotFound(f"không có khoản nộp {payment_id}")
    if payment.status not in payments.SHOWN:
        raise NotNow(f"khoản nộp đang ở trạng thái {payment.status}: không có gì để đòi lại")
    found = Chargeback(
        id=new_id(Prefix.CHARGEBACK),
        payment_id=payment_id,
        account=payment.account,
        amount=payment.amount,
        provider_case=number,
        state=State.NOTICED,
        answer_by=answer_by,
        maker=work.actor,
        reason=reason,
        noticed_at=work.now,
        settled_at=None,
        line_id=None,
    )
    store.add(work.conn, found)
    said = f"{payment_id} {found.provider_case} {found.amount} {answer_by.isoformat()}"
    work.note(found.id, "chargeback noticed", after=State.NOTICED, reason=said)
    facts = {"chargeback": found.id, "provider_case": found.provider_case, "answer_by": answer_by.isoformat()}
    cases.open_case(work, CASE, "payment", payment_id, found.amount, facts)
    return found


def answered(work: Work, name: str, reason: str) -> list[Event]:
    """The evidence was sent; ``reason`` says by which letter. Raises NotFound, NotNow, MayNot."""
    persons.check_clerk(work)
    found = store.find(work.conn, name, lock=True)
    _move(work, found, State.EVIDENCE, reason)
    return []


def won(work: Work, name: str, reason: str) -> list[Event]:
    """The money stays here. Raises NotFound, NotNow, MayNot."""
    persons.check_clerk(work)
    found = store.find(work.conn, name, lock=True)
    _move(work, found, State.WON, reason)
    close(work, found, "won")
    return []


def lost(work: Work, name: str, reason: str) -> list[Event]:
    """It has to go back: the debit will say so, and until then nothing moves. Raises NotFound, NotNow, MayNot."""
    persons.check_clerk(work)
    found = store.find(work.conn, name, lock=True)
    _move(work, found, State.LOST, reason)
    return []


def close(work: Work, found: Chargeback, how: str) -> None:
    """Its case is over."""
    by = f"{how} {found.id}"
    for case in cases.explained(work.conn, [CASE], "payment", [found.payment_id], by):
        work.note(case, "resolved", after="resolved", reason=by)


def _move(work: Work, found: Chargeback, to: State, reason: str) -> None:
    if found.state is to:
        raise NotNow(f"tra soát {found.id} đã ở trạng thái {to}")
    store.move(work.conn, found, to, at=work.now)
    work.note(found.id, f"chargeback {to}", before=found.state, after=to, reason=reason)
