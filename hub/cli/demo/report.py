"""Output of the demo: its progress while it runs, an exported bundle as evidence, and the tables at the end."""

import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Protocol, Self
from zipfile import ZipFile

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from hub.cli.demo.course import Course, HandoffProgress, OpenTransfer, Parcel, SubmissionProgress
from hub.cli.output import say
from hub.consignments.model import DIRECTIONS, LABELS, Direction
from hub.consignments.model import ConsignmentStatus as Carriage
from hub.db import Connection, one
from hub.dossiers.store import DossierStatus
from hub.embedded.waiting import wait_for
from hub.locale import vi
from hub.signing import crl_store, exporting, trust_list
from hub.signing.judge import judge
from hub.signing.keyring import ROOTS
from hub.signing.verdicts import VerdictAnswer

# Handed over to a department, and both sides have signed.
_COMPLETE: Final = """
SELECT id FROM handoff WHERE dossier_id = ANY(%s) AND act = 'transfer' AND status = 'complete' ORDER BY id LIMIT 1
"""
_ANCHORED: Final = """
SELECT bool_and(EXISTS (SELECT FROM custody_checkpoint c JOIN custody_stamp s ON s.checkpoint = c.number
                        WHERE c.size > l.place)) AS anchored
FROM custody_leaf l WHERE l.subject = %s
"""
_STAMPS: Final = "SELECT count(*) AS stamps FROM custody_stamp"


@dataclass(frozen=True, slots=True)
class EvidenceBundle:
    """A bundle on the disk, and the trust list that judges it."""

    bundle: Path
    folder: Path
    """what is in it, unpacked"""
    trust: Path
    roots: Path
    answer: VerdictAnswer

    @property
    def commands(self) -> tuple[str, ...]:
        """How to judge it again: by the hub without its database; by openssl the signature alone, and everything."""
        part = self.folder / "01-handoff"
        return (
            f"hub handoff verify {self.bundle} --offline --trust {self.trust}",
            (
                f"openssl cms -verify -cades -binary -inform DER -in {part}/record.p7s -content {part}/record.json"
                f" -CAfile {self.roots} -purpose any -out /dev/null"
            ),
            f"sh {self.folder}/verify.sh {self.trust}",
        )


def show(conn: Connection, dossiers: list[str], folder: Path, keys: Path | None) -> EvidenceBundle | None:
    """Export and judge one complete handoff of these ``dossiers``; None if none is complete. Raises NothingMoves."""
    row = conn.execute(_COMPLETE, (dossiers,)).fetchone()
    if row is None or keys is None:
        return None
    _wait_until_anchored(conn, row["id"])
    bundle = exporting.export(conn, row["id"], crl_store.in_folder(keys))
    folder.mkdir(parents=True, exist_ok=True)
    path, trust = folder / f"{row['id']}.zip", keys / trust_list.FILE
    path.write_bytes(bundle.write())
    unpacked = path.with_suffix("")
    with ZipFile(path) as archive:
        archive.extractall(unpacked)
    return EvidenceBundle(path, unpacked, trust, keys / ROOTS, judge(bundle, trust_list.load(trust)).answer)


def _wait_until_anchored(conn: Connection, handoff_id: str) -> None:
    wait_for(
        vi("the time stamp of {handoff_id}", handoff_id=handoff_id),
        lambda: one(conn, _ANCHORED, (handoff_id,))["anchored"],
        moves=lambda: one(conn, _STAMPS, ())["stamps"],
    )


LINE_EVERY: Final = 5.0
"""seconds"""


@dataclass(frozen=True, slots=True)
class Counts:
    """Where the submissions are."""

    submitted: int
    delivered: int
    """by the departments' own files"""
    acknowledged: int
    """the hub has the department's receipt"""
    resolved: int
    waiting: int
    """something is still to be sent about them"""
    failed: int
    """what waits for a person"""


COUNT_LABELS: Final = {
    "submitted": vi("submitted"),
    "delivered": vi("at the department"),
    "acknowledged": vi("confirmed by the department"),
    "resolved": vi("decided"),
    "waiting": vi("waiting"),
    "failed": vi("need a person"),
}


class Display(Protocol):
    """Shows counts as they come, and what the fees wait for."""

    def show(self, counts: Counts, fees_wait_for: str) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


def display(total: int) -> Display:
    """Bars if somebody watches, else lines."""
    return Bars(total) if sys.stderr.isatty() else ProgressLines(total)


