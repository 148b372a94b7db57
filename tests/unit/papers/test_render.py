"""The forms as PDF/A-3b: what stands on them, what is inside them, and that they come out the same again."""

import re
import subprocess
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from hub.papers.forms import Attachment, ControlSheet, ControlSheetRow, FeeTable, Form, Manifest, MinuteForm, Slip
from hub.papers.render import picture, render, signature_places
from tests.unit.papers.conftest import RECORD, at

Text = Callable[[Form], str]
TEMPLATES = Path(__file__).parents[3] / "hub" / "papers" / "templates"


@pytest.fixture
def text(poppler: None, tmp_path: Path) -> Text:
    """What pdftotext reads, with its line breaks as spaces."""

    def read(form: Form) -> str:
        file = tmp_path / "form.pdf"
        file.write_bytes(render(form))
        done = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, check=True)
        return unicodedata.normalize("NFC", " ".join(done.stdout.decode().split()))

    return read


def test_a_control_sheet_says_who_handed_what_to_whom_and_when(control_sheet: ControlSheet, text: Text) -> None:
    read = text(control_sheet)
    for words in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "PHIẾU KIỂM SOÁT QUÁ TRÌNH GIẢI QUYẾT HỒ SƠ",
        "Mẫu số 06, Thông tư 03/2025/TT-VPCP",
        "Mã hồ sơ: 000.00.01.H42-261124-0001",
        "Ninh Bình, ngày 04 tháng 12 năm 2026",
        "Cơ quan (bộ phận) giải quyết hồ sơ: Sở Tư pháp tỉnh Ninh Bình",
        "Hẹn trả kết quả: 17 giờ 00 phút, ngày 03 tháng 12 năm 2026",
        "Đúng hạn",
        "Quá hạn",
        "Đã ký số: Trần Văn Ví Dụ",
        "24/11/2026 08:15:02 +07:00",
        "SHA-256 3f1a3f1a",
    ):
        assert words in read


def test_a_dossier_keeps_the_form_of_the_circular_in_force_when_it_was_received(
    control_sheet: ControlSheet, text: Text
) -> None:
    assert "Mẫu số 05, Thông tư 01/2018/TT-VPCP" in text(replace(control_sheet, received_at=at("2025-06-30T23:59:59")))


def test_a_minute_says_that_its_signing_is_the_submission(minute: MinuteForm, text: Text) -> None:
    read = text(minute)
    for words in (
        "BIÊN BẢN GIAO NHẬN HỒ SƠ",
        "Hôm nay, 09 giờ 05 phút, ngày 05 tháng 01 năm 2026",
        "Ông/Bà: Lý Thị Bưu Tá",
        "Giấy đề nghị đăng ký hoạt động (theo mẫu)",
        "bản sao chứng",
        "□ chưa đầy đủ theo danh mục",
        "Phiếu gửi: RR123456785VN; số niêm phong NB-0042",
        "Thời điểm hai bên ký biên bản này là thời điểm nộp hồ sơ",
        "BÊN GIAO",
        "BÊN NHẬN",
    ):
        assert words in read


def test_a_slip_has_what_the_circular_asks_for(slip: Slip, text: Text) -> None:
    read = text(slip)
    for words in ("PHIẾU GỬI HỒ SƠ", "NGƯỜI GỬI", "Thu hộ: 1.250.000 ₫", "J+2 ngày làm việc", "khiếu nại là 06 tháng"):
        assert words in read


def test_a_manifest_names_receivers_and_nothing_of_what_is_inside(manifest: Manifest, text: Text) -> None:
    read = text(manifest)
    for words in ("BẢNG KÊ BƯU GỬI", "Ông Phan Văn Giả", "0900 000 001", "Cộng: 28 bưu gửi", "3.780.000 ₫", "3360"):
        assert words in read
    assert "luật sư" not in read


def test_a_fee_table_has_its_sums_its_words_and_where_they_come_from(fee_table: FeeTable, text: Text) -> None:
    words = text(fee_table)
    for part in (
        "BẢNG TỔNG HỢP THU PHÍ, LỆ PHÍ",
        "Tháng 10 năm 2026",
        "Cơ quan: Sở Tư pháp tỉnh Ninh Bình",
        "1.254.900.000",  # receipts of both fees
        "\u2212200.000",
        "890.996.000 ₫",
        "Tám trăm chín mươi triệu chín trăm chín mươi sáu nghìn đồng",
        "R04 Nộp thiếu: 2 ngoại lệ",
        "abababab abababab",
        "Trang 1/1",
    ):
        assert part in words, part


