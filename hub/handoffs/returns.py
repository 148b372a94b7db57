"""The way back: a department hands the dossier back with its result, in a record that it has signed."""

from hub.codes import Code
from hub.errors import NeedsAPerson
from hub.events import Event, HandedBack
from hub.handoffs import completion, counter, record, store
from hub.handoffs.counter import Told
from hub.handoffs.model import Status, result_of
from hub.handoffs.service import LEAF, officer_on_duty
from hub.handoffs.store import Last
from hub.signing import custody
from hub.work import Work
from schemas.handoff import Act, Carrier, HandoffRecord, ReceiptRecord, Side
from schemas.identifiers import Prefix, new_id


def handed_back(work: Work, event: HandedBack) -> list[Event]:
    """A row of the Phiếu kiểm soát that the department signed, answered with the Centre's own counter-record.

    The same record again changes nothing. Raises NeedsAPerson for a wrong one, NotYet for what cannot be told yet.
    """
    department = work.catalogue.departments[event.department]
    if not department.signing.signs:
        work.note(event.dossier_id, "return record not looked at", reason="the catalogue does not say that it signs")
        return []
    told = counter.decoded(event.signed)
    said = counter.read(HandoffRecord, told.record)
    if _is_here(work, event.dossier_id, told):
        return []
    before = store.last(work.conn, event.dossier_id)
    _check(work, event, said, before)
    counter.check_signatures(work, department, said, told)
    row_id = new_id(Prefix.HANDOFF)
    leaf_id = custody.enter(work.conn, kind=LEAF, subject=row_id, record=told.record, signatures=told.signatures)
    store.add(
        work.conn,
        store.New(
            id=row_id,
            dossier_id=event.dossier_id,
            leg=said.leg,
            department=event.department,
            transfer_id=None,
            status=Status.PREPARED,
            prepared_at=said.given_at,
            act=Act.RETURN,
            carrier=Carrier(said.carrier),
            officer=said.giver.officer,
            result=said.result,
            record_hash=record.hash_of(told.record),
            salt=None,
            draft=None,
            leaf_id=leaf_id,
        ),
    )
    work.note(row_id, "handed back", after=Status.PREPARED, reason=said.id)
    return _answer(work, event, row_id, said, told)


def _is_here(work: Work, dossier_id: str, told: Told) -> bool:
    return (
        work.conn.execute(
            "SELECT 1 FROM handoff WHERE dossier_id = %s AND record_hash = %s",
            (dossier_id, record.hash_of(told.record)),
        ).fetchone()
        is not None
    )


def _check(work: Work, event: HandedBack, said: HandoffRecord, before: Last) -> None:
    """Raises NeedsAPerson unless the record is this dossier's next one, from this department to the Centre."""
    department = work.catalogue.departments[event.department]
    dossier = record.dossier_of(work, event.dossier_id)
    about = said.act is Act.RETURN and counter.same_dossier(said.dossier, dossier["code"])
    ours = said.giver.agency in (department.agency, department.qd20) and said.giver.role == "department"
    if not about or not ours or said.receiver.agency != work.catalogue.portal.centre:
        raise NeedsAPerson(Code.RECEIPT_OF_ANOTHER, "the record hands another dossier back, or in another's name")
    if (said.leg, said.prev, said.log) != (before.next_leg, before.hash, work.catalogue.signing.log):
        raise NeedsAPerson(Code.RECEIPT_OF_ANOTHER, "the record does not go on from this dossier's last one")
    if said.result is not result_of(Act.RETURN, said.given_at, dossier["due_at"]):
        raise NeedsAPerson(Code.RECEIPT_OF_ANOTHER, "early, on time or late: the record's own times say otherwise")


def _answer(work: Work, event: HandedBack, row_id: str, said: HandoffRecord, told: Told) -> list[Event]:
    """The Centre's counter-record: received now, by the officer on duty."""
    officer = officer_on_duty(work, event.department)
    if officer.signs_elsewhere:
        return []
    received = ReceiptRecord(
        v=1,
        typ="vn.hub.receipt",
        handoff=said.id,
        dossier=said.dossier,
        leg=said.leg,
        record=record.hash_of(told.record).hex(),
        receiver=Side(agency=work.catalogue.portal.centre, role="centre", officer=officer.id),
        number=row_id,
        received_at=work.now,
    )
    written = record.written(received)
    signatures = work.signer.sign_record(written, officer, work.now, department=event.department)
    leaf_id = custody.enter(
        work.conn,
        kind="receipt",
        subject=row_id,
        record=written,
        signatures=[signatures.person, signatures.seal],
    )
    row = store.change(
        work.conn, row_id, receipt_leaf_id=leaf_id, number=row_id, taken_at=work.now, answered_at=work.now
    )
    return completion.settle(work, row, at_least=Status.ACKNOWLEDGED)
