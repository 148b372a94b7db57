"""Refunds as the settlement of a case: what one person asked for, another agrees with by resolving the case."""

from collections.abc import Mapping

from hub.errors import NotNow
from hub.events import Event
from hub.fees import orders
from hub.fees.cases.model import Case
from hub.fees.refunds import store
from hub.work import Work


def agree(work: Work, case: Case, _: Mapping[str, str]) -> list[Event]:
    """What is asked for of this case's money is approved. Raises NotNow where nobody has asked (hub fee refund)."""
    order = _asked(work, case)
    if order is None:
        raise NotNow(f"chưa ai đề nghị hoàn trả khoản này: hub fee refund {case.id}")
    events = orders.approve(work, order.id, case.reason or case.code)
    store.settles(work.conn, order.subject_id, case.id)
    return events


def asked_by(work: Work, case: Case) -> str | None:
    """Who has asked for the refund that waits to be approved."""
    order = _asked(work, case)
    return None if order is None else order.maker


def _asked(work: Work, case: Case) -> store.Requested | None:
    """Of the case's own money before that of its demand: a refund of all of the demand is another matter."""
    own = [item for item in (case.object_id, case.payment, case.line) if item]
    found = store.requested(work.conn, own)
    if found is None and case.demand:
        found = store.requested(work.conn, [case.demand])
    return found
