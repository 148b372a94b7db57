"""Messages between the hub and a postal operator: consignment orders and tracking events.

The operator sees names, addresses and phone numbers, the cash to collect and the codes of the item, and nothing else:
no identity numbers, no e-mail, no word of the matter (Decision 743 Article 5.3.b, QĐ 45/2016/QĐ-TTg Article 16.5.a).
"""

from datetime import UTC
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from schemas.item_code import IssuedItemCode, ReceivedItemCode
from schemas.portal import Phone
from schemas.replies import UnreadableEntry
from schemas.strict import Strict
from schemas.values import Dong, Moment, Short

ORDER_NUMBER_LIMIT: Final = 50
"""characters; a dossier code has 25, and the consignments of one dossier are told apart behind it"""


class PostalStatus(StrEnum):
    """Where an item is, in no operator's words. Operators' codes become these by their table in the catalogue.

    Their order is that of the way.
    """

    POSTED = "posted"
    IN_TRANSIT = "in_transit"
    AT_DELIVERY_OFFICE = "at_delivery_office"
    OUT_FOR_DELIVERY = "out_for_delivery"
    ATTEMPT_FAILED = "attempt_failed"
    DAMAGED = "damaged"
    LOST = "lost"
    RETURNING = "returning"
    RETURNED = "returned"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


OrderNumber = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=ORDER_NUMBER_LIMIT)]
"""Our number of a consignment, and what the operator knows it by: a natural key, never used twice."""

StatusCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$", max_length=40)]
"""A code of the operator's."""

Said = Annotated[str, StringConstraints(max_length=500)]
"""The operator's own words; they may name people."""


class Contact(Strict):
    """Who sends or receives, and where. The operator's number of the province stands in its table in the catalogue."""

    name: Short
    phone: Phone
    address: Short
    """house number, street, commune: one line"""
    province: Short


class ConsignmentOrder(Strict):
    """What is to be carried. The customer code is the contract's and stands in the catalogue."""

    order_number: OrderNumber
    item_code: IssuedItemCode | None = None
    """a pre-printed code of our pool; None: the operator gives one"""
    sender: Contact
    receiver: Contact
    cash: Dong = 0
    """to collect from the receiver"""
    callback_url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=500)] | None = None
    """a capability URL that takes tracking events of this one consignment; said only where the operator calls back"""


class ConsignmentAccepted(Strict):
    """The operator has the order. ``item_code`` if it has said one; it may be wrong, which is a warning."""

    order_number: OrderNumber
    item_code: ReceivedItemCode | None = None


class TrackingEvent(Strict):
    """Something happened to an item: the operator's code for it, and when it happened.

    The same by callback and by feed; a callback's body is one of these.
    """

    order_number: OrderNumber
    item_code: ReceivedItemCode | None = None
    status_code: StatusCode
    text: Said | None = None
    at: Moment
    place: Said | None = None
    notes: Said | None = None

    @property
    def key(self) -> str:
        """The event's natural name: the same whenever and by whatever way it is told again. Whole seconds, in UTC."""
        return f"{self.order_number}:{self.status_code}:{self.at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


class EventPage(Strict):
    """A page of an operator's feed in its order, and the cursor to ask with next time."""

    events: list[TrackingEvent]
    unreadable: list[UnreadableEntry] = Field([])
    cursor: Annotated[str, StringConstraints(max_length=200)]
