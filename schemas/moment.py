"""Moments on the wire: RFC 3339 with a zone, in this century. Nothing guesses a zone or takes a number for a time."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


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


def _in_this_century(moment: datetime) -> datetime:
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError("a moment lies between 2000 and 2099")
    return moment


Moment = Annotated[AwareDatetime, BeforeValidator(_from_rfc_3339), AfterValidator(_in_this_century)]
