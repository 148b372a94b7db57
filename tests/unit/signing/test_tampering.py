"""The tamper drill: whatever is done to a bundle is detected and named, by the judge and, as far as it reaches, by
``openssl`` alone (verify.sh)."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from hub.signing import archive, merkle
from hub.signing import bundle as bundles
from hub.signing.archive import NotABundle
from hub.signing.bundle import SUMS, Bundle
from hub.signing.judge import judge
from hub.signing.merkle import NotAProof
from hub.signing.verdicts import Verdict, VerdictAnswer, VerdictCode, Weight
from tests.unit.signing.deeds import DEEDS, forged_list
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


def wrong(verdict: Verdict) -> set[VerdictCode]:
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


def verify_sh(
    files: Mapping[str, bytes], trust_list: tuple[bytes, bytes], folder: Path
) -> subprocess.CompletedProcess[str]:
    """What a stranger does who has openssl and nothing of ours."""
    return run_verify_sh(unpacked(files, trust_list, folder))


def unpacked(files: Mapping[str, bytes], trust_list: tuple[bytes, bytes], folder: Path) -> Path:
    """The script, in ``folder``/bundle; the reader's list lies beside that."""
    for name, data in files.items():
        (folder / "bundle" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "bundle" / name).write_bytes(data)
    for name, data in zip(("trust.json", "trust.p7s"), trust_list, strict=True):
        (folder / name).write_bytes(data)
    return folder / "bundle" / "verify.sh"


def run_verify_sh(script: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", script, script.parent.parent / "trust.json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", **environment},
    )


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
        assert verdict.answer is VerdictAnswer.INVALID
        assert VerdictCode.FILE_CHANGED in wrong(verdict)
        named = {one.where for one in verdict.findings if one.code is VerdictCode.FILE_CHANGED}
        assert named == {name} or name == SUMS


@pytest.mark.parametrize("name", EVIDENCE)
def test_a_flipped_bit_in_the_evidence_is_invalid_even_if_the_sums_are_mended(
    notary: Notary, files: dict[str, bytes], name: str
) -> None:
    for changed in flips(files[name]):
        verdict = judge(bundles.assemble(summed(files | {name: changed})), notary.trust)
        assert verdict.answer is VerdictAnswer.INVALID, name
        part = name.partition("/")[0]
        assert any(one.where.startswith(part) for one in verdict.findings if one.weight is Weight.WRONG)


@pytest.mark.parametrize("name", ["certificates/01.pem", "crls/01.crl"])
def test_a_flipped_bit_in_what_helps_is_never_valid(notary: Notary, files: dict[str, bytes], name: str) -> None:
    for changed in flips(files[name]):
        verdict = judge(bundles.assemble(summed(files | {name: changed})), notary.trust)
        assert verdict.answer is not VerdictAnswer.VALID, name


def test_a_revocation_list_is_der_of_version_2(notary: Notary, files: dict[str, bytes]) -> None:
    """Its version may be any number for a parser, and the octet before the signature is covered by none."""
    encoded = files["crls/01.crl"]
    signature = x509.load_der_x509_crl(encoded).signature
    other_version = encoded.replace(b"\x02\x01\x01\x30", b"\x02\x01\x07\x30", 1)
    unused_bits = [encoded[: -len(signature) - 1] + bytes([bits]) + signature for bits in range(1, 8)]
    for changed in [other_version, *unused_bits]:
        assert changed != encoded
        verdict = judge(bundles.assemble(summed(files | {"crls/01.crl": changed})), notary.trust)
        assert verdict.answer is not VerdictAnswer.VALID


@pytest.mark.parametrize("name", ["README.txt", "verify.sh"])
def test_a_script_that_is_not_ours_is_named(notary: Notary, files: dict[str, bytes], name: str) -> None:
    verdict = judge(bundles.assemble(summed(files | {name: files[name] + b"\n"})), notary.trust)
    assert [one.where for one in verdict.findings if one.code is VerdictCode.SCRIPT_UNKNOWN] == [name]


