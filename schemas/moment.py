"""Days and moments that others tell us: one range at every entrance, whatever they come in.

On the wire a moment is RFC 3339 with a zone; nothing guesses a zone or takes a number for a time. Where a contract
writes it in another way, its reader makes a datetime and hands it to ``bounded`` before anything else: outside the
range even a change of zone overflows. The calendar (hub.calendar) knows every year of the range.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2049

_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_EARLIEST: Final = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RANGE: Final = f"a moment lies between {FIRST_YEAR} and {LAST_YEAR}"


def bounded(moment: datetime) -> datetime:
    """``moment``, which is aware. Raises ValueError outside the range."""
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError(_RANGE)
    return moment


def from_milliseconds(count: int) -> datetime:
    """The moment so many milliseconds after 1970. Raises ValueError outside the range."""
    try:
        moment = _EPOCH + timedelta(milliseconds=count)
    except OverflowError:
        raise ValueError(_RANGE) from None
    return bounded(moment)


def _from_rfc_3339(value: Any) -> Any:
    """``value`` as a datetime if it is text. pydantic would also take "1700000000", or a space for the T."""
    if not isinstance(value, str):
        return value
    try:
        if _RFC_3339.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:  # the thirtieth of February, or an hour that no clock shows
        pass
    raise ValueError("a moment reads 2026-11-24T08:15:02+07:00 (RFC 3339, with its zone)")


Moment = Annotated[AwareDatetime, BeforeValidator(_from_rfc_3339), AfterValidator(bounded)]
Day = Annotated[date, Field(ge=date(FIRST_YEAR, 1, 1), le=date(LAST_YEAR, 12, 31))]
"""checked without Python: a statement has hundreds of thousands"""
