"""Forms with a time stamp (PAdES B-T), by the sandbox's time stamping authority."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.sandbox.runtime_settings import Stamps
from connectors.sandbox.trust_services import time_stamp_response
from connectors.trust.development_authority import DevelopmentAuthority
from hub.clock import now
from hub.papers.forms import ControlSheet
from hub.papers.render import render, signature_places
from hub.papers.sign import Signatory, sign
from hub.papers.verify import verify_pdf
from hub.signing.keys import SoftwareKey, certificates
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid, VerdictAnswer
from tests.unit.papers.conftest import register, signed_record

Sign = Callable[[Stamps | None], bytes]


@pytest.fixture
def development(tmp_path: Path) -> DevelopmentAuthority:
    return DevelopmentAuthority(tmp_path)


@pytest.fixture
def at() -> datetime:
    return now().replace(microsecond=0)


@pytest.fixture
def keys(development: DevelopmentAuthority, at: datetime) -> tuple[SoftwareKey, SoftwareKey]:
    """The officer's and the seal's, for a month."""

    def key(name: str) -> SoftwareKey:
        private = ec.generate_private_key(ec.SECP256R1())
        ends = at + timedelta(days=30)
        return SoftwareKey(
            private, certificates(development.chain(development.issue(name, private.public_key(), ends=ends)))
        )

    return key("Trần Văn Ví Dụ"), key("Trung tâm")


@pytest.fixture
def stranger(development: DevelopmentAuthority, keys: tuple[SoftwareKey, SoftwareKey]) -> Trust:
    roots = certificates(development.roots)
    return Trust(roots, register=register(roots[0], *keys))


@pytest.fixture
def printed(
    development: DevelopmentAuthority, control_sheet: ControlSheet, at: datetime, keys: tuple[SoftwareKey, SoftwareKey]
) -> Sign:
    def signed_form(stamps: Stamps | None) -> bytes:
        person, seal = keys
        sheet = replace(control_sheet, attachments=signed_record(person, at))
        return sign(
            render(sheet),
            Signatory(person, "Trần Văn Ví Dụ", "Lập phiếu"),
            Signatory(seal, "Trung tâm", "Xác nhận"),
            at=at,
            trust=Trust(
                certificates(development.roots),
                crls=[x509.load_der_x509_crl(development.crl(at=at)), x509.load_der_x509_crl(development.root_crl())],
            ),
            places=signature_places(sheet),
            stamp=None if stamps is None else lambda request: time_stamp_response(request, development, at, stamps),
        )

    return signed_form


def test_a_stamped_form_stays_valid_after_its_certificates_have_ended(
    printed: Sign, stranger: Trust, at: datetime
) -> None:
    later = at + timedelta(days=400)
    plain, stamped = printed(None), printed("right")
    assert verify_pdf(plain, stranger, at).answer is VerdictAnswer.VALID
    assert verify_pdf(plain, stranger, later).answer is VerdictAnswer.CANNOT_TELL
    verdict = verify_pdf(stamped, stranger, later)
    assert verdict.answer is VerdictAnswer.VALID
    assert f"it was there at {at:%Y-%m-%d %H:%M:%S} UTC" in verdict.findings[1].detail


@pytest.mark.parametrize("wrong", ["rejection", "garbage", "nonce"])
def test_with_a_wrong_stamp_nothing_is_signed(printed: Sign, wrong: Stamps) -> None:
    with pytest.raises(Invalid, match=r"stamp|reply"):
        printed(wrong)
