"""Every reader for a short while, another stretch of files in each run's seed; the long run is python -m tests.fuzz."""

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import endpoints
from tests.fuzz.subjects import SUBJECTS


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_spoilt_file_is_read_or_said_to_be_unreadable(name: str) -> None:
    subject = SUBJECTS[name]()
    for seed in subject.seeds:
        subject.try_file(seed)

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=False, note_method_calls=False))
    def check(random: Random) -> None:
        subject.try_one(random)

    check()


REFUSED_TOO = {"bundle", "pdf", "reply-order", "reply-revocation"}
"""Among the seeds of these are some that are none of the kind, or a refusal."""


@pytest.mark.parametrize("name", sorted(SUBJECTS.keys() - REFUSED_TOO))
def test_what_it_is_made_of_is_taken(name: str) -> None:
    subject = SUBJECTS[name]()
    assert all(subject.try_file(seed) for seed in subject.seeds)


def test_every_reader_is_on_the_page_of_the_threat_model() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "threat-model.md"
    parsers = page.read_text(encoding="utf-8").partition("## Parsers")[2].partition("\nNot fuzzed")[0]
    assert set(re.findall(r"`([a-z0-9-]+)`", parsers)) == {*SUBJECTS, *endpoints.SUBJECTS}
