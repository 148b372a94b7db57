"""Every handoff is a signed record; it is complete with the receiver's own, about exactly this handoff."""

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest

from connectors.errors import ConnectorCode, Rejected
from hub import operations
from hub.clock import now
from hub.embedded.pki import Pki
from hub.handoffs import record as records
from hub.signing import canonical, verifier
from schemas import strict
from schemas.department import Handoff, HandoffReceipt
from schemas.handoff import FIRST, HandoffRecord, HandoffSide
from tests.builders import a_receipt
from tests.counterparts import DepartmentSeal, record_of
from tests.integration.handoffs.handing import hand_over, leaves, row_of, transfer_of
from tests.scripted_hub import ScriptedHub


def test_what_leaves_carries_a_record_that_the_officer_and_then_the_seal_have_signed(
    hub: ScriptedHub, seal: DepartmentSeal
) -> None:
    handed = hand_over(hub, seal.receipt)
    assert handed.signed is not None
    data = record_of(handed)
    person, stamp = base64.b64decode(handed.signed.signature), base64.b64decode(handed.signed.seal)
    officer = verifier.verify(data, person, hub.signer.trust(), at=now())
    organisation = verifier.verify(person, stamp, hub.signer.trust(), at=now())
    record = strict.read(HandoffRecord, data)
    assert "tt-01" in officer.certificate.subject.rfc4514_string()
    assert "seal.trung-tam" in organisation.certificate.subject.rfc4514_string()
    assert (record.giver.officer, record.leg, record.prev, record.result) == ("tt-01", 1, FIRST, "none")
    assert [(one.name, one.sha256, one.size, one.media_type) for one in record.documents] == [
        (paper.code, paper.sha256, paper.size, paper.media_type)
        for paper in handed.papers  # its list has no title
    ]


def test_no_personal_data_stands_in_a_record_and_its_salted_hash_answers_for_it(
    hub: ScriptedHub, seal: DepartmentSeal
) -> None:
    handed = hand_over(hub, seal.receipt)
    assert handed.signed is not None
    assert handed.signed.salt is not None
    data = record_of(handed).decode()
    for private in (handed.applicant.name, handed.applicant.identity.number, handed.applicant.phone, handed.summary):
        assert str(private) not in data
    salt = base64.b64decode(handed.signed.salt)
    assert canonical.decode(data.encode())["personal"] == records.personal(salt, handed)
    other = handed.model_copy(update={"summary": "khác"})
    assert canonical.decode(data.encode())["personal"] != records.personal(salt, other)


def test_a_handoff_is_complete_with_both_records_in_the_log(hub: ScriptedHub, seal: DepartmentSeal) -> None:
    handed = hand_over(hub, seal.receipt)
    row = row_of(hub, handed.id)
    assert (row["status"], row["number"]) == ("complete", "SO-1")
    assert row["taken_at"] is not None
    ours, theirs = leaves(hub, handed.id)
    assert (ours.kind, theirs.kind) == ("handoff", "receipt")
    assert ours.record == record_of(handed)
    assert theirs.record is not None
    assert canonical.decode(theirs.record)["record"] == hashlib.sha256(record_of(handed)).hexdigest()
    assert [row["leaf_id"], row["receipt_leaf_id"]] == [ours.id, theirs.id]


def test_a_receiver_that_cannot_sign_has_acknowledged_and_the_minute_is_missing(hub: ScriptedHub) -> None:
    handed = hand_over(hub, a_receipt(), department="rest-a")
    assert row_of(hub, handed.id)["status"] == "acknowledged"
    assert [leaf.kind for leaf in leaves(hub, handed.id)] == ["handoff"]


Wrong = Callable[[DepartmentSeal, Pki, Handoff], HandoffReceipt]


def unsigned(seal: DepartmentSeal, _: Pki, handoff: Handoff) -> HandoffReceipt:
    return seal.receipt(handoff, signed=False)


def of_another_handoff(seal: DepartmentSeal, _: Pki, handoff: Handoff) -> HandoffReceipt:
    return seal.receipt(handoff, handoff="hd_00000000000000000000000000")


def of_another_record(seal: DepartmentSeal, _: Pki, handoff: Handoff) -> HandoffReceipt:
    return seal.receipt(handoff, record="0" * 64)


def by_another_agency(seal: DepartmentSeal, _: Pki, handoff: Handoff) -> HandoffReceipt:
    return seal.receipt(handoff, receiver=HandoffSide(agency="000.00.99.H42", role="department"))


