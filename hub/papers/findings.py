"""What can be found in a printed form, in words that an official can read out; weighed as the judge of bundles does."""

from collections.abc import Mapping
from dataclasses import dataclass

from hub.signing.findings import VerdictAnswer, Weight
from schemas.explained import Explained


class PaperCode(Explained):
    """What can be found in a printed form."""

    NOT_A_PDF = (
        "FORM_NOT_A_PDF",
        "The file is not a PDF that the hub would have made.",
        "Tệp không phải biểu mẫu PDF do Hub lập.",
    )
    BROKEN = (
        "FORM_BROKEN",
        "The file cannot be read as the PDF that was signed: it was changed or cut.",
        "Không đọc được tệp như bản PDF đã ký: tệp bị sửa hoặc bị cắt.",
    )
    NOT_SIGNED = (
        "FORM_NOT_SIGNED",
        "The form is printed without signatures.",
        "Biểu mẫu in chưa có chữ ký số.",
    )
    NO_SEAL = (
        "FORM_NO_SEAL",
        "The person has signed; the organisation has not.",
        "Người lập đã ký; cơ quan chưa ký.",
    )
    ORDER = (
        "FORM_ORDER",
        "The order of signing: the person first, then the organisation (Decree 30/2020 Article 32).",
        "Thứ tự ký: người ký trước, cơ quan sau (NĐ 30/2020 Điều 32).",
    )
    SIGNATURE = (
        "FORM_SIGNATURE",
        "A PAdES signature on the form.",
        "Chữ ký số PAdES trên biểu mẫu.",
    )
    ALTERED = (
        "FORM_ALTERED",
        "The bytes that were signed were changed.",
        "Nội dung đã ký bị sửa.",
    )
    FORGED = (
        "FORM_FORGED",
        "The signature was not made with the key of its certificate.",
        "Chữ ký không được tạo bằng khóa của chứng thư.",
    )
    ADDED_TO = (
        "FORM_ADDED_TO",
        "The form was changed after this signature.",
        "Biểu mẫu bị thay đổi sau chữ ký này.",
    )
    HIDDEN = (
        "FORM_HIDDEN",
        "Something is hidden in the room left for a signature, which no signature covers.",
        "Có dữ liệu giấu trong chỗ dành cho chữ ký, không chữ ký nào bảo vệ.",
    )
    CERTIFICATE_REFUSED = (
        "FORM_CERTIFICATE_REFUSED",
        "The signer's certificate is not good: it was revoked, or was not valid yet.",
        "Chứng thư của người ký không được chấp nhận: đã thu hồi hoặc chưa có hiệu lực.",
    )
    CERTIFICATE_UNDECIDED = (
        "FORM_CERTIFICATE_UNDECIDED",
        "Whether the signer's certificate was good cannot be told.",
        "Chưa thể kết luận về chứng thư của người ký.",
    )
    PARTY = (
        "FORM_PARTY",
        "Whose signature this has to be, by the reader's trust list.",
        "Chữ ký phải là của bên này, theo danh sách tin cậy của người kiểm tra.",
    )
    TRUST_LIST = (
        "FORM_TRUST_LIST",
        "Roots alone do not say who signs for whom: a trust list is needed.",
        "Chỉ có chứng thư gốc thì chưa biết ai ký thay ai: cần danh sách tin cậy.",
    )
    NOTHING_ATTACHED = (
        "FORM_NOTHING_ATTACHED",
        "The form carries no signed record.",
        "Biểu mẫu không đính kèm bản ghi đã ký.",
    )
    RECORD = (
        "FORM_RECORD",
        "An attached record and the signatures on it.",
        "Bản ghi đính kèm và các chữ ký trên đó.",
    )


@dataclass(frozen=True, slots=True)
class PaperFinding:
    """One thing that was looked at."""

    weight: Weight
    code: PaperCode
    where: str
    """the signature's field, or the attached file"""
    detail: str = ""
    """who signed, when, or why not"""


@dataclass(frozen=True, slots=True)
class JudgedPaper:
    """All that was found, and the files that the form carries."""

    findings: tuple[PaperFinding, ...]
    attachments: Mapping[str, bytes]

    @property
    def answer(self) -> VerdictAnswer:
        """One wrong thing is enough; then one missing thing."""
        weights = {finding.weight for finding in self.findings}
        if Weight.WRONG in weights:
            return VerdictAnswer.INVALID
        return VerdictAnswer.CANNOT_TELL if Weight.MISSING in weights else VerdictAnswer.VALID
