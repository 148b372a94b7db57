"""The catalogue of faults, and where each is tested: ``python -m tests.faults.catalogue`` writes its page.

A row names what is injected, what must hold, the tests that show it, and what of it is not tested and why. The faults
of ``make faults`` name the rows that they answer themselves (``tests.faults.registry``).
"""

import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.registry import RegisteredFault, registered

TABLE: Final = Path(__file__).with_name("catalogue.toml")
PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "faults.md"


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """``tests``: paths from the root of the tree. ``open``: what is not tested, and why; empty: nothing."""

    id: str
    inject: str
    must_hold: str
    tests: tuple[str, ...] = ()
    open: str = ""


def rows() -> list[CatalogueRow]:
    """As catalogue.toml has them."""
    tables = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return [
        CatalogueRow(name, row["inject"], row["must_hold"], tuple(row.get("tests", ())), row.get("open", ""))
        for name, row in tables.items()
    ]


def page() -> str:
    """Markdown: how to run, every fault of the registry, every row of the catalogue."""
    faults = registered()
    by_row: dict[str, list[str]] = defaultdict(list)
    for name, fault in faults.items():
        for answered in fault.answers:
            by_row[answered].append(name)
    return "\n".join(
        [
            "# Faults: what is injected, and where it is tested",
            "",
            "Generated from `tests/faults/catalogue.toml` and the registry of faults by `make docs`.",
            "",
            *_HOW,
            "",
            "## Faults of `make faults`",
            "",
            "| fault | what is done | answers | seconds | broker |",
            "| --- | --- | --- | --- | --- |",
            *(_fault_line(fault) for fault in faults.values()),
            "",
            "## The catalogue",
            "",
            "| id | injected | must hold | tested by | not tested |",
            "| --- | --- | --- | --- | --- |",
            *(_row_line(row, by_row[row.id]) for row in rows()),
            "",
        ]
    )


_HOW: Final = """\
`make faults` starts the API, two workers, beat, the sandbox, PostgreSQL and a broker as processes, submits 5,000
dossiers of all kinds from portals that repeat each until they are told 202, and injects 50 faults meanwhile. Payers
pay, banks and post report, departments call back. After each fault it measures the recovery: how long until
everything that was committed when the fault healed has ended or waits for a person. At the end persons work off
what waits for them, and the oracle compares the counterparties' own files with what callers were told and with the
tables: every submission once at its department, every notice once and in order, every đồng of the bank's book once
in the ledger, every order of the post once, the custody log consistent, exported handoffs valid, nothing without an
owner.

The exit code is 0, or 3 with findings that name their rows; logs and files are then kept. The seed is printed: the
same seed makes the same submissions and the same faults in the same order. Which message a fault meets depends on
the machine.

    make faults                     # a new seed
    make faults SEED=7              # the same plan again
    .venv/bin/python -m tests.faults --seed 7 --list
    .venv/bin/python -m tests.faults --only worker-killed --faults 20 --submissions 500
    .venv/bin/python -m tests.faults --seconds 3600 --broker rabbitmq

The last line is a run of an hour. `tests/faults/test_short_run.py` is a short one, the same in every suite. A new fault
is one function in a file `injectors_….py` beside it, registered by a decorator.""".splitlines()


def _fault_line(fault: RegisteredFault) -> str:
    return (
        f"| {fault.name} | {fault.title} | {' '.join(fault.answers)} | {fault.seconds:g} | {' '.join(fault.brokers)} |"
    )


def _row_line(row: CatalogueRow, faults: list[str]) -> str:
    shown = ", ".join([*(f"`{path}`" for path in row.tests), *faults])
    left = row.open or ("" if shown else "no test yet")
    return f"| {row.id} | {row.inject} | {row.must_hold} | {shown} | {left} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
