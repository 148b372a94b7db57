"""verify.sh against a bundle that attacks its reader: names that are options, links, authorities of the system's."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.trust import development_authority
from hub.signing import archive
from hub.signing.archive import NotABundle
from hub.signing.bundle import SUMS
from hub.signing.parties import fingerprint
from tests.unit.signing.judges import needs_openssl, openssl
from tests.unit.signing.notary import CENTRE, DEPARTMENT, Notary
from tests.unit.signing.test_tampering import run_verify_sh, summed, unpacked

pytestmark = needs_openssl


@pytest.fixture(scope="module")
def notary(tmp_path_factory: pytest.TempPathFactory) -> Notary:
    return Notary(tmp_path_factory.mktemp("notary"))


@pytest.fixture(scope="module")
def files(notary: Notary) -> dict[str, bytes]:
    return archive.unpack(notary.bundle().write())


def judged(
    notary: Notary, files: Mapping[str, bytes], folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    return run_verify_sh(unpacked(files, notary.trust_list, folder), **environment)


def test_no_line_of_the_sums_is_an_option_of_openssl(notary: Notary, files: dict[str, bytes], tmp_path: Path) -> None:
    """``-engine=./x.so`` would run what the bundle brings; ``-out=`` writes where it can be seen."""
    line = b"%s  -out=made-by-the-sums\n" % (b"0" * 64)
    refused = judged(notary, files | {SUMS: line + files[SUMS]}, tmp_path)
    assert refused.returncode == 1, refused.stdout
    assert not (tmp_path / "bundle" / "made-by-the-sums").exists()


@pytest.mark.parametrize("name", ["-out=made", "a b", "x\ny", "x;touch made", "$(touch made)", "02-receipt/ß.json"])
def test_a_name_that_no_bundle_has_is_refused(
    notary: Notary, files: dict[str, bytes], tmp_path: Path, name: str
) -> None:
    refused = judged(notary, summed(files | {name: b"x"}), tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "NOT VALID: the bundle holds a file whose name no bundle has\n")
    assert not (tmp_path / "bundle" / "made").exists()


def test_a_link_does_not_let_in_a_file_that_is_not_listed(
    notary: Notary, files: dict[str, bytes], tmp_path: Path
) -> None:
    script = unpacked(
        files | {"answer.json": b"{}", "SHA256SUMS.txt": files["README.txt"]}, notary.trust_list, tmp_path
    )
    (script.parent / "README.txt").unlink()
    (script.parent / "README.txt").symlink_to("SHA256SUMS.txt")
    assert run_verify_sh(script).returncode == 1
    with pytest.raises(NotABundle, match="link"):
        archive.read_path(script.parent)


def test_a_pipe_is_no_bundle_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "bundle")
    for endless in (tmp_path / "bundle", Path("/dev/zero")):
        with pytest.raises(NotABundle, match="neither a file nor a folder"):
            archive.read_path(endless)


def test_a_repeated_line_does_not_let_in_a_file_that_is_not_listed(
    notary: Notary, files: dict[str, bytes], tmp_path: Path
) -> None:
    line = files[SUMS].splitlines(keepends=True)[-1]
    refused = judged(notary, files | {SUMS: files[SUMS] + line, "answer.json": b"{}"}, tmp_path)
    assert refused.returncode == 1, refused.stdout


@pytest.mark.parametrize("other", ["01-receipt", "02-handoff", "03-receipt"])
def test_a_part_that_does_not_belong_there_is_refused(
    notary: Notary, files: dict[str, bytes], tmp_path: Path, other: str
) -> None:
    moved = "02-receipt" if other != "02-handoff" else "01-handoff"
    parts = {name.replace(moved, other): data for name, data in files.items() if name.startswith(moved)}
    rest = {name: data for name, data in files.items() if not name.startswith("0")}
    files_left = {name: data for name, data in files.items() if name.startswith("01-handoff") and other != "01-receipt"}
    assert judged(notary, summed(rest | files_left | parts), tmp_path).returncode == 1


def test_what_the_system_believes_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An authority among the system's own, by which the forger has certificates in everybody's name; a time stamp by
    the reader's own authority is to be had by anybody."""
    reader, root_of, ca_of = (
        Notary(tmp_path / "reader"),
        development_authority.root,
        development_authority.intermediate,
    )
    monkeypatch.setattr(development_authority, "root", lambda key, _, lasts: root_of(key, "Public root", lasts))
    monkeypatch.setattr(development_authority, "intermediate", lambda key, _, *more: ca_of(key, "Public CA", *more))
    forger = Notary(tmp_path / "forger")
    monkeypatch.setattr(forger, "stamp", reader.stamp)
    forger.seal = forger.issue("Trung tâm giả", "trung-tam")
    root, subjects = fingerprint(reader.authority.root.certificate), {CENTRE: "trung-tam", DEPARTMENT: "rest-a"}
    by_name = {"certificate": None, "root": root}
    reader.entries += [
        one.model_copy(update=by_name | {"subject": one.officer or subjects.get(one.holder, one.holder)})
        for one in reader.entries
        if one.kind != "tsa"
    ]
    system = tmp_path / "system"
    system.mkdir()
    name = openssl("x509", "-noout", "-subject_hash", stdin=forger.roots).stdout.decode().strip()
    (system / f"{name}.0").write_bytes(forger.roots)
    ours, theirs = reader.bundle(), forger.bundle()
    both = replace(theirs, certificates=theirs.certificates + ours.certificates, crls=theirs.crls + ours.crls)
    refused = judged(reader, archive.unpack(both.write()), tmp_path / "judged", SSL_CERT_DIR=str(system))
    assert refused.returncode == 1, refused.stdout
