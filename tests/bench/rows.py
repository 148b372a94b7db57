"""A figure of the bench: a value beside its baseline, and what it must reach."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class BenchRow:
    """``ratio`` is value over baseline; ``ok`` says whether it keeps ``must``."""

    name: str
    unit: str
    baseline: float
    value: float
    ratio: float
    must: str
    ok: bool
    note: str = ""


def at_least(name: str, unit: str, baseline: float, value: float, must: float, note: str = "") -> BenchRow:
    ratio = value / baseline
    return BenchRow(
        name, unit, round(baseline, 1), round(value, 1), round(ratio, 3), f">= {must} x", ratio >= must, note
    )


def at_most(name: str, unit: str, baseline: float, value: float, limit: float, must: str, note: str = "") -> BenchRow:
    return BenchRow(
        name, unit, round(baseline, 1), round(value, 1), round(value / baseline, 3), must, value <= limit, note
    )


def in_turn(rounds: int, baseline: Callable[[], float], value: Callable[[], float]) -> tuple[float, float]:
    """The medians of both, measured in turn, so that a machine whose speed drifts does not favour either."""
    pairs = [(baseline(), value()) for _ in range(rounds)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def write(rows: list[BenchRow], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def table(rows: list[BenchRow]) -> str:
    lines = [f"{'':4}{'name':44}{'unit':12}{'baseline':>10}{'value':>10}{'ratio':>8}  must"]
    for row in rows:
        mark = "ok" if row.ok else "--"
        lines.append(
            f"{mark:4}{row.name:44}{row.unit:12}{row.baseline:>10}{row.value:>10}{row.ratio:>8}  {row.must}"
            + (f"\n        {row.note}" if row.note else "")
        )
    return "\n".join(lines)
