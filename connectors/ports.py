"""Protocols of the ports: what the hub may ask of a counterparty, whatever its dialect."""

from dataclasses import dataclass
from typing import Protocol

from schemas.custody import WitnessedCheckpoint, WitnessReceipt
from schemas.department import Handoff, HandoffReceipt, ReadChanges, StatusReport
from schemas.fee_receipt import FeeReceipt, Issued, Voided, Voiding
from schemas.postal import ConsignmentAccepted, ConsignmentOrder, EventPage, TrackingEvent
from schemas.replies import UnreadableEntry
from schemas.settlement import HandedTable, TableReceipt
from schemas.statement import StatementPage


@dataclass(frozen=True, slots=True)
class RevocationList:
    """One revocation list (CRL) of one issuer, as it came. Nobody has verified its signature yet."""

    der: bytes
    issuer: str
    """SHA-256 of the issuer's name (DER), lower-case hex"""
    number: int
    """the list's own CRLNumber"""
    cursor: str
    """stands for this very list: SHA-256 of its bytes"""

    @property
    def key(self) -> str:
        """The same for the same issuer, number and bytes, whoever served it."""
        return f"{self.issuer[:32]}-{self.number}-{self.cursor[:16]}"


class DepartmentPort(Protocol):
    """A department (sở, ngành). Every call raises the errors of connectors.errors and nothing else."""

    def submit(self, handoff: Handoff, key: str) -> HandoffReceipt:
        """Hand the dossier over. ``key`` is the same for every attempt of one transfer."""

    def find(self, handoff: Handoff, key: str) -> HandoffReceipt | None:
        """The receipt, if the department has this dossier; None if it says that it has not."""

    def changes(self, cursor: str) -> ReadChanges:
        """Status reports since ``cursor`` ("" for the first time), in the department's order."""

    def entry(self, document: str) -> StatusReport | UnreadableEntry:
        """An entry of ``changes`` that was set aside, read again: the hub or the catalogue may have been mended."""

    def witness(self, checkpoint: WitnessedCheckpoint, key: str) -> WitnessReceipt:
        """Hand the custody log's checkpoint to be kept. Rejected: the log does not go on from what it holds."""

    def settle(self, handed: HandedTable, key: str) -> TableReceipt:
        """Hand a month's table of fees over. The same table again has the first receipt. Rejected: it is not taken."""

    def check(self) -> str:
        """A call that changes nothing: address, certificate, credentials. Returns a line for a person."""


class PortalPort(Protocol):
    """One webhook endpoint of the public portal."""

    def tell(self, notice: bytes, key: str) -> None:
        """Deliver a notice; ``key`` is its webhook-id, the same for every attempt and replay."""

    def check(self) -> str:
        """A call that changes nothing: address and certificate. Returns a line for a person."""


class StampPort(Protocol):
    """A time-stamping authority (RFC 3161)."""

    def stamp(self, request: bytes) -> bytes:
        """Its reply (TimeStampResp, DER) to a TimeStampReq, as it came: whoever asked must verify it."""

    def check(self) -> str:
        """A call that changes nothing: address and certificate. Returns a line for a person."""


class RevocationPort(Protocol):
    """A certificate authority's revocation lists (RFC 5280)."""

    def changes(self, cursor: str) -> RevocationList | None:
        """The list, if it is not the one that ``cursor`` stands for ("" for the first time)."""

    def check(self) -> str:
        """A call that changes nothing: address and a list that can be read. Returns a line for a person."""


class PostalPort(Protocol):
    """A postal operator, under one contract. Every call raises the errors of connectors.errors and nothing else.

    The order number is a natural key: an order whose outcome is unknown may be sent again, and comes back as Duplicate
    if it is there. No operator can be asked for one order, so there is no ``find``.
    """

    def order(self, order: ConsignmentOrder, key: str) -> ConsignmentAccepted:
        """Have something carried. Duplicate comes with the Accepted that a first answer would have been."""

    def cancel(self, order_number: str, key: str) -> None:
        """Take the order back; again, if it has been taken back. Rejected: it is too late, or this operator cannot."""

    def feed(self, cursor: str) -> EventPage:
        """What has happened to all items of the contract since ``cursor`` ("" for the first time)."""

    def entry(self, document: str) -> TrackingEvent | UnreadableEntry:
        """An entry of ``feed`` that was set aside, read again."""

    def check(self) -> str:
        """A call that changes nothing: address, certificate, credentials. Returns a line for a person."""


class BankPort(Protocol):
    """A bank that lays out files for us. Every call raises the errors of connectors.errors and nothing else."""

    def statements(self, cursor: str) -> StatementPage:
        """Files since ``cursor`` ("" for the first time), whole and unread; a few of them, if there are many."""

    def check(self) -> str:
        """A call that changes nothing: address, certificate, credentials. Returns a line for a person."""


class ReceiptPort(Protocol):
    """An issuer of electronic receipts. Every call raises the errors of connectors.errors and nothing else."""

    def issue(self, receipt: FeeReceipt, key: str) -> Issued:
        """Have the receipt issued; ``key``, its id, is the same for every attempt. Duplicate: the issuer has it."""

    def find(self, receipt: FeeReceipt, key: str) -> Issued | None:
        """What the issuer has under the receipt's id; None if it says that it has nothing."""

    def void(self, voiding: Voiding, key: str) -> Voided:
        """Have it void. Duplicate: it is void there already, so that saying it again is safe."""

    def check(self) -> str:
        """A call that changes nothing: address, certificate, credentials. Returns a line for a person."""
