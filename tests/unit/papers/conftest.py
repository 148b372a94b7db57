"""Forms as they come out of an ordinary day; every person and number in them is invented."""

import base64
import shutil
from datetime import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hub.papers.forms import (
    Attachment,
    BagItem,
    ControlSheet,
    ControlSheetRow,
    FeeTable,
    IssuingOffice,
    LegResult,
    Manifest,
    MinuteDocument,
    MinuteForm,
    MinuteSide,
    MonthFeeRow,
    OpenExceptionRow,
    PostalAddress,
    Signature,
    Slip,
)
from hub.papers.render import render, signature_places
from hub.papers.sign import Signatory, sign
from hub.signing import canonical, cms
from hub.signing.cms import SigningKey
from hub.signing.parties import Register, fingerprint
from hub.signing.trust import Trust
from schemas.trust_list import TYPE, TrustEntry, TrustList
from tests import debian
from tests.unit.papers.authority import PaperAuthority

CENTRE = "Trung tâm Phục vụ hành chính công tỉnh Ninh Bình"
OFFICE = IssuingOffice(name=CENTRE, superior="UBND tỉnh Ninh Bình", place="Ninh Bình")
CODE = "000.00.01.H42-261124-0001"
PROCEDURE = "Đăng ký hoạt động của tổ chức hành nghề luật sư"
RECORD = canonical.encode(
    {
        "v": 1,
        "typ": "vn.hub.handoff",
        "id": "hd_01JD000000000000000000000A",
        "log": "hub.test",
        "leg": 1,
        "dossier": CODE,
        "act": "return",
        "carrier": "wire",
        "result": "none",
        "note": None,
        "documents": [],
        "giver": {"agency": "000.00.16.H42", "role": "department", "officer": None},
        "receiver": {"agency": "000.00.01.H42", "role": "centre", "officer": None},
        **dict.fromkeys(("received_at", "given_at", "due_at"), "2026-11-24T01:00:00Z"),
        **dict.fromkeys(("personal", "prev"), "0" * 64),
    }
)
"""given back by a department, whose seal signs alone"""


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+07:00")


def signature(signer: str, moment: str) -> Signature:
    return Signature(
        signer=signer, certificate=f"CN={signer} · cấp bởi Hub Development CA · số 4b:1f:90", at=at(moment)
    )


LEGS = (
    ControlSheetRow(
        number=1,
        handoff_id="hd_01JD000000000000000000000A",
        giver=CENTRE,
        receiver="Sở Tư pháp tỉnh Ninh Bình",
        given_at=at("2026-11-24T08:15:02"),
        received_at=at("2026-11-24T08:16:40"),
        result=LegResult.ON_TIME,
        note="",
        given_by=signature("Trần Văn Ví Dụ", "2026-11-24T08:15:02"),
        received_by=signature("Sở Tư pháp tỉnh Ninh Bình", "2026-11-24T08:16:41"),
        record_sha256="3f1a" * 16,
    ),
    ControlSheetRow(
        number=2,
        handoff_id="hd_01JD000000000000000000000B",
        giver="Sở Tư pháp tỉnh Ninh Bình",
        receiver=CENTRE,
        given_at=at("2026-12-04T16:40:00"),
        received_at=None,
        result=LegResult.LATE,
        note="Chờ bưu cục phát; đã có thư xin lỗi số 12/XL",
        given_by=signature("Nguyễn Thị Minh Họa", "2026-12-04T16:40:00"),
        received_by=None,
        record_sha256="c0de" * 16,
    ),
)


def signed_record(key: SigningKey, moment: datetime) -> tuple[Attachment, Attachment]:
    """A record and its signature, as they are attached."""
    return (
        Attachment("hd_01JD000000000000000000000A.json", "application/json", RECORD, "Bản ghi lượt 1"),
        Attachment(
            "hd_01JD000000000000000000000A.p7s",
            "application/pkcs7-signature",
            cms.sign(RECORD, key, moment),
            "Chữ ký: Bản ghi lượt 1",
        ),
    )


@pytest.fixture(scope="session")
def control_sheet(person: Signatory) -> ControlSheet:
    return ControlSheet(
        number=f"{CODE}/PKS",
        at=at("2026-12-04T16:40:00"),
        office=OFFICE,
        dossier_code=CODE,
        procedure=PROCEDURE,
        deciding="Sở Tư pháp tỉnh Ninh Bình",
        received_at=at("2026-11-24T08:05:00"),
        due_at=at("2026-12-03T17:00:00"),
        legs=LEGS,
        attachments=signed_record(person.key, at("2026-11-24T08:15:02")),
    )


DOCUMENTS = (
    MinuteDocument("Giấy đề nghị đăng ký hoạt động (theo mẫu)", "bản chính", 1),
    MinuteDocument("Bản sao Chứng chỉ hành nghề luật sư và Thẻ luật sư", "bản sao chứng thực", 2),
    MinuteDocument("Dự thảo Điều lệ của công ty luật", "tệp điện tử", 1, "9a" * 32),
)


@pytest.fixture
def minute() -> MinuteForm:
    return MinuteForm(
        number="01/BBGN",
        at=at("2026-01-05T09:05:00"),
        office=OFFICE,
        handoff_id="hd_01JD000000000000000000000C",
        dossier_code=CODE,
        procedure=PROCEDURE,
        giver=MinuteSide("Bưu điện tỉnh Ninh Bình", "Lý Thị Bưu Tá", "Nhân viên bưu chính"),
        receiver=MinuteSide(CENTRE, "Trần Văn Ví Dụ", "Cán bộ tiếp nhận"),
        documents=DOCUMENTS,
        complete=None,
        slip_number="RR123456785VN",
        seal_number="NB-0042",
        record_sha256="3f1a" * 16,
    )


