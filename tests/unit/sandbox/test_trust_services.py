"""The trust services of the sandbox: right for a stranger's tools, and wrong in every way that they are told."""

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.clock import now
from connectors.sandbox.runtime_settings import Stamps
from connectors.sandbox.trust_services import TRUST_BEHAVIOURS
from connectors.trust.development_authority import DevelopmentAuthority
from hub.signing import stamps
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid
from tests.unit.sandbox.running import Running, call, sandbox

TSA, CA = "trust.tsa", "trust.ca"
QUERY = {"Content-Type": "application/timestamp-query"}
DATA = b"a checkpoint"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with sandbox(tmp_path / "data", [TSA, CA]) as started:
        yield started


@pytest.fixture
def authority(running: Running) -> DevelopmentAuthority:
    return DevelopmentAuthority(running.data / "pki")


@pytest.fixture
def folder(tmp_path: Path, authority: DevelopmentAuthority) -> Path:
    """Where openssl works: the data, a request for a stamp on it, the root."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    (tmp_path / "data.bin").write_bytes(DATA)
    (tmp_path / "roots.pem").write_bytes(authority.roots)
    openssl(tmp_path, "ts", "-query", "-data", "data.bin", "-sha256", "-cert", "-out", "query.tsq")
    return tmp_path


def openssl(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True, timeout=30, check=False)


def stamped(running: Running, folder: Path) -> subprocess.CompletedProcess[str]:
    """What openssl thinks of the TSA's reply to the request."""
    query = (folder / "query.tsq").read_bytes()
    reply = call("POST", running.urls[TSA], data=query, headers=QUERY)
    assert reply.headers["Content-Type"] == "application/timestamp-reply"
    (folder / "reply.tsr").write_bytes(reply.content)
    return openssl(folder, "ts", "-verify", "-queryfile", "query.tsq", "-in", "reply.tsr", "-CAfile", "roots.pem")


def served(running: Running) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(call("GET", running.urls[CA]).content)


def test_openssl_believes_the_stamp(running: Running, folder: Path) -> None:
    assert stamped(running, folder).returncode == 0
    by_data = openssl(folder, "ts", "-verify", "-data", "data.bin", "-in", "reply.tsr", "-CAfile", "roots.pem")
    assert by_data.returncode == 0


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("nonce", "nonce mismatch"),
        ("imprint", "message imprint mismatch"),
        ("rejection", "badAlg"),
        ("certificate", "unsuitable certificate purpose"),
        ("garbage", "asn1"),
    ],
)
def test_openssl_refuses_a_stamp_that_is_wrong(running: Running, folder: Path, wrong: str, why: str) -> None:
    running.turn(TSA, stamps=wrong)
    outcome = stamped(running, folder)
    assert outcome.returncode != 0
    assert why in outcome.stderr


def test_every_setting_that_is_documented_can_be_turned(running: Running) -> None:
    for behaviour in TRUST_BEHAVIOURS:
        for service in behaviour.counterparty.split(", "):
            for setting in re.findall(r"{[^}]*}", behaviour.setting):
                assert running.turn(service, **json.loads(setting)).status_code == 200
    documented = set(re.findall(r'"stamps": "(\w+)"', " ".join(behaviour.setting for behaviour in TRUST_BEHAVIOURS)))
    assert documented | {"right"} == set(get_args(Stamps))


def test_a_stamp_of_an_hour_ago_is_well_signed(running: Running, folder: Path) -> None:
    running.turn(TSA, stamps="time")
    assert stamped(running, folder).returncode == 0, "only who knows when the request was made sees what is wrong"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("nonce", "stamp-nonce"),
        ("imprint", "stamp-imprint"),
        ("rejection", "stamp-refused"),
        ("certificate", "stamp-purpose"),
        ("garbage", "not-a-stamp"),
    ],
)
def test_the_hub_names_what_is_wrong_with_a_stamp(
    running: Running, authority: DevelopmentAuthority, wrong: Stamps, code: str
) -> None:
    running.turn(TSA, stamps=wrong)
    digest, nonce = hashlib.sha256(DATA).digest(), 2**62 + 1
    reply = call("POST", running.urls[TSA], data=stamps.request(digest, nonce), headers=QUERY).content
    with pytest.raises(Invalid) as end:
        stamps.verify(stamps.read_reply(reply, digest, nonce), DATA, Trust.load(authority.roots, [authority.crl()]))
    assert end.value.code == code


def test_a_stamping_authority_that_is_down_says_so_and_comes_back(running: Running, folder: Path) -> None:
    running.turn(TSA, down=True)
    assert call("POST", running.urls[TSA], data=b"", headers=QUERY).status_code == 503
    running.turn(TSA, down=False)
    assert stamped(running, folder).returncode == 0


def test_what_is_no_request_gets_no_stamp(running: Running) -> None:
    assert call("POST", running.urls[TSA], data=b"not DER", headers=QUERY).status_code == 400
    assert call("POST", running.urls[TSA], data=b"0", headers={"Content-Type": "text/plain"}).status_code == 415


def test_the_list_is_the_issuing_cas_and_stays_the_same_for_an_hour(
    running: Running, authority: DevelopmentAuthority
) -> None:
    first = served(running)
    assert first.is_signature_valid(authority.issuing.key.public_key())
    assert served(running) == first


def test_what_is_revoked_stands_in_the_list_at_once(running: Running, authority: DevelopmentAuthority) -> None:
    certificate = authority.issue("an officer", ec.generate_private_key(ec.SECP256R1()).public_key())
    assert served(running).get_revoked_certificate_by_serial_number(certificate.serial_number) is None
    before = served(running).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    reply = call("POST", f"{running.control(CA)}/revoke", json={"serial": str(certificate.serial_number)})
    assert reply.status_code == 204
    after = served(running)
    assert after.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
    assert after.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number > before


def test_a_stale_list_is_out_of_date_and_well_signed(running: Running, authority: DevelopmentAuthority) -> None:
    running.turn(CA, stale_list=True)
    stale = served(running)
    assert stale.next_update_utc is not None
    assert stale.next_update_utc < now()
    assert stale.is_signature_valid(authority.issuing.key.public_key())


def test_a_revocation_without_a_serial_number_is_refused(running: Running) -> None:
    assert call("POST", f"{running.control(CA)}/revoke", json={"serial": "all of them"}).status_code == 422


def test_the_authority_is_the_same_after_a_restart(tmp_path: Path) -> None:
    known = []
    for _ in range(2):
        with sandbox(tmp_path / "data", [CA]) as running:
            known.append(hashlib.sha256(DevelopmentAuthority(running.data / "pki").roots).hexdigest())
    assert known[0] == known[1]
