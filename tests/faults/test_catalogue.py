"""The page of faults is fresh, and what it names is there."""

from pathlib import Path

from tests.faults import catalogue
from tests.faults.registry import registered

ROOT = Path(__file__).parents[2]


def test_the_page_of_faults_is_fresh() -> None:
    assert catalogue.PAGE.read_text(encoding="utf-8") == catalogue.page(), "run: make docs"


def test_every_fault_answers_a_row_of_the_catalogue() -> None:
    ids = {row.id for row in catalogue.rows()}
    assert {answered for fault in registered().values() for answered in fault.answers} <= ids


def test_every_row_is_tested_or_says_why_not() -> None:
    injected = {answered for fault in registered().values() for answered in fault.answers}
    assert [row.id for row in catalogue.rows() if not (row.tests or row.id in injected or row.open)] == []


def test_the_tests_of_a_row_are_there() -> None:
    assert [path for row in catalogue.rows() for path in row.tests if not (ROOT / path).exists()] == []
