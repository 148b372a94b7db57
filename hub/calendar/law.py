"""The law's list of public holidays (Bộ luật Lao động 2019 Đ112), with the swaps announced for the whole country.

The list is public_holidays.json, made by hub.calendar.publish from the library ``holidays``. The library itself stays
out of the processes: asked for one country it loads all 250, which weighs a tenth of a worker.
"""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

LIST: Final = Path(__file__).with_name("public_holidays.json")


@dataclass(frozen=True, slots=True)
class Year:
    """What the list says of one year."""

    off: frozenset[date]
    worked: frozenset[date]
    """Saturdays that are worked in exchange for a day off"""


def years_by_law() -> range:
    """The years that the list has."""
    return range(min(_listed()), max(_listed()) + 1)


def year_by_law(year: int) -> Year:
    """Raises LookupError for a year that is not on the list."""
    try:
        return _listed()[year]
    except KeyError:
        raise LookupError(f"the list of public holidays has no {year}") from None


@cache
def _listed() -> dict[int, Year]:
    return {
        int(year): Year(off=_days(days["off"]), worked=_days(days["worked"]))
        for year, days in json.loads(LIST.read_bytes()).items()
    }


def _days(texts: list[str]) -> frozenset[date]:
    return frozenset(map(date.fromisoformat, texts))
