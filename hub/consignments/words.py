"""What a person may have to look at, and the words of complaints and losses."""

from enum import StrEnum
from typing import Final, Literal

from hub.locale import vi

Subject = Literal["late", "lost", "damaged", "not_delivered", "conduct", "other"]
Outcome = Literal["upheld", "rejected", "withdrawn"]
IncidentKind = Literal["loss", "damage"]
Liable = Literal["operator", "sender", "agency", "nobody"]


class Concern(StrEnum):
    """Why a person has to look."""

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
