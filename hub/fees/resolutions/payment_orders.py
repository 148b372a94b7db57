"""A debit that nobody could read, and that two persons know to be an order of ours: the settlement of its exception."""

from collections.abc import Mapping
from typing import Final

from hub.clock import local
from hub.db import one
from hub.errors import InvalidState
from hub.events import Event
from hub.fees.exceptions.model import FeeException
from hub.fees.ledger import post_all, postings
from hub.fees.ledger.book import posted
from hub.fees.payments import bookings
from hub.fees.payouts import orders
from hub.fees.payouts.orders import commands
from hub.fees.payouts.refunds import store
from hub.fees.reconciliation.matching import payment_order_lines
from hub.locale import vi
from hub.unit_of_work import UnitOfWork

_LINE: Final = """
SELECT l.account, l.amount, l.state, (SELECT max(id) FROM recon_run r
    WHERE (r.account, r.day) = (l.account, l.booking_date)) AS run
FROM statement_line l WHERE l.id = %s FOR UPDATE
"""


def own_order(uow: UnitOfWork, case: FeeException, details: Mapping[str, str]) -> list[Event]:
    """The debit is the payment of ``order``: no charge any more, and all that follows from one that was recognised.

    Raises NotFound, and InvalidState where amount or account is another, or the order is not under way.
    """
    order = commands.locked(uow, details["order"])
    line = int(case.line or 0)
    row = one(uow.conn, _LINE, (line,))
    charged = posted(uow.conn, "line", str(line), "charged")
    if row["state"] != "in_exception" or charged is None:
        raise InvalidState(vi("this statement line was handled another way: look at the exception again"))
    if (row["account"], row["amount"]) != (order.account, -order.amount):
        raise InvalidState(
            vi(
                "the payment order is {amount} VND from account {account}: this statement line is another item",
                amount=order.amount,
                account=order.account,
            )
        )
    origin = bookings.origin_on(uow, "line", str(line), order.account, local(uow.now).date())
    settled = commands.paid(uow, order, line, origin)
    by = {"class": "C", "maker": case.maker, "checker": case.checker}
    payment_order_lines.join(
        uow.conn, row["run"], line, {"how": "person", "order": order.id, "reference": order.reference}, by
    )
    post_all(uow.conn, [postings.mirrored(charged, "recognised", origin), *settled.entries])
    return settled.events


# Refunds as the settlement of an exception: what one person asked for, another agrees with by resolving the exception.


def agree(uow: UnitOfWork, case: FeeException, _: Mapping[str, str]) -> list[Event]:
    """What is asked for of this exception's money is approved.

    Raises InvalidState where nobody has asked (hub fee refund).
    """
    order = _asked(uow, case)
    if order is None:
        raise InvalidState(vi("nobody has proposed to refund this: hub fee refund {id}", id=case.id))
    events = orders.approve(uow, order.id, case.reason or case.code)
    store.settles(uow.conn, order.subject_id, case.id)
    return events


def asked_by(uow: UnitOfWork, case: FeeException) -> str | None:
    """Who has asked for the refund that waits to be approved."""
    order = _asked(uow, case)
    return None if order is None else order.maker


def _asked(uow: UnitOfWork, case: FeeException) -> store.Requested | None:
    """Of the exception's own money before that of its demand: a refund of all of the demand is another matter."""
    own = [item for item in (case.object_id, case.payment, case.line) if item]
    found = store.requested(uow.conn, own)
    if found is None and case.demand:
        found = store.requested(uow.conn, [case.demand])
    return found
