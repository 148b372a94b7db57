"""What we pay out: payment orders (lệnh chi), from the request to our own statement."""

from hub.fees.orders.desk import approve, cancel, fail, place, send
from hub.fees.orders.model import Order, Payee, State

__all__ = ["Order", "Payee", "State", "approve", "cancel", "fail", "place", "send"]
