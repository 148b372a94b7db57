"""A month's table of fees as the Centre hands it over: invented sums that add up, and a seal over its bytes."""

import base64
from collections.abc import Sequence
from typing import Any

import rfc8785

from connectors.clock import now
from connectors.sandbox.counter_signing import detached
from connectors.trust.development_authority import DevelopmentAuthority, KeyPair
from schemas.identifiers import Prefix, new_id
from schemas.settlement import HandedTable

SEAL = "seal.trung-tam"
"""the name of the Centre's seal in tests/catalogue/signing.toml"""
LINES = (
    ("receipt", "phi-tham-dinh", 150_000),
    ("receipt", "phi-tham-dinh", 150_000),
    ("receipt", "le-phi-ho-tich", 8_000),
    ("refund", "phi-tham-dinh", -150_000),
    ("adjustment", "le-phi-ho-tich", -3_000),
    ("carried", "phi-tham-dinh", 20_000),
)
"""kind, fee, đồng"""
RETAINED = {"phi-tham-dinh": 15_000, "le-phi-ho-tich": 0}
NAMES = {"carried": "carried", "receipt": "receipts", "refund": "refunds", "adjustment": "adjustments"}


def a_table(department: str, lines: Sequence[tuple[str, str, int]] = LINES, **changes: Any) -> dict[str, Any]:
    """A SettlementTable of October 2026; ``changes`` stand in it as they are, whether they add up or not."""
    fees = [_fee(code, lines) for code in sorted({fee for _, fee, _ in lines})]
    return {
        "v": 1,
        "typ": "vn.hub.settlement",
        "settlement_id": new_id(Prefix.SETTLEMENT),
        "month": "2026-10",
        "department": department,
        "department_name": "Sở Thử nghiệm",
        "closed_at": "2026-11-02T03:00:00Z",
        "opening": sum(fee["carried"] for fee in fees),
        **{name: sum(fee[name] for fee in fees) for name in ("receipts", "refunds", "adjustments", "retained", "net")},
        "fees": fees,
        "lines": [_line(number, *line) for number, line in enumerate(lines, start=1)],
        "open_exceptions": [],
        "book": "ab" * 32,
        "last_entry": 100,
    } | changes


def handed(table: dict[str, Any], authority: DevelopmentAuthority, holder: KeyPair | None = None) -> HandedTable:
    """``table`` under the Centre's seal, or under another's."""
    data = rfc8785.dumps(table)
    signature = detached(data, holder or the_seal(authority), [authority.issuing.certificate], now())
    return HandedTable(table=base64.b64encode(data).decode(), signature=base64.b64encode(signature).decode())


def the_seal(authority: DevelopmentAuthority) -> KeyPair:
    """A seal of the Centre that the development authority has certified."""
    key = authority.seal("the-centre").key
    return KeyPair(key, authority.issue(f"{SEAL} (DEVELOPMENT)", key.public_key()))


def _fee(code: str, lines: Sequence[tuple[str, str, int]]) -> dict[str, Any]:
    sums = dict.fromkeys(NAMES.values(), 0)
    for kind, fee, amount in lines:
        sums[NAMES[kind]] += amount if fee == code else 0
    retained = RETAINED.get(code, 0)
    return {
        "fee_code": code,
        "kind": "le_phi" if code.startswith("le-phi") else "phi",
        "title": f"Khoản thu thử nghiệm {code}",
        "count": sum(kind == "receipt" and fee == code for kind, fee, _ in lines),
        **sums,
        "retained": retained,
        "net": sum(sums.values()) - retained,
        "issued": [],
    }


def _line(number: int, kind: str, fee: str, amount: int) -> dict[str, Any]:
    original = {"original": "2026-09/4"} if kind == "carried" else {}
    return {
        "number": number,
        "kind": kind,
        "day": "2026-10-05",
        "fee_code": fee,
        "amount": amount,
        "entry": number,
        "reference": f"HC{number:012d}",
        **original,
    }
