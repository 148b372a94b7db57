"""What the approval, the payment and the return of an order bring about for its subject, by the order's purpose.

The packages of the subjects (refunds, settlements) import this one, so they are not imported here: the flow table
(hub.flow) registers their handlers when it is loaded.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

from hub.fees.payouts.orders.model import PaymentOrder, PurposeHandler
from hub.unit_of_work import UnitOfWork

_HANDLERS: Final[dict[str, PurposeHandler]] = {}


def register(handlers: Mapping[str, PurposeHandler]) -> None:
    """Take ``handlers`` (purpose → module) for all orders of this process."""
    _HANDLERS.update(handlers)


def handler(order: PaymentOrder) -> PurposeHandler:
    """The handler of the order's purpose."""
    return _HANDLERS[order.purpose]


def open_overdue(uow: UnitOfWork, account: str, day: date) -> int:
    """Open exceptions for orders that the statement of ``day`` should have shown; how many are new."""
    return sum(each.open_overdue(uow, account, day) for each in _HANDLERS.values())
