"""Keys in a token (PKCS#11), on a SoftHSM that is this test's own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from pydantic import SecretStr

from hub.clock import now
from hub.embedded.pki import Pki
from hub.signing import cms, crl_store, verifier
from hub.signing.keyring import Keyring, requested_key
from hub.signing.keys import KeyUnavailable, Pkcs11Token
from hub.signing.trust import Trust
from tests import softhsm

SEAL = "seal.trung-tam"


@pytest.fixture(scope="session")
def softhsm_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A token for the run, as the library reads its configuration once; without SoftHSM the test is left out."""
    reason = softhsm.install()
    if reason is not None:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("softhsm")
    before = dict(os.environ)
    os.environ.update(softhsm.initialise(folder))
    yield folder
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def token(softhsm_folder: Path) -> Iterator[Pkcs11Token]:
    opened = Pkcs11Token(softhsm.module(), softhsm.LABEL, softhsm.PIN)
    yield opened
    opened.close()


@pytest.fixture
def keyring(own_pki: Pki, token: Pkcs11Token) -> Keyring:
    """The folder's certificates, the token's keys, and production's rule that no file holds a key."""
    return Keyring(own_pki.keys, None, token=token, production=True)


def certified(pki: Pki, keyring: Keyring, name: str, *, as_rsa: bool = False) -> x509.Certificate:
    asked = keyring.request_certificate(name, {"common_name": name}, in_token=True, as_rsa=as_rsa)
    issued = pki.authority.issue(name, requested_key(asked))
    keyring.accept_certificate(name, pki.authority.chain(issued))
    return issued


@pytest.mark.parametrize(("name", "as_rsa"), [("seal.on-p256", False), ("seal.on-rsa", True)])
def test_a_key_in_the_token_signs_what_a_stranger_can_verify(
    own_pki: Pki, keyring: Keyring, name: str, as_rsa: bool
) -> None:
    issued = certified(own_pki, keyring, name, as_rsa=as_rsa)
    signed = cms.sign(b"content", keyring.current(name, now()), now())
    trust = Trust.load(own_pki.roots.read_bytes(), crl_store.in_folder(own_pki.keys))
    assert verifier.verify(b"content", signed, trust, at=now()).certificate == issued


@pytest.mark.parametrize(("name", "as_rsa"), [("seal.asks-p256", False), ("seal.asks-rsa", True)])
def test_openssl_finds_the_tokens_request_in_order(
    own_pki: Pki, keyring: Keyring, tmp_path: Path, name: str, as_rsa: bool
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    file = tmp_path / "request.csr"
    file.write_bytes(keyring.request_certificate(name, {"common_name": name}, in_token=True, as_rsa=as_rsa))
    outcome = subprocess.run(
        ["openssl", "req", "-verify", "-noout", "-subject", "-in", str(file)],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    assert "verify OK" in outcome.stdout + outcome.stderr
    assert name in outcome.stdout


def test_a_key_moves_from_its_file_into_the_token_by_a_rotation(own_pki: Pki, token: Pkcs11Token) -> None:
    keyring = Keyring(own_pki.keys, own_pki.passphrase, token=token)
    in_file = keyring.current("log", now())
    issued = certified(own_pki, keyring, "log")
    in_token = keyring.current("log", now())
    assert in_file.certificate != in_token.certificate == issued
    assert not (own_pki.keys / "log" / "2.key").exists()


def test_the_private_key_does_not_leave_the_token(own_pki: Pki, keyring: Keyring) -> None:
    certified(own_pki, keyring, "seal.stays")
    assert [path.name for path in (own_pki.keys / "seal.stays").glob("*.key")] == []


def test_a_key_that_the_token_does_not_have_is_unavailable(token: Pkcs11Token) -> None:
    with pytest.raises(KeyUnavailable, match="no such key"):
        token.sign("seal.nobody/1", b"content")


def test_after_a_key_that_is_not_there_the_token_goes_on(own_pki: Pki, keyring: Keyring, token: Pkcs11Token) -> None:
    certified(own_pki, keyring, "seal.goes-on")
    with pytest.raises(KeyUnavailable):
        token.sign("seal.nobody/1", b"content")
    assert keyring.current("seal.goes-on", now()).sign(b"content")


def test_after_logging_out_it_logs_in_again(own_pki: Pki, keyring: Keyring, token: Pkcs11Token) -> None:
    certified(own_pki, keyring, "seal.again")
    token.close()
    assert keyring.current("seal.again", now()).sign(b"content")


def test_a_wrong_pin_opens_nothing_and_is_not_told(softhsm_folder: Path) -> None:
    with pytest.raises(KeyUnavailable) as caught:
        Pkcs11Token(softhsm.module(), softhsm.LABEL, "87654321").check()
    assert "PinIncorrect" in str(caught.value)
    assert "87654321" not in str(caught.value)


def test_a_token_that_is_not_plugged_in_is_unavailable(softhsm_folder: Path) -> None:
    with pytest.raises(KeyUnavailable, match="NoSuchToken"):
        Pkcs11Token(softhsm.module(), "another", softhsm.PIN).check()


def test_a_module_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="cannot be used"):
        Pkcs11Token(tmp_path / "no-module.so", softhsm.LABEL, softhsm.PIN).check()


def test_the_tokens_check_says_what_it_is(token: Pkcs11Token) -> None:
    assert "SoftHSM" in token.check()


def test_without_a_token_in_the_catalogue_it_is_said_that_there_is_none(own_pki: Pki) -> None:
    (own_pki.keys / SEAL / "1.key").unlink()
    with pytest.raises(KeyUnavailable, match=r"signing\.toml names no token"):
        Keyring(own_pki.keys, SecretStr("a passphrase that is long")).current(SEAL, now())
