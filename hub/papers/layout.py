"""Convert a form into the strings of its typst template: words and numbers are formatted here, templates place them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from hub.clock import local
from hub.papers.forms import (
    Attachment,
    ControlSheet,
    ControlSheetRow,
    FeeTable,
    Form,
    Manifest,
    MinuteDocument,
    MinuteForm,
    Signature,
    Slip,
)
from schemas.figures import grouped

_SINCE_CIRCULAR_3: Final = datetime.fromisoformat("2025-07-01T00:00:00+07:00")
"""a dossier keeps the forms in force when it was received"""
_JOINT_COUNT: Final = {
    True: "đầy đủ theo danh mục",
    False: "chưa đầy đủ theo danh mục",
    None: "□ đầy đủ    □ chưa đầy đủ theo danh mục",
}


def template(form: Form) -> str:
    """File name of the form's template."""
    names: dict[type[Form], str] = {
        ControlSheet: "control-sheet.typ",
        MinuteForm: "minute.typ",
        Slip: "slip.typ",
        Manifest: "manifest.typ",
        FeeTable: "fee-table.typ",
    }
    return names[type(form)]


def is_across(form: Form) -> bool:
    """Whether the form is in landscape format."""
    return isinstance(form, FeeTable)


def content(form: Form) -> dict[str, Any]:
    """Input of the template: all printed values, and the files to embed."""
    match form:
        case ControlSheet():
            own = _control_sheet(form)
        case MinuteForm():
            own = _minute(form)
        case Slip():
            own = _slip(form)
        case Manifest():
            own = _manifest(form)
        case FeeTable():
            own = _fee_table(form)
    return {
        "number": form.number,
        "day": day(form.at),
        "office": {"name": form.office.name, "superior": form.office.superior, "place": form.office.place},
        "attachments": [_attachment(file) for file in form.attachments],
        **own,
    }


def _control_sheet(form: ControlSheet) -> dict[str, Any]:
    old = form.received_at < _SINCE_CIRCULAR_3
    return {
        "title": "Phiếu kiểm soát quá trình giải quyết hồ sơ",
        "form": "Mẫu số 05, Thông tư 01/2018/TT-VPCP" if old else "Mẫu số 06, Thông tư 03/2025/TT-VPCP",
        "foot": f"{form.dossier_code} · Bản ghi có chữ ký số của từng lượt được đính kèm trong tệp này.",
        "dossier_code": form.dossier_code,
        "procedure": form.procedure,
        "deciding": form.deciding,
        "received": hour_and_day(form.received_at),
        "due": hour_and_day(form.due_at),
        "legs": [_leg(leg) for leg in form.legs],
    }


def _leg(leg: ControlSheetRow) -> dict[str, Any]:
    return {
        "number": leg.number,
        "handoff_id": leg.handoff_id,
        "giver": leg.giver,
        "receiver": leg.receiver,
        "given": hour_and_day(leg.given_at),
        "received": "" if leg.received_at is None else hour_and_day(leg.received_at),
        "result": "" if leg.result is None else leg.result.label,
        "note": leg.note,
        "given_by": _signature(leg.given_by),
        "received_by": _signature(leg.received_by),
        "record_sha256": groups_of_eight(leg.record_sha256),
    }


def _minute(form: MinuteForm) -> dict[str, Any]:
    return {
        "title": "Biên bản giao nhận hồ sơ",
        "basis": "Căn cứ Quyết định số 45/2016/QĐ-TTg ngày 19 tháng 10 năm 2016 của Thủ tướng Chính phủ;",
        "foot": f"{form.dossier_code} · Biên bản giao nhận số {form.number}",
        "moment": hour_and_day(form.at),
        "handoff_id": form.handoff_id,
        "dossier_code": form.dossier_code,
        "procedure": form.procedure,
        "giver": {"office": form.giver.office, "person": form.giver.person, "post": form.giver.post},
        "receiver": {"office": form.receiver.office, "person": form.receiver.person, "post": form.receiver.post},
        "documents": _documents(form.documents),
        "complete": _JOINT_COUNT[form.complete],
        "slip_number": form.slip_number,
        "seal_number": form.seal_number,
        "note": form.note,
        "given_by": _signature(form.given_by),
        "received_by": _signature(form.received_by),
        "record_sha256": groups_of_eight(form.record_sha256),
    }


def _slip(form: Slip) -> dict[str, Any]:
    return {
        "title": "Phiếu gửi hồ sơ",
        "foot": f"Phiếu gửi số {form.number} · {form.item_code}",
        "operator": form.operator,
        "item_code": form.item_code,
        "seal_number": form.seal_number,
        "service": form.service,
        "sender": {"name": form.sender.name, "address": form.sender.address, "phone": form.sender.phone},
        "receiver": {"name": form.receiver.name, "address": form.receiver.address, "phone": form.receiver.phone},
        "dossier_code": form.dossier_code,
        "procedure": form.procedure,
        "documents": _documents(form.documents),
        "term": form.term,
        "price": "theo bảng giá của doanh nghiệp" if form.price is None else money(form.price),
        "collect": money(form.collect) if form.collect else "không",
    }


