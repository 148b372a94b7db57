"""What follows for whom an order pays: for each purpose, what its approval, its payment and its return bring about."""

from collections.abc import Mapping
from typing import Final

from hub.fees.orders.model import PurposeHandler
from hub.fees.refunds import order_events as refunds
from hub.fees.settlements import remitting

FOLLOWS: Final[Mapping[str, PurposeHandler]] = {"refund": refunds, "remittance": remitting}
"""purpose → the module that says what follows"""
