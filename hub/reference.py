"""The pages of docs/reference that follow from tables in the code: ``python -m hub.reference`` writes them."""

from pathlib import Path
from typing import Final

from connectors.errors import ConnectorCode as PartnerCode
from hub.codes import HubCode
from hub.consignments import model as consignments
from hub.dossiers import store as dossiers
from hub.fees.demands import model as fees
from hub.fees.payouts import chargebacks, orders
from hub.fees.reconciliation.statements import model as statements
from hub.fees.resolutions import table as exceptions
from hub.fees.settlements import store as settlements
from hub.handoffs import store as handoffs
from hub.locale import vi

FOLDER: Final = Path(__file__).parents[1] / "docs" / "reference"


def pages() -> dict[str, str]:
    """File name → content, of every generated page."""
    return {"errors.md": _errors(), "lifecycles.md": _lifecycles(), "exceptions.md": exceptions.page()}


def _errors() -> str:
    lines = [
        "# Error codes · Mã lỗi",
        "",
        "Generated from `connectors/errors.py` and `hub/codes.py`. The code is the contract; its words may change.",
        "",
        "| code | meaning, and what to do | ý nghĩa và việc cần làm |",
        "| --- | --- | --- |",
        *(f"| `{code}` | {code.en} | {vi(code.en)} |" for code in [*PartnerCode, *HubCode]),
    ]
    return "\n".join(lines) + "\n"


def _lifecycles() -> str:
    statuses = [
        "| status | national code | tên | submission state |",
        "| --- | --- | --- | --- |",
        *(f"| `{s}` | {s.national_code} | {s.label} | {s.submission_state} |" for s in dossiers.DossierStatus),
    ]
    return "\n".join(
        [
            "# Lifecycles · Vòng đời",
            "",
            "Generated from the `model.py` of `hub/dossiers`, `hub/handoffs`, `hub/consignments` and `hub/fees`.",
            "",
            "## Dossier · Hồ sơ",
            "",
            *statuses,
            "",
            "```mermaid",
            dossiers.LIFECYCLE.to_mermaid(),
            "```",
            "",
            "## Handoff · Bàn giao",
            "",
            "```mermaid",
            handoffs.LIFECYCLE.to_mermaid(),
            "```",
            "",
            "## Consignment · Bưu gửi",
            "",
            "A status follows from everything that was said of it, in the order in which it happened (decision 0014):",
            "whatever the lifecycle does not have moves nothing.",
            "",
            "| status | tên | may be followed by |",
            "| --- | --- | --- |",
            *(
                f"| `{status}` | {status.label} | {_listed(following)} |"
                for status, following in consignments.LIFECYCLE.moves.items()
            ),
            "",
            *_fee_demand(),
            *_statement_file(),
            *_paid_out(),
            *_settlement(),
        ]
    )


def _fee_demand() -> list[str]:
    return [
        "## Fee demand · Yêu cầu nộp phí, lệ phí",
        "",
        "A status follows from what is due, waived, allocated and confirmed (decision 0016). The portal sees",
        "`paid_unconfirmed`, `paid` and `settled` as `paid`.",
        "",
        "| status | tên |",
        "| --- | --- |",
        *(f"| `{status}` | {status.label} |" for status in fees.DemandStatusCode),
        "",
        "```mermaid",
        fees.LIFECYCLE.to_mermaid(),
        "```",
        "",
    ]


def _statement_file() -> list[str]:
    return [
        "## Statement file · Tệp sao kê",
        "",
        "Received and parsed are passed through in one go; out of quarantine leads only what two persons say.",
        "",
        "```mermaid",
        statements.LIFECYCLE.to_mermaid(),
        "```",
        "",
    ]


def _settlement() -> list[str]:
    return [
        "## Settlement · Bảng tháng của cơ quan",
        "",
        "| state | tên |",
        "| --- | --- |",
        *(f"| `{state}` | {state.label} |" for state in settlements.SettlementState),
        "",
        "```mermaid",
        settlements.LIFECYCLE.to_mermaid(),
        "```",
        "",
    ]


def _paid_out() -> list[str]:
    return [
        "## Payment order · Lệnh chi",
        "",
        "A refund stands as its last order does; what failed is ordered again under another reference (decision 0020).",
        "",
        "```mermaid",
        orders.LIFECYCLE.to_mermaid(),
        "```",
        "",
        "## Chargeback · Tra soát",
        "",
        "```mermaid",
        chargebacks.LIFECYCLE.to_mermaid(),
        "```",
        "",
    ]


def _listed(following: frozenset[consignments.ConsignmentStatus]) -> str:
    return (
        ", ".join(f"`{status}`" for status in consignments.ConsignmentStatus if status in following)
        or "nothing: it ends here"
    )


if __name__ == "__main__":
    for name, content in pages().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
