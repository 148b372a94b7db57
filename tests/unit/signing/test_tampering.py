"""The tamper drill: whatever is done to a bundle is detected and named, by the judge and, as far as it reaches, by
``openssl`` alone (verify.sh)."""

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hub.signing import archive, proof
from hub.signing import bundle as bundles
from hub.signing.act_judge import shown
from hub.signing.archive import NotABundle
from hub.signing.bundle import SUMS, Act, Bundle
from hub.signing.findings import Answer, Code, Verdict, Weight
from hub.signing.judge import judge
from hub.signing.proof import NotAProof
from tests.unit.signing.judges import needs_openssl
from tests.unit.signing.notary import MINUTE, Notary

POSITIONS = 20
"""bytes of each file that are flipped, spread over all of it"""


@pytest.fixture(scope="module")
def notary(tmp_path_factory: pytest.TempPathFactory) -> Notary:
    return Notary(tmp_path_factory.mktemp("notary"))


@pytest.fixture(scope="module")
def files(notary: Notary) -> dict[str, bytes]:
    """A whole bundle's files."""
    return archive.unpack(notary.bundle().write())


def wrong(verdict: Verdict) -> set[Code]:
    return {finding.code for finding in verdict.findings if finding.weight is Weight.WRONG}


def summed(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """With a SHA256SUMS to match: a forger does not forget that."""
    rest = {name: data for name, data in files.items() if name != SUMS}
    return rest | {SUMS: bundles.sums_of(rest)}


def flips(data: bytes, positions: int = POSITIONS) -> Iterator[bytes]:
    """``data`` with one bit changed, at places spread over all of it."""
    step = max(len(data) // positions, 1)
    for place in range(0, len(data), step):
        yield data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]


def verify_sh(files: Mapping[str, bytes], roots: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
    """What a stranger does who has openssl and nothing of ours."""
    for name, data in files.items():
        (folder / "bundle" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "bundle" / name).write_bytes(data)
    (folder / "roots.pem").write_bytes(roots)
    return subprocess.run(
        ["sh", folder / "bundle" / "verify.sh", folder / "roots.pem"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
    )


def names_of(files: Mapping[str, bytes]) -> list[str]:
    return sorted(files)


PARTS = ["record.json", "record.p7s", "seal.p7s", "proof.txt", "checkpoint.json", "checkpoint.p7s", "checkpoint.tst"]
EVIDENCE = [f"01-handoff/{name}" for name in PARTS] + [f"02-receipt/{name}" for name in PARTS if name != "seal.p7s"]
OTHERS = ["README.txt", "verify.sh", SUMS, "certificates/01.pem", "crls/01.crl"]


def test_the_drill_is_about_every_file_of_a_bundle(files: dict[str, bytes]) -> None:
    assert sorted(files) == sorted([*EVIDENCE, *OTHERS])


@pytest.mark.parametrize("name", [*EVIDENCE, *OTHERS])
def test_a_flipped_bit_anywhere_is_invalid_and_the_file_is_named(
    notary: Notary, files: dict[str, bytes], name: str
) -> None:
    for changed in flips(files[name]):
        verdict = judge(bundles.assemble(files | {name: changed}), notary.trust)
        assert verdict.answer is Answer.INVALID
        assert Code.FILE_CHANGED in wrong(verdict)
        named = {one.where for one in verdict.findings if one.code is Code.FILE_CHANGED}
        assert named == {name} or name == SUMS


@pytest.mark.parametrize("name", EVIDENCE)
def test_a_flipped_bit_in_the_evidence_is_invalid_even_if_the_sums_are_mended(
    notary: Notary, files: dict[str, bytes], name: str
) -> None:
    for changed in flips(files[name]):
        verdict = judge(bundles.assemble(summed(files | {name: changed})), notary.trust)
        if name.endswith(".tst") and verdict.answer is Answer.VALID:
            # A token's container is the authority's to write: what its signature leaves open decides nothing.
            continue
        assert verdict.answer is Answer.INVALID, name
        part = name.partition("/")[0]
        assert any(one.where.startswith(part) for one in verdict.findings if one.weight is Weight.WRONG)


def test_a_flipped_bit_in_a_stamp_never_moves_its_time(notary: Notary, files: dict[str, bytes]) -> None:
    name = "01-handoff/checkpoint.tst"
    for changed in flips(files[name], 100):
        verdict = judge(bundles.assemble(summed(files | {name: changed})), notary.trust)
        said = [one.detail for one in verdict.findings if one.where == name and one.weight is Weight.GOOD]
        assert verdict.answer is not Answer.VALID or said[0].startswith(shown(notary.at))


@pytest.mark.parametrize("name", ["certificates/01.pem", "crls/01.crl"])
def test_a_flipped_bit_in_what_helps_is_never_valid(notary: Notary, files: dict[str, bytes], name: str) -> None:
    for changed in flips(files[name]):
        verdict = judge(bundles.assemble(summed(files | {name: changed})), notary.trust)
        assert verdict.answer is not Answer.VALID, name


@pytest.mark.parametrize("name", ["README.txt", "verify.sh"])
def test_a_script_that_is_not_ours_is_named(notary: Notary, files: dict[str, bytes], name: str) -> None:
    verdict = judge(bundles.assemble(summed(files | {name: files[name] + b"\n"})), notary.trust)
    assert [one.where for one in verdict.findings if one.code is Code.SCRIPT_UNKNOWN] == [name]


def test_a_flipped_bit_anywhere_in_the_zip_is_noticed(notary: Notary, files: dict[str, bytes]) -> None:
    packed = archive.pack(files)
    for changed in flips(packed, 200):
        try:
            read = bundles.read(changed)
        except NotABundle:
            continue
        assert judge(read, notary.trust).answer is Answer.INVALID


def deed_swapped_signatures(notary: Notary) -> Bundle:
    act = notary.handoff()
    return notary.bundle(replace(act, signatures=act.signatures[::-1]))


def deed_sealed_first(notary: Notary) -> Bundle:
    """The seal on the record, and the person's signature over the seal's."""
    record = notary.record()
    seal = notary.sign(record, notary.seal)
    return notary.bundle(notary.logged("handoff", record, notary.sign(seal, notary.officer), seal))


def deed_sealed_beside(notary: Notary) -> Bundle:
    """Both on the record: nothing shows who came first."""
    record = notary.record()
    return notary.bundle(
        notary.logged("handoff", record, notary.sign(record, notary.officer), notary.sign(record, notary.seal))
    )


def deed_seal_dated_before_the_person(notary: Notary) -> Bundle:
    record = notary.record()
    person = notary.sign(record, notary.officer)
    return notary.bundle(notary.logged("handoff", record, person, notary.sign(person, notary.seal, after=-MINUTE)))


def deed_swapped_documents(notary: Notary) -> Bundle:
    """The record lists another document than the one that was signed."""
    act = notary.handoff()
    other = notary.record(documents=[{**_document(), "sha256": hashlib.sha256(b"swapped").hexdigest()}])
    return notary.bundle(replace(act, record=other, record_hash=hashlib.sha256(other).digest()))


def deed_re_signed_after_the_log(notary: Notary) -> Bundle:
    """Swapped documents, signed well by the right people, under the old proof."""
    act = notary.handoff()
    other = notary.record(documents=[{**_document(), "sha256": hashlib.sha256(b"swapped").hexdigest()}])
    return notary.bundle(
        replace(act, record=other, record_hash=hashlib.sha256(other).digest(), signatures=notary.signed(other))
    )


def deed_replayed_receipt(notary: Notary) -> Bundle:
    """A receipt that the department gave for another handoff: well signed, logged and stamped."""
    return notary.bundle(notary.handoff(1), notary.receipt(notary.handoff(2)))


def deed_replayed_proof_of_the_receipt(notary: Notary) -> Bundle:
    first, second = notary.handoff(1), notary.handoff(2)
    mine, other = notary.receipt(first), notary.receipt(second)
    return notary.bundle(first, replace(mine, proof=other.proof))


def deed_proof_of_another_leaf(notary: Notary) -> Bundle:
    first, second = notary.handoff(1), notary.handoff(2)
    shown = replace(proof.read(second.proof), record_hash=first.record_hash, signature_hashes=_hashes(first))
    return notary.bundle(replace(first, proof=shown.write(), checkpoint=second.checkpoint,
                                 checkpoint_signature=second.checkpoint_signature, stamp=second.stamp))  # fmt: skip


def deed_truncated_log(notary: Notary) -> Bundle:
    """A checkpoint of a time before the handoff was in the log."""
    before = notary.logged("handoff", notary.record(7), *notary.signed(notary.record(7)))
    act = notary.handoff(8)
    return notary.bundle(replace(act, checkpoint=before.checkpoint, stamp=before.stamp,
                                 checkpoint_signature=before.checkpoint_signature))  # fmt: skip


def deed_rewritten_log(notary: Notary) -> Bundle:
    """A root of the forger's own, signed by a key that is not the log's."""
    act = notary.handoff()
    return notary.bundle(replace(act, checkpoint_signature=notary.sign(act.checkpoint, notary.officer)))


def deed_another_log_s_name(notary: Notary) -> Bundle:
    return notary.bundle(notary.handoff(log="hub.other"))


def deed_unsigned_root(notary: Notary) -> Bundle:
    act = notary.handoff()
    body = notary.checkpoint(root="0" * 64)
    shown = replace(proof.read(act.proof), root=b"\x00" * 32)
    return notary.bundle(replace(act, checkpoint=body, stamp=notary.stamp(body), proof=shown.write(),
                                 checkpoint_signature=notary.sign(body, notary.log)))  # fmt: skip


def deed_replaced_stamp(notary: Notary) -> Bundle:
    return notary.bundle(replace(notary.handoff(1), stamp=notary.handoff(2).stamp))


def deed_stamp_from_before_the_checkpoint(notary: Notary) -> Bundle:
    act = notary.handoff()
    return notary.bundle(replace(act, stamp=notary.stamp(act.checkpoint, notary.at - timedelta(minutes=30))))


def deed_dated_after_its_stamp(notary: Notary) -> Bundle:
    tomorrow = (notary.at + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    return notary.bundle(notary.handoff(given_at=tomorrow))


def deed_forked_log(notary: Notary) -> Bundle:
    """Two roots of one size: the log showed different faces to two people."""
    handoff = notary.handoff()
    receipt = notary.receipt(handoff)
    size = proof.read(receipt.proof).size
    body = notary.checkpoint(size=size, root="1" * 64)
    return notary.bundle(replace(handoff, checkpoint=body, stamp=notary.stamp(body),
                                 checkpoint_signature=notary.sign(body, notary.log)), receipt)  # fmt: skip


def deed_forged_list(notary: Notary) -> Bundle:
    """A list that says nothing of the revoked, by a forger in the issuer's name."""
    forger = Notary(notary.authority.folder.parent / "forger")
    return replace(notary.bundle(), crls=(forger.authority.crl(at=notary.at - MINUTE),))


def _document() -> dict[str, object]:
    return {"code": "TP-01", "name": "Đơn đề nghị", "media_type": "application/pdf", "size": 1234}


def _hashes(act: Act) -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(one).digest() for one in act.signatures)


DEEDS: dict[Callable[[Notary], Bundle], tuple[set[Code], bool]] = {
    deed_swapped_signatures: ({Code.ORDER, Code.PROOF_OF_ANOTHER}, True),
    deed_sealed_first: ({Code.ORDER}, True),
    deed_sealed_beside: ({Code.ORDER}, True),
    deed_seal_dated_before_the_person: ({Code.ORDER}, False),
    deed_swapped_documents: ({Code.PROOF_OF_ANOTHER, Code.PERSON}, True),
    deed_re_signed_after_the_log: ({Code.PROOF_OF_ANOTHER}, True),
    deed_replayed_receipt: ({Code.ANSWER_OF_ANOTHER}, True),
    deed_replayed_proof_of_the_receipt: ({Code.PROOF_OF_ANOTHER}, True),
    deed_proof_of_another_leaf: ({Code.PROOF}, True),
    deed_truncated_log: ({Code.PROOF_OF_ANOTHER}, True),
    deed_rewritten_log: ({Code.CHECKPOINT_SIGNER}, True),
    deed_another_log_s_name: ({Code.OTHER_LOG}, False),
    deed_unsigned_root: ({Code.PROOF}, True),
    deed_replaced_stamp: ({Code.STAMP}, True),
    deed_stamp_from_before_the_checkpoint: ({Code.TIMES, Code.CHECKPOINT, Code.PERSON, Code.SEAL}, True),
    deed_dated_after_its_stamp: ({Code.TIMES}, False),
    deed_forked_log: ({Code.FORKED, Code.PROOF_OF_ANOTHER}, True),
    deed_forged_list: ({Code.CRL_UNTRUE}, True),
}
"""What a forger does → what the judge calls it, and whether openssl alone sees it too"""


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__.removeprefix("deed_"))
def test_what_a_forger_does_is_named(notary: Notary, deed: Callable[[Notary], Bundle]) -> None:
    verdict = judge(bundles.read(deed(notary).write()), notary.trust)
    assert verdict.answer is Answer.INVALID
    assert wrong(verdict) == DEEDS[deed][0]


@needs_openssl
@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__.removeprefix("deed_"))
def test_openssl_alone_sees_what_it_can_see(notary: Notary, deed: Callable[[Notary], Bundle], tmp_path: Path) -> None:
    judged = verify_sh(archive.unpack(deed(notary).write()), notary.roots, tmp_path)
    assert (judged.returncode != 0) == DEEDS[deed][1], judged.stdout + judged.stderr


@needs_openssl
def test_openssl_alone_accepts_what_is_whole(notary: Notary, files: dict[str, bytes], tmp_path: Path) -> None:
    judged = verify_sh(files, notary.roots, tmp_path)
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert judged.stdout.splitlines()[-1] == "VALID"


@needs_openssl
@pytest.mark.parametrize("name", EVIDENCE)
def test_openssl_alone_refuses_a_flipped_bit_with_mended_sums(
    notary: Notary, files: dict[str, bytes], tmp_path: Path, name: str
) -> None:
    for number, changed in enumerate(flips(files[name], 2)):
        judged = verify_sh(summed(files | {name: changed}), notary.roots, tmp_path / str(number))
        mine = judge(bundles.assemble(summed(files | {name: changed})), notary.trust).answer
        if name.endswith(".tst") and mine is Answer.VALID:
            continue
        assert judged.returncode == 1, judged.stdout


@needs_openssl
def test_openssl_alone_judges_by_the_list_of_the_day(tmp_path: Path) -> None:
    notary = Notary(tmp_path / "own")
    whole = notary.bundle()
    serial = notary.officer.certificate.serial_number
    notary.authority.revoke(serial, notary.at + MINUTE)
    later = replace(whole, crls=(*whole.crls, notary.authority.crl(at=notary.at + 2 * MINUTE)))
    assert verify_sh(archive.unpack(later.write()), notary.roots, tmp_path / "later").returncode == 0
    early = Notary(tmp_path / "early")
    early.authority.revoke(early.officer.certificate.serial_number, early.at - 3 * MINUTE)
    judged = verify_sh(archive.unpack(early.bundle().write()), early.roots, tmp_path / "revoked")
    assert judged.returncode == 1
    assert "revoked" in judged.stdout


@needs_openssl
def test_openssl_alone_says_that_content_has_expired(notary: Notary, tmp_path: Path) -> None:
    expired = notary.bundle(replace(notary.handoff(), record=None))
    judged = verify_sh(archive.unpack(expired.write()), notary.roots, tmp_path)
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert "content expired" in judged.stdout


@pytest.mark.parametrize(
    "text",
    [b"", b"leaf 0 of 1\n", b"leaf 1 of 1\nrecord " + b"0" * 64 + b"\nsignature " + b"0" * 64 + b"\nroot "],
)
def test_a_proof_that_is_none_is_not_read(text: bytes) -> None:
    with pytest.raises(NotAProof):
        proof.read(text)
