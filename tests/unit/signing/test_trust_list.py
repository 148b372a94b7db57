"""Our trust list: drawn from catalogue and keys, versioned, sealed; and what a reader makes of a newer one."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from config.catalogue import Catalogue
from hub.clock import now
from hub.embedded.pki import Pki
from hub.signing import cms, trust_list
from hub.signing.parties import ANY, Register, SigningParty
from hub.signing.trust import Trust
from hub.signing.trust_list import NotATrustList
from hub.signing.verdicts import Invalid, Undecided


def files(pki: Pki) -> tuple[bytes, bytes]:
    return pki.trust_list.read_bytes(), pki.trust_list.with_suffix(".p7s").read_bytes()


def held(pki: Pki) -> Register:
    register = trust_list.load(pki.trust_list).register
    assert register is not None
    return register


def without(catalogue: Catalogue, officer: str) -> Catalogue:
    officers = {name: one for name, one in catalogue.officers.items() if name != officer}
    return catalogue.model_copy(update={"officers": officers})


def test_it_says_who_signs_for_whom(own_pki: Pki, catalogue: Catalogue) -> None:
    register, keyring = held(own_pki), own_pki.keyring
    signing, centre, at = catalogue.signing, catalogue.portal.centre, now()
    rest_a, rest_b = catalogue.departments["rest-a"], catalogue.departments["rest-b"]

    def chain(key: str) -> tuple[object, ...]:
        return (*keyring.current(key, at).chain, own_pki.authority.root.certificate)

    def answer(party: SigningParty, key: str) -> str:
        try:
            register.check(party, chain(key), at)  # type: ignore[arg-type]
        except (Invalid, Undecided) as end:
            return end.code
        return "is"

    assert answer(SigningParty("seal", centre), signing.seal) == "is"
    assert answer(SigningParty("log", signing.log), signing.log_key) == "is"
    assert answer(SigningParty("seal", centre), signing.log_key) == "another-party"
    assert answer(SigningParty("officer", centre, "tt-01", rest_b.agency), "officer.tt-01") == "is"
    assert answer(SigningParty("officer", centre, "ra-01", rest_a.agency), "officer.ra-01") == "is"
    assert answer(SigningParty("officer", centre, "ra-01", rest_a.qd20), "officer.ra-01") == "is"
    assert answer(SigningParty("officer", centre, "ra-01", rest_b.agency), "officer.ra-01") == "another-party"
    assert answer(SigningParty("officer", centre, ANY), "officer.ra-02") == "is"
    assert (
        answer(SigningParty("officer", centre, "ra-03", rest_a.agency), "officer.ra-03") == "out-of-period"
    )  # has left
    assert answer(SigningParty("officer", centre, "rb-01"), "officer.rb-01") == "not-listed"  # hands nothing over
    seal = (own_pki.authority.seal("rest-b").certificate, own_pki.authority.root.certificate)
    register.check(SigningParty("seal", rest_b.agency), seal, at)
    register.check(SigningParty("seal", rest_b.qd20), seal, at)
    with pytest.raises(Invalid):
        register.check(SigningParty("seal", centre), seal, at)


def test_the_same_again_is_the_same_version(own_pki: Pki, catalogue: Catalogue) -> None:
    before = files(own_pki)
    assert own_pki.list_trust(catalogue).listed.version == 1
    assert files(own_pki) == before


def test_a_new_generation_makes_a_new_version_that_keeps_the_old_one(own_pki: Pki, catalogue: Catalogue) -> None:
    first, older = held(own_pki), files(own_pki)
    own_pki.renew(catalogue.signing.seal)
    second = own_pki.list_trust(catalogue)
    assert (second.listed.version, second.listed.prev) == (2, first.sha256)
    assert set(first.listed.entries) < set(second.listed.entries)
    assert trust_list.check_successor(first, *files(own_pki)).sha256 == second.sha256
    with pytest.raises(NotATrustList, match="no later version"):
        trust_list.check_successor(second, *older)


def test_who_is_taken_off_keeps_an_entry_that_has_ended(own_pki: Pki, catalogue: Catalogue) -> None:
    keyring, at = own_pki.keyring, now().replace(microsecond=0) + timedelta(minutes=1)
    listed = trust_list.draw_up(without(catalogue, "ra-01"), keyring, Trust.load(own_pki.roots.read_bytes()), at)
    ended = [one for one in listed.entries if one.officer == "ra-01"]
    assert listed.version == 2
    assert {one.until for one in ended} == {at}
    register, chain = Register(listed, ""), keyring.current("officer.ra-01", now()).chain
    party = SigningParty("officer", catalogue.portal.centre, "ra-01")
    register.check(party, chain, at - timedelta(seconds=1))
    with pytest.raises(Invalid):
        register.check(party, chain, at + timedelta(seconds=1))


Forged = Callable[[Pki, bytes], tuple[bytes, bytes]]


def _by(key: str) -> Forged:
    return lambda pki, body: (body, cms.sign(body, pki.keyring.current(key, now()), now()))


FORGED: dict[str, Forged] = {
    "by the log's key": _by("log"),
    "by an officer": _by("officer.tt-01"),
    "changed": lambda pki, body: (body.replace(b'"version":1', b'"version":2'), files(pki)[1]),
    "not canonical": lambda pki, body: _by("seal.trung-tam")(pki, body + b"\n"),
    "not a list": lambda pki, _: _by("seal.trung-tam")(pki, b'{"typ":"vn.hub.trust-list","v":1}'),
    "no signature": lambda _, body: (body, b""),
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_list_that_its_own_seal_has_not_signed_is_none(own_pki: Pki, forged: Forged) -> None:
    with pytest.raises(NotATrustList):
        trust_list.read(*forged(own_pki, files(own_pki)[0]))


def test_a_list_of_somebody_else_s_making_does_not_go_on_from_ours(
    own_pki: Pki, catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory
) -> None:
    forger = Pki(tmp_path_factory.mktemp("forger"), own_pki.passphrase)
    forger.complete(catalogue)
    forger.renew(catalogue.signing.seal)
    forger.list_trust(catalogue)
    with pytest.raises(NotATrustList):
        trust_list.check_successor(held(own_pki), *files(forger))


def test_a_later_version_is_not_dated_before_the_one_that_is_held(own_pki: Pki) -> None:
    """Its seal is asked for as of its date: one that has ended since then would do."""
    register = held(own_pki)
    dated = register.listed.at - timedelta(seconds=1)
    forged = trust_list.encoded(register.listed.model_copy(update={"version": 9, "at": dated}))
    with pytest.raises(NotATrustList, match="older"):
        trust_list.check_successor(register, *_by("seal.trung-tam")(own_pki, forged))
