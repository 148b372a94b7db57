"""Consignments for the tests: a dossier that wants its result by post, and what the operator says."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from hub import dispatch
from hub.clock import now
from hub.consignments import commands
from hub.consignments.model import Direction
from hub.consignments.ordering import DeliveryRequest
from hub.messages.model import Arrival
from schemas.identifiers import Prefix, new_id
from schemas.postal import TrackingEvent
from tests.builders import a_receipt, a_submission, submission_arrival
from tests.integration.test_command_line import cli  # noqa: F401 - the command line as a fixture
from tests.scripted_hub import ScriptedHub

CODES = {
    "posted": "1",
    "in_transit": "2",
    "out_for_delivery": "3",
    "delivered": "4",
    "attempt_failed": "5",
    "returning": "6",
    "returned": "7",
    "lost": "8",
    "damaged": "9",
    "cancelled": "10",
}
"""our status → the code of post-a"""
BY_POST = {
    "method": "post",
    "address": {"province": "Ninh Bình", "commune": "Phường Mẫu", "detail": "Số 9 đường Nhận Kết Quả"},
}


class Counter:
    """A clerk at the Centre, and the postman."""

    def __init__(self, hub: ScriptedHub) -> None:
        self.hub = hub
        self.start = now() - timedelta(hours=8)

    def dossier(self, **changes: Any) -> str:
        """A dossier that its department has; gives its id."""
        self.hub.department("rest-a").answers.append(a_receipt())
        accepted = self.hub.accept(submission_arrival(a_submission(**changes)))
        self.hub.carry()
        return accepted.id

    def order(self, dossier: str | None = None, direction: Direction = Direction.RESULT_TO_CITIZEN, **wish: Any) -> str:
        """A consignment that the operator has accepted."""
        asked = DeliveryRequest(direction, (dossier or self.dossier(),), **wish)
        consignment = self.act(lambda uow: commands.order(uow, asked))
        self.hub.carry()
        return str(consignment)

    def act(self, command: Callable[[Any], Any]) -> Any:
        return dispatch.run_command(self.hub, "can-bo-thu-nghiem", command)

    def at(self, minute: float) -> datetime:
        return (self.start + timedelta(minutes=minute)).replace(microsecond=0)

    def event(self, consignment: str, status: str, minute: float, **changes: Any) -> TrackingEvent:
        [row] = self.hub.rows("SELECT order_number FROM consignment WHERE id = %s", consignment)
        fields = {"order_number": row["order_number"], "status_code": CODES.get(status, status), "at": self.at(minute)}
        return TrackingEvent.model_validate(fields | changes)

    def reports(self, consignment: str, status: str, minute: float, **changes: Any) -> str:
        """The operator says it; gives the inbox message."""
        accepted = self.hub.accept(arrival(self.event(consignment, status, minute, **changes)))
        self.hub.carry()
        return accepted.id

    def row(self, consignment: str) -> dict[str, Any]:
        [row] = self.hub.rows("SELECT * FROM consignment WHERE id = %s", consignment)
        return row

    def status(self, consignment: str) -> str:
        return str(self.row(consignment)["status"])

    def concerns(self, subject: str) -> set[str]:
        rows = self.hub.rows("SELECT kind FROM attention WHERE subject = %s AND cleared_at IS NULL", subject)
        return {row["kind"] for row in rows}


def arrival(event: TrackingEvent, operator: str = "post-a") -> Arrival:
    """As endpoint and poller make it."""
    return Arrival(
        id=new_id(Prefix.INBOX),
        source=f"postal.{operator}",
        kind="postal.event",
        key=event.key,
        external_id=event.key,
        ordering_key=event.order_number,
        body=event.model_dump_json().encode(),
    )


@pytest.fixture
def counter(hub: ScriptedHub) -> Counter:
    return Counter(hub)
