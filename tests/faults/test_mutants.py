"""Mutants of a hub in one process: with a rule broken its own scenario goes wrong, with the rule intact it goes right.

Those that need whole processes and a broker are in test_controls.py.
"""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
import pytest
from pydantic import PostgresDsn

from config.catalogue import Catalogue, Idempotency
from config.settings import Settings
from connectors.errors import Unavailable
from hub import delivery, dispatch
from hub.errors import KeyReused
from hub.migrations.run import upgrade
from schemas.department import Handoff, HandoffReceipt
from tests.builders import a_code, a_receipt, a_submission, submission_arrival
from tests.faults.cluster import PostgresServer
from tests.faults.without import RULES
from tests.integration.transfers import put_one
from tests.scripted_hub import ScriptedHub
from tests.server_folder import server_folder

Break = Callable[[str, bool], None]


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Break the rule of this name, unless it is intact."""

    def decide(name: str, intact: bool) -> None:
        if not intact:
            RULES[name](monkeypatch.setattr)

    return decide


both = pytest.mark.parametrize("intact", [True, False], ids=["intact", "broken"])


@both
def test_without_the_order_rule_notices_overtake_one_another(hub: ScriptedHub, rule: Break, *, intact: bool) -> None:
    rule("order", intact)
    transfer = put_one(hub)
    hub.department("rest-a").answers.append(a_receipt())
    delivery.deliver(hub, transfer)
    hub.waiting.clear()
    for notice in hub.rows("SELECT id FROM outbox WHERE counterparty = 'portal.cong-dvc' ORDER BY seq DESC"):
        delivery.deliver(hub, notice["id"])
    hub.carry()
    versions = [json.loads(body)["data"]["version"] for body, _ in hub.endpoint("cong-dvc").received]
    assert sorted(versions) == [1, 2]
    assert (versions == sorted(versions)) is intact


@both
def test_without_isolation_a_message_that_fails_keeps_its_batch_waiting(
    hub: ScriptedHub, rule: Break, *, intact: bool
) -> None:
    rule("isolation", intact)
    code = a_code(77)
    ids = [hub.accept(submission_arrival(a_submission(dossier_code=code))).id for _ in range(2)]
    dispatch.handle(hub, ids[0])
    sound = [hub.accept(submission_arrival()).id for _ in range(2)]
    dispatch.handle(hub, *sound, ids[1])
    handled = hub.rows("SELECT id FROM inbox WHERE state = 'handled' AND id = ANY(%s)", sound)
    assert len(handled) == (2 if intact else 0)


@both
def test_without_asking_first_what_has_arrived_arrives_twice(hub: ScriptedHub, rule: Break, *, intact: bool) -> None:
    rule("find-first", intact)
    hub.profiles["department.rest-a"] = Idempotency.ASK
    transfer = put_one(hub)
    department = hub.department("rest-a")
    department.answers.extend([Unavailable("PARTNER_TIMEOUT", outcome_unknown=True), a_receipt()])
    department.findings.append(a_receipt())
    delivery.deliver(hub, transfer)
    later(hub)
    assert hub.rows("SELECT state FROM outbox WHERE id = %s", transfer) == [{"state": "delivered"}]
    assert len(department.submitted) == (1 if intact else 2)


@both
def test_without_the_content_in_the_key_somebody_is_told_that_his_submission_was_taken(
    hub: ScriptedHub, rule: Break, *, intact: bool
) -> None:
    rule("content-bound-key", intact)
    first, second = a_submission(), a_submission()
    hub.accept(submission_arrival(first, key="the same"))
    taken = [first["reference"]]
    with suppress(KeyReused):
        hub.accept(submission_arrival(second, key="the same"))
        taken.append(second["reference"])
    stored = [json.loads(row["body"])["reference"] for row in hub.rows("SELECT body FROM inbox")]
    assert (sorted(taken) == sorted(stored)) is intact


@both
def test_without_the_sweep_what_the_broker_forgot_waits_for_ever(
    hub: ScriptedHub, rule: Break, *, intact: bool
) -> None:
    rule("sweep", intact)
    hub.accept(submission_arrival())
    hub.waiting.clear()
    hub.department("rest-a").answers.append(a_receipt())
    later(hub)
    assert (hub.rows("SELECT state FROM inbox") == [{"state": "handled"}]) is intact


@both
def test_without_the_claim_version_a_late_answer_is_written_over_a_newer_one(
    hub: ScriptedHub, rule: Break, *, intact: bool
) -> None:
    rule("claim-version", intact)
    transfer = put_one(hub)

    def outslept(_: Handoff) -> HandoffReceipt:
        """The lease runs out while the department works; a second worker asks and is told."""
        hub.department("rest-a").findings.append(a_receipt("SO-ASKED"))
        later(hub)
        return a_receipt("SO-LATE")

    hub.department("rest-a").answers.append(outslept)
    delivery.deliver(hub, transfer)
    answered = hub.rows("SELECT subject FROM audit_log WHERE action = 'handoff_answered'")
    assert (len(answered) == 1) is intact


@pytest.mark.faults
@both
def test_without_a_durable_claim_a_database_that_dies_makes_the_hub_send_again_what_cannot_be_recognised(
    own_server: PostgresServer, settings: Settings, catalogue: Catalogue, rule: Break, *, intact: bool
) -> None:
    rule("durable-claim", intact)
    with ScriptedHub(settings.model_copy(update={"database_url": PostgresDsn(own_server.url)}), catalogue) as hub:
        hub.profiles["department.rest-a"] = Idempotency.NONE
        transfer = put_one(hub)

        def taken(_: Handoff) -> HandoffReceipt:
            own_server.stop(signal.SIGQUIT)
            own_server.start()
            return a_receipt()

        hub.department("rest-a").answers.extend([taken, a_receipt()])
        with suppress(psycopg.OperationalError):
            delivery.deliver(hub, transfer)
        later(hub)
        assert len(hub.department("rest-a").submitted) == (1 if intact else 2)


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """A PostgreSQL that may be killed, and whose asynchronous commits stay in its memory for long."""
    with server_folder() as folder:
        server = PostgresServer(folder)
        server.start()
        try:
            upgrade(server.url)
            with psycopg.connect(server.url, autocommit=True) as admin:
                admin.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
                admin.execute("SELECT pg_reload_conf()")
            yield server
        finally:
            server.stop(signal.SIGQUIT)  # nobody needs its last checkpoint


def later(hub: ScriptedHub) -> None:
    """All pauses and leases are over; the sweep finds what is due, and it is carried."""
    with hub.db.connection() as conn:
        conn.execute("UPDATE inbox SET due_at = now() WHERE settled_at IS NULL")
        conn.execute("UPDATE outbox SET due_at = now() WHERE settled_at IS NULL AND due_at > now()")
        conn.execute("UPDATE counterparty SET breaker_open_until = NULL")
    hub.sweep()
    hub.carry()
