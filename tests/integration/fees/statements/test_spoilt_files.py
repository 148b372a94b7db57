"""Spoilt files all the way into the database: each is kept, whatever is in it, and none stops at it."""

from random import Random

import pytest

from tests.fuzz import mutations
from tests.fuzz.subjects import SUBJECTS
from tests.integration.fees.statements.conftest import StatementImports

FILES = 25
"""of each format; the readers alone are tried with more (tests.fuzz)"""


@pytest.mark.parametrize("name", ["camt", "mt940", "csv", "xlsx"])
def test_every_file_is_kept(imports: StatementImports, name: str) -> None:
    subject, random = SUBJECTS[name](), Random(f"{name} 1")  # noqa: S311 - the same files in every run
    files = {mutations.spoilt(random.choice(subject.seeds), subject.ways, random) for _ in range(FILES)}
    for raw in files:
        imports.bring(raw)
    assert imports.hub.count("statement_file") == len(files)
