"""The core's commands once more, as the role hub_worker: workers and operators need no more than grants.sql gives."""

from datetime import timedelta

import pytest
from pydantic_core import Url

from config.settings import Settings
from hub import clock, dispatch, operations
from hub.messages import outbox
from tests.builders import a_submission, submission_arrival
from tests.deploy.installed import database_url_as, make_roles, run_script
from tests.integration.test_dossiers import (  # noqa: F401 - pytest runs them here too
    test_a_dossier_runs_through_its_life_and_the_portal_hears_of_each_step,
    test_a_late_report_is_journaled_and_moves_nothing,
    test_a_report_about_an_unknown_dossier_waits_and_ends_dead_not_lost,
    test_a_report_before_our_own_receipt_waits_for_it,
    test_the_hub_issues_codes_without_gaps_when_the_portal_has_none,
)
from tests.integration.test_inbox import (  # noqa: F401
    test_a_claim_under_lease_is_not_given_twice_and_comes_back_by_itself,
    test_a_sender_that_lost_its_key_is_recognised_by_its_reference,
)
from tests.integration.test_outbox import (  # noqa: F401
    test_a_crash_in_mid_send_leaves_an_unknown_outcome_that_is_asked_about,
    test_a_duplicate_is_a_success_with_the_receipt_that_asking_gives,
    test_a_refusal_ends_the_transfer_and_is_told,
    test_failures_in_a_row_open_the_breaker_and_one_probe_closes_it,
    test_notices_of_a_dossier_leave_in_order_and_a_stuck_transfer_blocks_no_other_dossier,
    test_the_sweep_wakes_rows_without_a_wakeup_and_expired_leases,
)
from tests.scripted_hub import ScriptedHub

ACTOR, REASON = "thu.nghiem", "chỉ để thử"


@pytest.fixture
def settings(settings: Settings, database_url: str) -> Settings:
    make_roles(database_url)
    run_script(database_url, "grants.sql")
    name = database_url.rpartition("/")[2]
    return settings.model_copy(update={"database_url": Url(database_url_as(database_url, name, "hub_worker"))})


def test_an_operator_pauses_parks_revives_and_lets_evidence_age(hub: ScriptedHub) -> None:
    assert hub.rows("SELECT current_user AS role") == [{"role": "hub_worker"}]
    operations.pause(hub, "department.rest-a", actor=ACTOR, reason=REASON)
    operations.resume(hub, "department.rest-a", actor=ACTOR, reason=REASON)
    accepted = hub.accept(submission_arrival(a_submission()))
    dispatch.handle(hub, accepted.id)
    [row] = hub.rows("SELECT id FROM outbox WHERE kind = 'department.submit'")
    operations.park(hub, row["id"], actor=ACTOR, reason=REASON, review_at=clock.now() + timedelta(days=1))
    operations.unpark(hub, row["id"], actor=ACTOR, reason=REASON)
    operations.cancel(hub, row["id"], actor=ACTOR, reason=REASON)
    with hub.db.connection() as conn:
        assert outbox.rotate_exchanges(conn) == []
    assert [line["verb"] for line in hub.rows("SELECT verb FROM audit_log WHERE actor = %s ORDER BY id", ACTOR)] == [
        "paused",
        "resumed",
        "parked",
        "unparked",
        "cancelled",
    ]
