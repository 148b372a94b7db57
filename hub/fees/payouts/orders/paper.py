"""What the bank is told by: a table for its internet banking, and a paper for those who sign. No bank's own door.

The columns are what every bank's form for many transfers asks for; the reference stands first in the content.
"""

import csv
import io
from collections.abc import Sequence
from typing import Final

from hub.clock import local
from hub.fees.payouts.orders.model import PaymentOrder
from schemas.amount_in_words import in_words
from schemas.figures import grouped

COLUMNS: Final = (
    "STT",
    "Tài khoản chi",
    "Tài khoản thụ hưởng",
    "Tên người thụ hưởng",
    "Mã ngân hàng (BIN)",
    "Số tiền",
    "Nội dung",
)
PURPOSES: Final = {"refund": "Hoàn trả phí, lệ phí", "remittance": "Chuyển phí, lệ phí cho cơ quan"}
MARK: Final = "\ufeff"
"""without it spreadsheets take UTF-8 for something else"""


def table(orders: Sequence[PaymentOrder]) -> bytes:
    """The orders as CSV (UTF-8 with its mark, lines ended by CR LF): the same orders are the same bytes."""
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(COLUMNS)
    for number, order in enumerate(orders, start=1):
        payee = order.payee
        rows.writerow([number, order.account, payee.account, payee.holder, payee.bank_bin, order.amount, order.content])
    return (MARK + written.getvalue()).encode()


def printed(order: PaymentOrder) -> str:
    """One order, for the file and for the signatures."""
    payee = order.payee
    rows = (
        ("Số lệnh", order.id),
        ("Mục đích", PURPOSES[order.purpose]),
        ("Cho", order.subject_id),
        ("Trích tài khoản", order.account),
        ("Người thụ hưởng", payee.holder),
        ("Tài khoản thụ hưởng", payee.account),
        ("Ngân hàng (BIN)", payee.bank_bin),
        ("Số tiền", f"{grouped(order.amount)} đồng"),
        ("Bằng chữ", in_words(order.amount)),
        ("Nội dung", order.content),
        ("Lý do", order.reason),
        ("Người lập", f"{order.maker}, {local(order.requested_at):%d/%m/%Y %H:%M}"),
        ("Người duyệt", _by(order)),
    )
    width = max(len(label) for label, _ in rows)
    return "\n".join(["LỆNH CHI", "", *(f"{label:<{width}}  {value}" for label, value in rows), ""])


def _by(order: PaymentOrder) -> str:
    if order.checker is None or order.approved_at is None:
        return "chưa duyệt"
    return f"{order.checker}, {local(order.approved_at):%d/%m/%Y %H:%M}"
