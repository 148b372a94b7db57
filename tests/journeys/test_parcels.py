"""Every behaviour of a parcel, through API, broker, workers, beat and sandbox: both dialects, feed and callback."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from config.catalogue import Catalogue
from config.settings import Settings
from connectors.sandbox.postal_behaviours import POSTAL_BEHAVIOURS, PostalBehaviour
from hub import dispatch
from hub.app import Hub
from hub.consignments import commands
from hub.consignments.model import Direction
from hub.consignments.ordering import DeliveryRequest
from tests.builders import a_code, a_submission
from tests.catalogue_secrets import CATALOGUE
from tests.stack import ProcessStack, stack

BY_POST = {
    "method": "post",
    "address": {"province": "Ninh Bình", "commune": "Phường Mẫu", "detail": "Số 9 đường Nhận Kết Quả"},
}
OPERATORS = ("post-a", "post-b")


@pytest.fixture
def running(tmp_path: Path, database_url: str, broker_url: str) -> Iterator[ProcessStack]:
    with stack(tmp_path, database_url, broker_url) as processes:
        processes.start()
        yield processes


def code_of(behaviour: PostalBehaviour) -> str:
    return a_code(int(behaviour.suffix), agency="000.00.61.H42")


def order_by_hand(running: ProcessStack, catalogue: Catalogue, dossiers: list[str]) -> None:
    """A clerk has the other operator, which calls back, carry the papers of the same dossiers."""
    settings = Settings.model_validate(
        {
            "database_url": running.database_url,
            "broker_url": running.environment["HUB_BROKER_URL"],
            "catalogue": CATALOGUE,
            "cursor_key": running.environment["HUB_CURSOR_KEY"],
            "public_url": running.url,
        }
    )
    with Hub(settings, catalogue) as hub:
        for dossier in dossiers:
            request = DeliveryRequest(Direction.CENTRE_TO_DEPARTMENT, (dossier,), operator="post-b")
            dispatch.run_command(hub, "can-bo-thu-nghiem", partial(commands.order, request=request))


def wrong(running: ProcessStack, expected: dict[tuple[str, str], tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """operator and order number → where order and item stand, of those that do not stand where the table says."""
    rows = running.rows(
        "SELECT c.operator, c.order_number, o.state, c.status FROM consignment c JOIN outbox o ON o.id = c.transfer_id"
    )
    statuses = {(row["operator"], row["order_number"]): (row["state"], row["status"]) for row in rows}
    return {
        " ".join(key): statuses.get(key, ("", ""))
        for key, ends in expected.items()
        if statuses.get(key, ("", "")) != ends
    }


def test_every_parcel_ends_as_the_table_says(running: ProcessStack, catalogue: Catalogue) -> None:
    dossiers = []
    for behaviour in POSTAL_BEHAVIOURS:
        answer = running.portal.submit(a_submission("rest-a", dossier_code=code_of(behaviour), result=BY_POST))
        assert answer.status_code == 202, answer.text
        dossiers.append(answer.json()["id"])
    running.wait_for(lambda: running.rows("SELECT count(*) AS n FROM dossier")[0]["n"] == len(dossiers))
    order_by_hand(running, catalogue, dossiers)
    expected = {
        (operator, code_of(behaviour)): (behaviour.transfer, behaviour.status or "refused")
        for behaviour in POSTAL_BEHAVIOURS
        for operator in OPERATORS
    }
    running.wait_for(lambda: not wrong(running, expected) and running.quiet(), unless=lambda: wrong(running, expected))

    assert_each_event_counts_once(running)
    assert_what_a_person_has_to_look_at(running)
    assert_delivered_once(running)


def assert_each_event_counts_once(running: ProcessStack) -> None:
    """By callback and by feed it is one event; only an unknown code waits for a person."""
    assert running.rows("SELECT 1 FROM tracking_event GROUP BY consignment_id, key HAVING count(*) > 1") == []
    dead = running.rows("SELECT source, kind, error_code FROM inbox WHERE state = 'dead' ORDER BY source")
    assert dead == [
        {"source": f"postal.{operator}", "kind": "postal.event", "error_code": "STATUS_UNKNOWN"}
        for operator in OPERATORS
    ]


def assert_what_a_person_has_to_look_at(running: ProcessStack) -> None:
    rows = running.rows(
        "SELECT c.order_number, a.kind FROM attention a JOIN consignment c ON c.id = a.subject"
        " WHERE a.cleared_at IS NULL AND c.operator = 'post-a'"
    )
    concerns = {(row["order_number"][-4:], row["kind"]) for row in rows}
    assert concerns == {
        ("9102", "returned"),
        ("9103", "lost"),
        ("9104", "damaged"),
        ("9110", "refused"),
        ("9118", "item_code"),
    }


def assert_delivered_once(running: ProcessStack) -> None:
    """Each consignment moved to its delivery one time, whatever was repeated."""
    rows = running.rows(
        "SELECT subject FROM audit_log WHERE action = 'consignment_status_changed' AND after = 'delivered'"
        " GROUP BY subject HAVING count(*) > 1"
    )
    assert rows == []
