"""Resolutions by payment orders: a debit that is an order of ours, and a refund that another person agrees to."""

from collections.abc import Mapping

from hub.clock import local
from hub.errors import InvalidState
from hub.events import Event
from hub.fees import payments
from hub.fees.exceptions.store import FeeException
from hub.fees.ledger import post_all, postings
from hub.fees.ledger.entry import posted
from hub.fees.payouts import orders, refund_store
from hub.fees.reconciliation.matching import match_store, payment_order_lines
from hub.locale import vi
from hub.unit_of_work import UnitOfWork


def own_order(uow: UnitOfWork, exception: FeeException, details: Mapping[str, str]) -> list[Event]:
    """Book the debit as the payment of ``order`` instead of a charge, as if the matching had recognised it.

    Raises NotFound, and InvalidState where amount or account is another, or the order is not under way.
    """
    order = orders.locked(uow, details["order"])
    line = int(exception.line or 0)
    row = match_store.lock_debit(uow.conn, line)
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
    origin = payments.origin_on(uow, "line", str(line), order.account, local(uow.now).date())
    settled = orders.paid(uow, order, line, origin)
    by = {"class": "C", "maker": exception.maker, "checker": exception.checker}
    payment_order_lines.join(
        uow.conn, row["run"], line, {"how": "person", "order": order.id, "reference": order.reference}, by
    )
    post_all(uow.conn, [postings.mirrored(charged, "recognised", origin), *settled.entries])
    return settled.events


# Refunds: one person requests it (hub fee refund), another agrees by resolving the exception.


def agree(uow: UnitOfWork, exception: FeeException, _: Mapping[str, str]) -> list[Event]:
    """Approve the refund that was requested for this exception. Raises InvalidState where none was."""
    order = _requested(uow, exception)
    if order is None:
        raise InvalidState(vi("nobody has proposed to refund this: hub fee refund {id}", id=exception.id))
    events = orders.approve(uow, order.id, exception.reason or exception.code)
    refund_store.settles(uow.conn, order.subject_id, exception.id)
    return events


def asked_by(uow: UnitOfWork, exception: FeeException) -> str | None:
    """The person who requested the refund that waits for approval."""
    order = _requested(uow, exception)
    return None if order is None else order.maker


def _requested(uow: UnitOfWork, exception: FeeException) -> refund_store.Requested | None:
    """The request about the exception's own payment or line, else about its demand."""
    own = [item for item in (exception.object_id, exception.payment, exception.line) if item]
    requested = refund_store.requested(uow.conn, own)
    if requested is None and exception.demand:
        requested = refund_store.requested(uow.conn, [exception.demand])
    return requested
