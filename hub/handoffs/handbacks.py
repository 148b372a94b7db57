"""Accept a dossier that its department returns with the result, in a record that the department has signed."""

from hub.audit import AuditAction
from hub.codes import HubCode
from hub.errors import ManualAction
from hub.events import Event, HandedBack
from hub.handoffs import counter_record, record, service, store
from hub.handoffs.counter_record import DepartmentRecord
from hub.handoffs.service import LEAF, officer_on_duty
from hub.handoffs.store import HandoffStatus, Last, result_of
from hub.signing import custody
from hub.unit_of_work import UnitOfWork
from schemas.handoff import Act, Carrier, HandoffRecord, HandoffSide, ReceiptRecord
from schemas.identifiers import Prefix, new_id


def handed_back(uow: UnitOfWork, event: HandedBack) -> list[Event]:
    """Record the department's signed return (a row of the Phiếu kiểm soát) and counter-sign it for the Centre.

    A repeated record changes nothing. Raises ManualAction for a wrong one, RetryLater where it cannot be verified yet.
    """
    department = uow.catalogue.departments[event.department]
    if not department.signing.signs:
        uow.write_audit(
            event.dossier_id,
            AuditAction.DOSSIER_HANDBACK_RECORD_NOT_CHECKED,
            reason="the catalogue does not say that it signs",
        )
        return []
    signed_record = counter_record.decoded(event.signed)
    parsed = counter_record.read(HandoffRecord, signed_record.record)
    if _is_recorded(uow, event.dossier_id, signed_record):
        return []
    before = store.last(uow.conn, event.dossier_id)
    _check(uow, event, parsed, before)
    counter_record.check_signatures(uow, department, parsed, signed_record)
    row_id = new_id(Prefix.HANDOFF)
    leaf = custody.NewLeaf(LEAF, row_id, signed_record.record, signed_record.signatures)
    uow.later(custody.insert, leaf)
    uow.later(
        store.insert,
        store.New(
            id=row_id,
            dossier_id=event.dossier_id,
            leg=parsed.leg,
            department=event.department,
            transfer_id=None,
            status=HandoffStatus.PREPARED,
            prepared_at=parsed.given_at,
            act=Act.RETURN,
            carrier=Carrier(parsed.carrier),
            officer=parsed.giver.officer,
            result=parsed.result,
            record_hash=record.hash_of(signed_record.record),
            salt=None,
            draft=None,
            leaf_id=leaf.id,
        ),
    )
    uow.write_audit(row_id, AuditAction.HANDBACK_RECEIVED, after=HandoffStatus.PREPARED, reason=parsed.id)
    return _answer(uow, event, row_id, parsed, signed_record)


def _is_recorded(uow: UnitOfWork, dossier_id: str, signed_record: DepartmentRecord) -> bool:
    return (
        uow.conn.execute(
            "SELECT 1 FROM handoff WHERE dossier_id = %s AND record_hash = %s",
            (dossier_id, record.hash_of(signed_record.record)),
        ).fetchone()
        is not None
    )


def _check(uow: UnitOfWork, event: HandedBack, parsed: HandoffRecord, before: Last) -> None:
    """Raises ManualAction unless the record is this dossier's next one, from this department to the Centre."""
    department = uow.catalogue.departments[event.department]
    dossier = record.dossier_of(uow, event.dossier_id)
    about = parsed.act is Act.RETURN and counter_record.same_dossier(parsed.dossier, dossier.code)
    ours = parsed.giver.agency in (department.agency, department.qd20) and parsed.giver.role == "department"
    if not about or not ours or parsed.receiver.agency != uow.catalogue.portal.centre:
        raise ManualAction(HubCode.RECEIPT_OF_ANOTHER, "the record hands another dossier back, or in another's name")
    if (parsed.leg, parsed.prev, parsed.log) != (before.next_leg, before.hash, uow.catalogue.signing.log):
        raise ManualAction(HubCode.RECEIPT_OF_ANOTHER, "the record does not continue this dossier's last one")
    if parsed.result is not result_of(Act.RETURN, parsed.given_at, dossier.due_at):
        raise ManualAction(
            HubCode.RECEIPT_OF_ANOTHER, "the result (early, on time, late) contradicts the record's own times"
        )


def _answer(
    uow: UnitOfWork, event: HandedBack, row_id: str, parsed: HandoffRecord, signed_record: DepartmentRecord
) -> list[Event]:
    """Sign the Centre's counter-record: received now, by the officer on duty."""
    officer = officer_on_duty(uow, event.department)
    if officer.signs_elsewhere:
        return []
    received = ReceiptRecord(
        v=1,
        typ="vn.hub.receipt",
        handoff=parsed.id,
        dossier=parsed.dossier,
        leg=parsed.leg,
        record=record.hash_of(signed_record.record).hex(),
        receiver=HandoffSide(agency=uow.catalogue.portal.centre, role="centre", officer=officer.id),
        number=row_id,
        received_at=uow.now,
    )
    written = record.written(received)
    signatures = uow.signer.sign_record(written, officer, uow.now, department=event.department)
    leaf_id = custody.enter(
        uow.conn,
        kind="receipt",
        subject=row_id,
        record=written,
        signatures=[signatures.person, signatures.seal],
    )
    row = store.change(uow.conn, row_id, receipt_leaf_id=leaf_id, number=row_id, taken_at=uow.now, answered_at=uow.now)
    return service.advance(uow, row, at_least=HandoffStatus.ACKNOWLEDGED)
