"""The table at the end of the demo: per department and status, how long it took, what is waiting and why."""

import statistics
import sys
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from hub.cli.demo.course import Course, HandoffProgress, Owed, Parcel, SubmissionProgress
from hub.consignments.model import DIRECTIONS, LABELS, Direction
from hub.consignments.model import ConsignmentStatus as Carriage
from hub.dossiers.model import DossierStatus


def write(course: Course, names: dict[str, str]) -> None:
    """On stdout. ``names``: department code → how people call it."""
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120)
    console.print(_departments(list(course.legs.values()), names))
    console.print(_handed(course.handed, names))
    console.print(_carried(course.parcels))
    if course.owed:
        console.print(_waiting(course.owed))


def _departments(legs: Sequence[SubmissionProgress], names: dict[str, str]) -> Table:
    statuses = sorted(
        {DossierStatus(leg.status) for leg in legs if leg.status}, key=lambda status: int(status.national_code)
    )
    table = Table(title="Hồ sơ theo sở và trạng thái", title_justify="left", show_footer=True)
    table.add_column("Sở", footer="Tổng")
    totals = Counter(leg.status for leg in legs)
    table.add_column("Hồ sơ", str(len(legs)), justify="right")
    for status in statuses:
        table.add_column(status.label, str(totals[status]), justify="right")
    median, last = _times(legs)
    table.add_column("Xác nhận: trung vị", median, justify="right")
    table.add_column("p99", last, justify="right")
    for code in sorted({leg.department for leg in legs if leg.department}):
        mine = [leg for leg in legs if leg.department == code]
        counted = Counter(leg.status for leg in mine)
        table.add_row(
            names.get(code, code), str(len(mine)), *(str(counted[status]) for status in statuses), *_times(mine)
        )
    return table


def _handed(handed: Sequence[HandoffProgress], names: dict[str, str]) -> Table:
    """How many handoffs each side has signed, and how many are complete."""
    table = Table(title="Bàn giao đã ký", title_justify="left")
    table.add_column("Sở")
    for label in ("Bàn giao", "Trung tâm đã ký", "Sở đã ký nhận", "Hoàn tất", "Chờ biên bản"):
        table.add_column(label, justify="right")
    for code in sorted({one.department for one in handed}):
        mine = [one for one in handed if one.department == code]
        complete = sum(one.status == "complete" for one in mine)
        waiting = sum(one.status == "acknowledged" for one in mine)
        signed, countersigned = sum(one.signed for one in mine), sum(one.countersigned for one in mine)
        counts = (len(mine), signed, countersigned, complete, waiting)
        table.add_row(names.get(code, code), *(str(count) for count in counts))
    return table


def _carried(parcels: Sequence[Parcel]) -> Table:
    """The post's parcels by where they stand."""
    table = Table(title="Bưu gửi", title_justify="left")
    for label in ("Chiều", "Trạng thái", "Số", "Ví dụ"):
        table.add_column(label, justify="right" if label == "Số" else "left")
    groups: dict[tuple[str, str], list[str]] = {}
    for parcel in parcels:
        groups.setdefault((parcel.direction, parcel.status), []).append(parcel.id)
    for (direction, status), ids in sorted(groups.items()):
        table.add_row(DIRECTIONS[Direction(direction)], LABELS[Carriage(status)], str(len(ids)), ids[0])
    return table


def _times(legs: Iterable[SubmissionProgress]) -> tuple[str, str]:
    """Median and 99th percentile of the time from the front door to the department's receipt."""
    seconds = sorted(leg.seconds_to_answer for leg in legs if leg.acknowledged and leg.seconds_to_answer is not None)
    if not seconds:
        return "", ""
    last = seconds[min(len(seconds) - 1, int(len(seconds) * 0.99))]
    return f"{statistics.median(seconds):.2f} s", f"{last:.1f} s"


def _waiting(owed: Sequence[Owed]) -> Table:
    table = Table(title="Đang chờ, và vì sao", title_justify="left")
    for label in ("Đối tác", "Trạng thái", "Lỗi", "Số", "Ví dụ"):
        table.add_column(label)
    groups: dict[tuple[str, str, str], list[str]] = {}
    for one in owed:
        groups.setdefault((one.counterparty, one.state, one.error_code or ""), []).append(one.id)
    for why, ids in groups.items():
        table.add_row(*why, str(len(ids)), ids[0])
    return table
