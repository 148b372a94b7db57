"""What time-stamping authorities and witnesses answer: kept if it is true; if it is not, a person is told."""

import base64
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from asn1crypto import tsp

from config.catalogue import Catalogue, StampingAuthority
from hub.codes import Code
from hub.db import Connection
from hub.errors import NeedsAPerson, NotYet
from hub.events import Event
from hub.messages.model import Transfer
from hub.signing import checkpoints, countersigning, stamps
from hub.signing.checkpoints import Kept
from hub.signing.stamps import Stamp
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid, Undecided
from schemas.custody import WitnessReceipt

SKEW: Final = timedelta(minutes=5)
"""how far an authority's clock may be from ours"""


class Trusting(Protocol):
    """hub.signing.signer.Signer, as far as it is needed here."""

    def trust(self) -> Trust: ...


class Within(Protocol):
    """What these verbs need of hub.work.Work."""

    @property
    def conn(self) -> Connection: ...
    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def now(self) -> datetime: ...
    @property
    def signer(self) -> Trusting: ...

    def note(
        self, subject: str, verb: str, *, before: str | None = None, after: str | None = None, reason: str | None = None
    ) -> None: ...


def stamped(work: Within, transfer: Transfer, reply: bytes) -> list[Event]:
    """Keep the stamp. Raises NeedsAPerson if it is not a true one of that checkpoint, NotYet if that cannot be told."""
    checkpoint = _checkpoint(work, transfer)
    authority = work.catalogue.counterparties[transfer.counterparty]
    try:
        token = stamps.read(reply, checkpoint.digest, _nonce(transfer.body))
        stamp = stamps.verify(token, checkpoint.body, work.signer.trust())
        _check(stamp, authority, checkpoint, work.now)
    except Invalid as error:
        raise NeedsAPerson(Code.STAMP_UNTRUE, f"{error.code}: {error.sentence}") from None
    except Undecided as error:
        raise NotYet(Code.STAMP_UNDECIDED, f"{error.code}: {error.sentence}") from None
    work.conn.execute(
        "INSERT INTO custody_stamp (checkpoint, authority, at, serial, token) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (checkpoint.number, transfer.counterparty, stamp.at, str(stamp.serial), token),
    )
    work.note(transfer.subject, "stamped", reason=transfer.counterparty)
    return []


def not_stamped(work: Within, transfer: Transfer, reason: str) -> list[Event]:
    """The authority gives no stamp; the next one is asked for another checkpoint."""
    work.note(transfer.subject, "not stamped", reason=f"{transfer.counterparty} {reason}".strip())
    return []


def witnessed(work: Within, transfer: Transfer, receipt: WitnessReceipt) -> list[Event]:
    """A department keeps the checkpoint. Raises NeedsAPerson if its answer is about another, or signed by another."""
    checkpoint = _checkpoint(work, transfer)
    if (receipt.size, receipt.root) != (checkpoint.size, checkpoint.root.hex()):
        raise NeedsAPerson(Code.WITNESS_UNTRUE, "the receipt is about another checkpoint")
    signature = None if receipt.signature is None else base64.b64decode(receipt.signature)
    if signature is not None:
        _check_counter_signature(work, transfer, checkpoint, signature)
    _answered(work, transfer, checkpoint, signature=signature)
    work.note(transfer.subject, "witnessed", reason=transfer.counterparty)
    return []


def not_witnessed(work: Within, transfer: Transfer, reason: str) -> list[Event]:
    """The department says that the log does not go on from the checkpoint that it holds: an audit will name it."""
    _answered(work, transfer, _checkpoint(work, transfer), refusal=reason or "no reason given")
    work.note(transfer.subject, "witness refused", reason=f"{transfer.counterparty} {reason}".strip())
    return []


def _checkpoint(work: Within, transfer: Transfer) -> Kept:
    checkpoint = checkpoints.numbered(work.conn, checkpoints.number_of(transfer.key))
    if checkpoint is None:
        raise LookupError(transfer.key)
    return checkpoint


def _nonce(request: bytes) -> int:
    nonce = tsp.TimeStampReq.load(request)["nonce"].native
    assert isinstance(nonce, int)  # noqa: S101 - our own request has one
    return nonce


def _check(stamp: Stamp, authority: Any, checkpoint: Kept, now: datetime) -> None:
    """Raises Invalid unless it was given just now, and under the policy that the catalogue asks for."""
    if not checkpoint.at - SKEW <= stamp.at <= now + SKEW or stamp.at < now - SKEW:
        raise Invalid(
            "stamp-time", f"the stamp says {stamp.at:%Y-%m-%d %H:%M:%S} and it is {now:%Y-%m-%d %H:%M:%S} UTC"
        )
    if isinstance(authority, StampingAuthority) and authority.policy not in {None, stamp.policy}:
        raise Invalid("stamp-policy", f"the stamp is given under the policy {stamp.policy}")


def _check_counter_signature(work: Within, transfer: Transfer, checkpoint: Kept, signature: bytes) -> None:
    department = work.catalogue.departments[transfer.counterparty.removeprefix("department.")]
    try:
        countersigning.verified(checkpoint.body, signature, department, work.catalogue, work.signer.trust(), work.now)
    except Invalid as error:
        raise NeedsAPerson(Code.WITNESS_UNTRUE, f"{error.code}: {error.sentence}") from None
    except Undecided as error:
        raise NotYet(Code.WITNESS_UNDECIDED, f"{error.code}: {error.sentence}") from None


def _answered(
    work: Within, transfer: Transfer, checkpoint: Kept, *, signature: bytes | None = None, refusal: str | None = None
) -> None:
    work.conn.execute(
        "INSERT INTO custody_witness (counterparty, checkpoint, at, signature, refusal) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (transfer.counterparty, checkpoint.number, work.now, signature, refusal),
    )
