"""Replies of time-stamping authorities and witnesses to checkpoints: verify and store them, or raise ManualAction."""

import base64
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from config.catalogue import Catalogue, StampingAuthority
from hub.audit import AuditAction
from hub.codes import HubCode
from hub.db import Connection
from hub.errors import ManualAction, RetryLater
from hub.events import Event
from hub.messages.model import Transfer
from hub.signing import asn1, checkpoints, countersigning, stamps
from hub.signing.checkpoints import CheckpointRow
from hub.signing.stamps import Stamp
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid, Undecided
from schemas.custody import WitnessReceipt

SKEW: Final = timedelta(minutes=5)
"""tolerated difference between an authority's clock and ours"""


class TrustSource(Protocol):
    """The part of hub.signing.signer.Signer that is used in this module."""

    def trust(self) -> Trust: ...


class AnchoringContext(Protocol):
    """The part of hub.unit_of_work.UnitOfWork that these handlers use."""

    @property
    def conn(self) -> Connection: ...
    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def now(self) -> datetime: ...
    @property
    def signer(self) -> TrustSource: ...

    def write_audit(
        self,
        subject: str,
        action: AuditAction,
        *,
        before: str | None = None,
        after: str | None = None,
        reason: str | None = None,
    ) -> None: ...


def keep_stamp(uow: AnchoringContext, transfer: Transfer, reply: bytes) -> list[Event]:
    """Verify a TSA's reply and store the time stamp.

    Raises ManualAction if it is not valid for the checkpoint, RetryLater if that cannot be decided yet.
    """
    checkpoint = _checkpoint(uow, transfer)
    authority = uow.catalogue.counterparties[transfer.counterparty]
    try:
        token = stamps.read_reply(reply, checkpoint.digest, asn1.read_nonce(transfer.body))
        stamp = stamps.verify(token, checkpoint.body, uow.signer.trust())
        _check(stamp, authority, checkpoint, uow.now)
    except Invalid as error:
        raise ManualAction(HubCode.STAMP_UNTRUE, f"{error.code}: {error.sentence}") from None
    except Undecided as error:
        raise RetryLater(HubCode.STAMP_UNDECIDED, f"{error.code}: {error.sentence}") from None
    uow.conn.execute(
        "INSERT INTO custody_stamp (checkpoint, authority, at, serial, token) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (checkpoint.number, transfer.counterparty, stamp.at, str(stamp.serial), token),
    )
    uow.write_audit(transfer.subject, AuditAction.CHECKPOINT_STAMPED, reason=transfer.counterparty)
    return []


def note_no_stamp(uow: AnchoringContext, transfer: Transfer, reason: str) -> list[Event]:
    """Note that the TSA refused; a later checkpoint is stamped instead, and covers the same leaves."""
    uow.write_audit(
        transfer.subject, AuditAction.CHECKPOINT_NOT_STAMPED, reason=f"{transfer.counterparty} {reason}".strip()
    )
    return []


def keep_witness_receipt(uow: AnchoringContext, transfer: Transfer, receipt: WitnessReceipt) -> list[Event]:
    """Store a witness's receipt. Raises ManualAction if it is for another checkpoint or signed by another party."""
    checkpoint = _checkpoint(uow, transfer)
    if (receipt.size, receipt.root) != (checkpoint.size, checkpoint.root.hex()):
        raise ManualAction(HubCode.WITNESS_UNTRUE, "the receipt is about another checkpoint")
    signature = None if receipt.signature is None else base64.b64decode(receipt.signature)
    if signature is not None:
        _check_counter_signature(uow, transfer, checkpoint, signature)
    _store_reply(uow, transfer, checkpoint, signature=signature)
    uow.write_audit(transfer.subject, AuditAction.CHECKPOINT_WITNESSED, reason=transfer.counterparty)
    return []


def keep_witness_refusal(uow: AnchoringContext, transfer: Transfer, reason: str) -> list[Event]:
    """Store a witness's refusal: the log is not consistent with the checkpoint that it holds. Audits report it."""
    _store_reply(uow, transfer, _checkpoint(uow, transfer), refusal=reason or "no reason given")
    uow.write_audit(
        transfer.subject, AuditAction.CHECKPOINT_WITNESS_REFUSED, reason=f"{transfer.counterparty} {reason}".strip()
    )
    return []


def _checkpoint(uow: AnchoringContext, transfer: Transfer) -> CheckpointRow:
    checkpoint = checkpoints.by_number(uow.conn, checkpoints.number_in(transfer.key))
    if checkpoint is None:
        raise LookupError(transfer.key)
    return checkpoint


def _check(stamp: Stamp, authority: Any, checkpoint: CheckpointRow, now: datetime) -> None:
    """Raises Invalid unless the stamp is recent and under the policy that the catalogue requires."""
    if not checkpoint.at - SKEW <= stamp.at <= now + SKEW or stamp.at < now - SKEW:
        raise Invalid(
            "stamp-time", f"the stamp says {stamp.at:%Y-%m-%d %H:%M:%S} and it is {now:%Y-%m-%d %H:%M:%S} UTC"
        )
    if isinstance(authority, StampingAuthority) and authority.policy not in {None, stamp.policy}:
        raise Invalid("stamp-policy", f"the stamp is given under the policy {stamp.policy}")


def _check_counter_signature(
    uow: AnchoringContext, transfer: Transfer, checkpoint: CheckpointRow, signature: bytes
) -> None:
    department = uow.catalogue.departments[transfer.counterparty.removeprefix("department.")]
    try:
        countersigning.verify_seal(checkpoint.body, signature, department, uow.catalogue, uow.signer.trust(), uow.now)
    except Invalid as error:
        raise ManualAction(HubCode.WITNESS_UNTRUE, f"{error.code}: {error.sentence}") from None
    except Undecided as error:
        raise RetryLater(HubCode.WITNESS_UNDECIDED, f"{error.code}: {error.sentence}") from None


def _store_reply(
    uow: AnchoringContext,
    transfer: Transfer,
    checkpoint: CheckpointRow,
    *,
    signature: bytes | None = None,
    refusal: str | None = None,
) -> None:
    uow.conn.execute(
        "INSERT INTO custody_witness (counterparty, checkpoint, at, signature, refusal) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (transfer.counterparty, checkpoint.number, uow.now, signature, refusal),
    )
