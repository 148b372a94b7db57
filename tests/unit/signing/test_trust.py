"""Whose certificates are believed, and until when."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid, Undecided
from tests.unit.signing.authority import BEGINS, CA, DAY, ENDS, SIGNER, Extensions, SigningAuthority, new_key, pem

ROOT = SigningAuthority()
ISSUING = SigningAuthority("Issuing CA", ROOT)
OFFICER = ISSUING.issue()
HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)


def trust(*crls: x509.CertificateRevocationList, authority: SigningAuthority = ISSUING) -> Trust:
    return Trust([ROOT.certificate], [authority.certificate], crls or [authority.crl()])


def refusal(trust: Trust, certificate: x509.Certificate, at: datetime = DAY) -> str:
    with pytest.raises(Invalid) as invalid:
        trust.path(certificate, at)
    return invalid.value.code


def doubt(trust: Trust, certificate: x509.Certificate, at: datetime = DAY) -> str:
    with pytest.raises(Undecided) as undecided:
        trust.path(certificate, at)
    return undecided.value.code


def replaced(extensions: Extensions, *new: tuple[x509.ExtensionType, bool]) -> Extensions:
    kinds = [type(extension) for extension, _ in new]
    return [*[(one, critical) for one, critical in extensions if type(one) not in kinds], *new]


def test_a_certificate_leads_to_its_root_over_the_one_that_issued_it() -> None:
    assert trust().path(OFFICER.certificate, DAY) == (OFFICER.certificate, ISSUING.certificate, ROOT.certificate)


def test_a_root_believes_what_it_issued_itself() -> None:
    seal = ROOT.issue("Seal")
    assert ROOT.trust().path(seal.certificate, DAY) == (seal.certificate, ROOT.certificate)


def test_an_unknown_root_a_missing_issuer_and_a_namesake_lead_nowhere() -> None:
    assert doubt(SigningAuthority("Other root").trust(), OFFICER.certificate) == "no-path"
    assert doubt(Trust([ROOT.certificate], crls=[ISSUING.crl()]), OFFICER.certificate) == "no-path"
    assert doubt(trust(authority=SigningAuthority("Issuing CA", ROOT)), OFFICER.certificate) == "no-path"
    assert (
        doubt(SigningAuthority("Test root").trust(ISSUING.crl()).extended([ISSUING.certificate]), OFFICER.certificate)
        == "no-path"
    )


def test_an_issuer_is_no_root_only_because_it_is_known() -> None:
    known = Trust([], [ISSUING.certificate, ROOT.certificate], [ISSUING.crl()])
    assert doubt(known, OFFICER.certificate) == "no-path"


def test_a_path_has_an_end() -> None:
    authority = ROOT
    for number in range(4):
        authority = SigningAuthority(f"CA {number}", authority)
    long = Trust([ROOT.certificate], authority.issuers, [authority.crl()])
    assert doubt(long, authority.issue().certificate) == "no-path"
    assert authority.parent is not None
    shorter = Trust([ROOT.certificate], authority.issuers, [authority.parent.crl()])
    assert len(shorter.path(authority.parent.issue().certificate, DAY)) == 5


@pytest.mark.parametrize(
    ("at", "code"), [(BEGINS - HOUR, "not-yet-valid"), (BEGINS, None), (ENDS, None), (ENDS + HOUR, "expired")]
)
def test_a_certificate_is_believed_from_its_first_second_to_its_last(at: datetime, code: str | None) -> None:
    known = trust(ISSUING.crl(at))
    if code is None:
        assert known.path(OFFICER.certificate, at)
    else:
        assert refusal(known, OFFICER.certificate, at) == code


def test_an_issuer_that_has_expired_takes_its_certificates_along() -> None:
    brief = SigningAuthority("Issuing CA", ROOT, ends=DAY - HOUR)
    assert refusal(trust(authority=brief), brief.issue().certificate) == "expired"


def test_a_renewed_issuer_with_the_old_key_carries_on() -> None:
    old = SigningAuthority("Issuing CA", ROOT, ends=DAY - HOUR)
    officer = old.issue()
    renewed = SigningAuthority("Issuing CA", ROOT)
    renewed.key = old.key
    certificate = ROOT.issue("Issuing CA", key=old.key, extensions=CA).certificate
    both = Trust([ROOT.certificate], [old.certificate, certificate], [renewed.crl()])
    assert both.path(officer.certificate, DAY)[1] == certificate


@pytest.mark.parametrize(
    ("extensions", "code"),
    [
        ([], "issuer-refused"),
        (replaced(CA, (x509.BasicConstraints(ca=False, path_length=None), True)), "issuer-refused"),
        (replaced(CA, (SIGNER[1][0], True)), "issuer-refused"),
        (replaced(CA, (x509.PolicyConstraints(0, None), True)), "certificate-refused"),
        (replaced(CA, (x509.NameConstraints([x509.DNSName("x")], None), True)), "certificate-refused"),
    ],
)
def test_only_an_authority_issues(extensions: Extensions, code: str) -> None:
    impostor = SigningAuthority("Impostor", ROOT, extensions=extensions)
    assert refusal(trust(authority=impostor), impostor.issue().certificate) == code


def test_an_officer_cannot_issue() -> None:
    officer = SigningAuthority("Officer", ISSUING, extensions=SIGNER)
    known = Trust([ROOT.certificate], [ISSUING.certificate, officer.certificate], [officer.crl(), ISSUING.crl()])
    assert refusal(known, officer.issue("Somebody").certificate) == "issuer-refused"


def test_an_authority_that_may_have_none_below_it_has_none() -> None:
    last = SigningAuthority(
        "Last", ROOT, extensions=replaced(CA, (x509.BasicConstraints(ca=True, path_length=0), True))
    )
    below = SigningAuthority("Below", last)
    assert trust(authority=last).path(last.issue().certificate, DAY)
    known = Trust([ROOT.certificate], below.issuers, [below.crl()])
    assert refusal(known, below.issue().certificate) == "issuer-refused"


@pytest.mark.parametrize("extensions", [SIGNER[:1], replaced(SIGNER, (CA[1][0], True))])
def test_a_certificate_that_is_not_for_signatures_signs_nothing(extensions: Extensions) -> None:
    assert refusal(trust(), ISSUING.issue(extensions=extensions).certificate) == "key-usage"


def test_a_weak_key_is_refused_whoever_certified_it() -> None:
    weak = ISSUING.issue(key=rsa.generate_private_key(65537, 1024))  # noqa: S505 - what has to be refused
    assert refusal(trust(), weak.certificate) == "key-refused"
    odd = ISSUING.issue(key=ec.generate_private_key(ec.SECP256K1()))
    assert refusal(trust(), odd.certificate) == "key-refused"


def test_a_certificate_signed_over_sha_224_is_refused() -> None:
    builder = (
        x509.CertificateBuilder(ISSUING.name, OFFICER.certificate.subject, OFFICER.private.public_key())
        .serial_number(7)
        .not_valid_before(BEGINS)
        .not_valid_after(ENDS)
        .add_extension(SIGNER[1][0], critical=True)
    )
    assert refusal(trust(), builder.sign(ISSUING.key, hashes.SHA224())) == "algorithm-refused"


def test_a_certificate_is_revoked_from_the_moment_that_its_list_says() -> None:
    known = trust(ISSUING.crl(DAY + HOUR, revoked={OFFICER.certificate: DAY}))
    assert refusal(known, OFFICER.certificate, DAY) == "revoked"
    assert refusal(known, OFFICER.certificate, DAY + HOUR) == "revoked"
    assert known.path(OFFICER.certificate, DAY - HOUR)


def test_what_was_signed_after_the_key_was_lost_counts_as_revoked_though_the_list_came_later() -> None:
    known = trust(ISSUING.crl(DAY + HOUR, revoked={OFFICER.certificate: DAY}, key_lost=DAY - 2 * HOUR))
    assert refusal(known, OFFICER.certificate, DAY - HOUR) == "revoked"
    assert known.path(OFFICER.certificate, DAY - 3 * HOUR)


def test_of_two_lists_the_one_that_knows_of_the_revocation_counts() -> None:
    lists = [ISSUING.crl(), ISSUING.crl(DAY + HOUR, revoked={OFFICER.certificate: DAY})]
    for order in (lists, lists[::-1]):
        assert refusal(trust(*order), OFFICER.certificate, DAY) == "revoked"


def test_another_officers_revocation_is_no_matter() -> None:
    other = ISSUING.issue("Other").certificate
    assert trust(ISSUING.crl(revoked={other: BEGINS})).path(OFFICER.certificate, DAY)


@pytest.mark.parametrize(
    ("crl", "code"),
    [
        (ROOT.crl, "crl-missing"),
        (lambda: ISSUING.crl(key=new_key()), "crl-missing"),
        (lambda: ISSUING.crl(partial=True), "crl-missing"),
        (lambda: ISSUING.crl(DAY - WEEK - HOUR, WEEK), "crl-stale"),
    ],
)
def test_without_a_whole_list_by_the_issuer_that_speaks_of_the_day_nothing_is_decided(
    crl: Callable[[], x509.CertificateRevocationList], code: str
) -> None:
    assert doubt(trust(crl()), OFFICER.certificate) == code


def test_a_forged_list_revokes_nobody() -> None:
    forged = ISSUING.crl(key=new_key(), revoked={OFFICER.certificate: BEGINS})
    assert trust(forged, ISSUING.crl()).path(OFFICER.certificate, DAY)


def test_a_later_list_speaks_of_an_earlier_day_while_the_certificate_still_has_to_be_on_it() -> None:
    assert trust(ISSUING.crl(ENDS - HOUR)).path(OFFICER.certificate, DAY)
    assert doubt(trust(ISSUING.crl(ENDS + HOUR)), OFFICER.certificate) == "crl-stale"


def test_an_authority_is_revoked_by_its_root_where_there_is_a_list() -> None:
    revoked = trust(ISSUING.crl(), ROOT.crl(revoked={ISSUING.certificate: DAY - HOUR}))
    assert refusal(revoked, OFFICER.certificate) == "revoked"
    assert trust(ISSUING.crl(), ROOT.crl()).path(OFFICER.certificate, DAY)


def test_a_way_that_may_yet_prove_good_is_doubt_not_refusal() -> None:
    old = SigningAuthority("Issuing CA", ROOT, ends=DAY - HOUR)
    officer = old.issue()
    renewed = ROOT.issue("Issuing CA", key=old.key, extensions=CA).certificate
    assert doubt(Trust([ROOT.certificate], [old.certificate, renewed]), officer.certificate) == "crl-missing"


def test_trust_is_read_from_pem_and_lists_from_der_or_pem() -> None:
    pem_list = ISSUING.crl().public_bytes(serialization.Encoding.PEM)
    der_list = ISSUING.crl().public_bytes(serialization.Encoding.DER)
    for crl in (pem_list, der_list):
        read = Trust.load(pem(ROOT.certificate, ISSUING.certificate), [crl])
        assert read.roots == (ROOT.certificate,)
        assert read.intermediates == (ISSUING.certificate,)
        assert read.path(OFFICER.certificate, DAY)


@pytest.mark.parametrize(
    ("roots", "crls"), [(b"", []), (b"not PEM", []), (pem(ISSUING.certificate), []), (pem(ROOT.certificate), [b"?"])]
)
def test_what_cannot_be_read_is_not_trusted_by_halves(roots: bytes, crls: list[bytes]) -> None:
    with pytest.raises(ValueError, match=r"certificate|revocation"):
        Trust.load(roots, crls)


def test_moments_are_aware() -> None:
    with pytest.raises(TypeError):
        trust().path(OFFICER.certificate, datetime(2026, 11, 24, tzinfo=UTC).replace(tzinfo=None))
