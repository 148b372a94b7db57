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
    items = [item for item in (case.object_id, case.payment, case.line, case.demand) if item]
    order = store.requested(work.conn, items)
    if order is None:
        raise NotNow(f"nobody has asked for a refund of it: hub fee refund {case.id}")
    events = orders.approve(work, order.id, case.reason or case.code)
    store.settles(work.conn, order.subject_id, case.id)
    return events
