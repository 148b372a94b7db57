"""hub keys: a person looks at the keys, asks for a certificate, takes it in; nothing takes over that cannot sign."""

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from config.settings import Settings
from hub.cli import main
from hub.cli.exits import ExitCode
from hub.clock import now
from hub.embedded.pki import Pki
from hub.signing.keyring import requested_key
from tests.catalogue_secrets import CATALOGUE, environment
from tests.clerks import a_catalogue

SEAL = "seal.trung-tam"
Keys = Callable[..., tuple[int, str, str]]


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: Settings, own_pki: Pki) -> Keys:
    """``hub keys`` on keys of the test's own: exit code, stdout, stderr."""
    variables = {
        **environment(),
        **own_pki.environment(),
        "HUB_DATABASE_URL": str(settings.database_url),
        "HUB_BROKER_URL": str(settings.broker_url),
        "HUB_CATALOGUE": str(CATALOGUE),
        "HUB_CURSOR_KEY": "a key for cursors in tests only",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hub", "keys", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main.main()
        captured = capsys.readouterr()
        return int(left.value.code or 0), captured.out, captured.err

    return run


def generations(keys: Keys, name: str) -> dict[int, str]:
    """What each generation of a key is doing."""
    _, out, _ = keys("list", "--json")
    rows: list[dict[str, Any]] = json.loads(out)["data"]
    return {row["generation"]: row["state"] for row in rows if row["key"] == name}


def asked_and_issued(keys: Keys, pki: Pki, folder: Path, **dates: Any) -> Path:
    """The file that the CA sends back for a fresh request."""
    code, request, _ = keys("issue-request", SEAL)
    assert code == ExitCode.OK
    certificate = pki.authority.issue("the seal", requested_key(request.encode()), **dates)
    file = folder / "chain.pem"
    file.write_bytes(pki.authority.chain(certificate))
    return file


def test_all_keys_of_a_development_authority_sign(keys: Keys) -> None:
    code, out, _ = keys("check", "--json")
    checks = {row["key"]: row["ok"] for row in json.loads(out)["data"]}
    assert code == ExitCode.OK
    assert checks == dict.fromkeys(
        [SEAL, "log", "officer.tt-01", "officer.ra-01", "officer.ra-02", "officer.rb-01"], True
    )


def test_a_request_is_made_a_certificate_taken_in_and_the_new_key_signs(
    keys: Keys, own_pki: Pki, tmp_path: Path
) -> None:
    chain = asked_and_issued(keys, own_pki, tmp_path)
    assert generations(keys, SEAL) == {1: "signs", 2: "waits"}
    code, _, err = keys("import", SEAL, str(chain))
    assert (code, "signs now" in err) == (ExitCode.OK, True)
    assert generations(keys, SEAL) == {1: "replaced", 2: "signs"}
    assert keys("check")[0] == ExitCode.OK


def test_a_certificate_of_an_unknown_authority_is_not_taken_in(
    keys: Keys, own_pki: Pki, pki: Pki, tmp_path: Path
) -> None:
    _, request, _ = keys("issue-request", SEAL)
    stranger = pki.authority.issue("the seal", requested_key(request.encode()))
    file = tmp_path / "chain.pem"
    file.write_bytes(pki.authority.chain(stranger))
    code, _, err = keys("import", SEAL, str(file))
    assert code == ExitCode.REFUSED
    assert "root" in err
    assert generations(keys, SEAL) == {1: "signs", 2: "waits"}


def test_a_certificate_for_another_key_is_not_taken_in(keys: Keys, own_pki: Pki, tmp_path: Path) -> None:
    keys("issue-request", SEAL)
    other = own_pki.authority.issue("the seal", ec.generate_private_key(ec.SECP256R1()).public_key())
    file = tmp_path / "chain.pem"
    file.write_bytes(own_pki.authority.chain(other))
    assert keys("import", SEAL, str(file))[0] == ExitCode.REFUSED


def test_a_request_says_whose_key_it_is_in_letters_that_fit(keys: Keys) -> None:
    _, seal, _ = keys("issue-request", SEAL)
    _, officer, _ = keys("issue-request", "officer.ra-02")
    subjects = [x509.load_pem_x509_csr(pem.encode()).subject.rfc4514_string() for pem in (seal, officer)]
    assert "CN=Trung tâm Phục vụ hành chính công" in subjects[0]
    assert "CN=Lê Văn Dự Bị" in subjects[1]
    assert "2.5.4.5=ra-02" in subjects[1]


def test_a_key_that_nobody_has_named_is_not_made(keys: Keys) -> None:
    assert keys("issue-request", "officer.nobody")[0] == ExitCode.NOT_FOUND


@pytest.mark.parametrize("name", [SEAL, "log", "officer.ra-01"])
def test_a_development_key_is_rotated_in_one_step(keys: Keys, name: str) -> None:
    assert keys("rotate", name)[0] == ExitCode.OK
    assert generations(keys, name) == {1: "replaced", 2: "signs"}
    assert keys("check")[0] == ExitCode.OK


def test_a_certificate_that_ends_soon_is_a_finding(keys: Keys, own_pki: Pki) -> None:
    for file in (own_pki.keys / SEAL).iterdir():
        file.unlink()
    own_pki.renew(SEAL, lasts=timedelta(days=12))
    code, out, err = keys("check")
    assert code == ExitCode.FINDING
    assert f"hub keys issue-request {SEAL}" in out
    assert SEAL in err


def test_a_revoked_certificate_is_a_finding(keys: Keys, own_pki: Pki) -> None:
    certificate = own_pki.keyring.current("log", now()).certificate
    own_pki.authority.revoke(certificate.serial_number)
    own_pki.publish()
    code, out, _ = keys("check")
    assert code == ExitCode.FINDING
    assert "CERTIFICATE_REFUSED" in out


def test_in_production_keys_in_files_are_a_finding_and_are_not_made(
    keys: Keys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HUB_PRODUCTION", "true")
    monkeypatch.setenv("HUB_CATALOGUE", str(a_catalogue(tmp_path / "catalogue", "cli:ke-toan", "cli:truong-phong")))
    code, out, _ = keys("check")
    assert code == ExitCode.FINDING
    assert "in production a token holds it" in out
    assert keys("issue-request", SEAL)[0] == ExitCode.REFUSED
    assert keys("rotate", SEAL)[0] == ExitCode.REFUSED
