"""What a department's accountant looks at before a month's table is taken: the seal, the form, and every sum again."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import rfc8785
from cryptography import x509
from cryptography.x509.oid import NameOID

from connectors.clock import now
from connectors.sandbox.cades import BadCadesSignature, signer_of
from schemas import strict
from schemas.settlement import FeeSum, HandedTable, SettlementTable

KINDS: Final = {"carried": "carried", "receipts": "receipt", "refunds": "refund", "adjustments": "adjustment"}
"""sum of a fee = kind of the lines that it adds up"""


class TableRefused(Exception):
    """The department does not take the table; the text says why, in its words."""


class TableReader:
    """Reads tables for one department. ``issuer`` certifies the Centre's seal, whose name begins with ``seal``."""

    def __init__(self, department: str, issuer: x509.Certificate, seal: str) -> None:
        self._department = department
        self._issuer = issuer
        self._seal = seal

    def read(self, handed: HandedTable) -> tuple[SettlementTable, str]:
        """The table and the SHA-256 of its bytes. Raises TableRefused."""
        data = base64.b64decode(handed.table)
        self._check_seal(data, base64.b64decode(handed.signature))
        try:
            table = strict.read(SettlementTable, data)
        except strict.Refused as refused:
            raise TableRefused(f"bảng không đọc được: {refused.faults[0].pointer} {refused.faults[0].code}") from None
        if rfc8785.dumps(json.loads(data)) != data:
            raise TableRefused("bảng không ở dạng JSON chính tắc")
        if table.department != self._department:
            raise TableRefused("bảng của cơ quan khác")
        found = next(wrong_sums(table), None)
        if found is not None:
            raise TableRefused(found)
        return table, hashlib.sha256(data).hexdigest()

    def _check_seal(self, data: bytes, signature: bytes) -> None:
        try:
            certificate = signer_of(data, signature, self._issuer, now())
        except BadCadesSignature as error:
            raise TableRefused(f"chữ ký của Trung tâm không đúng: {error}") from None
        names = [str(found.value) for found in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        if not any(name.startswith(self._seal) for name in names):
            raise TableRefused("người ký không phải Trung tâm")


def wrong_sums(table: SettlementTable) -> Iterator[str]:
    """What does not add up, a sentence each."""
    if [line.number for line in table.lines] != list(range(1, len(table.lines) + 1)):
        yield "các dòng không được đánh số liên tục từ 1"
    fees = {fee.fee_code: fee for fee in table.fees}
    strays = sorted({line.fee_code for line in table.lines} - fees.keys())
    if len(fees) < len(table.fees) or strays:
        yield f"khoản thu lặp lại hoặc không có trong phần tổng hợp: {', '.join(strays)}"
    sums: Counter[tuple[str, str]] = Counter()
    for line in table.lines:
        sums[line.fee_code, line.kind] += line.amount
    for fee in table.fees:
        yield from _of_fee(fee, sums)
    for name in ("receipts", "refunds", "adjustments", "retained", "net"):
        if getattr(table, name) != sum(getattr(fee, name) for fee in table.fees):
            yield f"tổng {name} không bằng tổng của các khoản thu"
    if table.opening != sum(fee.carried for fee in table.fees):
        yield "số chuyển từ bảng trước không bằng tổng của các khoản thu"


def _of_fee(fee: FeeSum, sums: Mapping[tuple[str, str], int]) -> Iterator[str]:
    for name, kind in KINDS.items():
        lines = sums.get((fee.fee_code, kind), 0)
        if getattr(fee, name) != lines:
            yield f"{fee.fee_code}: {name} ghi {getattr(fee, name)}, các dòng cộng lại {lines}"
    if fee.net != fee.carried + fee.receipts + fee.refunds + fee.adjustments - fee.retained:
        yield f"{fee.fee_code}: số phải chuyển không khớp"
    if fee.kind == "le_phi" and fee.retained:
        yield f"{fee.fee_code}: lệ phí không được giữ lại"
