"""A debit that nobody could read, and that two persons know to be an order of ours: the settlement of its case."""

from collections.abc import Mapping
from typing import Final

from hub.clock import local
from hub.db import one
from hub.errors import NotNow
from hub.events import Event
from hub.fees import bookings
from hub.fees.cases.model import Case
from hub.fees.ledger import post_all, postings
from hub.fees.ledger.book import posted
from hub.fees.matching import own
from hub.fees.orders import desk
from hub.work import Work

_LINE: Final = """
SELECT l.account, l.amount, l.state, (SELECT max(id) FROM recon_run r
    WHERE (r.account, r.day) = (l.account, l.booking_date)) AS run
FROM statement_line l WHERE l.id = %s FOR UPDATE
"""


def own_order(work: Work, case: Case, details: Mapping[str, str]) -> list[Event]:
    """The debit is the payment of ``order``: no charge any more, and all that follows from one that was recognised.

    Raises NotFound, and NotNow where amount or account is another, or the order is not under way.
    """
    order = desk.locked(work, details["order"])
    line = int(case.line or 0)
    row = one(work.conn, _LINE, (line,))
    charged = posted(work.conn, "line", str(line), "charged")
    if row["state"] != "in_case" or charged is None:
        raise NotNow("dòng sao kê này đã được xử lý cách khác: xem lại ca")
    if (row["account"], row["amount"]) != (order.account, -order.amount):
        raise NotNow(f"lệnh chi là {order.amount} đ từ tài khoản {order.account}: dòng sao kê này là khoản khác")
    origin = bookings.origin_on(work, "line", str(line), order.account, local(work.now).date())
    settled = desk.paid(work, order, line, origin)
    by = {"class": "C", "maker": case.maker, "checker": case.checker}
    own.join(work.conn, row["run"], line, {"how": "person", "order": order.id, "reference": order.reference}, by)
    post_all(work.conn, [postings.mirrored(charged, "recognised", origin), *settled.entries])
    return settled.events
