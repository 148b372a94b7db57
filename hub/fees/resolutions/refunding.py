"""Refunds as the settlement of a case: what one person asked for, another agrees with by resolving the case."""

from collections.abc import Mapping

from hub.errors import InvalidState
from hub.events import Event
from hub.fees.exceptions.model import FeeException
from hub.fees.payouts import orders
from hub.fees.payouts.refunds import store
from hub.unit_of_work import UnitOfWork


def agree(uow: UnitOfWork, case: FeeException, _: Mapping[str, str]) -> list[Event]:
    """What is asked for of this case's money is approved.

    Raises InvalidState where nobody has asked (hub fee refund).
    """
    order = _asked(uow, case)
    if order is None:
        raise InvalidState(f"chưa ai đề nghị hoàn trả khoản này: hub fee refund {case.id}")
    events = orders.approve(uow, order.id, case.reason or case.code)
    store.settles(uow.conn, order.subject_id, case.id)
    return events


def asked_by(uow: UnitOfWork, case: FeeException) -> str | None:
    """Who has asked for the refund that waits to be approved."""
    order = _asked(uow, case)
    return None if order is None else order.maker


def _asked(uow: UnitOfWork, case: FeeException) -> store.Requested | None:
    """Of the case's own money before that of its demand: a refund of all of the demand is another matter."""
    own = [item for item in (case.object_id, case.payment, case.line) if item]
    found = store.requested(uow.conn, own)
    if found is None and case.demand:
        found = store.requested(uow.conn, [case.demand])
    return found
