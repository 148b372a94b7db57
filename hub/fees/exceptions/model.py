"""An exception: one thing about money that a person has to settle."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from hub.fees.exceptions.codes import ExceptionCode, ExceptionDescription
from hub.locale import vi

STATES: Final = {
    "open": vi("unassigned"),
    "assigned": vi("assigned"),
    "proposed": vi("waiting for a second person"),
    "resolved": vi("resolved"),
}
"""An exception goes along these; a later match may resolve it from any of them, and a person may open it again."""


@dataclass(frozen=True, slots=True)
class FeeException:
    """An exception's row. ``at_risk`` in đồng; ``severity``: 1 is the worst of four."""

    id: str
    code: str
    severity: int
    at_risk: int
    object_type: str
    """``payment``, ``fee_demand``, ``statement_line``, ``notify_event``, ``statement_file``, ``invariant``, …"""
    object_id: str
    state: str
    due_on: date
    facts: Mapping[str, Any]
    """what was seen and tried, without anybody's words"""
    resolution: str | None
    details: Mapping[str, str]
    """what the resolution has to know: the demand, the line, the decision's number, …"""
    reason: str | None
    persons: int | None
    """how many the resolution takes"""
    maker: str | None
    checker: str | None
    assigned_to: str | None
    carried_by: str | None
    carried_reason: str | None
    opened_at: datetime
    resolved_at: datetime | None

    @property
    def about(self) -> ExceptionDescription:
        return ExceptionCode(self.code).about

    @property
    def payment(self) -> str | None:
        """The payment that it is about."""
        return self.object_id if self.object_type == "payment" else self._fact("payment")

    @property
    def line(self) -> str | None:
        """The statement line that it is about, by its number."""
        return self.object_id if self.object_type == "statement_line" else self._fact("line")

    @property
    def demand(self) -> str | None:
        """The fee demand that it is about."""
        return self.object_id if self.object_type == "fee_demand" else self._fact("demand")

    def _fact(self, name: str) -> str | None:
        value = self.facts.get(name)
        return None if value is None else str(value)
