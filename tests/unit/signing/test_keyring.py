"""Keys in generations: a new one takes over without a gap, an old signature keeps verifying, and nothing stands in."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from hub.clock import now
from hub.embedded.pki import Pki
from hub.errors import InvalidState, NotConfigured
from hub.signing import cms, crl_store, verifier
from hub.signing.keyring import Keyring, requested_key
from hub.signing.keys import KeyUnavailable
from hub.signing.trust import Trust

SEAL = "seal.trung-tam"


def trust(pki: Pki) -> Trust:
    return Trust.load(pki.roots.read_bytes(), crl_store.in_folder(pki.keys))


def test_a_rotation_leaves_no_gap_and_old_signatures_keep_verifying(own_pki: Pki) -> None:
    keyring, moment = own_pki.keyring, now()
    old = keyring.current(SEAL, moment)
    before = cms.sign(b"before", old, moment)

    asked = keyring.request_certificate(SEAL, {"common_name": "the second"})
    assert keyring.current(SEAL, now()) is old, "while the certificate is asked for, the old key signs"

    authority = own_pki.authority
    issued = authority.issue("the second", requested_key(asked))
    keyring.accept_certificate(SEAL, authority.chain(issued))
    new = keyring.current(SEAL, now())
    after = cms.sign(b"after", new, now())

    assert new.certificate == issued
    assert verifier.verify(b"before", before, trust(own_pki), at=now()).certificate == old.certificate
    assert verifier.verify(b"after", after, trust(own_pki), at=now()).certificate == new.certificate


def test_generations_overlap_and_the_older_certificate_stays_readable(own_pki: Pki) -> None:
    first = own_pki.keyring.current(SEAL, now()).certificate
    own_pki.renew(SEAL)
    generations = own_pki.keyring.generations(SEAL)
    assert [generation.number for generation in generations] == [1, 2]
    assert generations[0].chain[0] == first
    assert all(generation.is_valid(now()) for generation in generations)


def test_a_process_that_runs_sees_the_new_generation_without_a_restart(own_pki: Pki) -> None:
    running = own_pki.keyring
    first = running.current(SEAL, now())
    own_pki.renew(SEAL)
    assert running.current(SEAL, now()).certificate != first.certificate


def test_a_certificate_that_begins_tomorrow_signs_tomorrow(own_pki: Pki) -> None:
    keyring, authority, tomorrow = own_pki.keyring, own_pki.authority, now() + timedelta(days=1)
    first = keyring.current(SEAL, now())
    asked = keyring.request_certificate(SEAL, {"common_name": "from tomorrow"})
    later = authority.issue("from tomorrow", requested_key(asked), begins=tomorrow)
    keyring.accept_certificate(SEAL, authority.chain(later))
    assert keyring.current(SEAL, now()) is first
    assert keyring.current(SEAL, tomorrow + timedelta(minutes=1)).certificate == later


def test_after_the_last_certificate_nothing_is_signed(own_pki: Pki) -> None:
    years = timedelta(days=4000)
    with pytest.raises(KeyUnavailable, match="ran out on"):
        own_pki.keyring.current(SEAL, now() + years)
    with pytest.raises(KeyUnavailable, match="good from"):
        own_pki.keyring.current(SEAL, now() - years)


def test_a_key_that_is_not_there_is_named(own_pki: Pki) -> None:
    with pytest.raises(KeyUnavailable, match=r"no key called officer\.nobody"):
        own_pki.keyring.current("officer.nobody", now())


def test_a_key_is_loaded_once(own_pki: Pki) -> None:
    keyring = own_pki.keyring
    assert keyring.current(SEAL, now()) is keyring.current(SEAL, now())


def test_the_wrong_passphrase_opens_nothing_and_is_not_told(own_pki: Pki) -> None:
    with pytest.raises(KeyUnavailable) as caught:
        Keyring(own_pki.keys, SecretStr("not this one, surely")).current(SEAL, now())
    assert "HUB_KEYS_PASSPHRASE" in str(caught.value)
    assert "surely" not in str(caught.value)


def test_without_folder_or_passphrase_it_is_said_which_setting_is_missing(own_pki: Pki) -> None:
    with pytest.raises(NotConfigured, match="HUB_KEYS "):
        Keyring(None, SecretStr("whatever there is")).current(SEAL, now())
    with pytest.raises(NotConfigured, match="HUB_KEYS_PASSPHRASE"):
        Keyring(own_pki.keys, None).current(SEAL, now())


def test_in_production_a_key_in_a_file_is_refused(own_pki: Pki) -> None:
    with pytest.raises(KeyUnavailable, match="in production a token holds it"):
        Keyring(own_pki.keys, own_pki.passphrase, production=True).current(SEAL, now())


def test_a_key_file_that_is_not_encrypted_is_refused(own_pki: Pki) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    file = own_pki.keys / SEAL / "1.key"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(KeyUnavailable, match="not encrypted"):
        own_pki.keyring.current(SEAL, now())


def test_a_key_that_is_not_the_certificates_is_refused(own_pki: Pki) -> None:
    other = own_pki.keys / "log" / "1.key"
    (own_pki.keys / SEAL / "1.key").write_bytes(other.read_bytes())
    with pytest.raises(KeyUnavailable, match="not the one of this private key"):
        own_pki.keyring.current(SEAL, now())


def test_private_keys_are_readable_by_their_owner_only(own_pki: Pki) -> None:
    files = [*own_pki.folder.rglob("*.key")]
    assert files
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_second_request_waits_for_the_first(own_pki: Pki) -> None:
    own_pki.keyring.request_certificate(SEAL, {"common_name": "one"})
    with pytest.raises(InvalidState, match="waits for its certificate"):
        own_pki.keyring.request_certificate(SEAL, {"common_name": "another"})


def test_a_certificate_for_another_key_is_not_taken(own_pki: Pki) -> None:
    own_pki.keyring.request_certificate(SEAL, {"common_name": "one"})
    stranger = own_pki.authority.issue("one", ec.generate_private_key(ec.SECP256R1()).public_key())
    with pytest.raises(KeyUnavailable, match="for another key"):
        own_pki.keyring.accept_certificate(SEAL, own_pki.authority.chain(stranger))
    assert len([one for one in own_pki.keyring.generations(SEAL) if one.chain]) == 1


def test_nothing_is_taken_that_was_not_asked_for(own_pki: Pki) -> None:
    chain = (own_pki.keys / SEAL / "1.pem").read_bytes()
    with pytest.raises(InvalidState, match="no request waits"):
        own_pki.keyring.accept_certificate(SEAL, chain)


def test_an_rsa_key_signs_as_well(own_pki: Pki) -> None:
    keyring, authority = own_pki.keyring, own_pki.authority
    asked = keyring.request_certificate(SEAL, {"common_name": "by RSA"}, as_rsa=True)
    issued = authority.issue("by RSA", requested_key(asked))
    keyring.accept_certificate(SEAL, authority.chain(issued))
    signed = cms.sign(b"content", keyring.current(SEAL, now()), now())
    assert verifier.verify(b"content", signed, trust(own_pki), at=now()).certificate == issued


def test_the_development_authority_is_made_once_and_says_what_it_is(own_pki: Pki, tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in own_pki.folder.rglob("*.key")}
    again = Pki(own_pki.folder, own_pki.passphrase)
    assert again.authority.root.certificate == own_pki.authority.root.certificate
    assert {file: file.read_bytes() for file in own_pki.folder.rglob("*.key")} == before
    for name in own_pki.keyring.names():
        subject = own_pki.keyring.generations(name)[-1].chain[0].subject.rfc4514_string()
        assert "DEVELOPMENT" in subject
