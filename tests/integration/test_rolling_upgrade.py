"""The core's own tests once more, on the schema of a later release: an old worker goes on while the new ones come.

``LATER_SCHEMA=1 pytest tests/integration`` runs every other test so.
"""

import shutil
from pathlib import Path

import psycopg
import pytest

import hub.migrations
from hub.migrations.run import current, head, upgrade
from tests.integration.test_crashes import (
    apart,
    dies,
    test_a_transfer_that_crashed_two_processes_is_stuck_and_sent_no_more,
    test_one_crash_is_retried,
)
from tests.integration.test_dossiers import (
    test_a_dossier_runs_through_its_life_and_the_portal_hears_of_each_step,
    test_a_report_that_waited_goes_on_as_soon_as_its_predecessor_is_there,
    test_the_hub_issues_codes_without_gaps_when_the_portal_has_none,
)
from tests.integration.test_inbox import test_fifty_copies_at_once_are_one_message_and_one_answer
from tests.integration.test_liveness import test_a_worker_that_died_is_told_from_one_that_was_stopped
from tests.integration.test_operations import test_one_that_asked_to_be_left_alone_is_resumed_with_what_waits_for_it
from tests.integration.test_outbox import (
    test_a_refusal_ends_the_transfer_and_is_told,
    test_an_unknown_outcome_is_asked_about_before_anything_is_sent_again,
    test_the_second_notice_of_a_dossier_waits_for_the_first,
)
from tests.later_schema import widen

__all__ = [
    "apart",
    "dies",
    "test_a_dossier_runs_through_its_life_and_the_portal_hears_of_each_step",
    "test_a_later_step_is_run_on_a_database_of_this_release",
    "test_a_refusal_ends_the_transfer_and_is_told",
    "test_a_report_that_waited_goes_on_as_soon_as_its_predecessor_is_there",
    "test_a_transfer_that_crashed_two_processes_is_stuck_and_sent_no_more",
    "test_a_worker_that_died_is_told_from_one_that_was_stopped",
    "test_an_unknown_outcome_is_asked_about_before_anything_is_sent_again",
    "test_fifty_copies_at_once_are_one_message_and_one_answer",
    "test_one_crash_is_retried",
    "test_one_that_asked_to_be_left_alone_is_resumed_with_what_waits_for_it",
    "test_the_hub_issues_codes_without_gaps_when_the_portal_has_none",
    "test_the_second_notice_of_a_dossier_waits_for_the_first",
]


@pytest.fixture
def database_url(database_url: str) -> str:
    """Every table has a column that this code does not know."""
    widen(database_url)
    return database_url


def test_a_later_step_is_run_on_a_database_of_this_release(database_url: str, tmp_path: Path) -> None:
    later = tmp_path / "migrations"
    shutil.copytree(Path(hub.migrations.__file__).parent, later)
    (later / "versions" / "later.py").write_text(
        f'from alembic import op\n\nrevision = "later"\ndown_revision = "{head()}"\n\n\n'
        'def upgrade() -> None:\n    op.execute("CREATE TABLE of_a_later_release (id text)")\n'
    )

    upgrade(database_url, later)

    assert current(database_url) == "later"
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT count(*) FROM of_a_later_release").fetchone() == (0,)
