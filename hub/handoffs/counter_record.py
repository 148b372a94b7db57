"""Read a department's signed record strictly, and check that it is about this handoff and by its certificate."""

import base64
from dataclasses import dataclass
from typing import TypeVar

from config.parties import Department
from hub.codes import HubCode
from hub.errors import ManualAction, RetryLater
from hub.handoffs.store import HandoffRow
from hub.signing import canonical, countersigning
from hub.signing.canonical import NotCanonical
from hub.signing.verifier import Invalid, Undecided
from hub.unit_of_work import UnitOfWork
from schemas import strict
from schemas.department import HandoffReceipt
from schemas.handoff import CounterRecord, HandoffRecord, ReceiptRecord
from schemas.identifiers import DossierCode

Record = TypeVar("Record", bound=strict.Strict)


@dataclass(frozen=True, slots=True)
class DepartmentRecord:
    """A department's record and its signatures, as received."""

    record: bytes
    signatures: list[bytes]


def receipt(uow: UnitOfWork, department: Department, row: HandoffRow, answer: HandoffReceipt) -> DepartmentRecord:
    """The verified counter-record of this handoff in ``answer``.

    Raises ManualAction for a wrong one, RetryLater where it cannot be verified yet (no revocation list).
    """
    if answer.signed is None:
        raise ManualAction(
            HubCode.RECEIPT_UNSIGNED,
            f"{department.code} should counter-sign (its catalogue entry), and did not sign this",
        )
    signed_record = decoded(answer.signed)
    parsed = read(ReceiptRecord, signed_record.record)
    _check_about(department, row, answer, parsed)
    check_signatures(uow, department, parsed, signed_record)
    return signed_record


def _check_about(department: Department, row: HandoffRow, answer: HandoffReceipt, parsed: ReceiptRecord) -> None:
    assert row.record_hash is not None  # noqa: S101 - who asks has a record
    if parsed.record != row.record_hash.hex() or parsed.handoff != row.id or parsed.leg != row.leg:
        raise ManualAction(HubCode.RECEIPT_OF_ANOTHER, "the counter-record is about another handoff than this one")
    if parsed.receiver.agency not in (department.agency, department.qd20) or parsed.receiver.role != "department":
        raise ManualAction(HubCode.RECEIPT_OF_ANOTHER, "the counter-record is in the name of another agency")
    if (parsed.number, parsed.received_at) != (answer.number, answer.received_at):
        raise ManualAction(
            HubCode.RECEIPT_OF_ANOTHER, "the counter-record says another number or time than the receipt"
        )


def decoded(signed: CounterRecord) -> DepartmentRecord:
    """Decode the record and its signatures. Raises ManualAction for what is not base64."""
    try:
        parts = [
            base64.b64decode(part, validate=True)
            for part in (signed.record, signed.signature, signed.seal)
            if part is not None
        ]
    except ValueError:
        raise ManualAction(HubCode.RECEIPT_UNREADABLE, "a part of the signed record is not base64") from None
    return DepartmentRecord(parts[0], parts[1:])


def read(model: type[Record], record: bytes) -> Record:
    """Parse the record: canonical JSON that fits the contract strictly. Raises ManualAction."""
    try:
        canonical.decode(record)
        return strict.read(model, record)
    except NotCanonical as error:
        raise ManualAction(HubCode.RECEIPT_UNREADABLE, str(error)) from None
    except strict.Refused as refused:
        places = ", ".join(f"{fault.pointer or '/'} {fault.code}" for fault in refused.faults[:3])
        raise ManualAction(HubCode.RECEIPT_UNREADABLE, f"is no {model.__name__}: {places}") from None


def same_dossier(one: str, other: str) -> bool:
    """Whether two dossier codes, as people write them, are one."""
    return DossierCode.received(one).normalised == DossierCode.received(other).normalised


def check_signatures(
    uow: UnitOfWork, department: Department, parsed: ReceiptRecord | HandoffRecord, signed_record: DepartmentRecord
) -> None:
    """Check that everybody signed who has to. Raises ManualAction or RetryLater."""
    trust = uow.signer.trust()
    try:
        countersigning.check_record(
            parsed, signed_record.record, signed_record.signatures, department, uow.catalogue, trust, uow.now
        )
    except Invalid as error:
        raise ManualAction(HubCode.RECEIPT_REFUSED, f"{error.code}: {error.sentence}") from None
    except Undecided as error:
        if error.code == "no-path":
            raise ManualAction(HubCode.RECEIPT_REFUSED, f"{error.code}: {error.sentence}") from None
        raise RetryLater(HubCode.REVOCATION_UNKNOWN, f"{error.code}: {error.sentence}") from None
