"""A table has no number, only its days: a day may come in parts or again with more lines, never told otherwise."""

import pytest

from hub.fees.reconciliation.statements.importing import ImportResult
from hub.fees.reconciliation.statements.model import FileStatus
from tests.bank_files import StatementDraft, StatementMovement, ago, csv_file, table
from tests.integration.fees.matching import red
from tests.integration.fees.statements.conftest import StatementImports


def codes(result: ImportResult) -> list[str]:
    return [finding["code"] for finding in result.findings]


def part(*moves: StatementMovement, opening: int, closing: int | None = None, day: int = 5) -> bytes:
    """A table of one day, or of a part of it."""
    return csv_file(table(StatementDraft(moves, opening=opening, day=ago(day), closing=closing)))


MORNING, EVENING = StatementMovement(150, "SANG", ref="FT1"), StatementMovement(70, "CHIEU", ref="FT2")


def test_a_day_that_is_told_again_with_more_lines_adds_those(imports: StatementImports) -> None:
    imports.bring(part(MORNING, opening=1_000))
    result = imports.bring(part(MORNING, EVENING, opening=1_000))
    assert [(result.state, one["new"], one["known"]) for one in result.summary] == [(FileStatus.ACCEPTED, 1, 1)]
    assert imports.bring(part(MORNING, EVENING, StatementMovement(9, "TOI"), opening=1_000)).is_accepted
    assert (imports.amounts, imports.open_exceptions, red(imports.hub)) == ([150, 70, 9], [], [])
    assert imports.bring(part(StatementMovement(1, "MAI"), opening=1_229, day=4)).is_accepted


def test_a_later_part_of_a_day_that_opens_where_the_first_closed_is_taken(imports: StatementImports) -> None:
    imports.bring(part(MORNING, opening=1_000))
    assert imports.bring(part(EVENING, opening=1_150)).is_accepted
    assert imports.bring(part(StatementMovement(70, "TOI"), opening=1_220)).is_accepted
    assert imports.bring(
        part(MORNING, EVENING, StatementMovement(70, "TOI"), StatementMovement(1), opening=1_000)
    ).is_accepted
    assert (sorted(imports.amounts), imports.open_exceptions, red(imports.hub)) == ([1, 70, 70, 150], [], [])


@pytest.mark.parametrize(
    "raw",
    [
        part(StatementMovement(160, "SANG", ref="FT1"), opening=1_000),  # the line says something else
        part(EVENING, opening=1_000),  # the line is not there
        part(MORNING, EVENING, opening=1_001),
        part(EVENING, opening=1_149),
    ],
)
def test_a_day_that_is_told_otherwise_is_held(imports: StatementImports, raw: bytes) -> None:
    imports.bring(part(MORNING, opening=1_000))
    result = imports.bring(raw)
    assert (result.state, "S04" in codes(result), imports.amounts) == (FileStatus.QUARANTINED, True, [150])


def test_a_day_that_came_to_nothing_is_never_taken_for_the_part_before_another(imports: StatementImports) -> None:
    imports.bring(part(MORNING, StatementMovement(-150, "HOAN"), opening=1_000))
    assert codes(imports.bring(part(EVENING, opening=1_000))) == ["S04"]
    assert imports.bring(part(MORNING, StatementMovement(-150, "HOAN"), EVENING, opening=1_000)).is_accepted
    assert (imports.amounts, red(imports.hub)) == ([150, -150, 70], [])


def test_a_corrected_day_takes_the_place_of_all_its_parts(imports: StatementImports) -> None:
    imports.bring(part(MORNING, opening=1_000))
    imports.bring(part(EVENING, opening=1_150))
    held = imports.bring(part(MORNING, StatementMovement(71, "CHIEU", ref="FT2"), opening=1_000))
    assert codes(held) == ["S04", "S08"]
    imports.approve(held)
    assert (imports.amounts, red(imports.hub)) == ([150, 71], [])


def test_a_day_that_came_in_parts_is_corrected_after_the_next_ones_were_accepted(imports: StatementImports) -> None:
    """The days after it stay behind it, without a gap."""
    imports.bring(part(StatementMovement(1, "HOM TRUOC"), opening=999, day=6))
    imports.bring(part(MORNING, opening=1_000))
    imports.bring(part(EVENING, opening=1_150))
    for day, opening in ((4, 1_220), (3, 1_225)):
        assert imports.bring(part(StatementMovement(5, f"SAU {day}"), opening=opening, day=day)).is_accepted
    imports.approve(imports.bring(part(MORNING, StatementMovement(70, "CHIEU MUON", ref="FT3"), opening=1_000)))
    assert (imports.amounts, red(imports.hub)) == ([1, 150, 70, 5, 5], [])
    rows = imports.hub.rows("SELECT chain, opening FROM statement WHERE chain IS NOT NULL ORDER BY chain")
    assert [(row["chain"], row["opening"]) for row in rows] == [(0, 999), (1, 1_000), (2, 1_220), (3, 1_225)]
    assert imports.bring(part(StatementMovement(9, "MAI"), opening=1_230, day=2)).is_accepted
