"""A figure of the bench: a value beside its baseline, and what it must reach."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final

ROUNDS: Final = 5
"""pairs of a baseline and a value"""


@dataclass(frozen=True, slots=True)
class Pairs:
    """A baseline and a value, each measured several times, in turn."""

    baselines: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def baseline(self) -> float:
        return median(self.baselines)

    @property
    def value(self) -> float:
        return median(self.values)

    @property
    def ratios(self) -> list[float]:
        """Value over baseline of each pair: both met the same machine."""
        return [value / baseline for baseline, value in zip(self.baselines, self.values, strict=True)]


@dataclass(frozen=True, slots=True)
class BenchRow:
    """``ratio`` is value over baseline; ``spread`` its lowest and highest of a pair; ``ok``: it keeps ``must``."""

    name: str
    unit: str
    baseline: float
    value: float
    ratio: float
    must: str
    ok: bool
    note: str = ""
    spread: tuple[float, float] | None = None


def in_turn(baseline: Callable[[], float], value: Callable[[], float], rounds: int = ROUNDS) -> Pairs:
    """Measure both in turn, so that a machine whose speed drifts favours neither. Prints each pair to stderr."""
    pairs = []
    for _ in range(rounds):
        pairs.append((baseline(), value()))
        sys.stderr.write(f"  {pairs[-1][0]:,.1f} | {pairs[-1][1]:,.1f}\n")
    return Pairs(*zip(*pairs, strict=True))


def at_least(name: str, unit: str, pairs: Pairs, least: float, note: str = "") -> BenchRow:
    """The median ratio of the pairs must be ``least`` or more."""
    return _ratio_row(name, unit, pairs, f">= {least:g} x", median(pairs.ratios) >= least, note)


def ratio_at_most(name: str, unit: str, pairs: Pairs, most: float, note: str = "") -> BenchRow:
    """The median ratio of the pairs must be ``most`` or less."""
    return _ratio_row(name, unit, pairs, f"<= {most:g} x", median(pairs.ratios) <= most, note)


def _ratio_row(name: str, unit: str, pairs: Pairs, must: str, ok: bool, note: str) -> BenchRow:
    ratios = pairs.ratios
    spread = round(min(ratios), 3), round(max(ratios), 3)
    baseline, value, ratio = round(pairs.baseline, 1), round(pairs.value, 1), round(median(ratios), 3)
    return BenchRow(name, unit, baseline, value, ratio, must, ok, note, spread)


def at_most(name: str, unit: str, baseline: float, value: float, limit: float, must: str, note: str = "") -> BenchRow:
    """The value must be ``limit`` or less, whatever the baseline is."""
    ratio = round(value / baseline, 3) if baseline else 0.0
    return BenchRow(name, unit, round(baseline, 1), round(value, 1), ratio, must, value <= limit, note)


def write(rows: list[BenchRow], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def table(rows: list[BenchRow]) -> str:
    lines = [f"{'':4}{'name':60}{'unit':14}{'baseline':>10}{'value':>10}{'ratio':>8} {'spread':>14}  must"]
    for row in rows:
        mark = "ok" if row.ok else "--"
        spread = f"{row.spread[0]:g}-{row.spread[1]:g}" if row.spread else ""
        figures = f"{row.baseline:>10}{row.value:>10}{row.ratio:>8} {spread:>14}"
        lines.append(f"{mark:4}{row.name:60}{row.unit:14}{figures}  {row.must}")
        if row.note:
            lines.append(f"{'':8}{row.note}")
    return "\n".join(lines)
