"""What dispatch and polling are given: the plugged-together house, without knowing how it was plugged."""

from typing import Any, Protocol

from config.catalogue import Bank, Catalogue, Idempotency
from config.settings import Settings
from hub.calendar import WorkingCalendar
from hub.db import Database
from hub.messages.claim import Limits
from hub.messages.model import Wakeup
from hub.signing.signer import Signer
from schemas.statement import Format, Statement


class HubContext(Protocol):
    """hub.app.Hub, as seen from below."""

    @property
    def settings(self) -> Settings: ...
    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def calendar(self) -> WorkingCalendar: ...
    @property
    def db(self) -> Database: ...
    @property
    def signer(self) -> Signer:
        """Who signs in the name of officers and of the Centre."""

    def wake(self, wakeups: list[Wakeup]) -> None:
        """Tell the broker, some time after; never waits."""

    def port(self, counterparty: str) -> Any:
        """The counterparty's port: one of connectors.ports. Built at first use and kept."""

    def limits(self, counterparty: str) -> Limits:
        """What the counterparty bears."""

    def profile(self, counterparty: str) -> Idempotency:
        """What protects a call to it from acting twice."""

    def read_statements(self, bank: Bank, body: bytes) -> tuple[Format, list[Statement]]:
        """The format and the statements of a bank's file. Raises schemas.statement.UnreadableFile."""
