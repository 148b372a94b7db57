"""The table of magic dossiers: complete, without contradiction, and the page is what it prints."""

from pathlib import Path

import pytest

from connectors.sandbox.dossier_behaviours import (
    BEHAVIOURS,
    BY_SUFFIX,
    ORDINARY,
    DepartmentAnswer,
    ReportingBehaviour,
    dossier_behaviour_of,
)
from connectors.sandbox.reference import markdown

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "sandbox.md"


def test_the_page_is_what_the_table_prints() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), (
        "stale: python -m connectors.sandbox.reference > docs/reference/sandbox.md"
    )


def test_every_suffix_and_every_name_stands_once() -> None:
    assert len(BY_SUFFIX) == len(BEHAVIOURS) == len({behaviour.name for behaviour in BEHAVIOURS})


def test_every_answer_and_every_way_of_telling_is_some_dossiers_behaviour() -> None:
    assert {behaviour.answer for behaviour in BEHAVIOURS} == set(DepartmentAnswer)
    assert {behaviour.telling for behaviour in BEHAVIOURS} == set(ReportingBehaviour)


def test_only_answers_without_effect_are_counted() -> None:
    assert {behaviour.answer for behaviour in BEHAVIOURS if behaviour.times} == {
        DepartmentAnswer.FAULT,
        DepartmentAnswer.BUSY,
    }


@pytest.mark.parametrize(
    ("dossier_code", "procedure", "suffix"),
    [
        ("000.00.01.H42-261124-9003", "1.000001", "9003"),
        ("h42.16-261124-019003", "1.000001", "9003"),
        ("000.00.01.H42-261124-0001", "9.009002", "9002"),
        ("000.00.01.H42-261124-9003", "9.009002", "9003"),
    ],
    ids=["code", "six digits, lower case", "procedure", "code before procedure"],
)
def test_a_dossier_meets_the_behaviour_that_its_code_or_its_procedure_names(
    dossier_code: str, procedure: str, suffix: str
) -> None:
    assert dossier_behaviour_of(dossier_code, procedure).suffix == suffix


@pytest.mark.parametrize("procedure", ["1.009002", "9.000002"])
def test_any_other_dossier_is_ordinary(procedure: str) -> None:
    assert dossier_behaviour_of("000.00.01.H42-261124-0001", procedure) is ORDINARY
