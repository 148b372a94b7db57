"""The doctor says when the published trust list does not have the keys that sign, or has none that will."""

from datetime import timedelta

from config.catalogue import Catalogue
from hub.cli import key_checks
from hub.clock import now
from hub.embedded.pki import Pki
from hub.signing.trust import Trust


def finding(pki: Pki, catalogue: Catalogue, days: int = 0) -> str:
    trust = Trust([pki.authority.root.certificate])
    return key_checks.trust_list_finding(catalogue, pki.keyring, trust, now() + timedelta(days=days))


def test_a_list_that_has_every_key_is_well(own_pki: Pki, catalogue: Catalogue) -> None:
    assert finding(own_pki, catalogue) == ""


def test_a_key_that_the_list_does_not_have_is_said_until_it_has(own_pki: Pki, catalogue: Catalogue) -> None:
    own_pki.renew(catalogue.signing.seal)
    assert "version 1 of the trust list is older" in finding(own_pki, catalogue)
    own_pki.list_trust(catalogue)
    assert finding(own_pki, catalogue) == ""


def test_a_list_whose_last_seal_is_near_its_end_is_said(own_pki: Pki, catalogue: Catalogue) -> None:
    seal = own_pki.keyring.current(catalogue.signing.seal, now()).certificate
    left = (seal.not_valid_after_utc - now()).days
    assert finding(own_pki, catalogue, left - 40) == ""
    assert "the last seal in the trust list ends on" in finding(own_pki, catalogue, left - 20)


def test_a_list_that_is_missing_or_spoilt_is_said(own_pki: Pki, catalogue: Catalogue) -> None:
    own_pki.trust_list.write_bytes(b"{}")
    assert "cannot be trusted" in finding(own_pki, catalogue)
    own_pki.trust_list.unlink()
    assert "no trust list has been published" in finding(own_pki, catalogue)
