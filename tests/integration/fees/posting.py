"""The postman, for the tests of fees: results that are paid for on delivery, and what the operator pays in for them."""

from datetime import UTC, date, datetime, time
from typing import Any

from hub import dispatch
from hub.clock import VIETNAM
from hub.consignments import commands
from hub.consignments.model import Direction
from hub.consignments.ordering import DeliveryRequest
from hub.fees.reconciliation.matching import gateway_payouts
from hub.fees.reconciliation.matching.gateway_payouts import PayoutItem, PayoutReport
from hub.messages.model import Arrival
from schemas.identifiers import Prefix, new_id
from schemas.postal import TrackingEvent
from tests.integration.fees.telling import ACCOUNT
from tests.scripted_hub import ScriptedHub

PROVIDER = "postal.post-a"
DELIVERED = "4"
RETURNED = "7"
"""post-a's codes"""


class Postman:
    """Carries results of post-a, and collects what their orders say."""

    def __init__(self, hub: ScriptedHub) -> None:
        self.hub = hub

    def takes(self, dossier: str, **wish: Any) -> str:
        """A result is ordered to be carried to its applicant; the consignment."""
        asked = DeliveryRequest(Direction.RESULT_TO_CITIZEN, (dossier,), **wish)
        consignment = dispatch.run_command(self.hub, "can-bo-thu-nghiem", lambda uow: commands.order(uow, asked))
        self.hub.carry()
        return str(consignment)

    def tells(self, consignment: str, code: str, at: datetime, *, again: int = 0) -> None:
        """The operator says it; ``again``: once more, by another way, with a number of its own."""
        event = TrackingEvent(order_number=self.number(consignment), status_code=code, at=at.replace(microsecond=0))
        for _ in range(1 + again):
            name = new_id(Prefix.INBOX)
            arrival = Arrival(
                id=name,
                source=PROVIDER,
                kind="postal.event",
                key=name,
                external_id=name,
                ordering_key=event.order_number,
                body=event.model_dump_json().encode(),
            )
            self.hub.accept(arrival)
            self.hub.carry()

    def delivers(self, consignment: str, on: date, *, again: int = 0) -> None:
        """It is handed over at noon of that day, for its cash."""
        self.tells(consignment, DELIVERED, datetime.combine(on, time(12), VIETNAM).astimezone(UTC), again=again)

    def number(self, consignment: str) -> str:
        return str(self.row(consignment)["order_number"])

    def row(self, consignment: str) -> dict[str, Any]:
        [row] = self.hub.rows("SELECT * FROM consignment WHERE id = %s", consignment)
        return row

    def payments(self) -> list[dict[str, Any]]:
        return self.hub.rows("SELECT * FROM payment WHERE source = 'postman' ORDER BY provider_txn")

    def reports(self, day: date, *consignments: str, charge: int = 0, name: str = "COD-000001") -> PayoutReport:
        """The operator's collection report: what it pays in for, less its charge for each."""
        items = [
            PayoutItem(provider_txn=self.number(one), amount=self.row(one)["cash"], charge=charge)
            for one in consignments
        ]
        report = PayoutReport(provider=PROVIDER, report=name, account=ACCOUNT, day=day, items=tuple(items))
        dispatch.run_command(self.hub, "ke-toan-a", lambda uow: (gateway_payouts.bring(uow, report), []))
        return report
