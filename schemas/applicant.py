"""Chủ hồ sơ: who applies, how they prove who they are, and where they live."""

import re
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from schemas.strict import Strict
from schemas.text import Short

Phone = Annotated[str, StringConstraints(pattern=r"^(\+84|0)[0-9]{9,10}$")]
LONGEST_LOCAL: Final = 64
LONGEST_DOMAIN: Final = 190
"""characters"""


def _is_not_too_long(email: str) -> str:
    local, _, domain = email.partition("@")
    if len(local) > LONGEST_LOCAL or len(domain) > LONGEST_DOMAIN:
        raise ValueError(f"at most {LONGEST_LOCAL} characters before the @ and {LONGEST_DOMAIN} after it")
    return email


Email = Annotated[
    str,
    # Lengths are counted in Python: in pydantic's patterns a counted \S or [^@] weighs megabytes, once for each thread.
    StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$"),
    AfterValidator(_is_not_too_long),
    Field(json_schema_extra={"pattern": rf"^[^@\s]{{1,{LONGEST_LOCAL}}}@[^@\s]{{1,{LONGEST_DOMAIN}}}$"}),
]


class ApplicantKind(StrEnum):
    """Loại đối tượng; national codes 1 to 4."""

    CITIZEN = "citizen"
    ENTERPRISE = "enterprise"
    STATE_AGENCY = "state_agency"
    ORGANISATION = "organisation"


_IDENTITY_NUMBERS: Final = {
    "cccd": ("12 digits", re.compile("^[0-9]{12}$")),
    "cmnd": ("9 digits", re.compile("^[0-9]{9}$")),
    "tax_code": ("10, 12 or 13 digits", re.compile("^([0-9]{10}(-?[0-9]{3})?|[0-9]{12})$")),
}


class Identity(Strict):
    """A document that says who the applicant is: CCCD, CMND or a tax code.

    A person's tax code is the 12 digits of the CCCD since 01/07/2025 (TT 86/2024/TT-BTC); a branch's has 13.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"properties": {"kind": {"const": kind}, "number": {"pattern": shape.pattern}}}
                for kind, (_, shape) in _IDENTITY_NUMBERS.items()
            ]
        }
    )

    kind: Literal["cccd", "cmnd", "tax_code"]
    number: Annotated[str, StringConstraints(pattern=r"^[0-9-]{9,14}$")]

    @model_validator(mode="after")
    def _number_fits_kind(self) -> Self:
        reads, shape = _IDENTITY_NUMBERS[self.kind]
        if not shape.fullmatch(self.number):
            raise ValueError(f"a {self.kind} number has {reads}")
        return self


class Address(Strict):
    """Where somebody lives or wants the result: two tiers since 01/07/2025, province and commune."""

    province: Short
    commune: Short
    detail: Short


class Applicant(Strict):
    """Chủ hồ sơ: the person or body whose dossier it is."""

    kind: ApplicantKind
    name: Short
    identity: Identity
    phone: Phone | None = None
    email: Email | None = None
    address: Address
