"""Who may sign, and in which order: the officer of the roster first, the Centre's seal over that, or nobody."""

import hashlib
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from config.officers import Officer, on_duty
from hub.clock import now
from hub.codes import HubCode
from hub.embedded.pki import Pki
from hub.signing import cms, verifier
from hub.signing.keys import SoftwareKey
from hub.signing.signer import MayNotSign
from hub.signing.verifier import Invalid
from tests.unit.signing.office import KeyOffice

RECORD = b'{"typ":"vn.hub.handoff","v":1}'


def officer(office: KeyOffice, id: str) -> Officer:
    return office.catalogue.officers[id]


def refusal(office: KeyOffice, id: str, department: str | None = "rest-a") -> MayNotSign:
    with pytest.raises(MayNotSign) as caught:
        office.signer.sign_record(RECORD, officer(office, id), now(), department=department)
    return caught.value


def elsewhere(pki: Pki, office: KeyOffice, id: str) -> tuple[SoftwareKey, Officer]:
    """An officer who signs on a device of one's own, known by the certificate's fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = pki.authority.issue("signs elsewhere", key.public_key())
    fingerprint = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
    known = officer(office, id).model_copy(update={"signs_elsewhere": True, "certificates": [fingerprint]})
    office.catalogue = office.catalogue.model_copy(update={"officers": {**office.catalogue.officers, id: known}})
    return SoftwareKey(key, [certificate, pki.authority.issuing.certificate]), known


def test_the_officer_signs_the_record_and_the_seal_signs_the_officers_signature(office: KeyOffice) -> None:
    signer, moment = office.signer, now()
    signed = signer.sign_record(RECORD, officer(office, "ra-01"), moment, department="rest-a")
    person = verifier.verify(RECORD, signed.person, signer.trust(), at=moment)
    seal = verifier.verify(signed.person, signed.seal, signer.trust(), at=moment)
    assert "ra-01" in person.certificate.subject.rfc4514_string()
    assert "seal.trung-tam" in seal.certificate.subject.rfc4514_string()
    with pytest.raises(Invalid):
        verifier.verify(RECORD, signed.seal, signer.trust(), at=moment)


def test_the_centres_own_officer_serves_every_department(office: KeyOffice) -> None:
    assert office.signer.sign_record(RECORD, officer(office, "tt-01"), now(), department="soap-b").seal


def test_an_officer_off_the_roster_signs_nothing(office: KeyOffice) -> None:
    end = refusal(office, "ra-03")
    assert end.code == HubCode.OFFICER_MAY_NOT_SIGN
    assert "not on the roster" in str(end)


def test_an_officer_whom_the_roster_does_not_have_in_this_form_signs_nothing(office: KeyOffice) -> None:
    promoted = officer(office, "ra-03").model_copy(update={"valid_to": None})
    with pytest.raises(MayNotSign, match="not on the roster"):
        office.signer.sign_record(RECORD, promoted, now(), department="rest-a")


def test_an_officer_who_gives_results_back_hands_nothing_over(office: KeyOffice) -> None:
    assert "role return" in str(refusal(office, "rb-01", "rest-b"))


def test_an_officer_of_another_department_signs_nothing(office: KeyOffice) -> None:
    assert "serves rest-a, not rest-b" in str(refusal(office, "ra-01", "rest-b"))


def test_a_revoked_certificate_signs_nothing(office: KeyOffice) -> None:
    certificate = office.pki.keyring.current("officer.ra-01", now()).certificate
    office.pki.authority.revoke(certificate.serial_number, now() - timedelta(minutes=1))
    office.pki.publish()
    end = refusal(office, "ra-01")
    assert end.code == HubCode.CERTIFICATE_REFUSED
    assert "revoked" in str(end)


def test_a_revoked_seal_seals_nothing(office: KeyOffice) -> None:
    certificate = office.pki.keyring.current("seal.trung-tam", now()).certificate
    office.pki.authority.revoke(certificate.serial_number, now() - timedelta(minutes=1))
    office.pki.publish()
    assert refusal(office, "ra-01").code == HubCode.CERTIFICATE_REFUSED


def test_a_certificate_of_an_unknown_authority_signs_nothing(office: KeyOffice, pki: Pki) -> None:
    office.pki.roots.write_bytes(pki.authority.roots)
    end = refusal(office, "ra-01")
    assert end.code == HubCode.CERTIFICATE_REFUSED
    assert "does not lead to a root" in str(end)


def test_an_expired_certificate_signs_nothing(office: KeyOffice) -> None:
    with pytest.raises(MayNotSign, match="ran out on") as caught:
        office.signer.sign_record(RECORD, officer(office, "ra-01"), now() + timedelta(days=1000), department="rest-a")
    assert caught.value.code == HubCode.KEY_UNAVAILABLE


def test_a_certificate_of_another_person_is_not_the_officers(office: KeyOffice) -> None:
    office.pki.renew("officer.ra-01", common_name="Somebody else", serial_name="ra-02")
    end = refusal(office, "ra-01")
    assert end.code == HubCode.CERTIFICATE_REFUSED
    assert "not one of ra-01" in str(end)


def test_without_a_revocation_list_nothing_is_signed(office: KeyOffice) -> None:
    for file in (office.pki.keys / "crls").glob("*.crl"):
        file.unlink()
    assert refusal(office, "ra-01").code == HubCode.REVOCATION_UNKNOWN


def test_with_a_stale_revocation_list_nothing_is_signed(office: KeyOffice) -> None:
    old = office.pki.authority.crl(at=now() - timedelta(days=9), lasts=timedelta(days=1))
    (office.pki.keys / "crls" / "issuing.crl").write_bytes(old)
    assert refusal(office, "ra-01").code == HubCode.REVOCATION_UNKNOWN


def test_a_revocation_list_that_somebody_else_has_signed_counts_for_nothing(office: KeyOffice, pki: Pki) -> None:
    (office.pki.keys / "crls" / "issuing.crl").write_bytes(pki.authority.crl())
    assert refusal(office, "ra-01").code == HubCode.REVOCATION_UNKNOWN


def test_without_the_key_nothing_is_signed(office: KeyOffice) -> None:
    (office.pki.keys / "officer.ra-01" / "1.key").unlink()
    assert refusal(office, "ra-01").code == HubCode.KEY_UNAVAILABLE


def test_a_key_that_gives_a_false_signature_is_found_out_at_once(office: KeyOffice) -> None:
    signer = office.signer
    signer.sign_record(RECORD, officer(office, "ra-01"), now(), department="rest-a")
    key = signer._keyring.current("seal.trung-tam", now())
    assert isinstance(key, SoftwareKey)
    key._private = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(MayNotSign, match="not its certificate's"):
        signer.sign_record(RECORD, officer(office, "ra-01"), now(), department="rest-a")


def test_a_certificate_is_judged_anew_when_time_has_passed(office: KeyOffice) -> None:
    signer = office.signer
    signer.sign_record(RECORD, officer(office, "ra-01"), now(), department="rest-a")
    with pytest.raises(MayNotSign) as end:
        signer.sign_record(RECORD, officer(office, "ra-01"), now() + timedelta(days=30), department="rest-a")
    assert end.value.code == HubCode.REVOCATION_UNKNOWN, "the list in hand does not speak of that day"


def test_what_an_officer_signed_elsewhere_is_sealed(office: KeyOffice, own_pki: Pki) -> None:
    key, known = elsewhere(own_pki, office, "ra-02")
    signer, moment = office.signer, now()
    person = cms.sign(RECORD, key, moment)
    signed = signer.seal_record(RECORD, person, known, moment, department="rest-a")
    assert signed.person == person
    seal = verifier.verify(person, signed.seal, signer.trust(), at=moment).certificate
    assert seal == own_pki.keyring.current("seal.trung-tam", moment).certificate
    with pytest.raises(MayNotSign, match="device"):
        signer.sign_record(RECORD, known, moment, department="rest-a")


def test_what_was_signed_elsewhere_by_somebody_else_is_not_sealed(office: KeyOffice, own_pki: Pki) -> None:
    _, known = elsewhere(own_pki, office, "ra-02")
    person = cms.sign(RECORD, own_pki.keyring.current("officer.ra-01", now()), now())
    with pytest.raises(MayNotSign, match="not one of ra-02"):
        office.signer.seal_record(RECORD, person, known, now(), department="rest-a")


def test_what_was_signed_elsewhere_over_other_bytes_is_not_sealed(office: KeyOffice, own_pki: Pki) -> None:
    key, known = elsewhere(own_pki, office, "ra-02")
    person = cms.sign(b"another record", key, now())
    with pytest.raises(MayNotSign) as caught:
        office.signer.seal_record(RECORD, person, known, now(), department="rest-a")
    assert caught.value.code == HubCode.CERTIFICATE_REFUSED


def test_on_duty_are_the_official_then_the_reserve_then_the_centres_own(office: KeyOffice) -> None:
    roster = list(office.catalogue.officers.values())
    assert [one.id for one in on_duty(roster, "rest-a", now())] == ["ra-01", "ra-02", "tt-01"]
    assert [one.id for one in on_duty(roster, "rest-b", now())] == ["tt-01"]


def test_the_log_has_a_key_of_its_own(office: KeyOffice) -> None:
    assert office.signer.log_key(now()).certificate != office.pki.keyring.current("seal.trung-tam", now()).certificate
