"""The judge of bundles: what is whole is VALID, what lacks evidence CANNOT be TOLD, and both say why."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hub.signing import bundle as bundles
from hub.signing.judge import judge
from hub.signing.trust import Trust
from hub.signing.verdicts import Verdict, VerdictAnswer, VerdictCode, Weight
from tests.unit.signing.notary import MINUTE, Notary


@pytest.fixture(scope="module")
def notary(tmp_path_factory: pytest.TempPathFactory) -> Notary:
    return Notary(tmp_path_factory.mktemp("notary"))


def codes(verdict: Verdict, weight: Weight) -> set[VerdictCode]:
    return {finding.code for finding in verdict.findings if finding.weight is weight}


def test_a_handoff_with_its_receipt_is_valid_and_says_who_signed_and_when(notary: Notary) -> None:
    verdict = judge(bundles.read(notary.bundle().write()), notary.trust)
    assert verdict.answer is VerdictAnswer.VALID
    assert codes(verdict, Weight.GOOD) == {
        VerdictCode.TRUST_LIST, VerdictCode.PARTY, VerdictCode.STAMP, VerdictCode.CHECKPOINT, VerdictCode.PROOF,
        VerdictCode.RECORD, VerdictCode.PERSON, VerdictCode.SEAL
    }  # fmt: skip
    [person] = [
        one for one in verdict.findings if (one.where, one.code) == ("01-handoff/record.p7s", VerdictCode.PERSON)
    ]
    assert "Trần Văn Thử Nghiệm" in person.detail


def test_the_same_content_gives_the_same_bytes(notary: Notary) -> None:
    whole = notary.bundle()
    assert whole.write() == whole.write()
    assert bundles.read(whole.write()) == whole


def test_without_the_receiver_s_answer_it_is_valid_and_says_that_it_is_one_side_only(notary: Notary) -> None:
    verdict = judge(notary.bundle(notary.handoff()), notary.trust)
    assert (verdict.answer, codes(verdict, Weight.NOTE)) == (VerdictAnswer.VALID, {VerdictCode.NO_ANSWER})


def test_content_that_has_expired_matches_by_its_hash_and_is_not_called_tampered(notary: Notary) -> None:
    handoff = notary.handoff()
    receipt = notary.receipt(handoff)
    expired = [replace(act, record=None) for act in (handoff, receipt)]
    verdict = judge(bundles.read(notary.bundle(*expired).write()), notary.trust)
    assert (verdict.answer, codes(verdict, Weight.MISSING)) == (VerdictAnswer.CANNOT_TELL, {VerdictCode.EXPIRED})


def test_another_hash_than_the_expired_content_s_is_tampering(notary: Notary) -> None:
    expired = replace(notary.handoff(), record=None, record_hash=b"\x00" * 32)
    verdict = judge(notary.bundle(expired), notary.trust)
    assert verdict.answer is VerdictAnswer.INVALID
    assert codes(verdict, Weight.WRONG) == {VerdictCode.PROOF_OF_ANOTHER, VerdictCode.PERSON}


def test_before_the_stamp_has_come_it_cannot_be_told(notary: Notary) -> None:
    verdict = judge(notary.bundle(replace(notary.handoff(), stamp=None)), notary.trust)
    assert (verdict.answer, codes(verdict, Weight.MISSING)) == (VerdictAnswer.CANNOT_TELL, {VerdictCode.NOT_STAMPED})


def test_who_believes_other_roots_cannot_tell(notary: Notary, tmp_path: Path) -> None:
    verdict = judge(notary.bundle(), Trust.load(Notary(tmp_path).roots))
    assert verdict.answer is VerdictAnswer.CANNOT_TELL
    assert VerdictCode.STAMP in codes(verdict, Weight.MISSING)


def test_without_a_revocation_list_it_cannot_be_told(notary: Notary) -> None:
    verdict = judge(replace(notary.bundle(), crls=()), notary.trust)
    assert verdict.answer is VerdictAnswer.CANNOT_TELL
    assert all("crl-missing" in one.detail for one in verdict.findings if one.weight is Weight.MISSING)


def test_with_a_list_that_had_run_out_it_cannot_be_told(notary: Notary) -> None:
    old = notary.authority.crl(at=notary.at - timedelta(days=2), lasts=timedelta(days=1))
    verdict = judge(replace(notary.bundle(), crls=(old,)), notary.trust)
    assert verdict.answer is VerdictAnswer.CANNOT_TELL
    assert any("crl-stale" in one.detail for one in verdict.findings)


def test_a_signature_older_than_the_revocation_stays_valid(tmp_path: Path) -> None:
    notary = Notary(tmp_path)
    whole = notary.bundle()
    notary.authority.revoke(notary.officer.certificate.serial_number, notary.at + MINUTE)
    later = notary.authority.crl(at=notary.at + 2 * MINUTE)
    assert judge(replace(whole, crls=(*whole.crls, later)), notary.trust).answer is VerdictAnswer.VALID
    assert judge(replace(whole, crls=(later,)), notary.trust).answer is VerdictAnswer.VALID


def test_a_key_that_was_revoked_before_the_stamp_signs_nothing_even_if_that_became_known_later(tmp_path: Path) -> None:
    notary = Notary(tmp_path)
    whole = notary.bundle()
    notary.authority.revoke(notary.officer.certificate.serial_number, notary.at - MINUTE)
    later = notary.authority.crl(at=notary.at + 2 * MINUTE)
    verdict = judge(replace(whole, crls=(*whole.crls, later)), notary.trust)
    assert (verdict.answer, codes(verdict, Weight.WRONG)) == (VerdictAnswer.INVALID, {VerdictCode.PERSON})


def test_a_minute_stands_in_for_a_receipt(notary: Notary) -> None:
    handoff = notary.handoff()
    assert handoff.record is not None
    minute = notary.minute(handoff.record)
    verdict = judge(notary.bundle(handoff, notary.logged("minute", minute, *notary.signed(minute))), notary.trust)
    assert verdict.answer is VerdictAnswer.VALID
    assert VerdictCode.NO_ANSWER not in codes(verdict, Weight.NOTE)
