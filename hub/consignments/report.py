"""The operator's report of a quarter (TT 17/2017/TT-BTTTT): volumes, on-time share, complaints, losses, compensation.

Due before the tenth day of the next quarter's first month. Counted from our rows, to be held against the operator's.
"""

import csv
import io
from dataclasses import asdict, dataclass
from datetime import date
from typing import Final

from hub.clock import VIETNAM
from hub.consignments.attention import months_after
from hub.consignments.model import Direction
from hub.db import Connection
from hub.locale import vi

DUE_BEFORE: Final = 10
"""the day of the month before which the report is due"""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

# On time: delivered, or attempted for the first time, on the promised day at the latest.
_LINES: Final = """
SELECT direction, route_class, count(*) AS posted,
    count(*) FILTER (WHERE status = 'delivered') AS delivered,
    count(*) FILTER (WHERE status IN ('returning', 'returned')) AS returned,
    count(*) FILTER (WHERE promised_on < %(today)s OR status = 'delivered') AS due,
    count(*) FILTER (WHERE (COALESCE(attempts[1], CASE WHEN status = 'delivered' THEN status_at END)
        AT TIME ZONE %(zone)s)::date <= promised_on) AS on_time,
    count(*) FILTER (WHERE damaged) AS damaged,
    count(*) FILTER (WHERE status = 'lost') AS lost,
    COALESCE(sum(cash) FILTER (WHERE status = 'delivered'), 0)::bigint AS cash
FROM consignment WHERE operator = %(operator)s AND posted_on >= %(first)s AND posted_on < %(end)s
GROUP BY direction, route_class ORDER BY direction, route_class
"""
_COMPLAINTS: Final = """
SELECT count(*) AS filed, count(*) FILTER (WHERE p.resolved_on <= p.due_on) AS in_time,
    count(*) FILTER (WHERE p.outcome = 'upheld') AS upheld, count(*) FILTER (WHERE p.resolved_on IS NULL) AS open
FROM complaint p JOIN consignment c ON c.id = p.consignment_id
WHERE c.operator = %(operator)s AND p.filed_on >= %(first)s AND p.filed_on < %(end)s
"""
_INCIDENTS: Final = """
SELECT count(*) FILTER (WHERE n.kind = 'loss') AS losses, count(*) FILTER (WHERE n.kind = 'damage') AS damages,
    count(*) FILTER (WHERE n.liable = 'operator') AS liable, count(*) FILTER (WHERE n.compensation > 0) AS compensated,
    COALESCE(sum(n.compensation), 0)::bigint AS compensation
FROM incident n JOIN consignment c ON c.id = n.consignment_id
WHERE c.operator = %(operator)s AND n.found_on >= %(first)s AND n.found_on < %(end)s
"""


@dataclass(frozen=True, slots=True)
class QuarterLine:
    """One direction and route class. ``due``: past their promised day, or delivered already."""

    direction: str
    route_class: str
    posted: int
    delivered: int
    returned: int
    due: int
    on_time: int
    damaged: int
    lost: int
    cash: int

    @property
    def share(self) -> float | None:
        """On time, of what is due, in percent; None where nothing is due yet."""
        return round(100 * self.on_time / self.due, 1) if self.due else None


@dataclass(frozen=True, slots=True)
class Complaints:
    """Complaints that were made in the quarter."""

    filed: int
    in_time: int
    upheld: int
    open: int


@dataclass(frozen=True, slots=True)
class Incidents:
    """Losses and damages that were found in the quarter; money in đồng."""

    losses: int
    damages: int
    liable: int
    compensated: int
    compensation: int


@dataclass(frozen=True, slots=True)
class QuarterReport:
    """A quarter of one operator."""

    operator: str
    quarter: str
    first: date
    end: date
    """the day after its last"""
    due_before: date
    lines: tuple[QuarterLine, ...]
    complaints: Complaints
    incidents: Incidents


def quarter(text: str) -> tuple[date, date]:
    """Parse 2026-Q4 into its first day and the first one after it. Raises ValueError."""
    year, _, number = text.upper().partition("-Q")
    if not (year.isdecimal() and number in ("1", "2", "3", "4")):
        raise ValueError("a quarter reads 2026-Q4")
    first = date(int(year), 3 * int(number) - 2, 1)
    return first, months_after(first, 3)


def make(conn: Connection, operator: str, text: str, today: date) -> QuarterReport:
    """The report of the quarter ``text`` as the rows have it today. Raises ValueError for what is no quarter."""
    first, end = quarter(text)
    asked = {"operator": operator, "first": first, "end": end, "today": today, "zone": str(VIETNAM)}
    return QuarterReport(
        operator=operator,
        quarter=text.upper(),
        first=first,
        end=end,
        due_before=end.replace(day=DUE_BEFORE),
        lines=tuple(QuarterLine(**row) for row in conn.execute(_LINES, asked).fetchall()),
        complaints=Complaints(**conn.execute(_COMPLAINTS, asked).fetchall()[0]),
        incidents=Incidents(**conn.execute(_INCIDENTS, asked).fetchall()[0]),
    )


def as_rows(report: QuarterReport) -> list[tuple[str, str]]:
    """The report in pairs of a Vietnamese name and a value, for a table or a sheet."""
    rows = [
        (vi("Postal enterprise"), report.operator),
        (vi("Quarter"), report.quarter),
        (vi("To be submitted by"), report.due_before.strftime("%d/%m/%Y")),
    ]
    for line in report.lines:
        name = f"{Direction(line.direction).label}, {line.route_class}"
        share = "" if line.share is None else f"{line.share:.1f}%".replace(".", ",")
        rows += [
            (vi("{name}: posted", name=name), str(line.posted)),
            (vi("{name}: delivered", name=name), str(line.delivered)),
            (vi("{name}: returned", name=name), str(line.returned)),
            (vi("{name}: on time", name=name), f"{line.on_time}/{line.due} {share}".strip()),
            (vi("{name}: cash on delivery (VND)", name=name), str(line.cash)),
        ]
    asked, lost = report.complaints, report.incidents
    return [
        *rows,
        (vi("Complaints"), str(asked.filed)),
        (vi("Complaints settled in time"), str(asked.in_time)),
        (vi("Complaints upheld"), str(asked.upheld)),
        (vi("Complaints not settled"), str(asked.open)),
        (vi("Lost"), str(lost.losses)),
        (vi("Damaged"), str(lost.damages)),
        (vi("Liability of the operator"), str(lost.liable)),
        (vi("Number of compensations"), str(lost.compensated)),
        (vi("Compensation paid (VND)"), str(lost.compensation)),
    ]


def as_csv(report: QuarterReport) -> str:
    """The same as CSV for a spreadsheet. Cells that a spreadsheet would run as a formula are quoted."""
    sheet = io.StringIO()
    csv.writer(sheet).writerows([_text(cell) for cell in row] for row in as_rows(report))
    return sheet.getvalue()


def as_data(report: QuarterReport) -> dict[str, object]:
    """The same as JSON-ready data."""
    shares = [{**asdict(line), "on_time_percent": line.share} for line in report.lines]
    return {**asdict(report), "lines": shares}


def _text(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
