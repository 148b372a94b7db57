"""Values printed on the official forms; domain packages and the command line fill them in.

Only what an officer, a postman or a court must read. Forms name offices and officers by their post; the applicant is
named only on postal forms, where the operator needs the address.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LegResult(StrEnum):
    """Whether a leg of the dossier ended within its term (Phiếu kiểm soát, third column)."""

    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"

    @property
    def label(self) -> str:
        """The Vietnamese words on the form."""
        return {LegResult.EARLY: "Trước hạn", LegResult.ON_TIME: "Đúng hạn", LegResult.LATE: "Quá hạn"}[self]


@dataclass(frozen=True, slots=True)
class IssuingOffice:
    """The office that issues a form: the two lines at the top left, and where it sits."""

    name: str
    superior: str
    place: str


@dataclass(frozen=True, slots=True)
class Signature:
    """Signer, certificate and time of a digital signature, as printed beside the record's hash."""

    signer: str
    certificate: str
    """the certificate's holder, issuer and serial number, in one line"""
    at: datetime


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the PDF (PDF/A-3): the signed record, its signatures, the evidence bundle."""

    name: str
    media_type: str
    data: bytes
    description: str


@dataclass(frozen=True, slots=True)
class ControlSheetRow:
    """One handoff of the dossier: one numbered row of the Phiếu kiểm soát."""

    number: int
    handoff_id: str
    giver: str
    receiver: str
    given_at: datetime
    received_at: datetime | None
    result: LegResult | None
    note: str
    given_by: Signature | None
    received_by: Signature | None
    record_sha256: str


@dataclass(frozen=True, slots=True)
class ControlSheet:
    """Phiếu kiểm soát quá trình giải quyết hồ sơ: TT 01/2018 form 05, TT 03/2025 form 06; A4."""

    number: str
    at: datetime
    office: IssuingOffice
    dossier_code: str
    procedure: str
    deciding: str
    """cơ quan, bộ phận giải quyết hồ sơ"""
    received_at: datetime
    due_at: datetime
    legs: tuple[ControlSheetRow, ...]
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class MinuteDocument:
    """One line of the list of documents handed over."""

    title: str
    kind: str
    """bản chính, bản sao chứng thực, bản chụp, tệp điện tử"""
    copies: int = 1
    sha256: str = ""
    """of an electronic one"""


@dataclass(frozen=True, slots=True)
class MinuteSide:
    """The giver or the receiver, who sign a minute."""

    office: str
    person: str
    post: str
    """chức vụ"""


@dataclass(frozen=True, slots=True)
class MinuteForm:
    """Biên bản giao nhận hồ sơ (QĐ 45/2016/QĐ-TTg Article 7.4): when both have signed it, the dossier is submitted."""

    number: str
    at: datetime
    office: IssuingOffice
    handoff_id: str
    dossier_code: str
    procedure: str
    giver: MinuteSide
    receiver: MinuteSide
    documents: tuple[MinuteDocument, ...]
    complete: bool | None
    """whether the list is complete; None where that is filled in by hand"""
    slip_number: str = ""
    """of the phiếu gửi, where the post carries it"""
    seal_number: str = ""
    note: str = ""
    given_by: Signature | None = None
    received_by: Signature | None = None
    record_sha256: str = ""
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """Sender or receiver of an item: the only personal data that the postal operator gets."""

    name: str
    address: str
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Slip:
    """Phiếu gửi hồ sơ (QĐ 45/2016 Article 6, TT 17/2017/TT-BTTTT): the sender's contract with the operator."""

    number: str
    at: datetime
    office: IssuingOffice
    operator: str
    item_code: str
    seal_number: str
    service: str
    """gửi hồ sơ, nhận kết quả, gửi hồ sơ và nhận kết quả (QĐ 45/2016 Article 5)"""
    sender: PostalAddress
    receiver: PostalAddress
    dossier_code: str
    """several where a bag holds several"""
    procedure: str
    documents: tuple[MinuteDocument, ...]
    term: str
    """thời gian toàn trình: J+2"""
    price: int | None
    """đồng, for the carriage; None: by the operator's list"""
    collect: int
    """đồng, to be collected from the receiver; 0 for nothing"""
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class BagItem:
    """One item of a bag; its contents are not named."""

    item_code: str
    order_number: str
    receiver: PostalAddress
    weight: int
    """grams; 0 if it was not weighed"""
    collect: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Bảng kê bưu gửi: the list of a bag's items, signed when the bag changes hands."""

    number: str
    at: datetime
    office: IssuingOffice
    operator: str
    direction: str
    bag_number: str
    seal_number: str
    items: tuple[BagItem, ...]
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class MonthFeeRow:
    """One fee of a department's month; đồng."""

    code: str
    title: str
    kind: str
    """phí, lệ phí"""
    count: int
    """dossiers that paid it"""
    carried: int
    receipts: int
    refunds: int
    adjustments: int
    retained: int
    net: int


@dataclass(frozen=True, slots=True)
class OpenExceptionRow:
    """Open exceptions of one code about a department's money; đồng."""

    code: str
    title: str
    count: int
    at_risk: int


@dataclass(frozen=True, slots=True)
class FeeTable:
    """Bảng tổng hợp thu phí, lệ phí of a month (QĐ 743/QĐ-UBND Article 9); A4 across."""

    number: str
    at: datetime
    office: IssuingOffice
    department: str
    month: str
    """tháng 10 năm 2026"""
    rows: tuple[MonthFeeRow, ...]
    rule: str
    """how the retained share is computed"""
    in_words: str
    """the net sum; empty where it is below zero"""
    receipts: tuple[str, ...]
    """biên lai: series, first and last number"""
    open_exceptions: tuple[OpenExceptionRow, ...]
    lines: int
    """number of lines of the attached table"""
    sha256: str
    """of its canonical JSON"""
    book: str
    """root of the ledger's checkpoint"""
    last_entry: int
    attachments: tuple[Attachment, ...] = ()


Form = ControlSheet | MinuteForm | Slip | Manifest | FeeTable
