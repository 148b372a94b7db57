"""The page docs/reference/sandbox.md, from the tables of behaviours: ``python -m connectors.sandbox.reference``."""

import sys
from collections.abc import Iterator

from connectors.sandbox.bank_behaviours import (
    ORDER_BEHAVIOURS,
    PAYOUT_BEHAVIOURS,
    STATEMENT_BEHAVIOURS,
    TRANSFER_BEHAVIOURS,
)
from connectors.sandbox.dossier_behaviours import BEHAVIOURS, MAGIC_PROCEDURES, ORDINARY, Countersigned
from connectors.sandbox.postal_behaviours import ORDINARY_PARCEL, POSTAL_BEHAVIOURS
from connectors.sandbox.receipt_behaviours import ORDINARY_RECEIPT, RECEIPT_BEHAVIOURS
from connectors.sandbox.trust_services import TRUST_BEHAVIOURS


def markdown() -> str:
    """The page docs/reference/sandbox.md."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield "# Magic dossiers of the sandbox"
    yield ""
    yield "<!-- Printed from connectors/sandbox/*behaviours.py by"
    yield "`python -m connectors.sandbox.reference`; a test compares. -->"
    yield ""
    yield "The last four digits of a dossier's code decide what a sandbox department does with it."
    yield "Where the hub issues the code, a procedure does the same:"
    yield f"every dossier of procedure `{MAGIC_PROCEDURES}9002` is refused."
    yield ""
    yield "Bốn chữ số cuối của mã số hồ sơ quyết định cách sở thử nghiệm xử lý hồ sơ đó."
    yield ""
    yield "| Suffix | Name | Transfer ends | Dossier ends | What happens | Diễn giải |"
    yield "|---|---|---|---|---|---|"
    for one in (*BEHAVIOURS, ORDINARY):
        shown = f"`{one.suffix}`" if one.suffix else "any other"
        yield (f"| {shown} | {one.name} | `{one.transfer}` | `{one.dossier}` | {one.english} | {one.vietnamese} |")
    yield ""
    yield "## What the department does"
    yield ""
    yield "| Suffix | When handed the dossier, it | Then it reports |"
    yield "|---|---|---|"
    for one in BEHAVIOURS:
        countersigned = "" if one.countersigned is Countersigned.RIGHT else f", {one.countersigned.value}"
        yield f"| `{one.suffix}` | {one.answer.value}{countersigned} | {one.telling.value} |"
    yield ""
    yield from _tables()
    yield ""
    yield from _parcels()
    yield ""
    yield from _receipts()
    yield ""
    yield from _banks()
    yield ""
    yield from _trust_services()


def _tables() -> Iterator[str]:
    yield "## A month's table of fees"
    yield ""
    yield "A sandbox department takes a table whose seal, form and sums hold, and refuses any other with the reason."
    yield 'One pace later it confirms it; with the setting `{"dispute_line": 3}` it disputes that line (the last, if'
    yield "there are fewer). It pushes its answer if it pushes statuses; if not, the answer lies beside its effect"
    yield "file, in `<counterparty>.answers/<settlement>.json`. `GET /_sandbox/tables` lists what it has."
    yield ""
    yield "Sở thử nghiệm nhận bảng có chữ ký và các số cộng khớp, sau một nhịp thì xác nhận; thiết lập `dispute_line`"
    yield "bảo nó không chấp nhận một dòng."


def _parcels() -> Iterator[str]:
    yield "## Magic parcels"
    yield ""
    yield "The same digits of the dossier code in an order's number decide what a sandbox postal operator does with it;"
    yield 'the setting `{"parcel_behaviour": "9103"}` forces one on every order. Events come one pace apart.'
    yield ""
    yield "Bốn chữ số cuối của mã số hồ sơ trong số yêu cầu quyết định cách bưu điện thử nghiệm xử lý bưu gửi."
    yield ""
    yield "| Suffix | Name | Transfer ends | Item ends | What happens | Diễn giải |"
    yield "|---|---|---|---|---|---|"
    for one in (*POSTAL_BEHAVIOURS, ORDINARY_PARCEL):
        shown = f"`{one.suffix}`" if one.suffix else "any other"
        ends = f"`{one.status.value}`" if one.status else "never on its way"
        yield f"| {shown} | {one.name} | `{one.transfer}` | {ends} | {one.english} | {one.vietnamese} |"
    yield ""
    yield "| Suffix | When something is ordered, the operator | Then it tells |"
    yield "|---|---|---|"
    for one in POSTAL_BEHAVIOURS:
        yield f"| `{one.suffix}` | {one.answer.value} | {one.journey.value} |"


def _receipts() -> Iterator[str]:
    yield "## Magic receipts"
    yield ""
    yield "The same digits decide what the sandbox issuer of receipts (`receipts.vnpt`) does with one."
    yield ""
    yield "Bốn chữ số cuối của mã số hồ sơ quyết định cách nơi phát hành thử nghiệm xử lý biên lai."
    yield ""
    yield "| Suffix | Name | Transfer ends | When it is asked to issue, it | What happens | Diễn giải |"
    yield "|---|---|---|---|---|---|"
    for one in (*RECEIPT_BEHAVIOURS, ORDINARY_RECEIPT):
        shown = f"`{one.suffix}`" if one.suffix else "any other"
        yield (f"| {shown} | {one.name} | `{one.transfer}` | {one.answer.value} | {one.english} | {one.vietnamese} |")


def _banks() -> Iterator[str]:
    yield "## Banks and gateways"
    yield ""
    yield "Every bank and gateway keeps its own book on the disk (`accounts/*.jsonl`, `bank.*.jsonl`), and does what it"
    yield "is told at its control API: `POST /_sandbox/transfers` with"
    yield '`{"amount": 150000, "reference": "HC000000000149", "behaviour": "lost"}` is somebody who pays.'
    yield "`GET /_sandbox/book`, `/paid` and `/told` show what it has."
    yield 'The setting `{"transfer_behaviour": "lost"}` forces a behaviour on every transfer, and'
    yield '`{"lose_notifications": true}` loses everything that would be told. "Exception" is what the hub opens.'
    yield ""
    yield "Mỗi ngân hàng, cổng thanh toán tự giữ sổ của mình và làm theo lệnh ở cửa điều khiển."
    yield ""
    yield "| Behaviour of a transfer | Booked | Told | Exception | What happens | Diễn giải |"
    yield "|---|---|---|---|---|---|"
    for paid in TRANSFER_BEHAVIOURS:
        booked, notices = paid.booked.value, paid.telling.value
        yield f"| `{paid.name}` | {booked} | {notices} | {paid.case} | {paid.english} | {paid.vietnamese} |"
    yield ""
    yield '`POST /_sandbox/statements` with `{"day": "2026-11-24", "format": "camt", "behaviour": "right"}` lays out'
    yield "what has been booked since the statement before, up to the end of that day (today, if none is said)."
    yield ""
    yield "| Behaviour of a statement | Exception | What happens | Diễn giải |"
    yield "|---|---|---|---|"
    for one in STATEMENT_BEHAVIOURS:
        yield f"| `{one.fault.value}` | {one.case} | {one.english} | {one.vietnamese} |"
    yield ""
    yield '`POST /_sandbox/reversals` takes a credit back (`{"ref": "FT…"}`). `POST /_sandbox/payouts` of a'
    yield 'gateway pays what it has collected into our account and answers with its report (`{"charge_bp": 50}`);'
    yield '`POST /_sandbox/orders` of a bank executes a payment order of ours (`{"reference": "LC…", "amount": 1000}`),'
    yield "each reference once."
    yield ""
    yield "| Of | Behaviour | Exception | What happens | Diễn giải |"
    yield "|---|---|---|---|---|"
    for what, behaviours in (("order", ORDER_BEHAVIOURS), ("payout", PAYOUT_BEHAVIOURS)):
        for order in behaviours:
            yield f"| {what} | `{order.name}` | {order.case} | {order.english} | {order.vietnamese} |"


def _trust_services() -> Iterator[str]:
    yield "## Trust services"
    yield ""
    yield "A time-stamping authority (`trust.tsa`) and a CA's revocation list (`trust.ca`), wrong when told so:"
    yield "`PATCH /_sandbox/` at the service's address with a setting. `POST /_sandbox/revoke` of the CA with"
    yield '`{"serial": "…"}`, a decimal number, revokes that certificate at once.'
    yield ""
    yield "| Counterparty | Setting | What happens | Diễn giải |"
    yield "|---|---|---|---|"
    for one in TRUST_BEHAVIOURS:
        yield f"| `{one.counterparty}` | `{one.setting}` | {one.english} | {one.vietnamese} |"


if __name__ == "__main__":
    sys.stdout.write(markdown())