def _manifest(form: Manifest) -> dict[str, Any]:
    return {
        "title": "Bảng kê bưu gửi",
        "foot": f"Bảng kê số {form.number} · Túi {form.bag_number}",
        "operator": form.operator,
        "direction": form.direction,
        "bag_number": form.bag_number,
        "seal_number": form.seal_number,
        "items": [
            {
                "item_code": item.item_code,
                "order_number": item.order_number,
                "receiver": {
                    "name": item.receiver.name,
                    "address": item.receiver.address,
                    "phone": item.receiver.phone,
                },
                "weight": str(item.weight) if item.weight else "",
                "collect": money(item.collect) if item.collect else "",
                "note": item.note,
            }
            for item in form.items
        ],
        "weight": str(sum(item.weight for item in form.items)),
        "collect": money(sum(item.collect for item in form.items)),
    }


def _fee_table(form: FeeTable) -> dict[str, Any]:
    columns = ("carried", "receipts", "refunds", "adjustments", "retained", "net")
    return {
        "title": "Bảng tổng hợp thu phí, lệ phí",
        "foot": f"Bảng số {form.number} · SHA-256 {form.sha256[:16]}… · Bảng có chữ ký số được đính kèm trong tệp này.",
        "department": form.department,
        "month": form.month,
        "rows": [
            {
                "code": row.code,
                "title": row.title,
                "kind": row.kind,
                "count": amount(row.count),
                "sums": [amount(getattr(row, column)) for column in columns],
            }
            for row in form.rows
        ],
        "count": amount(sum(row.count for row in form.rows)),
        "sums": [amount(sum(getattr(row, column) for row in form.rows)) for column in columns],
        "net": money(sum(row.net for row in form.rows)),
        "in_words": form.in_words,
        "rule": form.rule,
        "receipts": list(form.receipts),
        "open_exceptions": [
            {"code": one.code, "title": one.title, "count": str(one.count), "at_risk": money(one.at_risk)}
            for one in form.open_exceptions
        ],
        "lines": amount(form.lines),
        "sha256": groups_of_eight(form.sha256),
        "book": groups_of_eight(form.book),
        "last_entry": amount(form.last_entry),
    }


def _documents(documents: Sequence[MinuteDocument]) -> list[dict[str, Any]]:
    return [
        {
            "title": document.title,
            "kind": document.kind,
            "copies": document.copies,
            "sha256": groups_of_eight(document.sha256),
        }
        for document in documents
    ]


def _signature(signature: Signature | None) -> dict[str, str] | None:
    if signature is None:
        return None
    return {
        "signer": signature.signer,
        "certificate": signature.certificate,
        "at": signing_time(signature.at),
    }


def _attachment(file: Attachment) -> dict[str, Any]:
    return {
        "name": file.name,
        "media_type": file.media_type,
        "description": file.description,
        # ISO 19005-3 requires how a file relates to the page: a record is its data, a signature supplements it.
        "relationship": "data" if file.media_type in ("application/json", "application/zip") else "supplement",
        "data": list(file.data),
    }


_FEBRUARY: Final = 2


def day(moment: datetime) -> str:
    """ngày 05 tháng 01 năm 2026; days below ten and the first two months have a leading zero."""
    date = local(moment)
    month = f"{date.month:02}" if date.month <= _FEBRUARY else str(date.month)
    return f"ngày {date.day:02} tháng {month} năm {date.year}"


def hour_and_day(moment: datetime) -> str:
    """08 giờ 15 phút, ngày 24 tháng 11 năm 2026."""
    time = local(moment)
    return f"{time.hour:02} giờ {time.minute:02} phút, {day(moment)}"


def signing_time(moment: datetime) -> str:
    """24/11/2026 08:15:02 +07:00, as printed beside a digital signature."""
    time = local(moment)
    return f"{time:%d/%m/%Y %H:%M:%S} {time:%z}"[:-2] + ":" + f"{time:%z}"[-2:]


def amount(number: int) -> str:
    """1.250.000, with a minus sign if negative; a dash for zero."""
    return grouped(number).replace("-", "\u2212") if number else "–"


def money(amount: int) -> str:
    """1.250.000 ₫, with a no-break space."""
    return grouped(amount).replace("-", "\u2212") + "\u00a0₫"


def groups_of_eight(digest: str) -> str:
    """A hash or serial number in groups of eight digits, which can be compared by eye and wrapped between lines."""
    return " ".join(digest[start : start + 8] for start in range(0, len(digest), 8))