def test_a_flipped_bit_anywhere_in_the_zip_is_noticed(notary: Notary, files: dict[str, bytes]) -> None:
    packed = archive.pack(files)
    for changed in flips(packed, 200):
        try:
            read = bundles.read(changed)
        except NotABundle:
            continue
        assert judge(read, notary.trust).answer is VerdictAnswer.INVALID


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__.removeprefix("deed_"))
def test_what_a_forger_does_is_named(notary: Notary, deed: Callable[[Notary], Bundle]) -> None:
    verdict = judge(bundles.read(deed(notary).write()), notary.trust)
    assert verdict.answer is VerdictAnswer.INVALID
    assert wrong(verdict) == DEEDS[deed][0]


@needs_openssl
def test_a_revocation_list_by_another_key_in_the_issuer_s_name_is_named_and_not_used(notary: Notary) -> None:
    """It may be another generation of that CA: nothing is proved by it, and nothing can be told without a true one."""
    verdict = judge(bundles.read(forged_list(notary).write()), notary.trust)
    assert verdict.answer is VerdictAnswer.CANNOT_TELL
    assert VerdictCode.CRL_UNTRUE in {finding.code for finding in verdict.findings if finding.weight is Weight.MISSING}


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__.removeprefix("deed_"))
def test_openssl_alone_sees_what_it_can_see(notary: Notary, deed: Callable[[Notary], Bundle], tmp_path: Path) -> None:
    judged = verify_sh(archive.unpack(deed(notary).write()), notary.trust_list, tmp_path)
    assert (judged.returncode != 0) == DEEDS[deed][1], judged.stdout + judged.stderr


@needs_openssl
def test_openssl_alone_accepts_what_is_whole(notary: Notary, files: dict[str, bytes], tmp_path: Path) -> None:
    judged = verify_sh(files, notary.trust_list, tmp_path)
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert judged.stdout.splitlines()[-1] == "VALID"


@needs_openssl
@pytest.mark.parametrize("name", [*EVIDENCE, "certificates/01.pem", "crls/01.crl"])
def test_openssl_alone_refuses_a_flipped_bit_with_mended_sums(
    notary: Notary, files: dict[str, bytes], tmp_path: Path, name: str
) -> None:
    for number, changed in enumerate(flips(files[name], 2)):
        judged = verify_sh(summed(files | {name: changed}), notary.trust_list, tmp_path / str(number))
        assert judged.returncode == 1, judged.stdout


@needs_openssl
def test_openssl_alone_judges_by_the_list_of_the_day(tmp_path: Path) -> None:
    notary = Notary(tmp_path / "own")
    whole = notary.bundle()
    serial = notary.officer.certificate.serial_number
    notary.authority.revoke(serial, notary.at + MINUTE)
    later = replace(whole, crls=(*whole.crls, notary.authority.crl(at=notary.at + 2 * MINUTE)))
    assert verify_sh(archive.unpack(later.write()), notary.trust_list, tmp_path / "later").returncode == 0
    early = Notary(tmp_path / "early")
    early.authority.revoke(early.officer.certificate.serial_number, early.at - 3 * MINUTE)
    judged = verify_sh(archive.unpack(early.bundle().write()), early.trust_list, tmp_path / "revoked")
    assert judged.returncode == 1
    assert "revoked" in judged.stdout


@needs_openssl
def test_openssl_alone_says_that_content_has_expired(notary: Notary, tmp_path: Path) -> None:
    expired = notary.bundle(replace(notary.handoff(), record=None))
    judged = verify_sh(archive.unpack(expired.write()), notary.trust_list, tmp_path)
    assert judged.returncode == 4, judged.stdout + judged.stderr
    assert "content expired" in judged.stdout


@pytest.mark.parametrize(
    "text",
    [b"", b"leaf 0 of 1\n", b"leaf 1 of 1\nrecord " + b"0" * 64 + b"\nsignature " + b"0" * 64 + b"\nroot "],
)
def test_a_proof_that_is_none_is_not_read(text: bytes) -> None:
    with pytest.raises(NotAProof):
        merkle.read_proof(text)
