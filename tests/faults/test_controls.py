"""Negative controls: with one rule of the hub switched off, the same checker must fail.

The claim version, the sweep and the confirms each have a run in which everything else holds; a checker that never fails
proves nothing.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.checker import findings
from tests.faults.load import a_load
from tests.rabbitmq import WRITTEN_WITHIN, RabbitMQ
from tests.stack import ProcessStack, stack

pytestmark = pytest.mark.faults

SWEPT_WITHIN = 3.0
"""seconds, in which beat sweeps six times"""


@pytest.fixture
def embedded(stack_folder: Path, database_url: str, valkey_url: str) -> Iterator[ProcessStack]:
    with stack(stack_folder, database_url, valkey_url, HUB_LEASE_MARGIN="0.1") as processes:
        processes.start_sandbox()
        yield processes


@pytest.mark.parametrize("rule", ["kept", "claim-version"])
def test_without_the_claim_version_a_worker_that_outslept_its_lease_overwrites_its_successor(
    embedded: ProcessStack, rule: str
) -> None:
    embedded.start_api()
    embedded.turn("department.rest-a", slow=1)
    embedded.start_worker("sleeper", without=rule if rule != "kept" else None)
    accepted = a_load(embedded, "rest-a", 1)
    embedded.wait_for(lambda: transfer_is(embedded, "sending"))
    os.kill(embedded.parts["sleeper"].pid, signal.SIGSTOP)
    embedded.start_worker("successor")
    embedded.start_beat()
    embedded.wait_for(lambda: transfer_is(embedded, "delivered"))
    os.kill(embedded.parts["sleeper"].pid, signal.SIGCONT)
    # The sleeper wakes, reads its answer and wants to write it down.
    embedded.wait_for(lambda: "outbox_claim_stale" in log_of(embedded, "sleeper") or answered(embedded) > 1)
    embedded.wait_for(embedded.quiet)
    assert (findings(embedded, accepted) == []) is (rule == "kept")


def test_without_the_sweep_a_wakeup_that_died_with_the_api_is_never_repeated(embedded: ProcessStack) -> None:
    embedded.start_api({"HUB_BROKER_URL": "redis://127.0.0.1:1/0"})
    accepted = a_load(embedded, "rest-a", 3)
    embedded.kill("api")
    embedded.start_api()
    embedded.start_worker()
    embedded.wait_for(lambda: embedded.rows("SELECT 1 FROM worker_heartbeat"))
    time.sleep(SWEPT_WITHIN)
    assert findings(embedded, accepted) != []
    embedded.start_beat()
    embedded.wait_for(embedded.quiet)
    assert findings(embedded, accepted) == []


@pytest.mark.server_stack
@pytest.mark.parametrize("rule", ["kept", "confirms"])
def test_without_confirms_what_the_broker_had_not_written_is_never_made_up_for(
    stack_folder: Path, database_url: str, rabbit: RabbitMQ, rabbit_url: str, rule: str
) -> None:
    """The sweep repeats nothing that is believed to be on the broker: the publisher's own knowledge protects it."""
    with stack(stack_folder, database_url, rabbit_url, HUB_WAKEUP_REPEAT_AFTER="3600") as running:
        running.start_sandbox()
        running.start_api(without=rule if rule != "kept" else None)
        accepted = a_load(running, "rest-a", 3)
        running.wait_for(lambda: woken(running) == 3)
        time.sleep(WRITTEN_WITHIN)
        rabbit.freeze()
        accepted |= a_load(running, "rest-a", 5)
        if rule == "kept":
            time.sleep(1)
            assert woken(running) == 3
        else:
            running.wait_for(lambda: woken(running) == 8)
        rabbit.kill()
        rabbit.start()
        running.start_worker()
        running.start_beat()
        if rule == "kept":
            running.wait_for(running.quiet)
        else:
            running.wait_for(lambda: running.rows("SELECT 1 FROM tick WHERE name = 'ticks.sweep'"))
            time.sleep(SWEPT_WITHIN)
        assert (findings(running, accepted) == []) is (rule == "kept")


def transfer_is(running: ProcessStack, state: str) -> bool:
    rows = running.rows("SELECT state FROM outbox WHERE kind = 'department.submit'")
    return [row["state"] for row in rows] == [state]


def answered(running: ProcessStack) -> int:
    return len(running.rows("SELECT 1 FROM audit_log WHERE action = 'handoff_answered'"))


def log_of(running: ProcessStack, name: str) -> str:
    return (running.folder / f"{name}.log").read_text(encoding="utf-8")


def woken(running: ProcessStack) -> int:
    return len(running.rows("SELECT 1 FROM inbox WHERE wakeup_sent_at IS NOT NULL AND kind = 'portal.submission'"))
