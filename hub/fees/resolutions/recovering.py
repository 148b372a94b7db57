"""V01, V02: recovering what the bank has taken back. S08: a line that the bank took out of its statement."""

from collections.abc import Mapping
from typing import Literal

from hub.audit import AuditAction
from hub.errors import InvalidState
from hub.events import Event
from hub.fees import payments
from hub.fees.demands import demand_commands
from hub.fees.exceptions.store import FeeException
from hub.fees.ledger import Origin, balances, post, postings
from hub.fees.payments import Payment
from hub.fees.reconciliation.matching import match_store
from hub.fees.reconciliation.matching.effects import TAKEN_BACK
from hub.fees.resolutions import positions
from hub.locale import vi
from hub.unit_of_work import UnitOfWork


def recover(uow: UnitOfWork, exception: FeeException, details: Mapping[str, str]) -> list[Event]:
    """The bank has taken back this ``payment``: what it had paid is due again."""
    if exception.line is None:
        raise InvalidState(
            vi("no statement line takes money back yet: wait for the statement, or resolve it by answered")
        )
    payment = positions.payment_by(uow, details["payment"])
    line = positions.line_by(uow, exception.line)
    position = positions.position_of(uow, payment.id)
    if payment.status not in payments.SHOWN or position.total != -line["amount"]:
        raise InvalidState(
            vi(
                "the ledger has {total} VND of this payment ({status}), not {amount} VND",
                total=position.total,
                status=payment.status,
                amount=-line["amount"],
            )
        )
    events = _reverse(uow, exception, payment, positions.line_of(uow, payment.id))
    positions.settle_line(uow, exception.line, "matched")
    today = positions.origin(uow, exception, line["account"])
    post(
        uow.conn,
        postings.recovered(today, exception.line, position.owed, payment.id, position.over, position.unidentified),
    )
    return events


def recover_from_department(uow: UnitOfWork, exception: FeeException, _: Mapping[str, str]) -> list[Event]:
    """Recover the money from the department: deduct it from what it is owed this month."""
    payment = positions.payment_of(uow, exception)
    position = positions.position_of(uow, payment.id)
    lost = balances.item_balance(uow.conn, "341", payment.id)
    if not lost or sum(share.amount for share in position.owed) != lost:
        raise InvalidState(
            vi(
                "{lost} VND are lost, but only {credited} VND of it were credited to agencies",
                lost=lost,
                credited=sum(share.amount for share in position.owed),
            )
        )
    post(uow.conn, postings.recovered(positions.origin(uow, exception, payment.account), payment.id, position.owed))
    return []


def bank_answer(uow: UnitOfWork, exception: FeeException, _: Mapping[str, str]) -> list[Event]:
    """The bank confirms that there was no such line: reverse what it posted, as if the bank had taken it back."""
    line = positions.line_by(uow, exception.object_id)
    booked = balances.posted_from(uow.conn, "111", "line", exception.object_id)
    if not booked:
        return []
    if line["payment_id"] is None or line["joined_by"] == "P9" or booked != line["amount"]:
        raise InvalidState(vi("the statement line is not a single payment: ask the bank for a correct statement"))
    payment = positions.payment_by(uow, line["payment_id"])
    position = positions.position_of(uow, payment.id)
    if position.total != line["amount"]:
        raise InvalidState(
            vi(
                "only {total} VND of the {amount} VND of the statement line are left: a part has been moved",
                total=position.total,
                amount=line["amount"],
            )
        )
    events = _reverse(uow, exception, payment, exception.object_id, state="vanished")
    day = positions.origin(uow, exception, line["account"])
    taken_back = Origin("line", exception.object_id, day.day, day.bank_account)
    post(uow.conn, postings.reversal(taken_back, position.owed, payment.id, position.over, position.unidentified))
    return events


def _reverse(
    uow: UnitOfWork,
    exception: FeeException,
    payment: Payment,
    line: str | None,
    *,
    state: Literal["reversed", "vanished"] = "reversed",
) -> list[Event]:
    """Reverse the payment's credits, and revoke the match of its line."""
    events = [
        event
        for demand in payments.paid_for(uow.conn, payment.id)
        for event in demand_commands.reverse(uow, demand, payment.id, by=exception.id)
    ]
    payments.end(uow.conn, payment.id, "reversed")
    uow.write_audit(
        payment.id, AuditAction.PAYMENT_REVERSED, before=payment.status, after="reversed", reason=exception.id
    )
    if line is not None:
        match_store.end_group(uow.conn, positions.line_by(uow, line)["group_id"], "revoked", exception.id)
        match_store.end_line(uow.conn, int(line), state)
    positions.close_others(uow, exception, payment.id, (*TAKEN_BACK, "N01"))
    return events
