"""Forms with a time stamp (PAdES B-T), by the sandbox's time stamping authority."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.sandbox import time_stamps
from connectors.sandbox.authority import Authority
from connectors.sandbox.knobs import Stamps
from hub.clock import now
from hub.papers.forms import ControlSheet
from hub.papers.render import places, render
from hub.papers.sign import Signatory, sign
from hub.papers.verify import Outcome, verify_pdf
from hub.signing.keys import SoftwareKey, certificates
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid

Sign = Callable[[Stamps | None], bytes]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def at() -> datetime:
    return now().replace(microsecond=0)


@pytest.fixture
def stranger(authority: Authority) -> Trust:
    return Trust(certificates(authority.roots))


@pytest.fixture
def printed(authority: Authority, control_sheet: ControlSheet, at: datetime) -> Sign:
    def key(name: str) -> SoftwareKey:
        private = ec.generate_private_key(ec.SECP256R1())
        ends = at + timedelta(days=30)
        return SoftwareKey(
            private, certificates(authority.chain(authority.issue(name, private.public_key(), ends=ends)))
        )

    def made(stamps: Stamps | None) -> bytes:
        return sign(
            render(control_sheet),
            Signatory(key("Trần Văn Ví Dụ"), "Trần Văn Ví Dụ", "Lập phiếu"),
            Signatory(key("Trung tâm"), "Trung tâm", "Xác nhận"),
            at=at,
            trust=Trust(
                certificates(authority.roots),
                crls=[x509.load_der_x509_crl(authority.crl(at=at)), x509.load_der_x509_crl(authority.root_crl())],
            ),
            places=places(control_sheet),
            stamp=None if stamps is None else lambda request: time_stamps.reply(request, authority, at, stamps),
        )

    return made


def test_a_stamped_form_stays_valid_after_its_certificates_have_ended(
    printed: Sign, stranger: Trust, at: datetime
) -> None:
    later = at + timedelta(days=400)
    plain, stamped = printed(None), printed("right")
    assert verify_pdf(plain, stranger, at).outcome is Outcome.VALID
    assert verify_pdf(plain, stranger, later).outcome is Outcome.CANNOT_TELL
    found = verify_pdf(stamped, stranger, later)
    assert found.outcome is Outcome.VALID
    assert f"It was there at {at:%Y-%m-%d %H:%M:%S} UTC" in found.findings[1].sentence


@pytest.mark.parametrize("wrong", ["rejection", "garbage", "nonce"])
def test_with_a_wrong_stamp_nothing_is_signed(printed: Sign, wrong: Stamps) -> None:
    with pytest.raises(Invalid, match=r"stamp|reply"):
        printed(wrong)
