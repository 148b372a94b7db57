"""From signed records to a form's values."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hub.errors import InvalidState, NotFound
from hub.papers import compose, layout
from hub.papers.compose import HandoffPaper, PaperNames
from hub.papers.forms import LegResult
from hub.papers.render import render
from hub.signing import canonical, cms
from hub.signing.custody import Leaf
from tests.unit.papers.authority import PaperAuthority
from tests.unit.papers.conftest import CENTRE, CODE, OFFICE, PROCEDURE

NAMES = PaperNames(
    office=OFFICE,
    agencies={"000.00.01.H42": CENTRE, "000.00.16.H42": "Sở Tư pháp tỉnh Ninh Bình"},
    officers={"tt-01": "Trần Văn Ví Dụ"},
    procedure=PROCEDURE,
)
GIVEN = "2026-11-24T01:15:02Z"


def leaf(authority: PaperAuthority, kind: str, record: dict[str, object], who: str, at: str) -> Leaf:
    body = canonical.encode(record)
    person = cms.sign(body, authority.key_for(who), datetime.fromisoformat(at))
    return Leaf(
        id=f"lf_{kind}",
        kind=kind,
        subject="hd_A",
        place=0,
        record_hash=hashlib.sha256(body).digest(),
        signature_hashes=[hashlib.sha256(person).digest()],
        record=body,
        signatures=[person],
        entered_at=datetime.now(UTC),
    )


@pytest.fixture
def handed(authority: PaperAuthority) -> HandoffPaper:
    record = {
        "v": 1, "typ": "vn.hub.handoff", "id": "hd_A", "log": "hub.h42", "dossier": CODE, "leg": 1,
        "act": "transfer", "carrier": "wire",
        "giver": {"agency": "000.00.01.H42", "role": "centre", "officer": "tt-01"},
        "receiver": {"agency": "000.00.16.H42", "role": "department", "officer": None},
        "received_at": "2026-11-24T01:05:00Z", "given_at": GIVEN, "due_at": "2026-12-03T10:00:00Z",
        "result": "on_time", "note": None, "personal": "1" * 64, "prev": "0" * 64,
        "documents": [{"code": "dieu-le", "name": "Dự thảo Điều lệ của công ty luật", "media_type": "application/pdf",
                       "size": 10, "sha256": "9a" * 32}],
    }  # fmt: skip
    first = leaf(authority, "handoff", record, "Chứng thư của tt-01", "2026-11-24T01:15:02+00:00")
    receipt = {
        "v": 1, "typ": "vn.hub.receipt", "handoff": "hd_A", "dossier": CODE, "leg": 1,
        "record": first.record_hash.hex(),
        "receiver": {"agency": "000.00.16.H42", "role": "department", "officer": None},
        "number": "STP-77", "received_at": "2026-11-24T01:16:40Z", "note": None,
    }  # fmt: skip
    second = leaf(authority, "receipt", receipt, "Sở Tư pháp tỉnh Ninh Bình", "2026-11-24T01:16:41+00:00")
    return HandoffPaper.of("hd_A", [first, second])


def test_a_row_of_the_form_is_what_both_sides_signed(handed: HandoffPaper) -> None:
    sheet = compose.control_sheet([handed], NAMES)
    [row] = sheet.legs
    assert (row.giver, row.receiver) == (CENTRE, "Sở Tư pháp tỉnh Ninh Bình")
    assert row.result is LegResult.ON_TIME
    assert row.note == "Số của bên nhận: STP-77"
    assert row.received_at == datetime(2026, 11, 24, 1, 16, 40, tzinfo=UTC)
    assert row.given_by is not None
    assert row.received_by is not None
    assert row.given_by.signer == "Trần Văn Ví Dụ"
    assert row.given_by.certificate.startswith("Chứng thư của tt-01 · cấp bởi Tổ chức chứng thực thử · số ")
    assert row.given_by.at == datetime(2026, 11, 24, 1, 15, 2, tzinfo=UTC)
    assert row.received_by.signer == "Sở Tư pháp tỉnh Ninh Bình"
    assert row.record_sha256 == handed.handoff.record_hash.hex()
    assert layout.content(sheet)["legs"][0]["given"] == "08 giờ 15 phút, ngày 24 tháng 11 năm 2026"


def test_the_files_inside_are_what_was_signed_and_its_signatures(handed: HandoffPaper) -> None:
    assert handed.receipt is not None
    files = {file.name: file.data for file in compose.control_sheet([handed], NAMES).attachments}
    assert files == {
        "hd_A.json": handed.handoff.record,
        "hd_A.p7s": handed.handoff.signatures[0],
        "hd_A.receipt.json": handed.receipt.record,
        "hd_A.receipt.p7s": handed.receipt.signatures[0],
    }


def test_a_reprint_is_the_same_paper_with_the_same_number(handed: HandoffPaper) -> None:
    once, again = compose.control_sheet([handed], NAMES), compose.control_sheet([handed], NAMES)
    assert once.number == f"{CODE}/PKS"
    assert render(once) == render(again)


def test_a_minute_lists_the_documents_with_their_hashes(handed: HandoffPaper) -> None:
    sheet = compose.minute(handed, NAMES)
    assert sheet.number == "01/BBGN"
    assert [(one.title, one.sha256) for one in sheet.documents] == [("Dự thảo Điều lệ của công ty luật", "9a" * 32)]
    assert sheet.giver.person == "Trần Văn Ví Dụ"
    assert render(sheet).startswith(b"%PDF-1.7")


def test_what_retention_took_away_or_somebody_rewrote_is_not_printed(handed: HandoffPaper) -> None:
    gone = replace(handed, handoff=replace(handed.handoff, record=None))
    with pytest.raises(InvalidState, match="expired"):
        compose.control_sheet([gone], NAMES)
    assert handed.handoff.record is not None
    bent = replace(
        handed, handoff=replace(handed.handoff, record=handed.handoff.record.replace(b"on_time", b"earlier"))
    )
    with pytest.raises(InvalidState, match="not the one that was signed"):
        compose.control_sheet([bent], NAMES)


def test_a_dossier_that_nobody_handed_over_has_no_form() -> None:
    with pytest.raises(NotFound):
        compose.control_sheet([], NAMES)
    with pytest.raises(NotFound):
        HandoffPaper.of("hd_B", [])
