"""A consignment's statuses and their lifecycle; its directions, services and contents."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Literal

from hub.lifecycle import Lifecycle
from hub.locale import vi


class ConsignmentStatus(StrEnum):
    """Status of a consignment. The first four follow from our order, the others from the operator's events.

    Their order is that of the journey: of two events of one moment, the later one here happened last.
    """

    ORDERED = "ordered"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CANCELLED = "cancelled"
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

    @property
    def label(self) -> str:
        return LABELS[self]


LABELS: Final = {
    ConsignmentStatus.ORDERED: vi("Service ordered"),
    ConsignmentStatus.ACCEPTED: vi("Order accepted by the operator"),
    ConsignmentStatus.REFUSED: vi("Refused by the operator"),
    ConsignmentStatus.CANCELLED: vi("Consignment cancelled"),
    ConsignmentStatus.POSTED: vi("Posted"),
    ConsignmentStatus.IN_TRANSIT: vi("In transit"),
    ConsignmentStatus.AT_DELIVERY_OFFICE: vi("At the delivery office"),
    ConsignmentStatus.OUT_FOR_DELIVERY: vi("Out for delivery"),
    ConsignmentStatus.ATTEMPT_FAILED: vi("Delivery failed"),
    ConsignmentStatus.DAMAGED: vi("Damaged"),
    ConsignmentStatus.LOST: vi("Lost"),
    ConsignmentStatus.RETURNING: vi("Being returned"),
    ConsignmentStatus.RETURNED: vi("Returned to the sender"),
    ConsignmentStatus.DELIVERED: vi("Delivered"),
}

_UNDER_WAY: Final = frozenset(
    {
        ConsignmentStatus.IN_TRANSIT,
        ConsignmentStatus.AT_DELIVERY_OFFICE,
        ConsignmentStatus.OUT_FOR_DELIVERY,
        ConsignmentStatus.ATTEMPT_FAILED,
        ConsignmentStatus.DAMAGED,
        ConsignmentStatus.LOST,
        ConsignmentStatus.RETURNING,
        ConsignmentStatus.RETURNED,
        ConsignmentStatus.DELIVERED,
    }
)
_TRAVELLING: Final = (_UNDER_WAY | {ConsignmentStatus.CANCELLED}) - {
    ConsignmentStatus.RETURNED,
    ConsignmentStatus.DELIVERED,
}

# Operators leave scans out, so a consignment under way may move to any later status, and a lost one may be found. A
# cancelled one may be collected all the same. Nothing follows a delivery, a return, or a refused order.
LIFECYCLE: Final = Lifecycle(
    {
        ConsignmentStatus.ORDERED: frozenset(
            {
                ConsignmentStatus.ACCEPTED,
                ConsignmentStatus.REFUSED,
                ConsignmentStatus.CANCELLED,
                ConsignmentStatus.POSTED,
            }
        )
        | _UNDER_WAY,
        ConsignmentStatus.ACCEPTED: frozenset({ConsignmentStatus.CANCELLED, ConsignmentStatus.POSTED}) | _UNDER_WAY,
        ConsignmentStatus.REFUSED: frozenset(),
        ConsignmentStatus.CANCELLED: frozenset({ConsignmentStatus.POSTED}) | _UNDER_WAY,
        ConsignmentStatus.POSTED: frozenset({ConsignmentStatus.CANCELLED}) | _UNDER_WAY,
        **{
            status: frozenset({ConsignmentStatus.CANCELLED}) | _UNDER_WAY - {status}
            for status in ConsignmentStatus
            if status in _TRAVELLING - {ConsignmentStatus.CANCELLED}
        },
        ConsignmentStatus.RETURNED: frozenset(),
        ConsignmentStatus.DELIVERED: frozenset(),
    }
)

SETTLED: Final = frozenset(
    {ConsignmentStatus.REFUSED, ConsignmentStatus.CANCELLED, ConsignmentStatus.RETURNED, ConsignmentStatus.DELIVERED}
)
"""statuses that end it. A cancelled consignment may still be posted; it is open again then"""


class Direction(StrEnum):
    """From whom to whom."""

    CITIZEN_TO_CENTRE = "citizen_to_centre"
    CENTRE_TO_DEPARTMENT = "centre_to_department"
    DEPARTMENT_TO_CENTRE = "department_to_centre"
    AGENCY_TO_AGENCY = "agency_to_agency"
    RESULT_TO_CITIZEN = "result_to_citizen"

    @property
    def label(self) -> str:
        return DIRECTIONS[self]


DIRECTIONS: Final = {
    Direction.CITIZEN_TO_CENTRE: vi("Citizen → Centre"),
    Direction.CENTRE_TO_DEPARTMENT: vi("Centre → department"),
    Direction.DEPARTMENT_TO_CENTRE: vi("Department → Centre"),
    Direction.AGENCY_TO_AGENCY: vi("Between agencies"),
    Direction.RESULT_TO_CITIZEN: vi("Result → citizen"),
}


class Service(StrEnum):
    """The public postal service that is ordered (QĐ 45/2016 Đ5): 1 send, 2 receive the result, 3 both."""

    DOCUMENTS = "documents"
    RESULT = "result"
    BOTH = "both"


class ItemKind(StrEnum):
    """Contents of a consignment."""

    DOCUMENTS = "documents"
    RESULT = "result"


@dataclass(frozen=True, slots=True)
class ManifestItem:
    """One line of the manifest. ``title`` comes from the catalogue: no free text."""

    dossier_id: str
    kind: ItemKind
    title: str
    originals: int = 1
    copies: int = 0


@dataclass(frozen=True, slots=True)
class Consignment:
    """A consignment's row, without names and addresses, which are in the order only."""

    id: str
    operator: str
    direction: str
    service: str
    order_number: str
    item_code: str | None
    item_code_ok: bool | None
    seal_number: str | None
    route_class: str
    cash: int
    handoff_id: str | None
    transfer_id: str | None
    order_status: str
    order_status_at: datetime
    status: ConsignmentStatus
    status_at: datetime
    attempts: list[datetime]
    damaged: bool
    late_events: int
    reason: str | None
    ordered_at: datetime
    posted_on: date | None
    promised_on: date | None
    last_event_at: datetime
    settled_at: datetime | None
    updated_at: datetime

    def __post_init__(self) -> None:
        # Rows come from SQL with the status as text.
        object.__setattr__(self, "status", ConsignmentStatus(self.status))