def by_an_officer_who_has_not_signed(seal: DepartmentSeal, _: Pki, handoff: Handoff) -> HandoffReceipt:
    return seal.receipt(handoff, receiver=HandoffSide(agency=seal.agency, role="department", officer="van-thu"))


def at_another_time(seal: DepartmentSeal, _: Pki, handoff: Handoff) -> HandoffReceipt:
    return seal.receipt(handoff, received_at=now() - timedelta(days=1))


def forged(seal: DepartmentSeal, _: Pki, handoff: Handoff) -> HandoffReceipt:
    right = seal.receipt(handoff)
    assert right.signed is not None
    record = canonical.decode(base64.b64decode(right.signed.record)) | {"note": "sau khi ký"}
    changed = right.signed.model_copy(update={"record": base64.b64encode(canonical.encode(record)).decode()})
    return right.model_copy(update={"signed": changed})


def not_canonical(seal: DepartmentSeal, _: Pki, handoff: Handoff) -> HandoffReceipt:
    right = seal.receipt(handoff)
    assert right.signed is not None
    spaced = base64.b64encode(base64.b64decode(right.signed.record) + b"\n").decode()
    return right.model_copy(update={"signed": right.signed.model_copy(update={"record": spaced})})


def revoked(seal: DepartmentSeal, pki: Pki, handoff: Handoff) -> HandoffReceipt:
    return DepartmentSeal(pki, "rest-b", seal.agency, pki.authority.revoked_seal("rest-b")).receipt(handoff)


def unknown(seal: DepartmentSeal, pki: Pki, handoff: Handoff) -> HandoffReceipt:
    return DepartmentSeal(pki, "rest-b", seal.agency, pki.authority.stranger("rest-b")).receipt(handoff)


def by_another_department(seal: DepartmentSeal, pki: Pki, handoff: Handoff) -> HandoffReceipt:
    return DepartmentSeal(pki, "soap-b", seal.agency).receipt(handoff)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (unsigned, "RECEIPT_UNSIGNED"),
        (of_another_handoff, "RECEIPT_OF_ANOTHER"),
        (of_another_record, "RECEIPT_OF_ANOTHER"),
        (by_another_agency, "RECEIPT_OF_ANOTHER"),
        (at_another_time, "RECEIPT_OF_ANOTHER"),
        (forged, "RECEIPT_REFUSED"),
        (by_an_officer_who_has_not_signed, "RECEIPT_REFUSED"),
        (not_canonical, "RECEIPT_UNREADABLE"),
        (revoked, "RECEIPT_REFUSED"),
        (unknown, "RECEIPT_REFUSED"),
        (by_another_department, "RECEIPT_REFUSED"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_wrong_counter_record_waits_for_a_person_and_the_right_one_is_found_later(
    hub: ScriptedHub, seal: DepartmentSeal, pki: Pki, wrong: Wrong, code: str
) -> None:
    handed = hand_over(hub, lambda handoff: wrong(seal, pki, handoff))
    transfer = transfer_of(hub, handed.id)
    assert (transfer["state"], transfer["error_code"]) == ("stuck", code)
    assert row_of(hub, handed.id)["status"] == "prepared"
    assert [leaf.kind for leaf in leaves(hub, handed.id)] == ["handoff"]

    hub.department("rest-b").findings.append(seal.receipt)
    assert operations.check(hub, transfer["id"], actor="op") == "delivered"
    assert row_of(hub, handed.id)["status"] == "complete"


def test_a_receipt_of_an_earlier_handoff_replayed_completes_nothing(hub: ScriptedHub, seal: DepartmentSeal) -> None:
    earlier: list[HandoffReceipt] = []

    def receipt(handoff: Handoff) -> HandoffReceipt:
        earlier.append(seal.receipt(handoff))
        return earlier[-1]

    first = hand_over(hub, receipt)
    second = hand_over(hub, lambda _: earlier[0])
    assert row_of(hub, first.id)["status"] == "complete"
    assert (row_of(hub, second.id)["status"], transfer_of(hub, second.id)["error_code"]) == (
        "prepared",
        "RECEIPT_OF_ANOTHER",
    )


def test_a_refusal_needs_no_counter_record(hub: ScriptedHub) -> None:
    handed = hand_over(hub, Rejected(ConnectorCode.REJECTED, "x", reason="thiếu giấy tờ"))
    assert row_of(hub, handed.id)["status"] == "refused"
