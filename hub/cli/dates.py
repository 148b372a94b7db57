"""Days and months as they are typed, and what is said of those that are not."""

from datetime import datetime
from typing import Final

from typer import BadParameter

DAY: Final = "YYYY-MM-DD"
MONTH: Final = "YYYY-MM"


def day(written: str) -> datetime:
    """Midnight of 2026-11-24. Raises BadParameter."""
    return _read(written, "%Y-%m-%d", "no day: write it as 2026-11-24")


def month(written: str) -> datetime:
    """The first of 2026-11. Raises BadParameter."""
    return _read(written, "%Y-%m", "no month: write it as 2026-11")


def moment(written: str) -> datetime:
    """A day, or 2026-11-24T14:30. Raises BadParameter."""
    form = "%Y-%m-%dT%H:%M" if "T" in written else "%Y-%m-%d"
    return _read(written, form, "no time: write it as 2026-11-24 or 2026-11-24T14:30")


def _read(written: str, form: str, otherwise: str) -> datetime:
    try:
        return datetime.strptime(written, form)  # noqa: DTZ007 - a day of Vietnam's calendar has no zone
    except ValueError:
        raise BadParameter(f"{written!r} is {otherwise}") from None
