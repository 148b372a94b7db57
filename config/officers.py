"""Who may sign: the officers (công chức, viên chức) at the Centre, official and reserve (Article 6 of the Decision)."""

from datetime import date, datetime
from enum import StrEnum
from typing import Final, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from config.data import Data, Name, PartyCode, no_duplicates
from config.signing import Fingerprint, KeyName

_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


class OfficerRole(StrEnum):
    """What an officer does at the Centre."""

    RECEPTION = "reception"
    """receives dossiers and hands them over (tiếp nhận, chuyển hồ sơ)"""
    RETURN = "return"
    """hands results out (trả kết quả)"""
    LEAD = "lead"
    """answers for the Centre or for a department's counter (phụ trách)"""


class OfficerStanding(StrEnum):
    """Article 6: each department names one official and one reserve."""

    OFFICIAL = "official"
    RESERVE = "reserve"


class Officer(Data):
    """One person on the roster, from ``valid_from`` to ``valid_to``, both inclusive, days in Vietnam."""

    id: PartyCode
    name: Name
    department: PartyCode | None = None
    """who sent the officer to the Centre, and whose dossiers the officer may hand over; unset: the Centre's, any"""
    role: OfficerRole
    standing: OfficerStanding
    valid_from: date
    valid_to: date | None = None
    certificates: list[Fingerprint] = Field([])
    """the officer's certificates; unset: a certificate whose subject carries the officer's id as serialNumber"""
    signs_elsewhere: bool = False
    """signs on a device of one's own; the signature is brought in, and the hub holds no key"""

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from")
        if self.signs_elsewhere and not self.certificates:
            raise ValueError("who signs elsewhere is known by certificates: name their fingerprints")
        return self

    @property
    def key(self) -> KeyName:
        return f"officer.{self.id}"

    def serves(self, at: datetime) -> bool:
        """Whether the officer is on the roster at ``at``."""
        day = at.astimezone(_VIETNAM).date()
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class Officers(Data):
    """officers.toml: the roster."""

    officers: list[Officer] = Field(min_length=1)

    @model_validator(mode="after")
    def _lists_each_once(self) -> Self:
        no_duplicates("officer", [officer.id for officer in self.officers])
        return self


MAY_HAND_OVER: Final = frozenset({OfficerRole.RECEPTION, OfficerRole.LEAD})
"""the roles whose signature hands a dossier over"""


def on_duty(officers: list[Officer], department: str | None, at: datetime) -> list[Officer]:
    """Who may hand over a dossier of ``department`` at ``at``: its official, its reserve, then the Centre's own."""
    able = [
        one for one in officers if one.role in MAY_HAND_OVER and one.department in (department, None) and one.serves(at)
    ]
    return sorted(able, key=lambda one: (one.department is None, one.standing is OfficerStanding.RESERVE, one.id))
