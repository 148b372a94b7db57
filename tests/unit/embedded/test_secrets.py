"""The secrets of an embedded stack: whole, kept, private, and each side told its own."""

import stat
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from config.catalogue import load
from config.settings import PACKAGED
from hub.embedded.secrets import private_key_of, stored_secrets


def test_the_packaged_catalogue_loads_with_the_secrets_that_were_made(tmp_path: Path) -> None:
    secrets = stored_secrets(tmp_path / "secrets.env", PACKAGED, {})
    assert load(PACKAGED, secrets.hub).departments


def test_they_are_made_once(tmp_path: Path) -> None:
    first = stored_secrets(tmp_path / "secrets.env", PACKAGED, {})
    assert stored_secrets(tmp_path / "secrets.env", PACKAGED, {}) == first


def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    stored_secrets(tmp_path / "secrets.env", PACKAGED, {})
    assert stat.S_IMODE((tmp_path / "secrets.env").stat().st_mode) == 0o600


def test_a_secret_of_the_environment_goes_first_and_is_not_written_down(tmp_path: Path) -> None:
    agreed = {"HUB_SECRET_SO_XAY_DUNG_TOKEN": "agreed-with-the-department"}
    secrets = stored_secrets(tmp_path / "secrets.env", PACKAGED, agreed)
    assert secrets.hub["HUB_SECRET_SO_XAY_DUNG_TOKEN"] == "agreed-with-the-department"
    assert "agreed-with" not in (tmp_path / "secrets.env").read_text()


def test_the_departments_keys_fit_their_certificates_and_the_hub_is_not_told_them(tmp_path: Path) -> None:
    secrets = stored_secrets(tmp_path / "secrets.env", PACKAGED, {})
    assert secrets.departments
    assert not secrets.departments.keys() & secrets.hub.keys()
    certificates = {private_key_of(name): pem for name, pem in secrets.hub.items() if name.endswith("CERTIFICATE")}
    for name, pem in secrets.departments.items():
        key = load_pem_private_key(pem.encode(), password=None)
        certificate = x509.load_pem_x509_certificate(certificates[name].encode())
        assert _spki(key.public_key()) == _spki(certificate.public_key())


def _spki(key: object) -> bytes:
    assert hasattr(key, "public_bytes")
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert isinstance(encoded, bytes)
    return encoded