Subject = Literal["late", "lost", "damaged", "not_delivered", "conduct", "other"]
Outcome = Literal["upheld", "rejected", "withdrawn"]
IncidentKind = Literal["loss", "damage"]
Liable = Literal["operator", "sender", "agency", "nobody"]


class Concern(StrEnum):
    """Kinds of concerns, for a person."""

    NOT_ORDERED = "not_ordered"
    REFUSED = "refused"
    NOT_CANCELLED = "not_cancelled"
    NOT_COLLECTED = "not_collected"
    SILENT = "silent"
    LATE = "late"
    NO_SECOND_INVITATION = "no_second_invitation"
    NO_RETURN = "no_return"
    RETURNED_EARLY = "returned_early"
    RETURNED = "returned"
    LOST = "lost"
    DAMAGED = "damaged"
    AFTER_THE_END = "after_the_end"
    ITEM_CODE = "item_code"
    COMPLAINT_OVERDUE = "complaint_overdue"

    @property
    def label(self) -> str:
        return CONCERNS[self]


CONCERNS: Final = {
    Concern.NOT_ORDERED: vi("Service not ordered yet: order it by hand (hub consignment order)"),
    Concern.REFUSED: vi("The operator refuses: correct it and order again, or send it another way"),
    Concern.NOT_CANCELLED: vi("The operator does not cancel: telephone"),
    Concern.NOT_COLLECTED: vi("Not collected yet: telephone the operator"),
    Concern.SILENT: vi("Silence: ask the operator where it is"),
    Concern.LATE: vi("J+n is over: ask the operator, tell the citizen"),
    Concern.NO_SECOND_INVITATION: vi("No second delivery attempt within 2 working days"),
    Concern.NO_RETURN: vi("Two attempts made, and not returned yet"),
    Concern.RETURNED_EARLY: vi("Returned before two attempts were made"),
    Concern.RETURNED: vi("Returned: contact the receiver"),
    Concern.LOST: vi("Lost: draw up a record, establish the liability"),
    Concern.DAMAGED: vi("Damaged: draw up a record, establish the liability"),
    Concern.AFTER_THE_END: vi("A report after the end: clear it up with the operator"),
    Concern.ITEM_CODE: vi("The item code has a wrong check digit: clear it up with the operator"),
    Concern.COMPLAINT_OVERDUE: vi("The complaint is overdue"),
}