PARTY = PostalAddress("Ông Phan Văn Giả", "Số 1, đường Không Có, phường Hoa Lư, tỉnh Ninh Bình", "0900 000 001")


@pytest.fixture
def slip() -> Slip:
    return Slip(
        number="0042/PG",
        at=at("2026-01-05T09:05:00"),
        office=OFFICE,
        operator="Bưu điện tỉnh Ninh Bình",
        item_code="RR123456785VN",
        seal_number="NB-0042",
        service="Gửi hồ sơ và nhận kết quả",
        sender=PARTY,
        receiver=PostalAddress(CENTRE, "Số 2, đường Không Có, phường Hoa Lư, tỉnh Ninh Bình", "0900 000 002"),
        dossier_code=CODE,
        procedure=PROCEDURE,
        documents=DOCUMENTS,
        term="J+2 ngày làm việc",
        price=32_000,
        collect=1_250_000,
    )


@pytest.fixture
def manifest() -> Manifest:
    return Manifest(
        number="0007/BK",
        at=at("2026-01-05T16:30:00"),
        office=OFFICE,
        operator="Bưu điện tỉnh Ninh Bình",
        direction="Trung tâm → người dân (trả kết quả)",
        bag_number="TUI-0007",
        seal_number="NB-0043",
        items=tuple(
            BagItem("RR123456785VN", f"000.00.01.H42-261124-{number:04}", PARTY, weight=120, collect=number * 10_000)
            for number in range(28)
        ),
    )


@pytest.fixture
def fee_table() -> FeeTable:
    return FeeTable(
        number="BTH-2026-10/so-tu-phap",
        at=at("2026-11-02T10:00:00"),
        office=OFFICE,
        department="Sở Tư pháp tỉnh Ninh Bình",
        month="tháng 10 năm 2026",
        rows=(
            MonthFeeRow("phi-tham-dinh", "Phí thẩm định", "Phí", 1_045, 0, 1_254_300_000, -12_500_000, 0, 351_204_000,
                   890_596_000),
            MonthFeeRow("le-phi-lltp", "Lệ phí cấp Phiếu lý lịch tư pháp", "Lệ phí", 3, -200_000, 600_000, 0, 0, 0,
                   400_000),
        ),
        rule="Phần được để lại làm tròn xuống đồng.",
        in_words="Tám trăm chín mươi triệu chín trăm chín mươi sáu nghìn đồng",
        receipts=("Phí, ký hiệu BL-26P, số 1 đến 1.045 (1.045 biên lai)",),
        open_exceptions=(OpenExceptionRow("R04", "Nộp thiếu", 2, 150_000),),
        lines=1_049,
        sha256="ab" * 32,
        book="cd" * 32,
        last_entry=20_417,
        attachments=(Attachment("sm_1.json", "application/json", RECORD, "Bảng"),),
    )  # fmt: skip


@pytest.fixture(scope="session")
def authority() -> PaperAuthority:
    return PaperAuthority("Tổ chức chứng thực thử")


@pytest.fixture(scope="session")
def person(authority: PaperAuthority) -> Signatory:
    return Signatory(authority.key_for("Trần Văn Ví Dụ"), "Trần Văn Ví Dụ", "Lập phiếu")


@pytest.fixture(scope="session")
def seal(authority: PaperAuthority) -> Signatory:
    return Signatory(authority.key_for(CENTRE), CENTRE, "Xác nhận của cơ quan")


SIGNED_AT = at("2026-12-04T16:45:00")


@pytest.fixture(scope="session")
def trust(authority: PaperAuthority) -> Trust:
    return Trust([authority.root], crls=[authority.revocation_list(SIGNED_AT)])


def register(root: x509.Certificate, person: SigningKey, seal: SigningKey) -> Register:
    """A trust list: ``person`` signs for an officer and for the department of RECORD, ``seal`` for the Centre."""
    by_person = fingerprint(person.certificate)
    listed = TrustList(
        v=1,
        typ=TYPE,
        version=1,
        prev="0" * 64,
        at=SIGNED_AT,
        centre="000.00.01.H42",
        authorities=(base64.b64encode(root.public_bytes(Encoding.DER)).decode(),),
        entries=(
            TrustEntry(kind="officer", holder="000.00.01.H42", officer="tt-01", certificate=by_person),
            TrustEntry(kind="seal", holder="000.00.16.H42", certificate=by_person),
            TrustEntry(kind="seal", holder="000.00.01.H42", certificate=fingerprint(seal.certificate)),
        ),
    )
    return Register(listed, "0" * 64)


@pytest.fixture(scope="session")
def signed(control_sheet: ControlSheet, person: Signatory, seal: Signatory, trust: Trust) -> bytes:
    return sign(render(control_sheet), person, seal, at=SIGNED_AT, trust=trust, places=signature_places(control_sheet))


@pytest.fixture(scope="session")
def poppler() -> None:
    """pdftotext and pdfsig: another reader of PDF than the one we sign with."""
    if shutil.which("pdfsig") is None and (why := debian.install("poppler-utils")) is not None:
        pytest.skip(why)
