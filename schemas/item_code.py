"""Item codes (mã bưu gửi): UPU S10, thirteen characters with a check digit.

Two letters say the service, eight digits the serial, one is the check digit, two letters the country that issued it.
Strict where we issue or print; where the operator says one, a wrong code is a warning beside it and never a refusal,
because domestic codes only look like S10.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

_SHAPE: Final = re.compile(r"[A-Z]{2}[0-9]{9}[A-Z]{2}")
_INDICATOR: Final = re.compile(r"[A-Z]{2}")
_WEIGHTS: Final = (8, 6, 4, 2, 3, 5, 9, 7)
RESERVED: Final = frozenset("JKSTW")
"""First letters of the service indicators that the UPU keeps for later."""
LAST_SERIAL: Final = 99_999_999
READS: Final = "an item code reads RR123456785VN (UPU S10)"


def check_digit(serial: str) -> int:
    """Of eight digits: 11 less the weighted sum modulo 11, where 10 becomes 0 and 11 becomes 5."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, serial, strict=True))
    return {10: 0, 11: 5}.get(11 - total % 11, 11 - total % 11)


@dataclass(frozen=True, slots=True)
class ItemCode:
    """An item code as it was written (``raw``) and as we compare it; ``warning`` says what is wrong with it."""

    raw: str
    normalised: str
    warning: str | None

    @property
    def is_valid(self) -> bool:
        return self.warning is None

    @classmethod
    def received(cls, raw: str) -> "ItemCode":
        """Whatever the operator wrote; it may be no S10 code at all."""
        normalised = "".join(raw.split()).upper()
        return cls(raw, normalised, _fault(normalised))

    @classmethod
    def issued(cls, indicator: str, serial: int, country: str = "VN") -> "ItemCode":
        """The code with its check digit. Raises ValueError for what no code may be."""
        if not _INDICATOR.fullmatch(indicator) or not _INDICATOR.fullmatch(country):
            raise ValueError("an item code begins and ends with two capital letters")
        if not 0 <= serial <= LAST_SERIAL:
            raise ValueError(f"a serial lies between 0 and {LAST_SERIAL}")
        digits = f"{serial:08}"
        return cls.checked(f"{indicator}{digits}{check_digit(digits)}{country}")

    @classmethod
    def checked(cls, raw: str) -> "ItemCode":
        """A code that we hand out, say from a roll of pre-printed ones. Raises ValueError if it is not right."""
        code = cls.received(raw)
        if code.warning:
            raise ValueError(code.warning)
        return code


def _fault(code: str) -> str | None:
    if not _SHAPE.fullmatch(code):
        return READS
    if code[0] in RESERVED:
        return f"no service has an indicator with {code[0]}: the UPU keeps it for later"
    expected = check_digit(code[2:10])
    if int(code[10]) != expected:
        return f"the check digit is {code[10]} and ought to be {expected}"
    return None


def _strict(raw: str) -> str:
    if ItemCode.checked(raw).normalised != raw:
        raise ValueError(READS)
    return raw


IssuedItemCode = Annotated[
    str,
    StringConstraints(max_length=13),
    AfterValidator(_strict),
    Field(json_schema_extra={"pattern": f"^{_SHAPE.pattern}$", "examples": ["RR123456785VN"]}),
]
"""A code of ours: nothing but a right one."""

ReceivedItemCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9. -]+$", max_length=32)]
"""A code as the operator wrote it; see ItemCode.received(...).warning."""
