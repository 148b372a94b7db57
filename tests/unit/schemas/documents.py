"""Submissions for the tests of this folder: good ones, and good ones with one thing changed."""

import base64
import hashlib
import json
from typing import Any

from tests.builders import a_submission

Document = dict[str, Any]


def sent(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def a_full_submission() -> Document:
    """A good one in which every field is given."""
    address = {"province": "Ninh Bình", "commune": "Phường Mẫu", "detail": "Số 2 đường Ví Dụ"}
    return a_submission(
        dossier_code="H42.16-261124-0001",
        fees=[{"code": "le-phi", "kind": "le_phi", "amount": 150_000}],
        result={"method": "post", "address": address},
    )


def changed(pointer: str, value: Any) -> Document:
    """A good submission with ``value`` at ``pointer``, whatever stood there."""
    document = a_full_submission()
    *way, last = pointer.split("/")[1:]
    part: Any = document
    for step in way:
        part = part[int(step) if isinstance(part, list) else step]
    part[last] = value
    return document


def inline(data: bytes, **changes: Any) -> Document:
    """A good submission whose paper travels inside it, with ``changes`` to that paper."""
    paper = {
        "code": "TP-01",
        "name": "Đơn đề nghị",
        "media_type": "application/pdf",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "content": base64.b64encode(data).decode(),
    }
    return a_submission(papers=[paper | changes])
