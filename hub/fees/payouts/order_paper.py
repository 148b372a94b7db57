"""Payment orders as files: a CSV for the bank's internet banking, and a form to be signed. No API of a bank is called.

The columns are what every bank's form for many transfers asks for; the reference stands first in the content.
"""

import csv
import io
from collections.abc import Sequence
from typing import Final

from hub.clock import local
from hub.fees.payouts.orders import PaymentOrder
from hub.locale import vi
from schemas.amount_in_words import in_words
from schemas.figures import grouped

COLUMNS: Final = (
    "STT",
    vi("Paying account"),
    vi("Beneficiary's account"),
    vi("Name of the beneficiary"),
    vi("Bank code (BIN)"),
    vi("Amount"),
    vi("Text"),
)
PURPOSES: Final = {
    "refund": vi("Refund of fees and charges"),
    "remittance": vi("Remittance of fees and charges to the agency"),
}
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
        (vi("Payment order number"), order.id),
        (vi("Purpose"), PURPOSES[order.purpose]),
        (vi("For"), order.subject_id),
        (vi("Debit account"), order.account),
        (vi("Beneficiary"), payee.holder),
        (vi("Beneficiary's account"), payee.account),
        (vi("Bank (BIN)"), payee.bank_bin),
        (vi("Amount"), vi("{amount} dong", amount=grouped(order.amount))),
        (vi("In words"), in_words(order.amount)),
        (vi("Text"), order.content),
        (vi("Reason"), order.reason),
        (vi("Made by"), f"{order.maker}, {local(order.requested_at):%d/%m/%Y %H:%M}"),
        (vi("Approved by"), _by(order)),
    )
    width = max(len(label) for label, _ in rows)
    return "\n".join([vi("PAYMENT ORDER"), "", *(f"{label:<{width}}  {value}" for label, value in rows), ""])


def _by(order: PaymentOrder) -> str:
    if order.checker is None or order.approved_at is None:
        return vi("not approved yet")
    return f"{order.checker}, {local(order.approved_at):%d/%m/%Y %H:%M}"
