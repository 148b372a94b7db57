"""Signed forms, as others see them: pyHanko's judge behind our findings, and poppler's pdfsig."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import cycle, product
from pathlib import Path

import pytest
from pyhanko.pdf_utils.generic import DictionaryObject, NameObject, TextStringObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from hub.papers import sign
from hub.papers.forms import ControlSheet
from hub.papers.render import render, signature_places
from hub.papers.sign import Signatory
from hub.papers.verify import verify_pdf
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid, VerdictAnswer, Weight
from tests.unit.papers.authority import PaperAuthority
from tests.unit.papers.conftest import RECORD, SIGNED_AT, register

SIGNED = ["FORM_ORDER", *(("FORM_SIGNATURE", "FORM_PARTY") * 2), "FORM_RECORD"]


@pytest.fixture
def roots(authority: PaperAuthority, person: Signatory, seal: Signatory) -> Trust:
    """A stranger's: the trust list and nothing else."""
    return Trust([authority.root], register=register(authority.root, person.key, seal.key))


def codes(data: bytes, roots: Trust, at: datetime = SIGNED_AT) -> list[str]:
    return [finding.code for finding in verify_pdf(data, roots, at).findings]


def test_a_signed_form_is_valid_and_gives_its_record_back(signed: bytes, roots: Trust) -> None:
    judged = verify_pdf(signed, roots, SIGNED_AT)
    assert judged.answer is VerdictAnswer.VALID
    assert [finding.code for finding in judged.findings] == SIGNED
    assert judged.attachments["hd_01JD000000000000000000000A.json"] == RECORD


def test_a_record_that_its_signature_does_not_fit_makes_the_form_invalid(
    control_sheet: ControlSheet, person: Signatory, seal: Signatory, roots: Trust, trust: Trust
) -> None:
    """Even if the paper around it is signed well: whoever prints cannot vouch for what was handed over."""
    record, signature = control_sheet.attachments
    other = replace(control_sheet, attachments=(replace(record, data=b'{"typ":"vn.hub.other","v":1}'), signature))
    signed = sign.sign(render(other), person, seal, at=SIGNED_AT, trust=trust, places={})
    judged = verify_pdf(signed, roots, SIGNED_AT)
    assert judged.answer is VerdictAnswer.INVALID
    assert [one.code for one in judged.findings if one.weight is Weight.WRONG] == ["FORM_RECORD"]
    bare = replace(control_sheet, attachments=())
    signed = sign.sign(render(bare), person, seal, at=SIGNED_AT, trust=trust, places={})
    assert codes(signed, roots)[-1] == "FORM_NOTHING_ATTACHED"


def test_what_was_printed_is_not_touched_by_signing(signed: bytes, control_sheet: ControlSheet) -> None:
    assert signed.startswith(render(control_sheet))


def test_pdfsig_finds_both_signatures_valid_and_the_second_over_the_whole(
    poppler: None, signed: bytes, tmp_path: Path
) -> None:
    (tmp_path / "form.pdf").write_bytes(signed)
    outcome = subprocess.run(
        ["pdfsig", "-nocert", tmp_path / "form.pdf"], capture_output=True, text=True, check=False
    ).stdout
    assert outcome.count("Signature Validation: Signature is Valid.") == 2
    assert outcome.count("Signature Type: ETSI.CAdES.detached") == 2
    assert outcome.index("nguoi-ky") < outcome.index("Not total document signed") < outcome.index("co-quan-ky")
    assert "Total document signed" in outcome[outcome.index("co-quan-ky") :]


@pytest.mark.parametrize("place", [9, 500, 5_000, 30_000, 60_000, -40_000, -2_000, -20])
def test_one_flipped_byte_is_found(signed: bytes, roots: Trust, place: int) -> None:
    changed = bytearray(signed)
    changed[place] ^= 0x01
    assert verify_pdf(bytes(changed), roots, SIGNED_AT).answer is VerdictAnswer.INVALID


