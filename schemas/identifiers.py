"""Identifiers that check themselves: agencies, procedures, dossiers, and our own ids.

Agencies: QCVN 102:2016/BTTTT (least significant group first) and Decision 20/2020/QĐ-TTg (most significant first).
Dossier codes (mã số hồ sơ): Circular 01/2018/TT-VPCP Article 19, ``<agency>-YYMMDD-<serial>``.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints
from ulid import ULIDGenerator

_QCVN_102: Final = re.compile(r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Y][0-9]{2}")
_QD_20: Final = re.compile(r"[A-Y][0-9]{2}(\.[0-9A-Z]{1,10}){0,4}")
_QD_20_MAX: Final = 35
_PROCEDURE: Final = re.compile(rf"[0-9]\.[0-9]{{6}}(\.{_QCVN_102.pattern})?")
_DOSSIER: Final = re.compile(r"(?P<agency>[0-9A-Z.]{3,35})-(?P<day>[0-9]{6})-(?P<serial>[0-9]{4,6})")
_DOSSIER_READS: Final = "a dossier code reads 000.00.16.H42-200923-0001 (TT 01/2018/TT-VPCP Đ19)"
_SERIAL_DIGITS: Final = 4
LAST_SERIAL: Final = 9999


class Scheme(StrEnum):
    """Which register an agency's identifier comes from."""

    QCVN_102 = "qcvn-102"
    QD_20 = "qd-20"


def agency_scheme(code: str) -> Scheme:
    """The scheme that ``code`` is written in. Raises ValueError if it is in neither."""
    if _QCVN_102.fullmatch(code):
        return Scheme.QCVN_102
    if len(code) <= _QD_20_MAX and _QD_20.fullmatch(code):
        return Scheme.QD_20
    raise ValueError("an agency code reads 000.00.16.H42 (QCVN 102:2016) or H42.16 (QĐ 20/2020)")


def to_qd20(code: str) -> str:
    """A QCVN 102 code by the usual rule: groups reversed, trailing zero groups dropped. A listed mapping goes first."""
    if agency_scheme(code) is Scheme.QD_20:
        return code
    groups = code.split(".")[::-1]
    while len(groups) > 1 and not groups[-1].strip("0"):
        groups.pop()
    return ".".join(groups)


def to_qcvn102(code: str) -> str:
    """A QĐ 20 code padded to QCVN 102's four groups. Raises ValueError where a group does not fit: never cut short."""
    if agency_scheme(code) is Scheme.QCVN_102:
        return code
    groups = code.split(".")
    padded = [*groups, *["0"] * (4 - len(groups))][::-1]
    widths = (3, 2, 2, 3)  # of the deepest group, of the two between, and of the ministry or province
    result = ".".join(group.zfill(width) for group, width in zip(padded, widths, strict=False))
    if not _QCVN_102.fullmatch(result) or to_qd20(result) != code:
        raise ValueError(f"{code} has no QCVN 102 form that leads back to it")
    return result


def _agency(code: str) -> str:
    agency_scheme(code)
    return code


def _procedure(code: str) -> str:
    if not _PROCEDURE.fullmatch(code):
        raise ValueError("a procedure code reads 1.004227 or 3.000181.000.00.00.H22")
    return code


