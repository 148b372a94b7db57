"""A debit that nobody could read, and that two persons know to be an order of ours: the settlement of its case."""

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
from hub.fees.payouts.orders import commands
from hub.fees.reconciliation.matching import payment_order_lines
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
        raise InvalidState("dòng sao kê này đã được xử lý cách khác: xem lại ca")
    if (row["account"], row["amount"]) != (order.account, -order.amount):
        raise InvalidState(f"lệnh chi là {order.amount} đ từ tài khoản {order.account}: dòng sao kê này là khoản khác")
    origin = bookings.origin_on(uow, "line", str(line), order.account, local(uow.now).date())
    settled = commands.paid(uow, order, line, origin)
    by = {"class": "C", "maker": case.maker, "checker": case.checker}
    payment_order_lines.join(
        uow.conn, row["run"], line, {"how": "person", "order": order.id, "reference": order.reference}, by
    )
    post_all(uow.conn, [postings.mirrored(charged, "recognised", origin), *settled.entries])
    return settled.events
