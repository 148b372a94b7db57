"""The operator's quarter, from our own rows."""

import csv
import io
from dataclasses import replace
from datetime import date

import pytest

from hub.consignments import commands, report
from hub.consignments.report import QuarterReport
from tests.integration.consignments.conftest import Counter

TODAY = date(2027, 1, 5)


def quarter_report(counter: Counter, quarter: str) -> QuarterReport:
    with counter.hub.db.connection() as conn:
        return report.make(conn, "post-a", quarter, TODAY)


def this_quarter(counter: Counter) -> str:
    [row] = counter.hub.rows("SELECT max(posted_on) AS day FROM consignment")
    return f"{row['day'].year}-Q{(row['day'].month + 2) // 3}"


def test_a_quarter_says_volumes_on_time_share_complaints_and_losses(counter: Counter) -> None:
    delivered, returned, lost = (counter.order() for _ in range(3))
    for consignment in (delivered, returned, lost):
        counter.reports(consignment, "posted", 0)
    counter.reports(delivered, "delivered", 30)
    counter.reports(returned, "returned", 30)
    counter.reports(lost, "lost", 30)
    counter.act(lambda uow: commands.record(uow, lost, "loss", "operator", 700_000, "thất lạc"))
    complaint = counter.act(lambda uow: commands.complain(uow, lost, "lost", "chưa nhận được"))
    counter.act(lambda uow: commands.resolve(uow, complaint, "upheld", "bồi thường"))

    quarter = quarter_report(counter, this_quarter(counter))

    [line] = quarter.lines
    assert (line.posted, line.delivered, line.returned, line.lost) == (3, 1, 1, 1)
    assert (line.on_time, line.due, line.share) == (1, 3, 33.3)
    assert (quarter.complaints.filed, quarter.complaints.in_time, quarter.complaints.upheld) == (1, 1, 1)
    assert (quarter.incidents.losses, quarter.incidents.liable, quarter.incidents.compensation) == (1, 1, 700_000)


def test_another_quarter_knows_nothing_of_it(counter: Counter) -> None:
    counter.reports(counter.order(), "posted", 0)
    assert quarter_report(counter, "2020-Q1").lines == ()


def test_the_report_is_due_before_the_tenth_of_the_next_quarter(counter: Counter) -> None:
    quarter = quarter_report(counter, "2026-q4")
    assert (quarter.first, quarter.end, quarter.due_before) == (date(2026, 10, 1), date(2027, 1, 1), date(2027, 1, 10))
    assert ("Nộp trước ngày", "10/01/2027") in report.as_rows(quarter)


@pytest.mark.parametrize("text", ["2026", "2026-Q5", "Q4-2026", "", "2026-Q0", "xxxx-Q1"])
def test_what_is_no_quarter_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="2026-Q4"):
        report.quarter(text)


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)"])
def test_a_cell_that_begins_like_a_formula_is_text_in_a_sheet(counter: Counter, name: str) -> None:
    sheet = report.as_csv(replace(quarter_report(counter, "2026-Q4"), operator=name))
    cells = [cell for row in csv.reader(io.StringIO(sheet)) for cell in row]
    assert f"'{name}" in cells
    assert name not in cells


def test_the_same_for_a_program(counter: Counter) -> None:
    counter.reports(counter.order(), "posted", 0)
    data = report.as_data(quarter_report(counter, this_quarter(counter)))
    lines = data["lines"]
    assert isinstance(lines, list)
    assert lines[0]["on_time_percent"] == 0.0
