"""The day's summary of receipts (bảng tổng hợp trong ngày), which goes to the tax office on the same day (NĐ 254/2026).

Computed from the rows each time. Of a past day it changes only by receipts that were voided since; those are in the
summary of the day on which they were.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import Field

from config.receipts import ReceiptSettings
from hub.db import Connection
from hub.locale import vi
from schemas.fee_receipt import Collector, Day
from schemas.strict import Strict

TYPE: Final = "vn.hub.fee-receipt-summary"
COLUMNS: Final = (
    vi("Form and series"), vi("Type"), vi("From number"), vi("To number"), vi("Number of receipts"), vi("In force"),
    vi("Amount in force"),
    vi("Numbers voided"),
)  # fmt: skip
"""of the table that a person reads"""
_KINDS: Final = {"phi": vi("Fee"), "le_phi": vi("Charge")}

Count = Annotated[int, Field(strict=True, ge=0)]


class SeriesDay(Strict):
    """A series on the day: its numbers from first to last are all there, those that are void among them."""

    series: str
    kind: Literal["phi", "le_phi"]
    first: Count
    last: Count
    count: Count
    standing: Count
    amount: Count
    """of those that stand; đồng"""
    void: tuple[int, ...]
    """numbers of the day that are void by now"""


class VoidedReceipt(Strict):
    """An older receipt that became void on the day."""

    series: str
    number: Count
    issued_on: Day
    amount: Count


class Summary(Strict):
    """All receipts of a day. Its canonical JSON is what is signed and sent."""

    v: Literal[1]
    typ: Literal["vn.hub.fee-receipt-summary"]
    day: Day
    collector: Collector
    series: tuple[SeriesDay, ...]
    voided: tuple[VoidedReceipt, ...]


def of_day(conn: Connection, settings: ReceiptSettings, day: date) -> Summary:
    """The summary of ``day``."""
    rows = conn.execute(
        "SELECT series, kind, min(number) AS first, max(number) AS last, count(*) AS count,"
        " count(*) FILTER (WHERE voided_at IS NULL) AS standing,"
        " coalesce(sum(amount) FILTER (WHERE voided_at IS NULL), 0)::bigint AS amount,"
        " coalesce(array_agg(number ORDER BY number) FILTER (WHERE voided_at IS NOT NULL), '{}') AS void"
        " FROM receipt WHERE issued_on = %s GROUP BY series, kind ORDER BY series",
        (day,),
    ).fetchall()
    older = conn.execute(
        "SELECT series, number, issued_on, amount FROM receipt WHERE issued_on < %(day)s"
        " AND (voided_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date = %(day)s ORDER BY issued_on, series, number",
        {"day": day},
    ).fetchall()
    return Summary(
        v=1,
        typ=TYPE,
        day=day.isoformat(),
        collector=settings.collector,
        series=tuple(SeriesDay(**{**row, "void": tuple(row["void"])}) for row in rows),
        voided=tuple(VoidedReceipt(**{**row, "issued_on": row["issued_on"].isoformat()}) for row in older),
    )


def table(summary: Summary) -> Sequence[Sequence[str | int]]:
    """As rows for a person: the headings, the series, the sums."""
    rows: list[Sequence[str | int]] = [COLUMNS]
    for one in summary.series:
        void = " ".join(f"{number:08}" for number in one.void)
        first, last = f"{one.first:08}", f"{one.last:08}"
        rows.append((one.series, _KINDS[one.kind], first, last, one.count, one.standing, one.amount, void))
    total = [sum(getattr(one, name) for one in summary.series) for name in ("count", "standing", "amount")]
    return [*rows, (vi("Sum"), "", "", "", *total, "")]
