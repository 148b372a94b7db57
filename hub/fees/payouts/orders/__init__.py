"""What we pay out: payment orders (lệnh chi), from the request to our own statement."""

from hub.fees.payouts.orders.commands import approve, cancel, fail, place, send
from hub.fees.payouts.orders.model import OrderState, Payee, PaymentOrder

__all__ = ["OrderState", "Payee", "PaymentOrder", "approve", "cancel", "fail", "place", "send"]
