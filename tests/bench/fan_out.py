"""Notices to the portal's webhooks that have waited, told as fast as it goes, against bare signed POSTs."""

from typing import Final

from tests.bench.bare_calls import notice_calls, per_second, prepared
from tests.bench.rows import BenchRow, at_least, in_turn
from tests.bench.service import await_quiet, await_waiting_only, delivered_per_second, moment, partner, submit
from tests.stack import ProcessStack

MANY: Final = 400
"""dossiers in each round"""
SECRETS: Final = {"cong-dvc": "HUB_SECRET_TEST_CONG_DVC_WEBHOOK", "second": "HUB_SECRET_TEST_SECOND_WEBHOOK"}
"""endpoint → the name of its secret"""
COUNTERPARTIES: Final = [f"portal.{endpoint}" for endpoint in SECRETS]
WHY: Final = "claim, attempt, evidence and an audit entry for each notice; those of one dossier in their order"


def rows(running: ProcessStack) -> list[BenchRow]:
    running.start()
    pairs = in_turn(lambda: _bare_per_second(running), lambda: _told_per_second(running))
    return [at_least("webhooks to two endpoints / bare requests", "notices/s", pairs, 0.5, WHY)]


def _bare_per_second(running: ProcessStack) -> float:
    """Let notices of fresh dossiers wait, and tell some of them, under other ids, with bare calls."""
    for counterparty in COUNTERPARTIES:
        partner(running, "pause", counterparty)
    submit(running, "rest-a", MANY)
    await_waiting_only(running, COUNTERPARTIES)
    calls = []
    for endpoint, secret in SECRETS.items():
        calls += notice_calls(running, endpoint, secret, prepared(running, f"portal.{endpoint}", MANY))
    return per_second(calls)


def _told_per_second(running: ProcessStack) -> float:
    """Let the hub tell what waits."""
    since = moment(running)
    for counterparty in COUNTERPARTIES:
        partner(running, "resume", counterparty)
    await_quiet(running)
    return delivered_per_second(running, COUNTERPARTIES, since)