AgencyCode = Annotated[
    str,
    StringConstraints(max_length=_QD_20_MAX),
    AfterValidator(_agency),
    Field(json_schema_extra={"pattern": f"^({_QCVN_102.pattern}|{_QD_20.pattern})$", "examples": ["000.00.16.H42"]}),
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
MediaType = Annotated[str, StringConstraints(pattern=r"^[a-z]+/[a-z0-9.+-]{1,100}$")]
ProcedureCode = Annotated[
    str,
    StringConstraints(max_length=24),
    AfterValidator(_procedure),
    Field(json_schema_extra={"pattern": f"^{_PROCEDURE.pattern}$", "examples": ["1.004227"]}),
]


@dataclass(frozen=True, slots=True)
class DossierCode:
    """A dossier code as received (``raw``) and as we compare it (``normalised``: upper case, no spaces)."""

    raw: str
    normalised: str
    agency: str
    day: date
    serial: int
    scheme: Scheme

    @classmethod
    def received(cls, raw: str) -> "DossierCode":
        """Lenient: a serial of 4 to 6 digits, either agency scheme. Raises ValueError saying what is wrong."""
        normalised = "".join(raw.split()).upper()
        match = _DOSSIER.fullmatch(normalised)
        if not match or not raw.isascii():
            raise ValueError(_DOSSIER_READS)
        return cls(
            raw=raw,
            normalised=normalised,
            agency=match["agency"],
            day=_day(match["day"]),
            serial=int(match["serial"]),
            scheme=agency_scheme(match["agency"]),
        )

    @classmethod
    def issued(cls, agency: str, day: date, serial: int) -> "DossierCode":
        """Strict: the code we issue. Raises ValueError when the day's 9999 serials are used up."""
        if not 1 <= serial <= LAST_SERIAL:
            raise ValueError(f"{agency} has used all {LAST_SERIAL} dossier codes of {day:%d/%m/%Y}")
        code = cls.received(f"{agency}-{day:%y%m%d}-{serial:0{_SERIAL_DIGITS}d}")
        if (code.agency, code.day) != (agency, day):
            raise ValueError(f"no dossier code can name {agency} and {day:%d/%m/%Y}")
        return code


def _day(digits: str) -> date:
    year, month, day = (int(digits[at : at + 2]) for at in (0, 2, 4))
    try:
        return date(2000 + year, month, day)
    except ValueError:
        raise ValueError("a dossier code holds its day as YYMMDD, and this one is no day") from None


def _dossier(raw: str) -> str:
    DossierCode.received(raw)
    return raw


ReceivedDossierCode = Annotated[
    str,
    StringConstraints(max_length=48),
    AfterValidator(_dossier),
    Field(json_schema_extra={"examples": ["000.00.16.H42-200923-0001"]}),
]
"""A dossier code as somebody else wrote it; compare with DossierCode.received(...).normalised."""


class Prefix(StrEnum):
    """The kinds of id that people see; each is a ULID behind one of these."""

    SUBMISSION = "sub"
    TRANSFER = "tr"
    ATTEMPT = "at"
    HANDOFF = "hd"
    INBOX = "in"
    EVENT = "evt"
    EXCHANGE = "xc"
    CONSIGNMENT = "cs"
    COMPLAINT = "cm"
    INCIDENT = "ic"
    LEAF = "lf"
    FEE_DEMAND = "fd"
    PAYMENT = "pm"
    STATEMENT = "st"
    STATEMENT_FILE = "sf"
    EXCEPTION = "ex"
    REFUND = "rf"
    SETTLEMENT = "sm"
    RECEIPT = "rc"
    PAYMENT_ORDER = "po"
    CHARGEBACK = "cb"


_ID: Final = re.compile(rf"({'|'.join(Prefix)})_[0-9A-HJKMNP-TV-Z]{{26}}")


def new_id(prefix: Prefix) -> str:
    """A new id: sortable by time of birth, safe in URLs, logs and queues."""
    return f"{prefix.value}_{_ulids.generate()}"


RANDOM_BYTES: Final = 10
"""of a ULID"""


def _randomness() -> Iterator[bytes]:
    """The random part of each ULID, from the system's source, 400 at a time.

    To ask the source gives up the interpreter's lock. The generator asks while it holds its own, for which all other
    threads then waited: with twelve threads beside a busy one 120 to 220 µs an id instead of 15, and 3 ms in the worst
    case of a hundred.
    """
    while True:
        block = os.urandom(400 * RANDOM_BYTES)
        for start in range(0, len(block), RANDOM_BYTES):
            yield block[start : start + RANDOM_BYTES]


def _begin() -> None:
    """Make the generator; anew in a forked child, which would go on with its parent's block."""
    global _ulids  # noqa: PLW0603 - one generator a process
    blocks = _randomness()
    _ulids = ULIDGenerator(randomness=lambda _timestamp: next(blocks))


_ulids: ULIDGenerator
_begin()
os.register_at_fork(after_in_child=_begin)


def is_id(text: str, *prefixes: Prefix) -> bool:
    """Whether ``text`` is one of our ids (with one of ``prefixes``, if any are given)."""
    match = _ID.fullmatch(text)
    return match is not None and (not prefixes or match[1] in {prefix.value for prefix in prefixes})