def test_a_fee_table_lies_across_and_its_signatures_stand_on_the_page(fee_table: FeeTable) -> None:
    page = PdfFileReader(BytesIO(render(fee_table))).root["/Pages"]["/Kids"][0]
    width, height = (float(page["/MediaBox"][side]) for side in (2, 3))
    assert (round(width), round(height)) == (842, 595)
    for place in signature_places(fee_table).values():
        assert 0 < place.x < width - 225
        assert 62 < place.y < height


def test_a_fee_table_of_many_fees_goes_on_with_its_heading(fee_table: FeeTable, text: Text) -> None:
    many = replace(fee_table, rows=fee_table.rows * 20)
    assert len(picture(many)) > 2
    assert text(many).count("KHOẢN THU") >= len(picture(many)) - 1  # the last may hold the places to sign alone


def test_the_same_values_give_the_same_bytes(control_sheet: ControlSheet, minute: MinuteForm) -> None:
    assert render(control_sheet) == render(replace(control_sheet))
    assert render(minute) == render(minute)
    assert render(control_sheet) != render(replace(control_sheet, number="khác"))


def test_a_form_says_that_it_is_pdf_a_3b_and_has_its_fonts_inside(control_sheet: ControlSheet) -> None:
    pdf = render(control_sheet)
    reader = PdfFileReader(BytesIO(pdf))
    metadata = reader.root["/Metadata"].data.decode()
    assert re.search(r"pdfaid:part>3<|pdfaid:part=\"3\"", metadata)
    assert re.search(r"pdfaid:conformance>B<|pdfaid:conformance=\"B\"", metadata)
    assert "/OutputIntents" in reader.root
    fonts = set(re.findall(rb"/FontName ?/([A-Z]{6}\+)?([A-Za-z-]+)", pdf))
    assert {family for _, family in fonts} <= {b"LiberationSerif", b"LiberationSerif-Bold", b"LiberationSerif-Italic"}


def test_the_signed_record_is_inside_byte_for_byte(control_sheet: ControlSheet) -> None:
    reader = PdfFileReader(BytesIO(render(control_sheet)))
    listed = reader.root["/Names"]["/EmbeddedFiles"]["/Names"]
    attachments = {}
    for index in range(1, len(listed), 2):
        spec = listed[index]
        attachments[str(spec["/UF"])] = (str(spec["/AFRelationship"]), spec["/EF"]["/F"].data)
    assert attachments == {
        "hd_01JD000000000000000000000A.json": ("/Data", RECORD),
        "hd_01JD000000000000000000000A.p7s": ("/Supplement", control_sheet.attachments[1].data),
    }


def test_what_people_wrote_is_text_and_never_layout(control_sheet: ControlSheet, text: Text) -> None:
    words = '#read("/etc/hostname") *đậm* $x$ @ghi'
    assert f"Thủ tục: {words}" in text(replace(control_sheet, procedure=words))


def test_a_long_way_runs_over_pages_and_the_last_has_the_places_to_sign(control_sheet: ControlSheet) -> None:
    legs = tuple(replace(leg, number=number) for number, leg in enumerate(control_sheet.legs * 6, start=1))
    long = replace(control_sheet, legs=legs)
    pages = picture(long, dots_per_inch=40)
    where = signature_places(long)
    assert len(pages) > 1
    assert {place.page for place in where.values()} == {len(pages) - 1}
    assert all(place.y > 62 + 62 for place in where.values()), "a drawn signature stays above the foot"


def test_a_dossier_without_handoffs_has_an_empty_sheet(control_sheet: ControlSheet) -> None:
    legs: tuple[ControlSheetRow, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    assert len(picture(replace(control_sheet, legs=legs, attachments=attachments), dots_per_inch=40)) == 1


def test_no_template_takes_in_a_package_or_a_font_of_its_own() -> None:
    for template in TEMPLATES.glob("*.typ"):
        written = template.read_text("utf-8")
        assert "@" not in written, f"{template.name} takes in a package"
        assert set(re.findall(r'font: *"([^"]+)"', written)) <= {"Liberation Serif"}, template.name
