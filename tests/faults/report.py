"""The table at the end of a run: each fault, how often, how long until recovery, and what it cost."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Final

from tests.faults.nemesis import FaultRecord
from tests.faults.oracle import FindingKind, OracleFinding
from tests.faults.run import RunResult

MOST: Final = 50
"""findings that are printed"""
_COSTS: Final = (FindingKind.LOST, FindingKind.DOUBLED, FindingKind.DISORDERED)


def table(result: RunResult) -> str:
    """Text, ready to print."""
    by_name: dict[str, list[FaultRecord]] = defaultdict(list)
    for record in result.records:
        by_name[record.fault.name].append(record)
    lines = [
        "",
        f"{'fault':28} {'answers':10} times  median s   max s  lost  doubled  order",
    ]
    for name, records in sorted(by_name.items()):
        recoveries = [record.recovery for record in records if record.recovery is not None]
        middle = f"{median(recoveries):9.1f}" if recoveries else f"{'-':>9}"
        longest = f"{max(recoveries):7.1f}" if len(recoveries) == len(records) else f"{'never':>7}"
        charged = [finding for record in records for finding in _charged(result, record)]
        lost, doubled, disordered = (sum(finding.kind is kind for finding in charged) for kind in _COSTS)
        answers = " ".join(records[0].fault.answers)
        lines.append(f"{name:28} {answers:10} {len(records):5} {middle} {longest} {lost:5} {doubled:8} {disordered:6}")
    totals = {kind: sum(finding.kind is kind for finding in result.findings) for kind in FindingKind}
    lines += [
        "",
        _headline(result),
        "refused meanwhile and sent again: "
        + (", ".join(f"{status or 'no answer'} × {n}" for status, n in sorted(result.refusals.items())) or "nothing"),
        "waited for a person: " + (", ".join(f"{code} × {n}" for code, n in result.persons.items()) or "nothing"),
        ", ".join(f"{n} {kind}" for kind, n in totals.items()),
        *(f"  {finding}" for finding in result.findings[:MOST]),
    ]
    if (more := len(result.findings) - MOST) > 0:
        lines.append(f"  … and {more} more")
    return "\n".join(lines)


def _headline(result: RunResult) -> str:
    options = result.options
    return (
        f"seed {options.seed}, {options.broker}: {result.accepted} accepted, {len(result.records)} faults,"
        f" {result.seconds:.0f} s"
    )


def _charged(result: RunResult, record: FaultRecord) -> Sequence[OracleFinding]:
    """Findings about submissions that came in since the fault before this one had been recovered from."""
    number = result.records.index(record)
    since = result.records[number - 1].healed_at if number else None
    until = record.healed_at if number + 1 < len(result.records) else None
    return [
        finding
        for finding in result.findings
        if finding.at is not None and (since is None or finding.at > since) and (until is None or finding.at <= until)
    ]