def test_no_byte_of_the_seals_own_placeholder_can_be_changed(signed: bytes, roots: Trust) -> None:
    """PDF reads hex digits of either case and passes over blanks: 0x20 and 0x10 flip one into the other."""
    begins = signed.rindex(b"/Contents <") + len(b"/Contents ")
    ends = signed.index(b">", begins)
    digits = len(signed[begins:ends].rstrip(b"0"))
    bits = (0x20, 0x10, 0x01)
    near = range(begins, begins + digits, max(digits // 60, 1))
    edges = product((begins, begins + digits + 9, ends - 1, ends), bits)
    for place, bit in [*zip(near, cycle(bits), strict=False), *edges]:
        changed = bytearray(signed)
        changed[place] ^= bit
        assert verify_pdf(bytes(changed), roots, SIGNED_AT).answer is VerdictAnswer.INVALID, (place - begins, bit)


def test_a_form_sealed_by_somebody_else_is_invalid_and_by_nobody_listed_cannot_be_told(
    control_sheet: ControlSheet, person: Signatory, authority: PaperAuthority, roots: Trust, trust: Trust
) -> None:
    unlisted = Signatory(authority.key_for("Trung tâm"), "Trung tâm", "Xác nhận của cơ quan")
    for seal, answer in ((person, VerdictAnswer.INVALID), (unlisted, VerdictAnswer.CANNOT_TELL)):
        signed = sign.sign(render(control_sheet), person, seal, at=SIGNED_AT, trust=trust, places={})
        assert verify_pdf(signed, roots, SIGNED_AT).answer is answer


def test_without_a_trust_list_a_form_cannot_be_told(signed: bytes, authority: PaperAuthority) -> None:
    judged = verify_pdf(signed, Trust([authority.root]), SIGNED_AT)
    assert judged.answer is VerdictAnswer.CANNOT_TELL
    assert "FORM_TRUST_LIST" in [finding.code for finding in judged.findings]


@pytest.mark.parametrize("more", [b"\n", b"\x00", b" ", b"%%EOF\n", b"\n% one more line\n", b"\nstartxref\n0\n%%EOF\n"])
def test_bytes_behind_the_seal_are_found(signed: bytes, roots: Trust, more: bytes) -> None:
    assert verify_pdf(signed + more, roots, SIGNED_AT).answer is VerdictAnswer.INVALID


def _retitled(writer: IncrementalPdfFileWriter) -> None:
    writer.set_info(writer.add_object(DictionaryObject({NameObject("/Title"): TextStringObject("khác")})))


def _without_its_record(writer: IncrementalPdfFileWriter) -> None:
    writer.root["/Names"] = DictionaryObject({})
    writer.update_root()


@pytest.mark.parametrize("change", [_retitled, _without_its_record])
def test_a_revision_after_the_seal_is_found(
    signed: bytes, roots: Trust, change: Callable[[IncrementalPdfFileWriter], None]
) -> None:
    writer, written = IncrementalPdfFileWriter(BytesIO(signed)), BytesIO()
    change(writer)
    writer.write(written)
    assert verify_pdf(written.getvalue(), roots, SIGNED_AT).answer is VerdictAnswer.INVALID


def test_a_cut_file_is_invalid_and_a_foreign_one_cannot_be_told(signed: bytes, roots: Trust) -> None:
    assert codes(signed[: len(signed) // 2], roots) == ["FORM_BROKEN"]
    assert codes(b"PK\x03\x04", roots) == ["FORM_NOT_A_PDF"]


def test_a_seal_before_the_person_is_the_wrong_order(
    control_sheet: ControlSheet, person: Signatory, seal: Signatory, roots: Trust, trust: Trust
) -> None:
    """Even if both signatures are good; no command of ours produces this."""
    sealed = sign._signed(render(control_sheet), "seal", seal, SIGNED_AT, trust, None, None)
    both = sign._signed(sealed, "person", person, SIGNED_AT, trust, None, None)
    judged = verify_pdf(both, roots, SIGNED_AT)
    assert judged.answer is VerdictAnswer.INVALID
    assert [finding.code for finding in judged.findings] == SIGNED


def test_a_form_that_only_the_person_signed_cannot_be_told(
    control_sheet: ControlSheet, person: Signatory, roots: Trust, trust: Trust
) -> None:
    alone = sign._signed(render(control_sheet), "person", person, SIGNED_AT, trust, None, None)
    judged = verify_pdf(alone, roots, SIGNED_AT)
    assert judged.answer is VerdictAnswer.CANNOT_TELL
    assert judged.findings[0].code == "FORM_NO_SEAL"


def test_an_unsigned_print_cannot_be_told(control_sheet: ControlSheet, roots: Trust) -> None:
    assert verify_pdf(render(control_sheet), roots, SIGNED_AT).answer is VerdictAnswer.CANNOT_TELL


def test_a_reader_with_other_roots_cannot_tell(signed: bytes) -> None:
    other = Trust([PaperAuthority("Ai đó khác").root])
    assert verify_pdf(signed, other, SIGNED_AT).answer is VerdictAnswer.CANNOT_TELL


def test_a_signer_revoked_before_is_refused_whatever_older_list_the_form_brings(
    signed: bytes, authority: PaperAuthority, person: Signatory
) -> None:
    later = authority.revocation_list(SIGNED_AT + timedelta(minutes=1), [person.key.certificate])
    judged = verify_pdf(signed, Trust([authority.root], crls=[later]), SIGNED_AT + timedelta(minutes=2))
    assert judged.answer is VerdictAnswer.INVALID
    assert "FORM_CERTIFICATE_REFUSED" in [finding.code for finding in judged.findings]


def test_nothing_is_signed_with_a_revoked_certificate(
    control_sheet: ControlSheet, person: Signatory, seal: Signatory, authority: PaperAuthority
) -> None:
    revoked = Trust([authority.root], crls=[authority.revocation_list(SIGNED_AT, [seal.key.certificate])])
    with pytest.raises(Invalid):
        sign.sign(render(control_sheet), person, seal, at=SIGNED_AT, trust=revoked, places={})


def test_an_ended_certificate_without_a_time_stamp_cannot_be_told(signed: bytes, roots: Trust) -> None:
    judged = verify_pdf(signed, roots, datetime(2031, 1, 1, tzinfo=UTC))
    assert judged.answer is VerdictAnswer.CANNOT_TELL


def test_the_drawn_signature_lies_in_the_forms_place(
    poppler: None, signed: bytes, control_sheet: ControlSheet, tmp_path: Path
) -> None:
    (tmp_path / "form.pdf").write_bytes(signed)
    where = signature_places(control_sheet)["seal"]
    corner = ["-x", str(int(where.x) - 2), "-y", str(int(841.89 - where.y) - 2), "-W", "232", "-H", "70", "-r", "72"]
    read = subprocess.run(
        ["pdftotext", *corner, tmp_path / "form.pdf", "-"], capture_output=True, text=True, check=True
    ).stdout
    assert "Trung tâm Phục vụ hành chính công" in read
    assert "Thời gian ký: 04/12/2026 16:45:00 +07:00" in read
