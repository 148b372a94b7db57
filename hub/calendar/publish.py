"""Generate the list of public holidays: ``python -m hub.calendar.publish``. A test fails when it is stale.

Needs the library ``holidays``, of the extra ``dev``.
"""

import json
from typing import Final

from holidays import country_holidays

from hub.calendar import LIST
from schemas.values import FIRST_YEAR, LAST_YEAR

YEARS: Final = range(FIRST_YEAR - 1, LAST_YEAR + 2)
"""all years accepted in messages (schemas.values), and one more on either side, for time zones and running terms"""


def document() -> str:
    """The list as JSON, one line a year, so that a change in the library shows in review."""
    return "{\n" + ",\n".join(f'  "{year}": {json.dumps(_year(year))}' for year in YEARS) + "\n}\n"


def _year(year: int) -> dict[str, list[str]]:
    listed = country_holidays("VN", years=year)
    worked = [day for day in listed.weekend_workdays if day.year == year]
    return {"off": [day.isoformat() for day in sorted(listed)], "worked": [day.isoformat() for day in sorted(worked)]}


if __name__ == "__main__":
    LIST.write_text(document(), encoding="utf-8")