class ProgressLines:
    """A line every few seconds, for logs."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._started = time.monotonic()
        self._next = 0.0

    def show(self, counts: Counts, fees_wait_for: str) -> None:
        elapsed = time.monotonic() - self._started
        if elapsed >= self._next:
            self._next = elapsed + LINE_EVERY
            shown = " · ".join(f"{COUNT_LABELS[name]} {number}" for name, number in asdict(counts).items())
            fees = vi(" · fees wait for: {fees_wait_for}", fees_wait_for=fees_wait_for) if fees_wait_for else ""
            say(
                vi(
                    "{elapsed:4.0f} s  {total} dossiers: {counts}{fees}",
                    elapsed=elapsed,
                    total=self._total,
                    counts=shown,
                    fees=fees,
                )
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


class Bars:
    """A bar for each stage."""

    def __init__(self, total: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(bar_width=48),
            MofNCompleteColumn(),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {
            name: self._progress.add_task(label, total=total) for name, label in COUNT_LABELS.items()
        }
        self._fees = self._progress.add_task("", total=None, visible=False)

    def show(self, counts: Counts, fees_wait_for: str) -> None:
        for name, number in asdict(counts).items():
            self._progress.update(self._tasks[name], completed=number)
        self._progress.update(
            self._fees,
            description=vi("fees wait for: {fees_wait_for}", fees_wait_for=fees_wait_for),
            visible=bool(fees_wait_for),
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


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
    table = Table(title=vi("Dossiers by department and status"), title_justify="left", show_footer=True)
    table.add_column(vi("Department"), footer=vi("Total"))
    totals = Counter(leg.status for leg in legs)
    table.add_column(vi("Dossier"), str(len(legs)), justify="right")
    for status in statuses:
        table.add_column(status.label, str(totals[status]), justify="right")
    median, last = _times(legs)
    table.add_column(vi("Confirmation: median"), median, justify="right")
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
    table = Table(title=vi("Signed handoffs"), title_justify="left")
    table.add_column(vi("Department"))
    for label in (
        vi("Handoff"),
        vi("Signed by the Centre"),
        vi("Signed by the department"),
        vi("Complete"),
        vi("Waiting for minutes"),
    ):
        table.add_column(label, justify="right")
    for code in sorted({handoff.department for handoff in handed}):
        mine = [handoff for handoff in handed if handoff.department == code]
        complete = sum(handoff.status == "complete" for handoff in mine)
        waiting = sum(handoff.status == "acknowledged" for handoff in mine)
        signed, countersigned = sum(handoff.signed for handoff in mine), sum(handoff.countersigned for handoff in mine)
        counts = (len(mine), signed, countersigned, complete, waiting)
        table.add_row(names.get(code, code), *(str(count) for count in counts))
    return table


def _carried(parcels: Sequence[Parcel]) -> Table:
    """The post's parcels by where they stand."""
    table = Table(title=vi("Consignment"), title_justify="left")
    for label in (vi("Direction"), vi("Status"), vi("No."), vi("Example")):
        table.add_column(label, justify="right" if label == vi("No.") else "left")
    groups: dict[tuple[str, str], list[str]] = {}
    for parcel in parcels:
        groups.setdefault((parcel.direction, parcel.status), []).append(parcel.id)
    for (direction, status), ids in sorted(groups.items()):
        table.add_row(DIRECTIONS[Direction(direction)], LABELS[Carriage(status)], str(len(ids)), ids[0])
    return table


def _times(legs: Iterable[SubmissionProgress]) -> tuple[str, str]:
    """Median and 99th percentile of the time from acceptance to the department's receipt."""
    seconds = sorted(leg.seconds_to_answer for leg in legs if leg.acknowledged and leg.seconds_to_answer is not None)
    if not seconds:
        return "", ""
    last = seconds[min(len(seconds) - 1, int(len(seconds) * 0.99))]
    return f"{statistics.median(seconds):.2f} s", f"{last:.1f} s"


def _waiting(owed: Sequence[OpenTransfer]) -> Table:
    table = Table(title=vi("Waiting, and why"), title_justify="left")
    for label in (vi("Partner"), vi("Status"), vi("Error"), vi("No."), vi("Example")):
        table.add_column(label)
    groups: dict[tuple[str, str, str], list[str]] = {}
    for transfer in owed:
        groups.setdefault((transfer.counterparty, transfer.state, transfer.error_code or ""), []).append(transfer.id)
    for why, ids in groups.items():
        table.add_row(*why, str(len(ids)), ids[0])
    return table
